"""What Python's collector is told in a process of many accounts."""

import gc
from collections.abc import Iterator

import pytest
from callboard.actors.garbage_collection import THRESHOLDS, tune_garbage_collection


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_is_loaded_is_not_looked_at_again_and_garbage_still_goes() -> None:
    tune_garbage_collection()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == THRESHOLDS
    assert gc.isenabled()

    class Cycle:
        gone = False

        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            Cycle.gone = True

    Cycle()
    assert not Cycle.gone
    gc.collect()
    assert Cycle.gone

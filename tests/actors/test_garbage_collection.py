"""What Python's collector is told in a process of many accounts."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from callboard.actors.garbage_collection import THRESHOLDS, QuietLooks, tune_garbage_collection
from callboard.actors.messages.call import Hangup
from callboard.tests.actors.call.scene import Scene, connected
from callboard.tests.conftest import Run


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


@pytest.fixture
def looks() -> Iterator[list[int]]:
    """Which generations were looked at."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            found.append(info["generation"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def begin_twice(run: Run) -> None:
    async def main() -> None:
        for _ in range(2):
            QuietLooks.running().call_begins()
        await asyncio.sleep(2 * QuietLooks.AFTER)

    run(main, loop="virtual")


def test_calls_that_begin_together_have_one_look_once_they_are_set_up(
    run: Run, looks: list[int]
) -> None:
    gc.collect()
    tune_garbage_collection()
    looks.clear()
    begin_twice(run)
    assert looks == [0]
    for _ in range(THRESHOLDS[1]):
        gc.collect(0)
    looks.clear()
    begin_twice(run)
    assert looks == [1]


def test_what_python_may_look_at_whole_is_left_to_it(run: Run, looks: list[int]) -> None:
    gc.collect()
    tune_garbage_collection()
    for _ in range(THRESHOLDS[2] + 1):
        gc.collect(1)
    looks.clear()
    begin_twice(run)
    assert not looks


def test_a_process_that_was_not_tuned_looks_as_python_does(run: Run, looks: list[int]) -> None:
    gc.collect()
    looks.clear()
    gc.set_threshold(100_000)
    begin_twice(run)
    assert not looks


@pytest.mark.usefixtures("staged")
def test_a_call_has_no_look_while_it_is_set_up_and_one_afterwards(
    run: Run, looks: list[int]
) -> None:
    async def main() -> None:
        scene = Scene()
        gc.collect()
        looks.clear()
        await connected(scene)
        await scene.settle()
        assert not looks
        await asyncio.sleep(QuietLooks.AFTER)
        assert looks == [0]
        scene.call.tell(Hangup())
        await scene.end()

    tune_garbage_collection()
    run(main, loop="virtual")

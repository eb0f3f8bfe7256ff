"""Copied into Pykka's own test suite by test_pykka_contract.py: our actors as its runtime.

The suite is synchronous, so the loop runs in a thread of its own.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import uvloop
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.runtime.future import AsyncioFuture

FACTORIES: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(scope="session")
def runtime() -> Iterator[Any]:
    """Pykka's description of a runtime, from its tests/types.py."""
    from tests.types import Runtime  # type: ignore[import-not-found] # Pykka's, where this runs

    name = os.environ["CALLBOARD_LOOP"]
    loop = FACTORIES[name]()
    thread = threading.Thread(target=loop.run_forever, name="actors")
    thread.start()
    AsyncioActor.loop = loop
    yield Runtime(
        name=name,
        actor_class=AsyncioActor,
        event_class=threading.Event,
        future_class=AsyncioFuture,
        sleep_func=time.sleep,
    )
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def mocker() -> Iterator[SimpleNamespace]:
    """As much of pytest-mock as the suite uses."""
    with ExitStack() as stack:

        def patch_object(*args: Any, **kwargs: Any) -> Any:
            return stack.enter_context(mock.patch.object(*args, **kwargs))

        yield SimpleNamespace(
            MagicMock=mock.MagicMock,
            Mock=mock.Mock,
            NonCallableMock=mock.NonCallableMock,
            patch=SimpleNamespace(object=patch_object),
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about Pykka's own threads."""
    contract = [item for item in items if "runtime" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in contract])
    items[:] = contract

"""What the tests of actors share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from callboard.actors.call_libraries import call_libraries
from callboard.tests.actors.call.scene import Media
from callboard.tests.conftest import Run

Main = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def on_each_loop(request: pytest.FixtureRequest, run: Run) -> Callable[[Main], None]:
    """Run a test's main on asyncio's own loop, and in another test on uvloop's."""

    def on_each_loop(main: Main) -> None:
        run(main, loop=request.param)

    return on_each_loop


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls have the staged media."""
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Media)
    Media.hangs, Media.fails, Media.foresees = set(), set(), False


@pytest.fixture(scope="session", autouse=True)
def _libraries() -> None:
    """Import what calls need, so that no test begins with waiting for it."""
    asyncio.run(call_libraries())

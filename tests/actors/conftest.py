"""What the tests of the runtime share."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from callboard.tests.conftest import Run

Main = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def on_each_loop(request: pytest.FixtureRequest, run: Run) -> Callable[[Main], None]:
    """Run a test's main on asyncio's own loop, and in another test on uvloop's."""

    def on_each_loop(main: Main) -> None:
        run(main, loop=request.param)

    return on_each_loop

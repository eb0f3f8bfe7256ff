"""A page of a browser, whichever browser it is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

#: Seconds that a browser may take for anything it is told.
PATIENCE = 60.0


class BrowserError(Exception):
    """The browser, or a script in its page, failed."""


class Tab(Protocol):
    """One page of a browser."""

    async def open(self, url: str) -> None:
        """Load a page, and return when it has loaded."""

    async def look(self, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        """Take another size, in pixels, and another colour scheme."""

    async def key(self, name: str) -> None:
        """Press a key, as ``Tab`` or ``Shift+Enter``."""

    async def write(self, text: str) -> None:
        """Type a text, a key after the other."""

    async def point(self, x: float, y: float) -> None:
        """Move the mouse to a place, in pixels from the top left."""

    async def click(self) -> None:
        """Press the mouse's button, and let go of it."""

    async def picture(self, file: Path) -> None:
        """Keep what is seen as a PNG."""

    async def run(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; a promise is awaited."""


class Opens(Protocol):
    """A browser that runs."""

    def tab(self) -> AbstractAsyncContextManager[Tab]:
        """Open an empty page in a fresh profile, and close both at the end."""

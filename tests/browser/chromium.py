"""Headless Chromium, driven with Playwright.

Playwright and its connection to the browser live in a thread with a loop of their own: the browser
outlives the loops of single tests.
"""

import asyncio
import json
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from callboard.tests.browser.tab import PATIENCE, BrowserError
from playwright.async_api import Browser, Error, Page, async_playwright

T = TypeVar("T")

#: The program itself: the script that PATH has adds flags of the distribution's.
PROGRAMS = ("/usr/lib/chromium/chromium", "/usr/lib64/chromium-browser/chromium-browser")
UNWANTED = (
    "WebRtcHideLocalIpsWithMdns",
    "LocalNetworkAccessChecks",
    "LocalNetworkAccessChecksWebSockets",
    "LocalNetworkAccessChecksWebRTC",
    "SpareRendererForSitePerProcess",  # a process for a page that may be opened next
    # Two pages of the browser's own in each window, for what it proposes below its address bar.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
#: What Playwright does not say by itself.
FLAGS = (
    "--disable-gpu",
    # Nothing is looked up or fetched elsewhere: no name exists but our own.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-domain-reliability",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=" + ",".join(UNWANTED),
)


def find_chromium() -> str | None:
    """Return the program, None where there is none."""
    known = next((path for path in PROGRAMS if os.access(path, os.X_OK)), None)
    return known or shutil.which("chromium") or shutil.which("chromium-browser")


class ChromiumTab:
    """One page of the browser.

    Args:
        page: Playwright's.
        do: runs a coroutine of Playwright's.

    Attributes:
        told: called with what the page's script told, in its order.
    """

    def __init__(self, page: Page, do: "Do") -> None:
        self.told: Callable[[dict[str, Any]], None] = lambda _: None
        self._do = do
        self._page = page
        self._is_open = False
        self._mouse = (0.0, 0.0)

    async def open(self, url: str) -> None:
        """Load a page, and return when it has loaded."""
        loop = asyncio.get_running_loop()

        def tell(payload: str) -> None:
            loop.call_soon_threadsafe(lambda: self.told(json.loads(payload)))

        if not self._is_open:
            await self._do(self._page.expose_function("tell", tell))
            self._is_open = True
        await self._do(self._page.goto(url))

    async def look(self, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        """Take another size, in pixels, and another colour scheme."""
        await self._do(self._page.set_viewport_size({"width": width, "height": height}))
        await self._do(self._page.emulate_media(color_scheme=scheme))

    async def key(self, name: str) -> None:
        """Press a key, as ``Tab`` or ``Shift+Enter``."""
        await self._do(self._page.keyboard.press(name))

    async def write(self, text: str) -> None:
        """Type a text, a key after the other."""
        await self._do(self._page.keyboard.type(text))

    async def point(self, x: float, y: float) -> None:
        """Move the mouse to a place, in pixels from the top left."""
        self._mouse = (x, y)
        await self._do(self._page.mouse.move(x, y))

    async def click(self) -> None:
        """Press the mouse's button, and let go of it."""
        await self._do(self._page.mouse.click(*self._mouse))

    async def picture(self, file: Path) -> None:
        """Keep what is seen as a PNG."""
        found = await self._do(self._page.screenshot())
        await asyncio.to_thread(file.write_bytes, found)

    async def run(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; a promise is awaited."""
        try:
            return await self._do(self._page.evaluate(expression))
        except Error as error:
            raise BrowserError(f"{expression}: {error.message}") from None


class Do:
    """Runs what is Playwright's on Playwright's loop, from a test's.

    Args:
        loop: Playwright's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


class Chromium:
    """A browser that runs; see `chromium`. Each test has a profile of its own in it.

    Args:
        browser: Playwright's.
        do: runs a coroutine of Playwright's.
    """

    def __init__(self, browser: Browser, do: Do) -> None:
        self._browser = browser
        self._do = do

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[ChromiumTab]:
        """Open an empty page in a fresh profile, and close both at the end."""
        profile = await self._do(self._browser.new_context())
        try:
            yield ChromiumTab(await self._do(profile.new_page()), self._do)
        finally:
            await self._do(profile.close())


@contextmanager
def chromium(program: str) -> Iterator[Chromium]:
    """Run a browser; nothing of it is left at the end.

    Args:
        program: its path.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="playwright")
    thread.start()
    try:
        with _running(program, loop) as running:
            yield running
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _running(program: str, loop: asyncio.AbstractEventLoop) -> Iterator[Chromium]:
    def do(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE)

    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        private = {"HOME": folder, "TMPDIR": folder, "XDG_RUNTIME_DIR": folder}
        manager = async_playwright()
        playwright = do(manager.__aenter__())
        try:
            browser = do(
                playwright.chromium.launch(
                    executable_path=program,
                    args=FLAGS,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **private},
                )
            )
            try:
                yield Chromium(browser, Do(loop))
            finally:
                do(browser.close())
        finally:
            do(manager.__aexit__())

"""Headless Chromium, told what to do over a pipe (Chrome DevTools Protocol).

The protocol over a pipe (``--remote-debugging-pipe``) is JSON with a NUL after each message: it
needs no port, no package and no driver process, and Chromium ends by itself when the pipe is
closed, whatever ended us.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

#: The program itself: the script that PATH has adds flags of the distribution's.
PROGRAMS = ("/usr/lib/chromium/chromium", "/usr/lib64/chromium-browser/chromium-browser")
UNWANTED = (
    "WebRtcHideLocalIpsWithMdns",
    "LocalNetworkAccessChecks",
    "LocalNetworkAccessChecksWebSockets",
    "LocalNetworkAccessChecksWebRTC",
)
FLAGS = (
    "--remote-debugging-pipe",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=" + ",".join(UNWANTED),
)
#: Seconds that the browser may take for anything it is told.
PATIENCE = 20.0
#: Bytes of the longest message.
LIMIT = 16 * 1024 * 1024


class BrowserError(Exception):
    """The browser, or a script in its page, failed."""


def find_chromium() -> str | None:
    """Return the program, None where there is none."""
    known = next((path for path in PROGRAMS if os.access(path, os.X_OK)), None)
    return known or shutil.which("chromium") or shutil.which("chromium-browser")


class Tab:
    """One page of the browser.

    Args:
        send: sends a command of the protocol to it.
    """

    def __init__(self, send: Callable[..., Any]) -> None:
        self._send = send
        self.told: Callable[[dict[str, Any]], None] = lambda _: None
        self.loaded = asyncio.Event()

    async def open(self, url: str) -> None:
        """Load a page, and return when it has loaded."""
        await self._send("Page.enable")
        await self._send("Runtime.enable")
        await self._send("Runtime.addBinding", name="tell")
        self.loaded.clear()
        found = await self._send("Page.navigate", url=url)
        if "errorText" in found:
            raise BrowserError(f"{url}: {found['errorText']}")
        async with asyncio.timeout(PATIENCE):
            await self.loaded.wait()

    async def run(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; a promise is awaited."""
        found = await self._send(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            raise BrowserError(f"{expression}: {text}")
        return found["result"].get("value")

    def happened(self, event: str, details: dict[str, Any]) -> None:
        """Take an event of the protocol."""
        if event == "Page.loadEventFired":
            self.loaded.set()
        elif event == "Runtime.bindingCalled":
            self.told(json.loads(details["payload"]))


class Chromium:
    """A browser that runs; see `chromium`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Tab] = {}
        self.reader = asyncio.create_task(self._read())

    async def tab(self) -> Tab:
        """Open an empty page."""
        made = await self.send("Target.createTarget", url="about:blank")
        target = made["targetId"]
        attached = await self.send("Target.attachToTarget", targetId=target, flatten=True)
        session = attached["sessionId"]

        async def send(method: str, **parameters: Any) -> Any:
            return await self.send(method, session=session, **parameters)

        self._tabs[session] = Tab(send)
        return self._tabs[session]

    async def send(self, method: str, *, session: str | None = None, **parameters: Any) -> Any:
        """Send a command; return what it gives."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(PATIENCE):
            found = await answer
        if "error" in found:
            raise BrowserError(f"{method}: {found['error']['message']}")
        return found["result"]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await self._process.stdout.readuntil(b"\0"))[:-1])
                if "id" in message:
                    self._waiting.pop(message["id"]).set_result(message)
                elif message.get("sessionId") in self._tabs:
                    tab = self._tabs[message["sessionId"]]
                    tab.happened(message["method"], message["params"])
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BrowserError("the browser has ended"))


@asynccontextmanager
async def chromium(program: str, folder: Path) -> AsyncIterator[Chromium]:
    """Run a browser; nothing of it is left at the end.

    Args:
        program: the program's path.
        folder: where its profile and everything else that it writes goes.
    """
    private = {"HOME": str(folder), "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with (folder / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh"),
            *(program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **private},
            start_new_session=True,
            limit=LIMIT,
            cwd=folder,
        )
    browser = Chromium(process)
    try:
        yield browser
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await browser.reader

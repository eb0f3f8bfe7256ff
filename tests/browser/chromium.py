"""Headless Chromium, told what to do over a pipe (Chrome DevTools Protocol).

The protocol over a pipe (``--remote-debugging-pipe``) is JSON with a NUL after each message: it
needs no port, no package and no driver process, and Chromium ends by itself when the pipe is
closed, whatever ended us. The pipe is a pair of sockets, which can be written without blocking: a
write to a real pipe waits for as long as a reader that has been put aside holds the pipe's lock.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
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
    # Nothing is looked up or fetched elsewhere: no name exists but our own.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-domain-reliability",
    "--disable-default-apps",
    "--disable-component-extensions-with-background-pages",
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
PATIENCE = 60.0
#: Seconds that it may take to end.
END = 20.0


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
    """A browser that runs; see `chromium`. Each test has a profile of its own in it."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._numbers = count(1)
        self._buffer = bytearray()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Tab] = {}

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """Open an empty page in a fresh profile, and close both at the end."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipe.fileno(), self._read)
        try:
            profile = await self.send("Target.createBrowserContext")
            try:
                yield await self._attach(profile)
            finally:
                self._tabs.clear()
                await self.send("Target.disposeBrowserContext", **profile)
        finally:
            loop.remove_reader(self._pipe.fileno())
            self._waiting.clear()

    async def _attach(self, profile: dict[str, str]) -> Tab:
        target = await self.send("Target.createTarget", url="about:blank", **profile)
        attached = await self.send("Target.attachToTarget", flatten=True, **target)
        session = attached["sessionId"]

        async def send(method: str, **parameters: Any) -> Any:
            return await self.send(method, session=session, **parameters)

        self._tabs[session] = Tab(send)
        return self._tabs[session]

    async def send(self, method: str, *, session: str | None = None, **parameters: Any) -> Any:
        """Send a command; return what it gives."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        # Never in part: commands are shorter than what a socket holds.
        self._pipe.send(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(PATIENCE):
            found = await answer
        if "error" in found:
            raise BrowserError(f"{method}: {found['error']['message']}")
        return found["result"]

    def _read(self) -> None:
        read = self._pipe.recv(1 << 20)
        if not read:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(BrowserError("the browser has ended"))
        self._buffer += read
        while (end := self._buffer.find(0)) >= 0:
            self._take(json.loads(self._buffer[:end]))
            del self._buffer[: end + 1]

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._waiting.pop(message["id"], None)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif message.get("sessionId") in self._tabs:
            self._tabs[message["sessionId"]].happened(message["method"], message["params"])


@contextmanager
def chromium(program: str) -> Iterator[Chromium]:
    """Run a browser; nothing of it is left at the end.

    Args:
        program: its path.
    """
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        private = {"HOME": folder, "TMPDIR": folder, "XDG_RUNTIME_DIR": folder}
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                process = subprocess.Popen(
                    [
                        *("sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', "sh"),
                        *(program, *FLAGS, f"--user-data-dir={folder}/profile", "about:blank"),
                    ],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **private},
                    start_new_session=True,
                    cwd=folder,
                )
            try:
                yield Chromium(ours)
            finally:
                ours.shutdown(socket.SHUT_RDWR)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(END)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

"""Headless Firefox as the distribution has it, told what to do by WebDriver BiDi (W3C)."""

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from callboard.tests.browser.sound_card import sound_card
from callboard.tests.browser.tab import PATIENCE, BrowserError
from websockets.asyncio.client import ClientConnection, connect

#: Octets of the longest message: a picture of a page.
LONGEST = 64 * 2**20
#: The program itself, and not the script that PATH has.
PROGRAMS = ("/usr/lib/firefox-esr/firefox-esr", "/usr/lib/firefox/firefox")
#: What the fake microphone gives, in Hz.
BEEP = 700
#: What a profile has besides Firefox's own.
PREFERENCES: dict[str, str | int | bool] = {
    # Nothing is looked up or fetched elsewhere.
    "network.dns.disabled": True,
    "network.proxy.type": 0,
    "app.update.disabledForTesting": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.server": "",
    "services.settings.server": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "dom.ipc.processPrelaunch.enabled": False,  # a process for a page that may be opened next
    # Nor a plug-in for H.264.
    "media.gmp-provider.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    # Fake devices, which nobody has to allow.
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.navigator.audio.fake_frequency": BEEP,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.block-webaudio": False,
}
#: What keys with a name are in WebDriver (§17.4.2).
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Shift": "\ue008", "Escape": "\ue00c", "Space": " "}


def find_firefox() -> str | None:
    """Return the program, None where there is none."""
    known = next((path for path in PROGRAMS if os.access(path, os.X_OK)), None)
    return known or shutil.which("firefox-esr") or shutil.which("firefox")


class _Session:
    """A session of WebDriver BiDi.

    Args:
        socket: to the browser.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    async def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have a command done, and return its result."""
        self._number += 1
        wanted = {"id": self._number, "method": method, "params": parameters}
        async with asyncio.timeout(PATIENCE):
            await self._socket.send(json.dumps(wanted))
            while True:
                said: dict[str, Any] = json.loads(await self._socket.recv())
                if said.get("id") != self._number:
                    continue
                if said["type"] == "error":
                    raise BrowserError(f"{method}: {said['error']}: {said['message']}")
                result: dict[str, Any] = said["result"]
                return result


class FirefoxTab:
    """One page of the browser.

    Args:
        do: does a command.
        context: which page it is.
    """

    def __init__(self, do: _Session, context: str) -> None:
        self._do = do
        self._context = context

    async def open(self, url: str) -> None:
        """Load a page, and return when it has loaded."""
        await self._do("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def look(self, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        """Take another size, in pixels. The scheme is the profile's, and stays light."""
        assert scheme == "light"
        size = {"width": width, "height": height}
        await self._do("browsingContext.setViewport", context=self._context, viewport=size)

    async def key(self, name: str) -> None:
        """Press a key, as ``Tab`` or ``Shift+Enter``."""
        keys = [KEYS.get(one, one) for one in name.split("+")]
        down = [{"type": "keyDown", "value": one} for one in keys]
        up = [{"type": "keyUp", "value": one} for one in reversed(keys)]
        await self._act("key", [*down, *up])

    async def write(self, text: str) -> None:
        """Type a text, a key after the other."""
        keys = [{"type": kind, "value": one} for one in text for kind in ("keyDown", "keyUp")]
        await self._act("key", keys)

    async def point(self, x: float, y: float) -> None:
        """Move the mouse to a place, in pixels from the top left."""
        await self._act("pointer", [{"type": "pointerMove", "x": round(x), "y": round(y)}])

    async def click(self) -> None:
        """Press the mouse's button, and let go of it."""
        kinds = ("pointerDown", "pointerUp")
        await self._act("pointer", [{"type": kind, "button": 0} for kind in kinds])

    async def _act(self, device: str, actions: list[dict[str, Any]]) -> None:
        done = {"type": device, "id": device, "actions": actions}
        await self._do("input.performActions", context=self._context, actions=[done])

    async def picture(self, file: Path) -> None:
        """Keep what is seen as a PNG."""
        found = await self._do("browsingContext.captureScreenshot", context=self._context)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(found["data"]))

    async def run(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; a promise is awaited."""
        found = await self._do(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if found["type"] == "exception":
            raise BrowserError(f"{expression}: {found['exceptionDetails']['text']}")
        said = found["result"].get("value")
        return None if said is None else json.loads(said)


class Firefox:
    """A browser that runs; see `firefox`. Each test has a profile of its own in it.

    Args:
        port: where it takes its orders.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[FirefoxTab]:
        """Open an empty page in a fresh profile, and close both at the end."""
        url = f"ws://127.0.0.1:{self._port}/session"
        async with connect(url, max_size=LONGEST, compression=None, proxy=None) as socket:
            do = _Session(socket)
            await do("session.new", capabilities={})
            user = await do("browser.createUserContext")
            try:
                made = await do("browsingContext.create", type="tab", **user)
                yield FirefoxTab(do, made["context"])
            finally:
                await do("browser.removeUserContext", **user)
                await do("session.end")


@contextmanager
def firefox(program: str) -> Iterator[Firefox]:
    """Run a browser; nothing of it is left at the end.

    Args:
        program: its path.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        )
        profile = Path(folder, "profile")
        profile.mkdir()
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), "utf-8")
        private = dict.fromkeys(("HOME", "TMPDIR", "XDG_RUNTIME_DIR"), folder)
        environ = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **private}
        environ["PULSE_SERVER"] = stack.enter_context(sound_card(Path(folder), environ))
        process = subprocess.Popen(
            [program, "--headless", "--remote-debugging-port=0", "--profile", profile],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
            start_new_session=True,
        )
        try:
            yield Firefox(_port(process, profile / "WebDriverBiDiServer.json"))
        finally:
            process.terminate()
            process.wait(PATIENCE)
            with suppress(ProcessLookupError):  # what it has started ends a little later
                os.killpg(process.pid, signal.SIGKILL)


def _port(process: subprocess.Popen[bytes], said: Path) -> int:
    """Return where it takes its orders, once it has written that down."""
    end = time.monotonic() + PATIENCE
    while True:
        if process.poll() is not None:
            raise BrowserError(f"Firefox has ended with status {process.returncode}")
        try:
            return int(json.loads(said.read_text("utf-8"))["ws_port"])
        except (OSError, ValueError):
            if time.monotonic() > end:
                raise BrowserError("Firefox does not take orders") from None
            time.sleep(0.02)

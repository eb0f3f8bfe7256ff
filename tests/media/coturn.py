"""A TURN and STUN server for the tests: Debian's coturn on 127.0.0.1."""

import asyncio
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from callboard.media import IceServer

PROGRAM = shutil.which("turnserver", path="/usr/bin:/usr/local/bin:/usr/sbin:/opt/homebrew/bin")
needs_coturn = pytest.mark.skipif(
    PROGRAM is None,
    reason="STUN and TURN are not tested here: install coturn and run 'script/setup test' again.",
)

USER, PASSWORD = "callboard", "s3cret"
FIRST_RELAY, LAST_RELAY = 43600, 43699


class Coturn:
    """A running server."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    @property
    def stun(self) -> IceServer:
        """Its STUN face."""
        return IceServer(f"stun:127.0.0.1:{self.port}")

    def turn(self, transport: str = "udp", *, password: str = PASSWORD) -> IceServer:
        """Its TURN face."""
        return IceServer(f"turn:127.0.0.1:{self.port}?transport={transport}", USER, password)

    @property
    def service(self) -> dict[str, object]:
        """What an XMPP server tells of it (XEP-0215), as Prosody has it."""
        address = {"type": "turn", "host": "127.0.0.1", "port": self.port, "transport": "udp"}
        return {**address, "username": USER, "password": PASSWORD}


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[Coturn]:
    """Start a server, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert PROGRAM is not None
    log = folder / "turnserver.log"
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *(
            "-n",
            "--no-cli",
            "--verbose",
            "--no-tls",
            "--no-dtls",
            "--lt-cred-mech",
            "--realm=callboard.test",
        ),
        *(f"--user={USER}:{PASSWORD}", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"),
        *(f"--listening-port={port}", f"--min-port={FIRST_RELAY}", f"--max-port={LAST_RELAY}"),
        *("--allow-loopback-peers", f"--userdb={folder / 'turndb'}"),
        *(f"--pidfile={folder / 'turnserver.pid'}", f"--log-file={log}", "--simple-log"),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _listening(port, process)
        yield Coturn(port, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
        await process.wait()


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.02)
    raise RuntimeError(f"coturn ended with {process.returncode}")

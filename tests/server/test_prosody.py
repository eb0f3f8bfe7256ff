"""The embedded server, with real clients and real signals."""

import asyncio
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from slixmpp import ClientXMPP

from callboard.server import Prosody, ServerError, prosody as module

needs_prosody = pytest.mark.skipif(
    shutil.which("prosody", path=os.environ.get("PATH", "") + ":/usr/sbin") is None,
    reason="prosody is not installed",
)


@asynccontextmanager
async def client(
    server: Prosody, user: str, password: str, plugins: Iterable[str] = ()
) -> AsyncIterator[tuple[ClientXMPP, str]]:
    """A client that tries to log in, and what came of it."""
    context = ssl.create_default_context(cafile=server.certificate)
    xmpp = ClientXMPP(f"{user}@{server.host}", password, ssl_context=context)
    for plugin in plugins:
        xmpp.register_plugin(plugin)
    xmpp.enable_direct_tls = False
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def report(what: str) -> None:
        if not outcome.done():
            outcome.set_result(what)

    xmpp.add_event_handler("session_start", lambda _: report("session_start"))
    xmpp.add_event_handler("failed_all_auth", lambda _: report("failed_all_auth"))
    xmpp.add_event_handler("ssl_cert_error", lambda _: report("ssl_cert_error"))
    xmpp.connect(server.address, server.port)
    try:
        yield xmpp, await asyncio.wait_for(outcome, 10)
    finally:
        await xmpp.disconnect(wait=1)
        # slixmpp leaves this task behind.
        for task in asyncio.all_tasks():
            if getattr(task.get_coro(), "__name__", "") == "_run_out_filters":
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@needs_prosody
def test_a_client_logs_in_over_verified_starttls() -> None:
    async def main() -> None:
        async with (
            Prosody({"alice": "secret"}) as server,
            client(server, "alice", "secret") as (xmpp, outcome),
        ):
            assert outcome == "session_start"
            assert isinstance(xmpp.transport.get_extra_info("ssl_object"), ssl.SSLObject)
            assert xmpp.features >= {"starttls", "mechanisms", "bind"}

    asyncio.run(main())

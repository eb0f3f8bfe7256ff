"""A STUN or TURN server that the XMPP server tells of, and that is dead."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callboard.tests.cli.command import Running, running
from callboard.tests.cli.embedded import serving
from callboard.tests.harness.ports import asked

SERVER = "server: {{host: 127.0.0.1, port: {}, ca: {}}}\n"
PAIR = """\
media: {addresses: 127.0.0.1}
accounts:
  - {jid: desk@localhost/desk, password: s3, bot: echo}
  - {jid: alice@localhost, password: s3, bot: "twice:Twice"}
"""
TWICE = """\
import asyncio
from callboard.bots import Bot

class Twice(Bot):
    async def on_start(self):
        for word in ("first", "second"):
            while not (self.folder / word).exists():
                await asyncio.sleep(0.05)
            call = await self.call("desk@localhost/desk", audio="tone")
            await call.connected()
            await call.hangup()
"""
"""Calls once when it finds a file, and again when it finds another one."""
DESK = """\
drain: 0
media: {addresses: 127.0.0.1, relay: only}
accounts:
  - {jid: desk@localhost/desk, password: s3, bot: echo}
"""
ALICE = """\
drain: 0
media: {addresses: 127.0.0.1, services: false}
accounts:
  - jid: alice@localhost
    password: s3
    bot: caller
    options: {to: desk@localhost/desk, video: none, seconds: 60}
"""
ADVICE = ("relay", "TURN", "turn:", "media.", "did not answer", "services")
"""What nobody but the operator should read."""


@contextmanager
def dead_servers() -> Iterator[tuple[socket.socket, list[dict[str, Any]]]]:
    """Take everything that STUN and TURN clients send, and never answer."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        address = {"host": "127.0.0.1", "port": sock.getsockname()[1], "transport": "udp"}
        turn = {"type": "turn", **address, "username": "user", "password": "s3cret"}
        yield sock, [{"type": "stun", **address}, turn]


def deployment(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "twice.py").write_text(TWICE)
    file = folder / "accounts.yaml"
    file.write_text(text)
    return file


def online(run: Running, jid: str) -> None:
    """Return when an account is online."""
    run.until(lambda e: (e.get("jid"), e.get("state")) == (jid, "online"))


def recorded(run: Running, count: int) -> None:
    """Return when there are so many records."""
    run.until(lambda _: sum(e["event"] == "CallRecord" for e in run.events) == count)


def test_the_next_call_does_not_ask_again(tmp_path: Path) -> None:
    with (
        dead_servers() as (sock, services),
        serving({"desk": "s3", "alice": "s3"}, services) as where,
    ):
        file = deployment(tmp_path / "both", SERVER.format(*where) + PAIR)
        with running("run", file) as run:
            for jid in ("desk@localhost", "alice@localhost"):
                online(run, jid)
            came = []
            for number, word in enumerate(("first", "second"), 1):
                (file.parent / word).touch()
                recorded(run, 2 * number)
                came.append(asked(sock))
            assert run.stop() == 0
    assert came[0] > 0
    assert came[1] == 0
    ends = [event for event in run.events if event["event"] == "CallRecord"]
    assert [end["state"] for end in ends] == ["completed"] * 4


def test_only_the_operator_is_told(tmp_path: Path) -> None:
    with (
        dead_servers() as (sock, services),
        serving({"desk": "s3", "alice": "s3"}, services) as where,
    ):
        desk = deployment(tmp_path / "desk", SERVER.format(*where) + DESK)
        alice = deployment(tmp_path / "alice", SERVER.format(*where) + ALICE)
        port = sock.getsockname()[1]
        with running("run", desk) as called:
            called.until(lambda e: e.get("state") == "online")
            with running("run", alice) as calling:
                record = calling.until(lambda e: e["event"] == "CallRecord")
                assert calling.stop() == 0
            assert called.stop() == 0
    assert record["state"] == "failed"
    assert record["text"]
    assert not [word for word in ADVICE if word in record["text"]]
    said = [e["message"] for e in called.events if e["event"] == "Log" and e["level"] == "WARNING"]
    assert any("desk@localhost" in line and f"turn:127.0.0.1:{port}" in line for line in said)

"""A server that gets stuck, or goes, at any step of a login: each account comes back by itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from xml.etree.ElementTree import Element

import pytest
from callboard.actors import login_session
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.runtime.backoff import Backoff
from callboard.actors.xmpp import liveness, stream
from callboard.actors.xmpp.login import BIND, TLS
from callboard.actors.xmpp.stream_end import Remedy
from callboard.tests.conftest import Run
from callboard.tests.live.staged_server import (
    HEADER,
    ROSTER,
    Line,
    StagedServer,
    features,
    program,
)

STARTTLS = f"<starttls xmlns='{TLS}'><required/></starttls>"
PROCEED = f"<proceed xmlns='{TLS}'/>"
#: The first octets of a TLS record of 122 octets, the rest of which never comes.
PART_OF_TLS = b"\x16\x03\x03\x00\x7a\x02\x00"
#: The alert internal_error (RFC 8446 §6.2), in the clear.
ALERT = b"\x15\x03\x03\x00\x02\x02\x50"

#: What the server has heard when it gets stuck, in the order of a login.
BEFORE_TLS = ("connection", "header", "starttls", "client hello", "part of a hello")
IN_TLS = ("header in tls", "auth", "header after auth", "resume", "bind", "enable", "roster")


class Stuck(StagedServer):
    """Begins with STARTTLS, and gets stuck once at each step, each time on another connection.

    Args:
        folder: where its certificates go.
        then: what it does on a connection on which it is stuck.

    Attributes:
        steps: at which the next connections are to get stuck.
    """

    def __init__(self, folder: Path, then: Callable[[Line], None]) -> None:
        super().__init__(folder)
        self.steps: list[str] = []
        self._then = then
        self._due: dict[Line, str] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._stuck: set[Line] = set()

    def live(self) -> set[str]:
        """Return who has a session on which the server answers."""
        return {line.user for line in self.sessions if line not in self._stuck}

    def _certify(self) -> None:
        super()._certify()
        self._context, self.tls = self.tls, None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, trace)
        for each in self._serving:  # uvloop leaves who waits for TLS in the dark
            each.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        line = self._connected(writer)
        if self.steps:
            self._due[line] = self.steps.pop(0)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._begin(line, reader, writer)
            if line in self._stuck:
                while await reader.read(65536):
                    pass
            else:
                await self._talk(line, reader)
        writer.close()

    async def _begin(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take a connection as far as TLS, or until the server is stuck."""
        if self._is_stuck(line, "connection"):
            return
        await reader.readuntil(b">")
        if self._is_stuck(line, "header"):
            return
        line.say(HEADER + features(STARTTLS))
        await reader.readuntil(b"/>")
        if self._is_stuck(line, "starttls"):
            return
        line.say(PROCEED)
        if self._due.get(line) in BEFORE_TLS:
            await reader.read(1)
            if not self._is_stuck(line, "client hello"):
                writer.write(PART_OF_TLS)
                self._is_stuck(line, "part of a hello")
        else:
            assert self._context is not None
            await writer.start_tls(self._context)

    def _is_stuck(self, line: Line, step: str) -> bool:
        if self._due.get(line) == step:
            del self._due[line]
            self._stuck.add(line)
            self._then(line)
        return line in self._stuck

    def on_header(self, line: Line) -> None:
        step = "header after auth" if line.authenticated else "header in tls"
        if not self._is_stuck(line, step):
            super().on_header(line)

    def on_element(self, line: Line, element: Element) -> None:
        step = element.tag.rpartition("}")[2]
        for inner in element:
            step = {f"{{{BIND}}}bind": "bind", f"{{{ROSTER}}}query": "roster"}.get(inner.tag, step)
        if not self._is_stuck(line, step):
            super().on_element(line, element)


def keep_silent(_: Line) -> None:
    """Say nothing more, and keep the connection."""


def talk_nonsense(line: Line) -> None:
    line.say("\0<nonsense/" * 20)


def send_alert(line: Line) -> None:
    line._writer.write(ALERT)


@pytest.mark.parametrize("then", [keep_silent, Line.end, Line.cut, talk_nonsense, send_alert])
def test_each_account_comes_back_whatever_step_the_server_got_stuck_at(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Line], None]
) -> None:
    monkeypatch.setattr(login_session, "LOGIN_DEADLINE", 1.0)
    monkeypatch.setitem(login_session.BACKOFFS, Remedy.AGAIN, Backoff(base=0.01, cap=0.02))
    monkeypatch.setattr(stream, "CLOSE_DEADLINE", 0.1)
    monkeypatch.setattr(stream, "ASK_AFTER", 0.1)
    monkeypatch.setattr(liveness, "DEADLINE", 0.4)
    first, later = ([*BEFORE_TLS, *IN_TLS] for _ in range(2))
    first.remove("resume")
    names = {f"user{number}" for number in range(len(later))}

    async def main() -> None:
        async with (
            Stuck(tmp_path / "server", then) as server,
            program(server, tmp_path, [f"{n}@localhost" for n in names], tls="starttls") as stage,
        ):
            for steps in (first, later):
                server.steps = steps
                server.sessions.clear()
                server.cut()
                await server.until(
                    lambda: not server.steps and not server._due and server.live() == names
                )
            reports = stage.all(AccountChanged)
            assert not [one for one in reports if one.state == "failed"]

    run(main)

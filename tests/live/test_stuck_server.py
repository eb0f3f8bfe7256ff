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
HELLOS = ("client hello", "part of a hello")
BEFORE_TLS = ("connection", "header", "starttls", *HELLOS)
IN_TLS = ("header in tls", "auth", "header after auth", "resume", "bind", "enable", "roster")


class Stuck(StagedServer):
    """Begins with STARTTLS, and gets stuck once at each step, each time on another connection.

    The first connection that gets to a step is the one that is stuck there. None is meant for a
    step beforehand: a client on a busy machine may give it up before it gets there.

    Args:
        folder: where its certificates go.
        then: what it does on a connection on which it is stuck.

    Attributes:
        steps: at which it is still to get stuck.
    """

    def __init__(self, folder: Path, then: Callable[[Line], None]) -> None:
        super().__init__(folder)
        self.steps: list[str] = []
        self._then = then
        self._serving: set[asyncio.Task[None]] = set()
        self._stuck: set[Line] = set()

    def live(self) -> set[str]:
        """Return who has a session on which the server answers."""
        return {
            line.user
            for line in self.sessions
            if line not in self._stuck and not line._writer.is_closing()
        }

    async def until_back(self, names: set[str]) -> None:
        """Return when it has been stuck at each step, and everybody has a session all the same."""
        try:
            await self.until(lambda: not self.steps and self.live() == names)
        except TimeoutError:
            missing = sorted(names - self.live())
            pytest.fail(f"not back: {missing}; steps that nobody got to: {self.steps}")

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
        step = next((each for each in self.steps if each in HELLOS), None)
        if step is None:
            assert self._context is not None
            await writer.start_tls(self._context)
            return
        self.steps.remove(step)  # whose hello is read here can't begin with TLS any more
        try:
            await reader.readexactly(1)
        except (OSError, asyncio.IncompleteReadError):
            self.steps.insert(0, step)  # the client was gone before: it is for another one
            raise
        if step == "part of a hello":
            writer.write(PART_OF_TLS)
        self._get_stuck(line)

    def _is_stuck(self, line: Line, step: str) -> bool:
        if line not in self._stuck and step in self.steps and not line._writer.is_closing():
            self.steps.remove(step)
            self._get_stuck(line)
        return line in self._stuck

    def _get_stuck(self, line: Line) -> None:
        self._stuck.add(line)
        self._then(line)

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
                await server.until_back(names)
            reports = stage.all(AccountChanged)
            assert not [one for one in reports if one.state == "failed"]

    run(main)

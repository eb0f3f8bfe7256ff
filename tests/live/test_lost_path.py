"""A path to the server that goes: it is noticed in time, and nothing that was sent is lost."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path as FilePath
from typing import Any, cast
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.messages.account import Send, SendIq
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.xmpp import _slixmpp, liveness
from callboard.actors.xmpp import stream as module
from callboard.actors.xmpp.events import IqAnswered, StanzaReceived
from callboard.actors.xmpp.resumption import MAX_UNACKNOWLEDGED, SM
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots import Message
from callboard.tests.conftest import Run
from callboard.tests.live.asker import Asker
from callboard.tests.live.path import Path
from callboard.tests.live.stage import ALICE, BOB, Stage, staged
from callboard.tests.live.staged_server import Line, StagedServer, program, stream_error


@contextmanager
def quick(monkeypatch: pytest.MonkeyPatch, account: Any) -> Iterator[None]:
    """Have the death of an account's connection be noticed in half a second meanwhile.

    One that lives has the usual time: a busy machine may take longer to answer.
    """
    with monkeypatch.context() as patched:
        patched.setattr(module, "ASK_AFTER", 0.1)
        patched.setattr(module, "PING_AFTER", 0.1)
        patched.setattr(liveness, "DEADLINE", 0.4)
        account._session.stream._liveness.answered()  # what was sent before
        yield


def test_a_dead_connection_is_noticed_within_20_seconds() -> None:
    assert max(liveness.ASK_AFTER, liveness.PING_AFTER) + liveness.DEADLINE < 20


def message(body: str, to: str = BOB) -> Send:
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", "id": body})
    child = Element(f"{{{CLIENT}}}body")
    child.text = body
    stanza.append(child)
    return Send(stanza)


def query(to: str) -> SendIq:
    return SendIq(to, Element("{urn:xmpp:ping}ping"), "get", None, "")


SENT: dict[str, Any] = {
    "message": lambda: message("hello"),
    "iq": lambda: query(BOB + "/nowhere"),
    "presence": lambda: Send(Element(f"{{{CLIENT}}}presence", {"to": BOB})),
}


class Deaf(StagedServer):
    """Answers nothing any more when a session is there; the first time."""

    def on_element(self, line: Line, element: Element) -> None:
        if line not in self.sessions or len(self.sessions) > 1:
            super().on_element(line, element)


@pytest.mark.parametrize("managed", [True, False], ids=["0198", "ping"])
@pytest.mark.parametrize("what", SENT)
def test_the_first_stanza_that_is_not_heard_ends_a_dead_connection(
    run: Run, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, what: str, managed: bool
) -> None:
    async def main() -> None:
        async with (
            Deaf(tmp_path / "server", managed=managed) as server,
            program(server, tmp_path) as stage,
        ):
            await stage.online(ALICE)
            account = await stage.account(ALICE)
            with quick(monkeypatch, account):
                account.actor_ref.tell(SENT[what]())
                event = await stage.state(ALICE, "waiting")
            assert "the connection is dead" in event.detail
            assert "closed" not in event.detail
            await server.until(lambda: len(server.sessions) == 2)

    run(main)


def test_a_connection_on_which_nothing_is_sent_is_left_alone(run: Run, tmp_path: FilePath) -> None:
    async def main() -> None:
        async with StagedServer(tmp_path / "server") as server, program(server, tmp_path) as stage:
            await stage.online(ALICE)
            stream = (await stage.account(ALICE))._session.stream
            await server.until(lambda: not stream._liveness.is_waiting)
            assert not stream.resumption.unacknowledged

    run(main)


@pytest.mark.parametrize("back", [True, False], ids=["both ways", "one way"])
@pytest.mark.parametrize("resumed", [True, False], ids=["resumed", "anew"])
def test_messages_on_a_dead_path_arrive_once(
    run: Run, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, back: bool, resumed: bool
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [BOB], guests=["alice"]) as stage,
            Path(stage.prosody.address, stage.prosody.port) as path,
            _alice(stage, tmp_path / "alice", path) as alice,
        ):
            account = await alice.account(ALICE)
            path.stall(back=back)
            with quick(monkeypatch, account):
                for body in ("one", "two"):
                    account.actor_ref.tell(message(body))
                await alice.state(ALICE, "waiting")
            if not resumed:
                account._session.stream.resumption.id = "forgotten by the server"
            for body in ("one", "two"):
                await stage.told(BOB, Message, _is(body))
            account.actor_ref.tell(message("three"))
            await stage.told(BOB, Message, _is("three"))
            bodies = [t.what.body for t in _told(stage) if isinstance(t.what, Message)]
            assert bodies == ["one", "two", "three"]
            back_again = [e for e in alice.all(AccountChanged) if e.state == "online"][1]
            assert back_again.detail == ("resumed" if resumed else "")

    run(main)


def _is(body: str) -> Callable[[Message], bool]:
    return lambda message: message.body == body


def _told(stage: Stage) -> list[Any]:
    return [event for event in stage.events if type(event).__name__ == "Told"]


@asynccontextmanager
async def _alice(stage: Stage, folder: FilePath, path: Path) -> AsyncIterator[Stage]:
    class Behind(StagedServer):
        """A real Prosody behind the path."""

        def __init__(self) -> None:
            self.port, self.authority = path.port, stage.prosody.certificate

    async with program(Behind(), folder, tls="starttls") as alice:
        await alice.online(ALICE)
        yield alice


@pytest.mark.parametrize(
    ("resumed", "acknowledged"),
    [(True, True), (False, True), (False, False)],
    ids=["resumed", "anew", "anew-unacknowledged"],
)
def test_a_hangup_on_a_dead_path_arrives(
    run: Run, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, resumed: bool, acknowledged: bool
) -> None:
    if not acknowledged:  # the answer to Bob's is lost with her stream
        monkeypatch.setattr(_slixmpp, "LEISURE", 60.0)

    async def main() -> None:
        async with (
            staged(tmp_path, [BOB], guests=["alice"]) as stage,
            Path(stage.prosody.address, stage.prosody.port) as path,
            _alice(stage, tmp_path / "alice", path) as alice,
        ):
            stage.puppets |= alice.puppets
            out = await alice.puppets[ALICE].call(BOB, message=True, audio="tone")
            came = await stage.ringing(BOB)
            await came.answer()
            await out.connected()
            account = await alice.account(ALICE)
            path.stall(back=True)
            with quick(monkeypatch, account):
                await out.hangup()
                await alice.state(ALICE, "waiting")
            if not resumed:
                account._session.stream.resumption.id = "forgotten by the server"
            assert (await came.ended()).state == "completed"
            assert (await stage.record(BOB)).reason == "success"

    run(main)


class Forgetful(StagedServer):
    """Gives each session another resource, and acknowledges nothing in the first."""

    def on_acknowledge(self, line: Line) -> None:
        if len(self.sessions) > 1:
            super().on_acknowledge(line)

    def on_iq(self, line: Line, iq: Element) -> None:
        for resource in iq.iter("{urn:ietf:params:xml:ns:xmpp-bind}resource"):
            resource.text = f"number-{len(self.lines)}"
        if "to" not in iq.attrib:
            super().on_iq(line, iq)


def test_what_can_not_be_sent_again_is_told(
    run: Run, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with Forgetful(tmp_path / "server") as server, program(server, tmp_path) as stage:
            await stage.online(ALICE)
            account = await stage.account(ALICE)
            account.actor_ref.tell(message("hello"))
            asking = Asker.start()
            asker = cast("Asker", asking._actor_weakref())
            asker.ask(account.actor_ref, BOB + "/x", "lost")
            account._session.stream.transmit(Element(f"{{{CLIENT}}}presence", {"to": BOB}))
            await server.until(lambda: len(server.sessions[0].heard) and _said(server, 0, BOB) == 3)
            server.sessions[0].cut()
            await server.until(lambda: len(server.sessions) == 2)
            await server.until(lambda: _said(server, 1, BOB))
            await stage.account(ALICE)
            assert await asker.answers.get() == IqAnswered("lost", None)
            asking.stop(block=False)
            await asking.ended
            assert _said(server, 1, BOB) == 1  # the message
            assert server.sessions[0].jid != server.sessions[1].jid

    run(main)


def _said(server: StagedServer, number: int, to: str) -> int:
    return sum(one.get("to", "").startswith(to) for one in server.sessions[number].heard)


def test_what_is_kept_and_what_waits_is_bounded_and_the_rest_is_told(
    run: Run, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    monkeypatch.setattr(module, "ASK_AFTER", 0.1)

    class Slow(StagedServer):
        slow = False

        def on_acknowledge(self, line: Line) -> None:
            if not self.slow:
                super().on_acknowledge(line)

    async def main() -> None:
        async with Slow(tmp_path / "server") as server, program(server, tmp_path) as stage:
            await stage.online(ALICE)
            stream = (await stage.account(ALICE))._session.stream
            await server.until(lambda: not stream.resumption.unacknowledged)
            server.slow = True
            returned: list[Any] = []
            deliver, stream._deliver = stream._deliver, returned.append
            for number in range(MAX_UNACKNOWLEDGED + 15):
                stream.transmit(message(str(number)).stanza)
            assert len(stream.resumption.unacknowledged) == MAX_UNACKNOWLEDGED
            bounced = [e.stanza for e in returned if isinstance(e, StanzaReceived)]
            assert [one.get("id") for one in bounced] == [
                str(MAX_UNACKNOWLEDGED + 10 + number) for number in range(5)
            ]
            assert {(one.get("type"), one.get("from")) for one in bounced} == {("error", BOB)}
            stream._deliver = deliver
            server.slow = False
            await server.until(lambda: not stream._waiting and not stream.resumption.unacknowledged)
            assert _said(server, 0, BOB) == MAX_UNACKNOWLEDGED + 10

    run(main)


def test_more_acknowledged_than_was_sent_ends_the_stream(run: Run, tmp_path: FilePath) -> None:
    class Boastful(StagedServer):
        def on_acknowledge(self, line: Line) -> None:
            count = line.handled + (7 if len(self.sessions) == 1 else 0)
            line.say(f"<a xmlns='{SM}' h='{count}'/>")

    async def main() -> None:
        async with Boastful(tmp_path / "server") as server, program(server, tmp_path) as stage:
            event = await stage.state(ALICE, "waiting")
            assert "acknowledged" in event.detail
            await server.until(lambda: len(server.sessions) == 2)
            said = server.sessions[0].heard[-1]
            names = [child.tag.rpartition("}")[2] for child in said]
            assert names == ["undefined-condition", "handled-count-too-high"]
            counts = said[1].attrib
            assert int(counts["h"]) == int(counts["send-count"]) + 7

    run(main)


def test_an_account_that_has_stopped_tells_that_nothing_is_sent(
    run: Run, tmp_path: FilePath
) -> None:
    class Jealous(StagedServer):
        def on_session(self, line: Line) -> None:
            line.say(stream_error("conflict"))

    async def main() -> None:
        jid = f"{ALICE}/desk"
        async with Jealous(tmp_path / "server") as server, program(server, tmp_path, [jid]) as one:
            await one.state(ALICE, "failed")
            account = await one.account(ALICE)
            asking = Asker.start()
            asker = cast("Asker", asking._actor_weakref())
            asker.ask(account.actor_ref, BOB + "/x", "in vain")
            assert await asker.answers.get() == IqAnswered("in vain", None)
            assert account._session.stream._waiting == []
            asking.stop(block=False)
            await asking.ended

    run(main)

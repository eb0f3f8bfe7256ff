"""A call whose peer, media or disk stops: in each state it ends in time, with one record.

The clock is virtual and the media are staged, as no real peer stops in each of these places.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from callboard.actors.call.call import Call
from callboard.actors.call.negotiation import DEADLINE
from callboard.actors.call.state import ANSWERS, OVER, STAGES, CallEvent, CallState, diagram
from callboard.actors.context import Context, Endpoint
from callboard.actors.messages.account import PlaceCall
from callboard.actors.messages.call import (
    AddMedia,
    Answer,
    GetStatus,
    Hangup,
    JingleReceived,
    PeerProceeds,
    PeerRinging,
    RestartIce,
)
from callboard.actors.messages.conversation import CallEnded, SendJingle
from callboard.actors.records.call_record import CallRecord
from callboard.actors.runtime.actor import AsyncioActor
from callboard.config import AccountSettings
from callboard.jingle import Info, Initiated, Reason, Role, Session, to_jingle
from callboard.media import (
    ClockPattern,
    Closed,
    Connected,
    MediaClosedError,
    Network,
    ReceivePath,
    Silence,
)
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

OWN, PEER = "desk@localhost/bot", "alice@localhost/phone"
ANSWER = OFFER.replace("actpass", "active")
#: Seconds that nothing in a call may take but ringing and being connected.
LONGEST = 100.0


class Ear(AsyncioActor):
    """Notes what it is told."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        """Note it."""
        self._heard.append(message)


class Media:
    """A peer connection that does nothing, and hangs or fails where it is told to."""

    hangs: ClassVar[set[str]] = set()
    fails: ClassVar[set[str]] = set()
    last: ClassVar["Media"]

    def __init__(self, *, on_event: Any, **_: object) -> None:
        self.tell = on_event
        self.media = self.data = self
        type(self).last = self

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: True

    def freezes(self) -> list[tuple[float, float]]:
        """Nothing stood still."""
        return []

    def statistics(self) -> tuple[Any, ...]:
        """Count nothing."""
        if "statistics" in self.fails:
            raise RuntimeError("no counters")
        return ()

    async def _do(self, name: str, result: str = "") -> str:
        if name in self.hangs:
            await asyncio.get_running_loop().create_future()
        if name in self.fails:
            raise RuntimeError(f"{name} failed")
        return result

    async def offer(self, **_: Any) -> str:
        return await self._do("offer", OFFER)

    async def offer_more(self, **_: Any) -> str:
        return await self._do("offer_more", OFFER)

    async def answer(self, *_: Any, **__: Any) -> str:
        return await self._do("answer", ANSWER)

    async def accept(self, _: str) -> None:
        await self._do("accept")

    async def renew_ice(self) -> str:
        return await self._do("renew_ice", OFFER.replace("dead", "beef"))

    async def close(self) -> None:
        await self._do("close")


class Puppet(SimpleNamespace):
    """A bot that does nothing, or never comes back from a call."""

    name = "Puppet"
    stays = False

    def path_of(self, _: str) -> None:
        """The settings' own."""

    async def called(self, *_: Any) -> None:
        if self.stays:
            await asyncio.get_running_loop().create_future()

    async def media(self, *_: Any) -> None:
        """Nothing."""


@dataclass
class Scene:
    """One call, and what it told whom."""

    told: list[Any] = field(default_factory=list)
    logged: list[Any] = field(default_factory=list)
    ears: list[Any] = field(default_factory=list)
    bot: Puppet = field(default_factory=Puppet)
    call: Any = None

    @property
    def records(self) -> list[CallRecord]:
        return [one for one in self.logged if isinstance(one, CallRecord)]

    def begin(self, *, outgoing: bool, message: bool = True) -> None:
        """Start the call."""
        settings = AccountSettings.model_validate(
            {
                "jid": OWN,
                "password": "x",
                "bot": "silent",
                "calls": {"max_duration": "50s", "ring_timeout": "40s"},
            }
        )
        conversation, account, exchange, log = (
            Ear.start(heard) for heard in (self.told, [], [], self.logged)
        )
        self.ears = [conversation, account, exchange, log]
        context = Context(
            settings=settings,
            endpoint=Endpoint("127.0.0.1", 1, False, SSLContext(PROTOCOL_TLS_CLIENT)),
            network=Network(None, None, ()),
            use_services=False,
            path=ReceivePath.PACKETS,
            largest_picture=1,
            recordings=Path(),
            writer=Any,  # type: ignore[arg-type] # nothing is recorded
            exchange=exchange,
            log=log,
            bot=Any,  # type: ignore[arg-type] # made already
        )
        role = Role.INITIATOR if outgoing else Role.RESPONDER
        first, second = (OWN, PEER) if outgoing else (PEER, OWN)
        session = Session(role, "sid", initiator=first, responder=second)
        offer = None
        if not outgoing and not message:
            found = session.receive(self.jingle("session-initiate", OFFER, Role.INITIATOR))
            offer = next(one for one in found if isinstance(one, Initiated))
        order = PlaceCall(PEER, Silence(), None) if outgoing else None
        self.call = Call.start(
            context,
            conversation=conversation,
            bot=self.bot,
            session=session,
            peer=PEER,
            media=("audio",),
            message=message,
            network=context.network,
            last_word=self.told.append,
            offer=offer,
            order=order,
        )

    def last(self, action: str) -> Any:
        """Return the last stanza of an action that the call has asked to have sent."""
        sent = [one.jingle for one in self.told if isinstance(one, SendJingle)]
        return [jingle for jingle in sent if jingle.get("action") == action][-1]

    def said(self) -> list[str | None]:
        """Return the Jingle actions that the call has asked to have sent."""
        return [one.jingle.get("action") for one in self.told if isinstance(one, SendJingle)]

    @staticmethod
    def jingle(action: str, sdp: str, role: Role) -> Any:
        offer = None if role is Role.INITIATOR else OFFER
        return to_jingle(sdp, role=role, sid="sid", action=action, offer=offer)

    def hears(self, action: str, sdp: str, role: Role) -> None:
        """Let the peer send a stanza."""
        self.call.tell(JingleReceived(PEER, "iq", self.jingle(action, sdp, role)))

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def state(self) -> CallState | None:
        await self.settle()
        actor = self.call._actor_weakref()
        found: CallState | None = None if actor is None else actor._course.state
        return found

    async def end(self) -> float:
        """Wait until the call's actor is gone; return how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(LONGEST):
            await self.call.ended
        await self.settle()
        took = loop.time() - began
        for ear in self.ears:
            ear.stop(block=False)
            await ear.ended
        return took


async def calling(scene: Scene) -> None:
    scene.begin(outgoing=True)


async def calling_directly(scene: Scene) -> None:
    scene.begin(outgoing=True, message=False)


async def alerting(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerRinging(PEER))


async def alerting_directly(scene: Scene) -> None:
    scene.begin(outgoing=True, message=False)
    await scene.settle()
    ringing = Session(Role.RESPONDER, "sid", initiator=OWN, responder=PEER)
    ringing.receive(scene.last("session-initiate"))
    scene.call.tell(JingleReceived(PEER, "iq", ringing.info(Info.RINGING)))


async def describing(scene: Scene) -> None:
    Media.hangs = {"offer"}
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))


async def offered(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))


async def ringing(scene: Scene) -> None:
    scene.begin(outgoing=False)


async def awaiting(scene: Scene) -> None:
    scene.begin(outgoing=False)
    scene.call.tell(Answer(Silence(), None))


async def answering(scene: Scene) -> None:
    Media.hangs = {"answer"}
    scene.begin(outgoing=False, message=False)
    scene.call.tell(Answer(Silence(), None))


async def connecting(scene: Scene) -> None:
    scene.begin(outgoing=False, message=False)
    scene.call.tell(Answer(Silence(), None))


async def connecting_outwards(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))
    await scene.settle()
    scene.hears("session-accept", ANSWER, Role.RESPONDER)


async def connected(scene: Scene) -> None:
    await connecting(scene)
    await scene.settle()
    Media.last.tell(Connected(0.0))


async def leaving(scene: Scene) -> None:
    await connected(scene)
    Media.last.tell(Closed(by_peer=True))


async def closing(scene: Scene) -> None:
    await connected(scene)
    Media.hangs = {"close"}
    await scene.settle()
    scene.call.tell(Hangup())


async def ended(scene: Scene) -> None:
    scene.bot.stays = True
    await connected(scene)
    await scene.settle()
    scene.call.tell(Hangup())


WAYS: dict[CallState, list[Callable[[Scene], Awaitable[None]]]] = {
    CallState.NEW: [],  # no call is left there: see the bug at the beginning
    CallState.CALLING: [calling, calling_directly],
    CallState.ALERTING: [alerting, alerting_directly],
    CallState.DESCRIBING: [describing],
    CallState.OFFERED: [offered],
    CallState.RINGING: [ringing],
    CallState.AWAITING: [awaiting],
    CallState.ANSWERING: [answering],
    CallState.CONNECTING: [connecting, connecting_outwards],
    CallState.CONNECTED: [connected],
    CallState.LEAVING: [leaving],
    CallState.CLOSING: [closing],
    CallState.ENDED: [ended],
}
#: What the states say that are over already.
HUNG_UP = (Reason.SUCCESS, "")


@pytest.fixture(autouse=True)
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls have the staged media."""
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Media)
    Media.hangs, Media.fails = set(), set()


@pytest.mark.parametrize(
    ("state", "reach"), [(state, way) for state in CallState for way in WAYS[state]]
)
def test_in_no_state_does_a_call_wait_for_ever(
    run: Run, state: CallState, reach: Callable[[Scene], Awaitable[None]]
) -> None:
    async def main() -> None:
        scene = Scene()
        await reach(scene)
        assert await scene.state() is state
        took = await scene.end()
        (record,) = scene.records
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1
        if state in (CallState.CLOSING, CallState.ENDED):
            assert (record.reason, record.text) == HUNG_UP
            assert took <= 20
        else:
            assert record.reason is STAGES[state].reason
            # Making a description has a deadline of its own, within that of its state.
            assert took <= DEADLINE or record.text == STAGES[state].text
        # Nobody waits for the connection before the record is written.
        assert record.ended - record.started < 1

    run(main, loop="virtual")


def test_each_state_leads_to_the_end() -> None:
    for state, stage in STAGES.items():
        assert stage.deadline or state is CallState.NEW
        assert stage.on or state is CallState.ENDED
        if state not in OVER:
            assert stage.on[CallEvent.OVER] is CallState.CLOSING
    assert set(STAGES) == set(CallState)


def test_each_state_can_be_reached() -> None:
    reached = {CallState.NEW}
    while following := {to for state in reached for to in STAGES[state].on.values()} - reached:
        reached |= following
    assert reached == set(CallState)


def test_the_diagram_in_the_docs_is_the_table() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"
    _, found, rest = page.read_text(encoding="utf-8").partition("<!-- states -->\n```mermaid\n")
    assert found, "docs/architecture.md lacks its marks"
    assert rest.partition("```\n<!-- /states -->")[0] == diagram(), "run script/docs"


def _terminated(scene: Scene) -> None:
    scene.call.tell(Hangup())


def _stopped(scene: Scene) -> None:
    scene.call.stop(block=False)


def _killed(scene: Scene) -> None:
    scene.call.kill()


async def _killed_twice(scene: Scene) -> None:
    scene.call.stop(block=False)
    await asyncio.sleep(1)  # it is closing now, and its conversation has waited long enough
    scene.call.kill()


def _broken(scene: Scene) -> None:
    scene.call.tell(JingleReceived(PEER, "iq", None))  # type: ignore[arg-type] # stands for a bug


@pytest.mark.parametrize("end", [_terminated, _stopped, _killed, _killed_twice, _broken])
@pytest.mark.parametrize(
    "fault",
    ["", "hangs close", "fails close", "fails statistics", "fails goodbye", "hangs recorder"],
)
@pytest.mark.parametrize("state", [connected, ringing], ids=["connected", "ringing"])
def test_whatever_hangs_or_fails_at_its_end_a_call_has_its_record(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    state: Callable[[Scene], Awaitable[None]],
    fault: str,
    end: Callable[[Scene], Any],
) -> None:
    how, _, what = fault.partition(" ")

    def fail(*_: Any, **__: Any) -> None:
        raise MediaClosedError("a bug")

    async def hang(*_: Any) -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        scene = Scene()
        await state(scene)
        await scene.settle()
        if what == "goodbye":
            monkeypatch.setattr("callboard.actors.call.signalling.Signalling.goodbye", fail)
        elif what == "recorder":
            monkeypatch.setattr("callboard.actors.call.recorder.Recorders.finish", hang)
        elif how:
            setattr(Media, how, {what})
        ending = end(scene)
        if ending is not None:
            await ending
        await scene.end()
        assert len(scene.records) == 1
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1

    run(main, loop="virtual")


def test_a_bug_at_the_beginning_leaves_a_record_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("callboard.actors.call.signalling.Signalling.ring", fail)

    async def main() -> None:
        scene = Scene()
        scene.begin(outgoing=False)
        await scene.end()
        (record,) = scene.records
        assert (record.state, record.reason) == ("failed", Reason.GENERAL_ERROR)
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1

    run(main, loop="virtual")


def test_a_restart_of_ice_that_nobody_answers_is_given_up_and_the_call_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[float] = []

    def give_up(_: Media) -> None:
        given_up.append(asyncio.get_running_loop().time())

    monkeypatch.setattr(Media, "give_up_restart", give_up, raising=False)

    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        await scene.call.request(RestartIce(), timeout=5)
        await scene.settle()
        assert "transport-info" in scene.said()
        await asyncio.sleep(ANSWERS["restart"] + 1)
        assert len(given_up) == 1
        assert (await scene.call.request(GetStatus(), timeout=5)).phase == "connected"
        scene.call.tell(Hangup())
        await scene.end()
        (record,) = scene.records
        assert (record.state, record.reason) == ("completed", Reason.SUCCESS)

    run(main, loop="virtual")


def test_a_negotiation_that_hangs_keeps_no_later_one_waiting(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        Media.hangs = {"offer_more"}
        adding = await scene.call.request(AddMedia("video", ClockPattern()), timeout=5)
        await scene.call.request(RestartIce(), timeout=5)
        with pytest.raises(Exception, match="not negotiated within"):
            await adding
        await scene.settle()
        assert "transport-info" in scene.said()
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")

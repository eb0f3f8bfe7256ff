"""A bridge's actor between two calls whose peers are real sessions; their media are staged."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import pytest
from callboard.actors.joining.bridge import Bridge
from callboard.actors.messages.bridge import WaitForBridge
from callboard.actors.messages.call import (
    CallOver,
    Hangup,
    Hold,
    PassOn,
    PeerProceeds,
    PeerRejects,
    PeerState,
)
from callboard.actors.messages.call_log import CallGoesOn
from callboard.actors.messages.conversation import SendJingle
from callboard.bots.bridge import Bridge as Handle
from callboard.jingle import Info, InfoReceived, Reason, Role, Session
from callboard.media import Connected, SourceError, Tone
from callboard.tests.actors.call.scene import (
    ANSWER,
    PEER,
    Scene,
    alerting,
    connected,
    leaving,
    peer_session,
)
from callboard.tests.actors.call.scene import Media as StagedConnection
from callboard.tests.conftest import Run


class Media:
    """Stands for what ties the legs together."""

    refreshed: ClassVar[list[Any]] = []
    closed: ClassVar[int] = 0

    def __init__(self, *legs: Any) -> None:
        self.legs = legs

    def refresh(self, origin: Any) -> None:
        """Note of which leg a key frame is wanted."""
        type(self).refreshed.append(origin)

    def close(self) -> None:
        """Note the end."""
        type(self).closed += 1


class Music:
    """A playback."""

    stopped = False

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


@pytest.fixture(autouse=True)
def _media(staged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard.actors.joining.bridge.BridgeMedia", Media)
    Media.refreshed, Media.closed = [], 0


@dataclass
class Side:
    """A call of a peer's, as the peer has it.

    Attributes:
        scene: the call.
        peer: the peer's session.
        held, muted: what the peer takes the other end to do.
    """

    scene: Scene
    peer: Session
    held: bool = False
    muted: bool = False
    _read: int = field(default=0)

    @classmethod
    async def connected(cls) -> "Side":
        scene = Scene()
        await connected(scene)
        await scene.settle()
        return cls(scene, peer_session(scene), _read=len(scene.told))

    async def does(self, *infos: Info) -> None:
        """Let the peer tell something."""
        for info in infos:
            self.scene.receives(self.peer.info(info))
        await self.scene.settle()

    def believes(self) -> tuple[bool, bool]:
        """Read what the peer was told; return whether it takes us to hold, and to mute."""
        for one in self.scene.told[self._read :]:
            if isinstance(one, SendJingle):
                for event in self.peer.receive(one.jingle):
                    self._take(event)
        self._read = len(self.scene.told)
        return self.held, self.muted

    def _take(self, event: Any) -> None:
        assert isinstance(event, InfoReceived)
        match event.info:
            case Info.HOLD | Info.UNHOLD:
                self.held = event.info is Info.HOLD
            case Info.MUTE | Info.UNMUTE:
                self.muted = event.info is Info.MUTE


@dataclass(frozen=True)
class State:
    """What a peer does, and whether our bot has put it on hold."""

    holds: bool
    mutes: bool
    is_held: bool

    @property
    def infos(self) -> list[Info]:
        return [
            Info.HOLD if self.holds else Info.UNHOLD,
            Info.MUTE if self.mutes else Info.UNMUTE,
        ]

    def seen_by(self, other: "State") -> tuple[bool, bool]:
        """What the other peer has to know while the bridge is there."""
        return self.holds or self.is_held or other.is_held, self.mutes


STATES = [State(*each) for each in product((False, True), repeat=3)]


async def bridged(one: Side, other: Side) -> Any:
    bridge = Bridge.start(one.scene.call, other.scene.call, ends_both=False)
    await (await bridge.request(WaitForBridge(), timeout=5))
    await one.scene.settle()
    return bridge


async def end(*sides: Side) -> None:
    await end_all(*(side.scene for side in sides))


@pytest.mark.parametrize("one", STATES)
def test_each_peer_knows_how_the_other_one_is_while_they_are_bridged(run: Run, one: State) -> None:
    async def main(two: State) -> None:
        sides = [await Side.connected(), await Side.connected()]
        for side, state in zip(sides, (one, two), strict=True):
            await side.does(*state.infos)
            if state.is_held:
                await side.scene.call.request(Hold(True), timeout=5)
        await sides[0].scene.settle()
        alone = [side.believes() for side in sides]
        assert alone == [(one.is_held, False), (two.is_held, False)]

        bridge = await bridged(*sides)
        assert sides[0].believes() == two.seen_by(one)
        assert sides[1].believes() == one.seen_by(two)

        await sides[0].does(*two.infos)  # they change their places
        await sides[1].does(*one.infos)
        assert sides[0].believes() == State(one.holds, one.mutes, two.is_held).seen_by(one)
        assert sides[1].believes() == State(two.holds, two.mutes, one.is_held).seen_by(two)

        bridge.stop(block=False)
        await bridge.ended
        await sides[0].scene.settle()
        assert [side.believes() for side in sides] == alone
        await sides[0].does(*one.infos)
        assert [side.believes() for side in sides] == alone
        await end(*sides)

    for two in STATES:
        run(lambda two=two: main(two), loop="virtual")  # type: ignore[misc]


@pytest.mark.parametrize("first", STATES)
def test_key_frames_are_asked_for_when_a_hold_ends(run: Run, first: State) -> None:
    async def main() -> None:
        one, other = await Side.connected(), await Side.connected()
        await one.does(*first.infos)
        await bridged(one, other)
        Media.refreshed.clear()
        await one.does(Info.UNHOLD, Info.UNMUTE)
        assert len(Media.refreshed) == (2 if first.holds else 0), "both ways, once"
        await end(one, other)
        assert Media.closed == 1

    run(main, loop="virtual")


def test_both_records_say_with_whom_the_call_was_bridged(run: Run) -> None:
    async def main() -> None:
        sides = [await Side.connected() for _ in range(3)]
        one, other, third = sides
        for partner in (other, third):
            bridge = await bridged(one, partner)
            noted = [each for each in one.scene.logged if isinstance(each, CallGoesOn)][-1]
            assert noted.record.bridges[-1].seconds is None, "should the process die now"
            if partner is other:
                bridge.stop(block=False)
                await bridge.ended
        await end(*sides)
        records = [side.scene.records[0] for side in sides]
        found = [[each.uuid for each in record.bridges] for record in records]
        mine, others, thirds = (record.uuid for record in records)
        assert found == [[others, thirds], [mine], [mine]]
        for record in records:
            for bridge in record.bridges:
                assert (bridge.id, bridge.account, bridge.peer) == ("sid", "desk@localhost", PEER)
                assert bridge.seconds is not None
                assert bridge.at + bridge.seconds <= record.ended - record.started + 0.01

    run(main, loop="virtual")


def test_what_comes_for_a_call_that_is_over_does_not_harm_it(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await leaving(scene)
        await scene.settle()
        assert scene.call.post(PassOn(scene.call, PeerState(held=True)))
        await scene.end()
        assert scene.records[0].reason == "gone"

    run(main, loop="virtual")


# -- while the other one rings ---------------------------------------------------------------------


@dataclass
class Waiting:
    """A call that is connected, another one that rings, and who waits for both.

    Attributes:
        one, other: the calls.
        music: what the one hears.
        asked: who waits until they are bridged.
    """

    one: Scene
    other: Scene
    music: Music
    asked: asyncio.Task[Handle]

    @classmethod
    async def begun(cls, monkeypatch: pytest.MonkeyPatch, on_hangup: Any, **wait: Any) -> "Waiting":
        music = Music()
        monkeypatch.setattr(StagedConnection, "play", lambda *_: music, raising=False)
        one, other = Scene(), Scene()
        await connected(one)
        await alerting(other)
        await one.settle()
        wait = {"meanwhile": Tone(), "patience": None, **wait}
        asked = asyncio.ensure_future(Handle.of(one.call, other.call, on_hangup=on_hangup, **wait))
        await one.settle()
        assert not asked.done()
        assert not music.stopped
        return cls(one, other, music, asked)

    async def close(self) -> None:
        """End what goes on."""
        for scene in (self.one, self.other):
            scene.call.post(Hangup())
            await scene.end()


async def declined(waiting: Waiting) -> None:
    waiting.other.call.tell(PeerRejects(Reason.DECLINE))


async def given_up(waiting: Waiting) -> None:
    waiting.one.call.tell(Hangup())


async def cancelled(waiting: Waiting) -> None:
    waiting.asked.cancel()


async def late(_: Waiting) -> None:
    await asyncio.sleep(11)


@pytest.mark.parametrize("on_hangup", ["both", "one"])
@pytest.mark.parametrize(
    ("ends", "patience", "says", "one_goes_on"),
    [
        (declined, None, "the call is over .decline", True),
        (given_up, None, "the call is over .success", False),
        (cancelled, None, None, True),
        (late, 10.0, "nobody answered within 10 s", True),
    ],
)
def test_a_bridge_that_does_not_come_about(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    ends: Callable[[Waiting], Awaitable[None]],
    patience: float | None,
    says: str | None,
    one_goes_on: bool,
    on_hangup: str,
) -> None:
    async def main() -> None:
        waiting = await Waiting.begun(monkeypatch, on_hangup, patience=patience)
        await ends(waiting)
        with pytest.raises(CallOver if says else asyncio.CancelledError, match=says):
            await waiting.asked
        await waiting.one.settle()
        assert waiting.music.stopped
        assert bool(waiting.one.records) != one_goes_on
        rings_on = on_hangup == "one" and ends in (given_up, cancelled)
        assert bool(waiting.other.records) != rings_on
        if one_goes_on:  # and can be bridged anew
            third = Scene()
            await connected(third)
            await third.settle()
            bridge = await Handle.of(waiting.one.call, third.call, "one", None, None)
            await bridge.stop()
            third.call.tell(Hangup())
            await third.end()
        await waiting.close()

    run(main, loop="virtual")


@pytest.mark.parametrize("patience", [0.0, 1e-9, 0.5, 10.0])
def test_calls_that_are_connected_are_bridged_however_short_the_wait_may_be(
    run: Run, patience: float
) -> None:
    async def main() -> None:
        one, other = await Side.connected(), await Side.connected()
        bridge = await Handle.of(one.scene.call, other.scene.call, "both", None, patience)
        await asyncio.sleep(2 * patience)
        assert bridge.is_open
        await bridge.stop()
        await end(one, other)

    run(main, loop="virtual")


def test_no_wait_at_all_ends_a_call_that_rings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        waiting = Scene(), Scene()
        monkeypatch.setattr(StagedConnection, "play", lambda *_: Music(), raising=False)
        await connected(waiting[0])
        await alerting(waiting[1])
        with pytest.raises(CallOver, match="nobody answered within 0 s"):
            await Handle.of(waiting[0].call, waiting[1].call, "both", Tone(), 0.0)
        assert not waiting[0].records
        await end_all(waiting[0])
        await waiting[1].end()

    run(main, loop="virtual")


async def accepted(scene: Scene) -> None:
    """Let the peer accept a call that rings there."""
    scene.call.tell(PeerProceeds(PEER))
    await scene.settle()
    scene.hears("session-accept", ANSWER, Role.RESPONDER)
    await scene.settle()


def test_the_wait_is_for_the_other_call_alone(run: Run) -> None:
    async def main() -> None:
        one, other = Scene(), Scene()
        await alerting(one)
        await one.settle()
        connection = StagedConnection.last
        await connected(other)
        await other.settle()
        asked = asyncio.ensure_future(Handle.of(one.call, other.call, "both", None, 0.0))
        await asyncio.sleep(1)
        await accepted(one)
        connection.tell(Connected(0.0))
        bridge = await asked
        await bridge.stop()
        await end_all(one, other)

    run(main, loop="virtual")


def test_a_bridge_opens_when_the_other_call_is_connected(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        waiting = await Waiting.begun(monkeypatch, "both", patience=10.0)
        other, connection = waiting.other, StagedConnection.last
        await accepted(other)
        assert not waiting.asked.done()
        connection.tell(Connected(0.0))
        bridge = await waiting.asked
        await asyncio.sleep(11)  # the clock has stopped
        assert bridge.is_open
        await waiting.close()
        await bridge.ended()
        assert not bridge.is_open

    run(main, loop="virtual")


def test_what_can_not_be_played_meanwhile_ends_no_call(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        one, other = Scene(), Scene()
        await connected(one)
        await alerting(other)
        await one.settle()

        def play(*_: Any) -> None:
            raise SourceError("it is gone")

        monkeypatch.setattr(StagedConnection, "play", play, raising=False)
        with pytest.raises(SourceError, match="it is gone"):
            await Handle.of(one.call, other.call, "both", Tone(), None)
        await one.settle()
        assert not one.records
        assert not other.records
        await end_all(one, other)

    run(main, loop="virtual")


async def end_all(*scenes: Scene) -> None:
    for scene in scenes:
        scene.call.tell(Hangup())
        await scene.end()

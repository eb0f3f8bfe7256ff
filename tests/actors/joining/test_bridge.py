"""A bridge's actor between two calls whose peers are real sessions; their media are staged."""

from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import pytest
from callboard.actors.joining.bridge import Bridge
from callboard.actors.messages.bridge import WaitForBridge
from callboard.actors.messages.call import Hangup, Hold, PassOn, PeerState
from callboard.actors.messages.conversation import SendJingle
from callboard.jingle import Info, InfoReceived, Session
from callboard.tests.actors.call.scene import Scene, connected, leaving, peer_session
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
    for side in sides:
        side.scene.call.tell(Hangup())
        await side.scene.end()


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


def test_what_comes_for_a_call_that_is_over_does_not_harm_it(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await leaving(scene)
        await scene.settle()
        assert scene.call.post(PassOn(scene.call, PeerState(held=True)))
        await scene.end()
        assert scene.records[0].reason == "gone"

    run(main, loop="virtual")

"""What a peer is told when our bot and the other end of a bridge hold and mute."""

from itertools import product
from typing import Any

import pytest
from callboard.actors.call.informing import Informing
from callboard.actors.messages.call import PeerState
from callboard.jingle import Info

KINDS = ("audio", "video")
STATES = [
    PeerState(held, frozenset(muted))
    for held in (False, True)
    for muted in ((), ("audio",), ("video",), KINDS)
]


class Peer:
    """Stands for the signalling, and for a client that believes what it is told."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.held = False
        self.listens = True
        self.muted: set[str] = set()
        self.news = 0

    def inform(self, info: Info, kind: str | None = None) -> bool:
        """Take what is told; nothing is told twice, or of what is not there."""
        if not self.listens:
            return False
        self.news += 1
        before = (self.held, set(self.muted))
        assert kind is None or kind in self.kinds
        match info, kind:
            case ((Info.HOLD | Info.UNHOLD), None):
                self.held = info is Info.HOLD
            case Info.MUTE, str():
                self.muted.add(kind)
            case Info.UNMUTE, str():
                self.muted.discard(kind)
            case _:
                raise AssertionError((info, kind))
        assert (self.held, self.muted) != before, "it knew that"
        return True

    def believes(self, *states: PeerState) -> bool:
        """Whether it takes us to be in all these states at once."""
        muted = {kind for state in states for kind in state.muted} & set(self.kinds)
        return (self.held, self.muted) == (any(state.held for state in states), muted)


def ours(informing: Informing, state: PeerState) -> None:
    """Let our bot be in a state."""
    informing.hold(state.held)
    for kind in KINDS:
        informing.mute(kind, kind in state.muted)


@pytest.mark.parametrize("kinds", [("audio",), ("video",), KINDS])
def test_a_peer_knows_at_each_moment_what_holds_for_it(kinds: tuple[str, ...]) -> None:
    for own, begins, changes in product(STATES, STATES, STATES):
        peer = Peer(*kinds)
        informing: Any = Informing(peer)  # type: ignore[arg-type] # it looks like one
        ours(informing, own)
        assert peer.believes(own)
        for state in (begins, changes, PeerState()):
            informing.pass_on(state)
            assert peer.believes(own, state)
        informing.pass_on(changes)
        ours(informing, PeerState())
        assert peer.believes(changes)


@pytest.mark.parametrize("state", STATES)
def test_what_can_not_be_told_yet_is_told_as_soon_as_it_can(state: PeerState) -> None:
    peer = Peer(*KINDS)
    peer.listens = False
    informing = Informing(peer)  # type: ignore[arg-type] # it looks like one
    ours(informing, state)
    assert peer.believes()
    peer.listens = True
    informing.follow()
    assert peer.believes(state)
    news = peer.news
    informing.follow()
    assert peer.news == news


def test_a_kind_that_is_added_again_is_told_again() -> None:
    peer = Peer(*KINDS)
    informing = Informing(peer)  # type: ignore[arg-type] # it looks like one
    informing.pass_on(PeerState(muted=frozenset({"video"})))
    peer.kinds, peer.muted = ("audio",), set()
    informing.follow()
    peer.kinds = KINDS
    informing.follow()
    assert peer.muted == {"video"}

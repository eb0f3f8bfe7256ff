"""What a call's peer is told of who holds and mutes: our bot, and whom it is bridged to."""

from collections.abc import Iterator
from dataclasses import replace

from ...jingle import Info
from ..messages.call import PeerState
from .signalling import Signalling


class Informing:
    """Tells the peer what has changed for it, and nothing twice (XEP-0167 §8).

    Two may hold or mute at once, our bot and the peer of the call that this one is bridged to. It
    is over for our peer when it is over for both.

    Args:
        signalling: says it.
    """

    def __init__(self, signalling: Signalling) -> None:
        self._signalling = signalling
        self._ours = PeerState()
        self._theirs = PeerState()
        self._told = PeerState()

    @property
    def holds(self) -> bool:
        """Whether our bot has put the peer on hold."""
        return self._ours.held

    def hold(self, on: bool) -> None:
        """Our bot puts the peer on hold, or takes it back."""
        self._ours = replace(self._ours, held=on)
        self.follow()

    def mute(self, kind: str, on: bool) -> None:
        """Our bot mutes a kind of media, or unmutes it."""
        muted = self._ours.muted
        self._ours = replace(self._ours, muted=muted | {kind} if on else muted - {kind})
        self.follow()

    def pass_on(self, state: PeerState) -> None:
        """The peer of the other call in a bridge is in this state."""
        self._theirs = state
        self.follow()

    def follow(self) -> None:
        """Tell what could not be told before: the session may take it now, or has the kind."""
        kinds = frozenset(self._signalling.kinds)
        known = replace(self._told, muted=self._told.muted & kinds)
        wanted = PeerState(
            self._ours.held or self._theirs.held, (self._ours.muted | self._theirs.muted) & kinds
        )
        for info, kind, told in _news(known, wanted):
            if not self._signalling.inform(info, kind):
                break
            known = told
        self._told = known


def _news(known: PeerState, wanted: PeerState) -> Iterator[tuple[Info, str | None, PeerState]]:
    """Give what is to be told, of which kind (None: all), and what the peer knows then."""
    if known.held != wanted.held:
        known = replace(known, held=wanted.held)
        yield Info.HOLD if wanted.held else Info.UNHOLD, None, known
    for kind in sorted(known.muted ^ wanted.muted):
        known = replace(known, muted=known.muted ^ {kind})
        yield Info.MUTE if kind in wanted.muted else Info.UNMUTE, kind, known

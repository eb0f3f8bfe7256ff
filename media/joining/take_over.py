"""Somebody who talks in the place of what a leg plays."""

from ..frames.frame import Kind
from ..rtc.connection_media import ConnectionMedia
from .bridge import OneWay
from .inserted_leg import InsertedLeg


class TakeOver:
    """Sends a peer what somebody else says and shows, in the place of what its leg plays.

    Where the codecs of a kind agree, encoded frames go on as they are; else they go through a
    decoder and an encoder on a thread. What the leg plays goes on meanwhile, unheard. A kind that
    the somebody does not send stays the leg's.
    """

    def __init__(self, origin: ConnectionMedia, target: ConnectionMedia) -> None:
        """Change nothing yet.

        Args:
            origin: Who talks.
            target: The leg.
        """
        self._way = OneWay(origin, target, InsertedLeg(target, origin.request_keyframe))

    @property
    def transcoded(self) -> frozenset[Kind]:
        """The kinds that go through a decoder and an encoder."""
        return frozenset(self._way.transcoded)

    def open(self) -> None:
        """Begin, with the first frame of each kind."""
        self._way.open()

    def close(self) -> None:
        """Let the leg's peer have again what the leg plays."""
        self._way.close()

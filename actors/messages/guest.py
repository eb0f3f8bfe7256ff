"""What the guest of a call is told: somebody at a page who hears the call, or talks in it."""

from typing import Literal

from msgspec import Struct

from ...media import MediaEvent
from ..runtime.ref import AsyncioActorRef


class Dismiss(Struct, frozen=True):
    """Leave.

    Attributes:
        why: a sentence, for the page.
    """

    why: str


# -- by itself -------------------------------------------------------------------------------------


class Answered(Struct, frozen=True):
    """The offer of the page is answered.

    Attributes:
        sdp: the answer.
    """

    sdp: str


class NotAnswered(Struct, frozen=True):
    """The offer of the page can't be answered.

    Attributes:
        error: why.
    """

    error: Exception


class PageMedia(Struct, frozen=True):
    """Something happened on the peer connection with the page."""

    event: MediaEvent


class OtherCodec(Struct, frozen=True):
    """What the guest hears or sees goes on in a codec that the page has not agreed to.

    Attributes:
        kind: of what it hears or sees.
        codec: its RTP encoding name.
    """

    kind: Literal["audio", "video"]
    codec: str


class Listened(Struct, frozen=True):
    """It is time to look whether anything has come from the page."""


GuestMessage = Dismiss | Answered | NotAnswered | PageMedia | OtherCodec | Listened
GuestRef = AsyncioActorRef[GuestMessage]

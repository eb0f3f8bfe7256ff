"""What the guest of a call is told: somebody at a page who hears the call, or talks in it."""

from typing import Literal

from ...media import MediaEvent
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef


@message
class Dismiss:
    """Leave.

    Attributes:
        why: a sentence, for the page.
    """

    why: str


# -- by itself -------------------------------------------------------------------------------------


@message
class Answered:
    """The offer of the page is answered.

    Attributes:
        sdp: the answer.
    """

    sdp: str


@message
class NotAnswered:
    """The offer of the page can't be answered.

    Attributes:
        error: why.
    """

    error: Exception


@message
class PageMedia:
    """Something happened on the peer connection with the page."""

    event: MediaEvent


@message
class OtherCodec:
    """What the guest hears or sees goes on in a codec that the page has not agreed to.

    Attributes:
        kind: of what it hears or sees.
        codec: its RTP encoding name.
    """

    kind: Literal["audio", "video"]
    codec: str


@message
class Listened:
    """It is time to look whether anything has come from the page."""


GuestMessage = Dismiss | Answered | NotAnswered | PageMedia | OtherCodec | Listened
GuestRef = AsyncioActorRef[GuestMessage]

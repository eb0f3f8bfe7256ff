"""What is done to a call that goes on."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .calls import Name, SourceName


class SteeredResult(Result):
    """A call was told something.

    Attributes:
        id: the session id.
        account: whose end of it.
        peer: the peer's JID.
    """

    id: str
    account: str
    peer: str


class _CallCommand(Command[SteeredResult]):
    """Something that is done to a call.

    Attributes:
        call: the call's id, or how it begins.
        account: whose end, if two accounts have the call.
    """

    result = SteeredResult

    call: Name
    account: Name | None = None


class AnswerCommand(_CallCommand):
    """Answer a call that rings; the answer comes when it was taken, not when media flows.

    Attributes:
        audio: what is sent.
        video: what is shown; ``none`` shows nothing, and the peer's picture is received all the
            same.
        record: whether both directions are recorded.
    """

    name: ClassVar[str] = "answer"

    audio: SourceName = "silence"
    video: SourceName = "none"
    record: bool = False


class DeclineCommand(_CallCommand):
    """Decline a call that rings."""

    name: ClassVar[str] = "decline"


class HoldCommand(_CallCommand):
    """Put the peer on hold, or take it back (XEP-0167 §8).

    Attributes:
        on: hold, or resume.
        play: what the peer hears meanwhile; None: silence.
    """

    name: ClassVar[str] = "hold"

    on: bool = True
    play: Name | None = None


class MuteCommand(_CallCommand):
    """Send silence or black in the place of what is played, or go on (XEP-0167 §8).

    Attributes:
        kind: which kind of media.
        on: mute, or unmute.
    """

    name: ClassVar[str] = "mute"

    kind: Literal["audio", "video"] = "audio"
    on: bool = True


class PressCommand(_CallCommand):
    """Press keys for the peer to hear (RFC 4733); the answer comes when they were sent.

    Attributes:
        digits: the keys: 0-9, ``*``, ``#``, A-D; a comma waits for two seconds.
    """

    name: ClassVar[str] = "press"

    digits: Annotated[str, Field(min_length=1, max_length=64)] = Field(repr=False)


class RecordCommand(_CallCommand):
    """Begin a recording of a call, or end all that go on.

    Attributes:
        on: begin, or end.
        direction: what is recorded.
    """

    name: ClassVar[str] = "record"

    on: bool = True
    direction: Literal["received", "sent", "both"] = "both"

"""What is played in a call."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .calls import Name, SourceName

#: Characters that can be said at once.
LONGEST_TEXT = 10_000


class PlayedResult(Result):
    """Something is played, or was.

    Attributes:
        is_over: whether it has been played to its end, or replaced.
        position: where it is, in seconds since its beginning.
    """

    is_over: bool
    position: float


class SayCommand(Command[PlayedResult]):
    """Say something in a call; the answer comes when it has been said.

    If the client leaves before that, it is not said to its end.

    Attributes:
        call: the call's id, or how it begins.
        text: what to say.
        voice: one of the synthesizer's, as ``de``; None for its usual one.
        rate: words a minute; None for its usual one.
        account: who says it, if two accounts have the call.
        wait: whether to wait for the end; if not, it is said even if the client leaves.
    """

    name: ClassVar[str] = "say"
    result = PlayedResult

    call: Name
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    voice: Annotated[str, Field(max_length=100)] | None = None
    rate: int | None = None
    account: Name | None = None
    wait: bool = True


class PlayCommand(Command[PlayedResult]):
    """Play something in a call; the answer comes when it was played, or at once if it has no end.

    If the client leaves before that, it is stopped.

    Attributes:
        call: the call's id, or how it begins.
        source: what to play: a name as in the file, or a file's path.
        kind: as what.
        loop: whether it is played again and again.
        account: who plays it, if two accounts have the call.
        wait: whether to wait for the end; if not, it is played even if the client leaves.
    """

    name: ClassVar[str] = "play"
    result = PlayedResult

    call: Name
    source: SourceName
    kind: Literal["audio", "video"] = "audio"
    loop: bool = False
    account: Name | None = None
    wait: bool = True

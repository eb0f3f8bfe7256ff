"""Calls: those that go on, one that is placed, and those that are to end."""

from typing import Annotated, ClassVar

from msgspec import Struct
from pydantic import Field

from .base import Command, Result
from .detail_record import DetailRecord
from .events import LiveCall

#: Characters of what a client calls something by.
Name = Annotated[str, Field(min_length=1, max_length=3_100)]


class IsSource(Struct, frozen=True):
    """Marks a field that names what is played, which may be the path of a file."""


#: What is played: a name as in the file, or a file's path.
SourceName = Annotated[Name, IsSource()]
#: Calls that are listed at the most.
MOST_LISTED = 10_000


class CallsResult(Result):
    """Calls that go on.

    Attributes:
        total: how many there are.
        calls: those that are listed, those that began first at first.
    """

    total: int
    calls: tuple[LiveCall, ...]


class CallsCommand(Command[CallsResult]):
    """Ask which calls go on, with their steps and their quality.

    Attributes:
        account: only those of this account.
        peer: only those with this bare JID.
        limit: how many are listed at the most.
    """

    name: ClassVar[str] = "calls"
    result = CallsResult

    account: Name | None = None
    peer: Name | None = None
    limit: Annotated[int, Field(ge=0, le=MOST_LISTED)] = 1_000


class CallResult(Result):
    """A call that was placed.

    Attributes:
        id: its session id.
        account: who called.
        peer: who was called.
        record: its detail record; None if it goes on.
    """

    id: str
    account: str
    peer: str
    record: DetailRecord | None


class CallCommand(Command[CallResult]):
    """Let an account call somebody, hold the call, and hang up; its events come until its end.

    If the client leaves, the call is hung up, unless it was detached.

    Attributes:
        account: who calls.
        to: whom: a JID.
        audio: what is sent; ``none`` for a call without audio.
        video: what is shown; ``none`` for a call without video.
        record: whether both directions are recorded.
        seconds: how long it is held once it has connected; None: until somebody ends it.
        detach: whether the answer comes at once, and the call goes on without the client.
        online_within: for how many seconds the first logins of both ends are waited for, as far as
            they are accounts of the instance; None: for as long as they are tried.
    """

    name: ClassVar[str] = "call"
    result = CallResult

    account: Name
    to: Name
    audio: SourceName = "tone"
    video: SourceName = "none"
    record: bool = False
    seconds: Annotated[float, Field(ge=0.1, le=86_400)] | None = 10.0
    detach: bool = False
    online_within: Annotated[float, Field(ge=0)] | None = 30.0


class EndedCall(Result):
    """A call that was told to end."""

    id: str
    account: str
    peer: str


class HangupResult(Result):
    """The calls that were told to end."""

    calls: tuple[EndedCall, ...]


class HangupCommand(Command[HangupResult]):
    """End a call, whatever it is doing.

    Attributes:
        call: its id, or how it begins; None with ``all``.
        account: whose call it is, if two accounts have it. Both ends are ended by either.
        all: end all calls, or all of the account.
    """

    name: ClassVar[str] = "hangup"
    result = HangupResult

    call: Name | None = None
    account: Name | None = None
    all: bool = False

"""How an instance stands."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .load import LoadSummary
from .text import Text

#: Accounts that an answer lists at the most.
MOST_LISTED = 10_000


class AccountSummary(Result):
    """One account.

    Attributes:
        jid: its bare JID.
        bot: the bot's name in the file.
        state: as `AccountChanged` has it; ``starting`` before the first.
        detail: a sentence, or "".
        since: when it came into this state (ISO 8601, UTC).
        calls: how many it has now.
        failure: what its bot raised last, or "".
        show: what its contacts see while it is online: ``chat``, ``away``, ``dnd`` or ``xa``; "" if
            it is simply available.
        status: the words in its presence, or "".
        reads_messages: whether its bot does something with messages.
    """

    jid: str
    bot: str
    state: Literal[
        "starting", "connecting", "online", "leaving", "waiting", "failed", "closed", "ended"
    ]
    detail: Text = ""
    since: str
    calls: int = 0
    failure: Text = ""
    show: str = ""
    status: Text = ""
    reads_messages: bool = True


class CallSummary(Result):
    """One call that goes on, as one account sees it.

    Attributes:
        id: the session id; a call between two accounts has it twice.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        phase: what the call is doing.
        media: the kinds that it has.
        started: when it began (ISO 8601, UTC).
        seconds: how long media has flowed.
        held: the peer has put us on hold.
        muted: the kinds that the peer has muted.
    """

    id: Text
    account: str
    peer: str
    direction: Literal["in", "out"]
    phase: Literal["proposed", "ringing", "connecting", "connected", "ended"]
    media: tuple[str, ...]
    started: str
    seconds: float
    held: bool = False
    muted: tuple[str, ...] = ()


class ServerSummary(Result):
    """Where the accounts log in.

    Attributes:
        kind: the private server, or another one.
        address: its host and port; "" if each account's domain tells (DNS).
    """

    kind: Literal["embedded", "remote"]
    address: str


class RecordingsSummary(Result):
    """What was recorded since the start.

    Attributes:
        folder: where the files are.
        finished: how many recordings of calls that have ended are whole.
        incomplete: how many are not.
        octets: the size of all of them.
    """

    folder: Text
    finished: int
    incomplete: int
    octets: int


class PartSummary(Result):
    """A part of the instance beside its accounts, such as the embedded server.

    Attributes:
        name: which.
        state: whether it runs.
        detail: a sentence, or "".
    """

    name: str
    state: Literal["running", "failed", "ended"]
    detail: Text = ""


class Counts(Result):
    """How many of something there are, by state.

    Attributes:
        total: all of them.
        by_state: state → how many.
    """

    total: int
    by_state: dict[str, int]


class StatusResult(Result):
    """How an instance stands.

    Attributes:
        callboard: its version.
        file: the file that it runs.
        pid: its process.
        state: what it does.
        started: when it began (ISO 8601, UTC).
        uptime: seconds since then.
        server: where the accounts log in.
        accounts: how many there are.
        account_list: those that can't work first, then in the order of the file.
        calls: how many go on.
        call_list: the calls that go on.
        calls_ended: how many have ended since the start, by what became of them.
        recordings: what was recorded.
        parts: what else runs.
        load: how the load run stands, if it is one. That lists no accounts and no calls.
    """

    callboard: str
    file: Text
    pid: int
    state: Literal["starting", "running", "ending"]
    started: str
    uptime: float
    server: ServerSummary
    accounts: Counts
    account_list: tuple[AccountSummary, ...]
    calls: Counts
    call_list: tuple[CallSummary, ...]
    calls_ended: Counts
    recordings: RecordingsSummary
    parts: tuple[PartSummary, ...]
    load: LoadSummary | None = None


class StatusCommand(Command[StatusResult]):
    """Ask how an instance stands.

    Attributes:
        limit: how many accounts and how many calls are listed at the most.
    """

    name: ClassVar[str] = "status"
    result = StatusResult

    limit: Annotated[int, Field(ge=0, le=MOST_LISTED)] = 1_000

"""What the exchange is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...media import MediaStatistics

# -- by commands -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Drain every account: answered with a future that is done when all have logged out."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WhenSettled:
    """Answered with a future of how many accounts are online, once no first login is open."""


@dataclass(frozen=True, slots=True)
class FindAccount:
    """Answered with the reference of the account of this bare JID, or None."""

    jid: str


# -- by accounts and calls -------------------------------------------------------------------------

AccountState = Literal["connecting", "online", "waiting", "failed", "closed"]


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """An account's stream changed.

    Attributes:
        jid: the account.
        state: ``waiting`` is between two tries, ``failed`` has given up.
        detail: a sentence, or "".
    """

    jid: str
    state: AccountState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """How a call stands.

    Attributes:
        id: the session id.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        phase: what the call is doing.
        media: the kinds that the call has.
        seconds: how long media has flowed.
        steps: step → seconds since the call began, for each step that was taken.
        statistics: by kind and direction, while media flows.
        held: the peer has put us on hold.
        muted: the kinds that the peer has muted.
    """

    id: str
    account: str
    peer: str
    direction: Literal["in", "out"]
    phase: Literal["proposed", "ringing", "connecting", "connected", "ended"]
    media: tuple[str, ...]
    seconds: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)
    statistics: tuple[MediaStatistics, ...] = ()
    held: bool = False
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BotFailed:
    """A bot's code raised."""

    account: str
    bot: str
    error: str


Report = AccountChanged | CallStatus | BotFailed

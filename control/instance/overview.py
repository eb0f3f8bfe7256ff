"""What was reported of accounts and calls, as it stands now."""

import time
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from ...actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    AccountRemoved,
    AccountState,
    BotFailed,
    CallStatus,
    PresenceReturned,
)
from ...actors.records.call_record import CallRecord
from ...config import AccountSettings
from ...config.jid import bare
from .. import models
from .clock import iso
from .new_recordings import NewRecordings
from .reported import Reported

#: What a call's status must differ in to be more than one of those that come each second.
_NEWS = (
    *("phase", "steps", "media", "held", "muted"),
    *("holds", "mutes", "recording", "guests"),
)

#: States in which an account can't work, the worst first; those in them are listed first.
TROUBLES = ("failed", "ended", "waiting")
#: States in which an account is not logged in, and does not try to be; what a person is told.
OFF = {"closed": "is logged out", "ended": "has ended", "failed": "could not log in"}


class _Account(Struct):
    """What is known of an account.

    Attributes:
        was_ready: a login of it has been complete.
        told: the same as it is listed, once it was asked for; None when it has changed.
    """

    jid: str
    bot: str
    since: str
    state: AccountState | None = None
    detail: str = ""
    failure: str = ""
    show: str = ""
    status: str = ""
    calls: int = 0
    was_ready: bool = False
    told: "models.status.AccountSummary | None" = None

    def summary(self, deaf: frozenset[str]) -> "models.status.AccountSummary":
        if self.told is None:
            self.told = models.status.AccountSummary(
                jid=self.jid,
                bot=self.bot,
                state=self.state or "starting",
                detail=self.detail,
                since=self.since,
                calls=self.calls,
                failure=self.failure,
                show=self.show,
                status=self.status,
                reads_messages=self.bot not in deaf,
            )
        return self.told


class _Call(Struct):
    """What is known of a call that goes on."""

    status: CallStatus
    started: str


class Overview:
    """The accounts and calls of an instance, from what the exchange reports.

    Nothing is asked of any actor for it.

    Args:
        accounts: those that the file declares.
    """

    def __init__(self, accounts: Iterable[AccountSettings]) -> None:
        now = iso(time.time())
        self._accounts = {
            jid: _Account(jid, one.bot, now) for one in accounts for jid in (bare(one.jid),)
        }
        self._calls: dict[tuple[str, str], _Call] = {}
        self._ended: Counter[str] = Counter()
        self._recordings: Counter[str] = Counter()
        self._new = NewRecordings()
        self._deaf: frozenset[str] = frozenset()

    def know_deaf(self, bots: frozenset[str]) -> None:
        """Learn which bots do nothing with messages.

        Args:
            bots: their names in the file.
        """
        self._deaf = bots
        for account in self._accounts.values():
            account.told = None

    def hear(self, report: Reported) -> None:
        """Note a report."""
        match report:
            case AccountChanged() | AccountRemoved() | AccountReady() | BotFailed():
                self._hear_of_account(report)
            case PresenceReturned() if report.jid in self._accounts:
                account = self._changed(report.jid)
                account.show, account.status = report.show, report.status
            case CallStatus(phase="ended"):
                self._forget(report.account, report.id)
            case CallStatus():
                self._note(report)
            case CallRecord():
                self._forget(report.account, report.id)
                self._ended[report.state] += 1
                for one in self._new.of(report):
                    self._recordings["finished" if one.failure is None else "incomplete"] += 1
                    self._recordings["octets"] += one.octets

    def _hear_of_account(
        self, report: AccountChanged | AccountRemoved | AccountReady | BotFailed
    ) -> None:
        match report:
            case AccountChanged():
                account = self._changed(report.jid)
                account.state, account.detail = report.state, report.detail
                account.since = iso(time.time())
                if report.state not in ("online", "leaving"):
                    account.show = account.status = ""
            case AccountRemoved():
                self._accounts.pop(report.jid, None)
            case AccountReady():
                self._changed(report.jid).was_ready = True
            case BotFailed():
                # The report has the name of the bot's class, which is not the one in the file.
                self._changed(report.account).failure = report.error

    def is_news(self, status: CallStatus) -> bool:
        """Tell whether something about a call has changed but its time and its counters.

        Args:
            status: how it stands, not noted yet.
        """
        before = self._calls.get((status.account, status.id))
        return before is None or any(
            getattr(before.status, name) != getattr(status, name) for name in _NEWS
        )

    def declare(self, settings: AccountSettings) -> None:
        """Note an account that has come, or has another bot now."""
        self._changed(bare(settings.jid)).bot = settings.bot

    def _changed(self, jid: str) -> _Account:
        """Return an account that is about to change."""
        found = self._accounts.get(jid)
        if found is None:
            found = self._accounts[jid] = _Account(jid, "", iso(time.time()))
        found.told = None
        return found

    def _note(self, status: CallStatus) -> None:
        key = status.account, status.id
        if key in self._calls:
            self._calls[key].status = status
        else:
            at = iso(time.time() - max(status.steps.values(), default=0.0))
            self._calls[key] = _Call(status, at)
            self._changed(status.account).calls += 1

    def _forget(self, account: str, sid: str) -> None:
        if self._calls.pop((account, sid), None) is not None:
            self._changed(account).calls -= 1

    @property
    def call_count(self) -> int:
        """How many calls go on."""
        return len(self._calls)

    def has_call(self, account: str, sid: str) -> bool:
        """Tell whether a call of an account goes on."""
        return (account, sid) in self._calls

    def knows(self, jid: str) -> bool:
        """Tell whether there is an account of this bare JID."""
        return jid in self._accounts

    def state_of(self, jid: str) -> str:
        """Return the state of an account, ``starting`` before the first one was reported.

        Args:
            jid: the bare JID of an account that there is.
        """
        return self._accounts[jid].state or "starting"

    def begins(self, jid: str) -> bool:
        """Tell whether an account of this bare JID still tries to log in for the first time."""
        account = self._accounts.get(jid)
        return (
            account is not None
            and not account.was_ready
            and account.state in (None, "connecting", "online", "waiting")
        )

    def jids(self) -> list[str]:
        """Return the bare JIDs of all accounts, in the order of the file."""
        return list(self._accounts)

    def statuses(self) -> list[CallStatus]:
        """Return how each call that goes on stands."""
        return [call.status for call in self._calls.values()]

    def account_counts(self) -> "models.status.Counts":
        """Count the accounts by state."""
        return _counts(Counter(one.state or "starting" for one in self._accounts.values()))

    def call_counts(self) -> "models.status.Counts":
        """Count the calls that go on by phase."""
        return _counts(Counter(one.status.phase for one in self._calls.values()))

    def ended_counts(self) -> "models.status.Counts":
        """Count the calls that have ended by what became of them."""
        return _counts(self._ended)

    def accounts(self, limit: int) -> "tuple[models.status.AccountSummary, ...]":
        """List accounts, those in trouble first.

        Args:
            limit: how many at the most.
        """
        rank = {state: at for at, state in enumerate(TROUBLES)}
        ordered = sorted(
            self._accounts.values(), key=lambda one: rank.get(one.state or "", len(rank))
        )
        return tuple(one.summary(self._deaf) for one in ordered[:limit])

    def calls(self, limit: int) -> "tuple[models.status.CallSummary, ...]":
        """List calls that go on, those that began first at first.

        Args:
            limit: how many at the most.
        """
        return tuple(
            models.status.CallSummary(
                id=status.id,
                account=status.account,
                peer=status.peer,
                direction=status.direction,
                phase=status.phase,
                media=status.media,
                started=one.started,
                seconds=status.seconds,
                held=status.held,
                muted=status.muted,
            )
            for one in list(self._calls.values())[:limit]
            for status in (one.status,)
        )

    def recordings(self, folder: str) -> "models.status.RecordingsSummary":
        """Say what calls that have ended were recorded.

        Args:
            folder: where the files are.
        """
        counted = self._recordings
        return models.status.RecordingsSummary(
            folder=folder,
            finished=counted["finished"],
            incomplete=counted["incomplete"],
            octets=counted["octets"],
        )


def _counts(counted: Counter[str]) -> "models.status.Counts":
    return models.status.Counts(total=counted.total(), by_state=dict(counted))

"""What was reported of accounts and calls, as it stands now."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...actors.messages.exchange import AccountChanged, AccountState, BotFailed, CallStatus
from ...actors.records.call_record import CallRecord
from ...config import AccountSettings
from ...config.jid import bare
from ..models.status import AccountSummary, CallSummary, Counts, RecordingsSummary
from .clock import iso
from .events import Reported

#: States in which an account can't work, the worst first; those in them are listed first.
TROUBLES = ("failed", "ended", "waiting")


@dataclass(slots=True)
class _Account:
    """What is known of an account."""

    bot: str
    since: float
    state: AccountState | None = None
    detail: str = ""
    failure: str = ""
    calls: int = 0


@dataclass(slots=True)
class _Call:
    """What is known of a call that goes on."""

    status: CallStatus
    started: float


class Overview:
    """The accounts and calls of an instance, from what the exchange reports.

    Nothing is asked of any actor for it.

    Args:
        accounts: those that the file declares.
    """

    def __init__(self, accounts: Iterable[AccountSettings]) -> None:
        now = time.time()
        self._accounts = {bare(one.jid): _Account(one.bot, now) for one in accounts}
        self._calls: dict[tuple[str, str], _Call] = {}
        self._ended: Counter[str] = Counter()
        self._recordings: Counter[str] = Counter()

    def hear(self, report: Reported) -> None:
        """Note a report."""
        match report:
            case AccountChanged():
                account = self._account(report.jid)
                account.state, account.detail = report.state, report.detail
                account.since = time.time()
            case BotFailed():
                account = self._account(report.account)
                account.failure, account.bot = report.error, report.bot
            case CallStatus(phase="ended"):
                self._forget(report.account, report.id)
            case CallStatus():
                self._note(report)
            case CallRecord():
                self._forget(report.account, report.id)
                self._ended[report.state] += 1
                for one in report.recordings:
                    self._recordings["finished" if one.failure is None else "incomplete"] += 1
                    self._recordings["octets"] += one.octets

    def declare(self, settings: AccountSettings) -> None:
        """Note an account that has come, or has another bot now."""
        self._account(bare(settings.jid)).bot = settings.bot

    def forget_account(self, jid: str) -> None:
        """Forget an account that is no more."""
        self._accounts.pop(jid, None)

    def _account(self, jid: str) -> _Account:
        if jid not in self._accounts:
            self._accounts[jid] = _Account("", time.time())
        return self._accounts[jid]

    def _note(self, status: CallStatus) -> None:
        key = status.account, status.id
        if key in self._calls:
            self._calls[key].status = status
        else:
            at = time.time() - max(status.steps.values(), default=0.0)
            self._calls[key] = _Call(status, at)
            self._account(status.account).calls += 1

    def _forget(self, account: str, sid: str) -> None:
        if self._calls.pop((account, sid), None) is not None:
            self._account(account).calls -= 1

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

    def jids(self) -> list[str]:
        """Return the bare JIDs of all accounts, in the order of the file."""
        return list(self._accounts)

    def statuses(self) -> list[CallStatus]:
        """Return how each call that goes on stands."""
        return [call.status for call in self._calls.values()]

    def account_counts(self) -> Counts:
        """Count the accounts by state."""
        return _counts(Counter(one.state or "starting" for one in self._accounts.values()))

    def call_counts(self) -> Counts:
        """Count the calls that go on by phase."""
        return _counts(Counter(one.status.phase for one in self._calls.values()))

    def ended_counts(self) -> Counts:
        """Count the calls that have ended by what became of them."""
        return _counts(self._ended)

    def accounts(self, limit: int) -> tuple[AccountSummary, ...]:
        """List accounts, those in trouble first.

        Args:
            limit: how many at the most.
        """
        rank = {state: at for at, state in enumerate(TROUBLES)}
        ordered = sorted(
            self._accounts.items(), key=lambda one: rank.get(one[1].state or "", len(rank))
        )
        return tuple(
            AccountSummary(
                jid=jid,
                bot=one.bot,
                state=one.state or "starting",
                detail=one.detail,
                since=iso(one.since),
                calls=one.calls,
                failure=one.failure,
            )
            for jid, one in ordered[:limit]
        )

    def calls(self, limit: int) -> tuple[CallSummary, ...]:
        """List calls that go on, those that began first at first.

        Args:
            limit: how many at the most.
        """
        return tuple(
            CallSummary(
                id=status.id,
                account=status.account,
                peer=status.peer,
                direction=status.direction,
                phase=status.phase,
                media=status.media,
                started=iso(one.started),
                seconds=status.seconds,
                held=status.held,
                muted=status.muted,
            )
            for one in list(self._calls.values())[:limit]
            for status in (one.status,)
        )

    def recordings(self, folder: str) -> RecordingsSummary:
        """Say what calls that have ended were recorded.

        Args:
            folder: where the files are.
        """
        counted = self._recordings
        return RecordingsSummary(
            folder=folder,
            finished=counted["finished"],
            incomplete=counted["incomplete"],
            octets=counted["octets"],
        )


def _counts(counted: Counter[str]) -> Counts:
    return Counts(total=counted.total(), by_state=dict(counted))

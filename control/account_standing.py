"""Which accounts are online, and when one is lost or comes back."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from ..actors.messages.exchange import AccountChanged, AccountState

#: What a change means to somebody who relies on the account.
Turn = Literal["lost", "back"]

_DOWN = frozenset({"waiting", "failed", "ended"})


class AccountStanding:
    """How each account stands.

    Args:
        accounts: bare JIDs of those that will log in.

    Attributes:
        states: bare JID → state; an account that has logged out is not there.
        counts: how many accounts are in each state.
    """

    def __init__(self, accounts: Iterable[str] = ()) -> None:
        self.states: dict[str, AccountState] = dict.fromkeys(accounts, "connecting")
        self.counts: Counter[str] = Counter(self.states.values())
        self._were_online: set[str] = set()
        self._lost: set[str] = set()

    def take(self, report: AccountChanged) -> Turn | None:
        """Note a report; tell whether the account is lost with it, or back.

        An account is lost when its stream breaks after a login, or when it gives up. It is back
        when it is online after that. A logout in order is neither.
        """
        jid, state = report.jid, report.state
        if jid in self.states:
            self.counts[self.states[jid]] -= 1
        self.states[jid] = state
        self.counts[state] += 1
        if state == "online":
            self._were_online.add(jid)
            if jid in self._lost:
                self._lost.discard(jid)
                return "back"
        elif state == "closed":
            del self.states[jid]
            self.counts[state] -= 1
            self._were_online.discard(jid)
            self._lost.discard(jid)
        elif self._is_loss(jid, state):
            self._lost.add(jid)
            return "lost"
        return None

    def _is_loss(self, jid: str, state: AccountState) -> bool:
        if jid in self._lost or state not in _DOWN:
            return False
        return state == "failed" or jid in self._were_online

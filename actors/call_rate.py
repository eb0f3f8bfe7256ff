"""How many calls each peer may begin."""

import logging
from functools import partial

from ..media import Budget
from .last_peers import LastPeers
from .runtime.log_throttle import LogThrottle

log = logging.getLogger(__name__)

#: Calls that a peer may begin in a second, and at once. Each costs a record and an answer.
RATE, AT_ONCE = 10.0, 50.0


class CallRate:
    """How many calls each peer may still begin with one account.

    Args:
        account: the account's bare JID.
    """

    __slots__ = ("_account", "_budgets", "_dropped")

    def __init__(self, account: str) -> None:
        self._account = account
        self._budgets = LastPeers(partial(Budget, RATE, AT_ONCE))
        self._dropped = LogThrottle()

    def admit(self, peer: str) -> bool:
        """Tell whether a peer may begin a call now; a call that may not leaves no trace of its own.

        Args:
            peer: its bare JID.
        """
        if self._budgets.came(peer).take():
            return True
        if dropped := self._dropped.due():
            words = "%s: more than %.0f calls a second begin, by %s: dropped %d so far"
            log.warning(words, self._account, RATE, peer, dropped)
        return False

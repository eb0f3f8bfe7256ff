"""How fast a bot answers each peer's messages."""

import logging
import time
from collections import deque

from msgspec import Struct, field

from .last_peers import LastPeers
from .runtime.log_throttle import LogThrottle

log = logging.getLogger(__name__)

#: Messages of one peer that a bot may answer within so many seconds; nobody types as fast.
MOST, WITHIN = 30, 10.0
#: Seconds without a message to answer after which a peer gets answers again.
QUIET = 10.0


class _Peer(Struct, eq=False):
    """What is known of one peer.

    Attributes:
        answered: the messages that were answered last, and when.
        latest: when one was to be answered last, whether it was or not.
        is_stopped: it gets no answers.
        warned: counts the warnings.
    """

    answered: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=MOST))
    latest: float = 0.0
    is_stopped: bool = False
    warned: LogThrottle = field(default_factory=LogThrottle)


class AnswerRate:
    """Which answers to messages go out, so that two bots do not answer each other for ever.

    What is counted are messages that are answered, not answers: one message may get many lines.

    Args:
        account: the account's bare JID.
    """

    __slots__ = ("_account", "_peers")

    def __init__(self, account: str) -> None:
        self._account = account
        self._peers = LastPeers(_Peer)

    def admit(self, bot: str, peer: str, message: int) -> bool:
        """Tell whether an answer may go out now.

        Args:
            bot: the bot's name.
            peer: the bare JID of who gets it.
            message: the number of the message that it answers.
        """
        now = time.monotonic()
        one = self._peers.came(peer)
        if now - one.latest >= QUIET:
            one.is_stopped = False
        one.latest = now
        if one.is_stopped:
            return False
        if any(message == number for number, _ in one.answered):
            return True
        if len(one.answered) == MOST and now - one.answered[0][1] < WITHIN:
            one.is_stopped = True
            if one.warned.due():
                self._warn(bot, peer)
            return False
        one.answered.append((message, now))
        return True

    def _warn(self, bot: str, peer: str) -> None:
        log.warning(
            "bot %s of %s and %s answer each other's messages: more than %d within %.0f s. "
            "It sends no answers until there was nothing to answer for %.0f s",
            bot,
            self._account,
            peer,
            MOST,
            WITHIN,
            QUIET,
        )

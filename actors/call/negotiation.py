"""What the two sides negotiate about a call's media: one thing at a time."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from ...jingle import Reason
from ...media import IncompatibleMediaError, MediaError, NetworkError, PeerConnection, shown
from ..messages.call import CallActorMessage, Negotiated, NegotiationFailed
from ..runtime.actor import AsyncioActor

log = logging.getLogger(__name__)

#: Seconds that an offer or answer may take to be made or taken, gathering included.
DEADLINE = 20.0
#: Negotiations that may wait for their turn.
MAX_WAITING = 32
#: What a peer is told when no socket could be opened, or no relay be found.
NO_NETWORK = "no network address can be used for the media of this call"
#: What fails where a side changes its mind faster than the WebRTC stack can follow.
TOO_MANY = f"{MAX_WAITING} changes of the media wait already"


class Negotiation(ABC):
    """One purpose for which the WebRTC stack is asked to make or take a description.

    There is a class for each purpose. It knows what is asked, and what follows when that goes well
    and when it doesn't.
    """

    #: What is in a later negotiation of the class makes one that still waits needless.
    latest_counts: ClassVar[bool] = False
    #: The turn goes on when it is done, until `Negotiations.release` or `Negotiations.go_on_with`.
    keeps_its_turn: ClassVar[bool] = False

    @abstractmethod
    async def work(self, connection: PeerConnection) -> str | None:
        """Ask the WebRTC stack; return our description, or None where the peer's was taken."""

    @abstractmethod
    def done(self, sdp: str) -> None:
        """Go on after it went well.

        Args:
            sdp: our description, or "".
        """

    def failed(self, failure: NegotiationFailed) -> bool:
        """Go on after it failed.

        Args:
            failure: why.

        Returns:
            Whether the call can do without it; else it ends.
        """
        return False


@dataclass(frozen=True, slots=True)
class _Turn:
    """A negotiation whose turn it is, and which of all runs of the WebRTC stack it is."""

    negotiation: Negotiation
    run: int


class Negotiations:
    """The negotiations of a call, in turn.

    Each runs in a task of the call's, and comes back to it as `Negotiated` or `NegotiationFailed`.

    Args:
        owner: the call.
        connection: the WebRTC stack.
        account: our JID, for the log.
    """

    def __init__(
        self, owner: AsyncioActor[CallActorMessage], connection: PeerConnection, account: str
    ) -> None:
        self._owner = owner
        self._connection = connection
        self._account = account
        self._waiting: deque[Negotiation] = deque()
        self._turn: _Turn | None = None
        self._runs = 0

    def begin(self, negotiation: Negotiation) -> bool:
        """Negotiate something as soon as what was begun before is over.

        Returns:
            Whether that can be; if not, `Negotiation.failed` was called.
        """
        if negotiation.latest_counts:
            kept = [one for one in self._waiting if type(one) is not type(negotiation)]
            self._waiting = deque(kept)
        if len(self._waiting) >= MAX_WAITING:
            negotiation.failed(NegotiationFailed(0, Reason.FAILED_APPLICATION, TOO_MANY))
            return False
        self._waiting.append(negotiation)
        self._next()
        return True

    def go_on_with(self, negotiation: Negotiation) -> None:
        """Negotiate something in the turn of what keeps the others waiting."""
        self._run(negotiation)

    def is_turn_of(self, negotiation: Negotiation | None) -> bool:
        """Tell whether it is the turn of this very negotiation."""
        return self._turn is not None and self._turn.negotiation is negotiation

    def release(self) -> None:
        """The turn that is kept is over: the next may begin."""
        self._turn = None
        self._next()

    def negotiated(self, message: Negotiated) -> None:
        """Go on with what went well."""
        turn = self._turn
        if turn is None or turn.run != message.run:
            return
        turn.negotiation.done(message.sdp or "")
        if self._turn is turn and not turn.negotiation.keeps_its_turn:
            self.release()

    def failed(self, message: NegotiationFailed) -> bool:
        """Go on with what failed; tell whether the call can go on."""
        turn = self._turn
        if turn is None or turn.run != message.run:
            return True
        if not turn.negotiation.failed(message):
            return False
        if self._turn is turn:
            self.release()
        return True

    def _next(self) -> None:
        if self._turn is None and self._waiting:
            self._run(self._waiting.popleft())

    def _run(self, negotiation: Negotiation) -> None:
        self._runs += 1
        run = self._runs
        self._turn = _Turn(negotiation, run)
        self._owner.pipe(
            _bounded(negotiation, self._connection),
            lambda sdp: Negotiated(run, sdp),
            lambda error: self._failure(run, error),
        )

    def _failure(self, run: int, error: Exception) -> NegotiationFailed:
        reason, text = Reason.FAILED_APPLICATION, shown(error, str) or shown(error)
        if isinstance(error, NetworkError):
            # What has to be changed here is for the operator to know, and for nobody else.
            log.warning("%s: %s", self._account, error)
            reason, text = Reason.CONNECTIVITY_ERROR, NO_NETWORK
        elif isinstance(error, IncompatibleMediaError):
            reason = Reason.INCOMPATIBLE_PARAMETERS
        elif not isinstance(error, MediaError):
            log.warning("%s: the negotiation failed", self._owner, exc_info=error)
        return NegotiationFailed(run, reason, text)


async def _bounded(negotiation: Negotiation, connection: PeerConnection) -> str | None:
    try:
        async with asyncio.timeout(DEADLINE):
            return await negotiation.work(connection)
    except TimeoutError:
        raise MediaError(f"the media were not negotiated within {DEADLINE:.0f} s") from None

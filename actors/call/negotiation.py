"""What the two sides negotiate about a call's media: one thing at a time."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct

from ...jingle import Reason
from ...media import IncompatibleMediaError, MediaError, NetworkError, PeerConnection, shown
from ..messages.call import CallActorMessage, Negotiated, NegotiationFailed
from ..runtime.actor import AsyncioActor

log = logging.getLogger(__name__)

#: Seconds that an offer or answer may take to be made or taken, gathering included.
DEADLINE = 20.0
#: Negotiations that may wait until the one under way is over.
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
    #: The call can't do without it: it ends if this fails.
    is_needed: ClassVar[bool] = False
    #: When it is done the others still wait, until `Negotiations.release` or `go_on_with`.
    holds_others_up: ClassVar[bool] = False

    async def give_way(self) -> None:  # noqa: B027 - most have none to give way to
        """Wait until nothing more urgent is to be done."""

    @abstractmethod
    async def work(self, connection: PeerConnection) -> str | None:
        """Ask the WebRTC stack; return our description, or None where the peer's was taken."""

    @abstractmethod
    def done(self, sdp: str) -> None:
        """Go on after it went well.

        Args:
            sdp: our description, or "".
        """

    def failed(self, failure: NegotiationFailed) -> None:  # noqa: B027 - mostly nothing follows
        """Go on after it failed.

        Args:
            failure: why.
        """


class _Run(Struct, frozen=True):
    """The negotiation that is under way, and which of all runs of the WebRTC stack it is."""

    negotiation: Negotiation
    number: int


class Negotiations:
    """The negotiations of a call, one after the other.

    Each runs in a task of the call's, and comes back to it as `Negotiated` or `NegotiationFailed`.

    Args:
        owner: the call.
        connection: gives the WebRTC stack.
        account: our JID, for the log.
    """

    def __init__(
        self,
        owner: AsyncioActor[CallActorMessage],
        connection: Callable[[], PeerConnection],
        account: str,
    ) -> None:
        self._owner = owner
        self._connection = connection
        self._account = account
        self._waiting: list[Negotiation] = []
        self._run: _Run | None = None
        self._runs = 0

    def begin(self, negotiation: Negotiation) -> bool:
        """Negotiate something as soon as what was begun before is over.

        Returns:
            Whether that can be; if not, `Negotiation.failed` was called.
        """
        if negotiation.latest_counts:
            self._waiting = [one for one in self._waiting if type(one) is not type(negotiation)]
        if len(self._waiting) >= MAX_WAITING and not negotiation.is_needed:
            negotiation.failed(NegotiationFailed(0, Reason.FAILED_APPLICATION, TOO_MANY))
            return False
        self._waiting.append(negotiation)
        self._next()
        return True

    def go_on_with(self, negotiation: Negotiation) -> None:
        """Negotiate something in the place of what holds the others up."""
        self._start(negotiation)

    def is_under_way(self, negotiation: Negotiation | None) -> bool:
        """Tell whether this very negotiation is under way."""
        return self._run is not None and self._run.negotiation is negotiation

    def release(self) -> None:
        """What is under way is over: the next may begin."""
        self._run = None
        self._next()

    def negotiated(self, message: Negotiated) -> None:
        """Go on with what went well."""
        run = self._run
        if run is None or run.number != message.run:
            return
        run.negotiation.done(message.sdp or "")
        if self._run is run and not run.negotiation.holds_others_up:
            self.release()

    def failed(self, message: NegotiationFailed) -> bool:
        """Go on with what failed; tell whether the call can go on."""
        run = self._run
        if run is None or run.number != message.run:
            return True
        run.negotiation.failed(message)
        if self._run is run and not run.negotiation.is_needed:
            self.release()
        return not run.negotiation.is_needed

    def _next(self) -> None:
        if self._run is None and self._waiting:
            self._start(self._waiting.pop(0))

    def _start(self, negotiation: Negotiation) -> None:
        self._runs += 1
        number = self._runs
        self._run = _Run(negotiation, number)
        self._owner.pipe(
            _bounded(negotiation, self._connection),
            lambda sdp: Negotiated(number, sdp),
            lambda error: self._failure(number, error),
        )

    def _failure(self, number: int, error: Exception) -> NegotiationFailed:
        reason, text = Reason.FAILED_APPLICATION, shown(error, str) or shown(error)
        if isinstance(error, NetworkError):
            # What has to be changed here is for the operator to know, and for nobody else.
            log.warning("%s: %s", self._account, error)
            reason, text = Reason.CONNECTIVITY_ERROR, NO_NETWORK
        elif isinstance(error, IncompatibleMediaError):
            reason = Reason.INCOMPATIBLE_PARAMETERS
        elif not isinstance(error, MediaError):
            log.warning("%s: the negotiation failed", self._owner, exc_info=error)
        return NegotiationFailed(number, reason, text)


async def _bounded(
    negotiation: Negotiation, connection: Callable[[], PeerConnection]
) -> str | None:
    try:
        async with asyncio.timeout(DEADLINE):
            await negotiation.give_way()
            return await negotiation.work(connection())
    except TimeoutError:
        raise MediaError(f"the media were not negotiated within {DEADLINE:.0f} s") from None

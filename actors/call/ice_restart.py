"""Another way through the network while a call goes on (RFC 8445 §9, XEP-0176 §5.7)."""

import logging

from ...jingle import IceRestarted
from ...media import PeerConnection
from ..messages.call import NegotiationFailed, Overdue, RestartIce
from ..runtime.actor import handles
from ..runtime.tasks import Timer
from .negotiation import Negotiation
from .shared_parts import SharedParts
from .signalling import Acknowledgement
from .state import ANSWERS

log = logging.getLogger(__name__)


class IceRestarts:
    """The restarts of ICE of one call, the peer's and ours.

    Media go on over the old addresses until the new ones connect.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self.parts = parts
        self._ours: OfferRestart | None = None
        self._timer: Timer | None = None

    @handles(RestartIce)
    def restart(self, _: RestartIce) -> None:
        """Begin what the bot asks for."""
        self.begin()

    def begin(self) -> None:
        """Look for a way to the peer anew.

        Raises:
            CallOver: the call is not connected.
        """
        if not self.parts.course.is_connected:
            words = "ICE can be restarted in a call that is connected"
            raise self.parts.too_late.refusal(words)
        self._ours = OfferRestart(self)
        self.parts.negotiations.begin(self._ours)

    def hear(self, event: IceRestarted) -> None:
        """Follow the peer's restart, or take its answer to ours."""
        if self.parts.course.phase not in ("connecting", "connected"):
            return  # the offer itself is a new one
        if self._ours is not None:
            self._ours = None
            self.parts.negotiations.begin(FinishRestart(self, event.description))
        else:
            self.parts.negotiations.begin(FollowRestart(self, event.description))

    def sent(self) -> None:
        """Our new credentials are on their way: the peer has its time to answer."""
        self.answered()
        self._timer = self.parts.owner.after(ANSWERS["restart"], Overdue("restart"))

    def answered(self) -> None:
        """The peer's new credentials are taken."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def overdue(self) -> None:
        """The peer has had its time: the old way goes on."""
        self._timer = None
        if self.parts.course.is_connected:
            log.warning("%s: the peer did not answer the restart of ICE", self.parts.owner)
            self._ours = None
            self.parts.leg.connection.give_up_restart()

    def acknowledged(self, _: Acknowledgement) -> None:
        """The peer has got our new credentials and candidates."""
        self.parts.leg.connection.restart_acknowledged()

    def not_begun(self, restart: "OfferRestart") -> None:
        """Our restart could not be begun: what the peer says next is no answer to it."""
        if self._ours is restart:
            self._ours = None

    def failed(self, failure: NegotiationFailed) -> None:
        """The old addresses go on for as long as they last."""
        log.warning("%s: ICE could not be restarted: %s", self.parts.owner, failure.text)


# -- what is negotiated for it ---------------------------------------------------------------------


class IceRestart(Negotiation):
    """A restart of ICE, whoever begins it.

    Args:
        restarts: the call's.
        description: the peer's, with its new credentials; empty if it has yet to tell them.
    """

    latest_counts = True

    def __init__(self, restarts: IceRestarts, description: str = "") -> None:
        self._restarts = restarts
        self._description = description

    def failed(self, failure: NegotiationFailed) -> None:
        """Go on with the old addresses."""
        self._restarts.failed(failure)


class OfferRestart(IceRestart):
    """We restart ICE."""

    async def work(self, connection: PeerConnection) -> str:
        """Gather anew."""
        return await connection.renew_ice()

    def done(self, sdp: str) -> None:
        """Say it."""
        self._restarts.parts.signalling.restart(sdp, self._restarts.acknowledged, answer=False)
        self._restarts.sent()

    def failed(self, failure: NegotiationFailed) -> None:
        """Go on, and expect no answer."""
        self._restarts.not_begun(self)
        super().failed(failure)


class FinishRestart(IceRestart):
    """The peer answers our restart."""

    async def work(self, connection: PeerConnection) -> None:
        """Take its new credentials."""
        await connection.restart_ice(self._description)

    def done(self, sdp: str) -> None:
        """Wait no longer."""
        self._restarts.answered()


class FollowRestart(IceRestart):
    """The peer restarts ICE."""

    async def work(self, connection: PeerConnection) -> str:
        """Take its new credentials, and gather anew."""
        return await connection.restart_ice(self._description)

    def done(self, sdp: str) -> None:
        """Answer with ours."""
        self._restarts.parts.signalling.restart(sdp, self._restarts.acknowledged, answer=True)

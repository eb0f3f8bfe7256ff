"""The data channel of a call (XEP-0343)."""

from ..messages.call import SendData
from ..runtime.actor import handles
from .course import CallingIn, CallingOut
from .shared_parts import SharedParts
from .state import CallState

#: Messages that may wait until a data channel is open.
MAX_UNSENT = 64


class DataChannel:
    """Sends what the bot wants sent; some of it waits while the channel is being opened.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts
        self._unsent: list[str | bytes] | None = []

    @handles(SendData)
    def send(self, message: SendData) -> None:
        """Send text or octets.

        Raises:
            ValueError: the call has no data channel, or enough waits for it already.
        """
        if not self._may_be():
            raise ValueError("the call has no data channel: the caller asks for one, as data=True")
        if self._unsent is None:
            self._parts.leg.connection.data.send(message.data)
        elif len(self._unsent) < MAX_UNSENT:
            self._unsent.append(message.data)
        else:
            raise ValueError("the data channel is not open yet, and enough waits for it already")

    def opened(self) -> None:
        """The data channel is open: what waited goes on."""
        unsent, self._unsent = self._unsent or [], None
        for data in unsent:
            self._parts.leg.connection.data.send(data)

    def _may_be(self) -> bool:
        """Whether there is a data channel, or may be one yet."""
        course = self._parts.course
        calling, ringing = course.find(CallingOut), course.find(CallingIn)
        if calling is not None:
            return calling.order.data
        if course.state is CallState.AWAITING or (ringing is not None and ringing.offer is None):
            return True
        return "application" in self._parts.signalling.kinds

"""Stream management: which stanzas the other side has, and resumption (XEP-0198)."""

from collections import deque
from contextlib import suppress
from xml.etree.ElementTree import Element

from .markup import escape

SM = "urn:xmpp:sm:3"
#: Stanzas that are sent between two requests for an acknowledgement.
WINDOW = 5
#: Stanzas that may be unacknowledged; the next ones wait.
MAX_UNACKNOWLEDGED = 1000
#: Characters of a session's id; one that is longer is not resumed.
MAX_ID = 1024
_MODULUS = 2**32

ENABLE = f"<enable xmlns='{SM}' resume='true'/>"
REQUEST = f"<r xmlns='{SM}'/>"


class HandledTooManyError(Exception):
    """The server has acknowledged more stanzas than it was sent (XEP-0198 §4).

    Attributes:
        handled: the server's count.
        sent: ours.
    """

    def __init__(self, handled: int, sent: int) -> None:
        super().__init__(f"the server acknowledged {handled} stanzas of the {sent} it was sent")
        self.handled = handled
        self.sent = sent


class Resumption:
    """What one account needs to go on with its session over another connection.

    Attributes:
        id: the session as the server calls it, or "" if it can't be resumed.
        counting: whether stanzas that are sent are counted; from ``<enable/>`` on.
        unacknowledged: the stanzas that the server may not have, the oldest first.
        left: those of a session that is over.
    """

    __slots__ = (
        "_acknowledged",
        "_handled",
        "_hears",
        "_sent",
        "counting",
        "id",
        "left",
        "unacknowledged",
    )

    def __init__(self) -> None:
        self.left: tuple[Element, ...] = ()
        self.unacknowledged: deque[Element] | tuple[()] = ()
        self.forget()

    @property
    def is_full(self) -> bool:
        """Whether the next stanza has to wait for an acknowledgement."""
        return len(self.unacknowledged) >= MAX_UNACKNOWLEDGED

    def forget(self) -> None:
        """Begin without a session; what it leaves unacknowledged is in `left`."""
        self.id = ""
        self.counting = self._hears = False
        self._handled = self._acknowledged = self._sent = 0
        self.left = (*self.left, *self.unacknowledged)
        self.unacknowledged = ()

    def take_left(self) -> tuple[Element, ...]:
        """Return what a session that is over has left unacknowledged, once."""
        left, self.left = self.left, ()
        return left

    def pause(self) -> None:
        """Keep the counts while there is no connection."""
        self.counting = self._hears = False

    # -- what the server says ----------------------------------------------------------------------

    def enabled(self, element: Element) -> None:
        """Take the ``<enabled/>`` (§3)."""
        self._hears = True
        identifier = element.get("id", "")
        if element.get("resume") in ("true", "1") and len(identifier) <= MAX_ID:
            self.id = identifier

    def not_enabled(self) -> None:
        """Take the ``<failed/>`` that answers an ``<enable/>`` (§3): the stream goes on without."""
        self.unacknowledged = ()
        self.forget()

    def resumed(self, element: Element) -> None:
        """Take the ``<resumed/>`` (§5); what is still unacknowledged is to be sent again.

        Raises:
            HandledTooManyError: its count is more than what was sent.
        """
        self.counting = self._hears = True
        self.acknowledged(element)

    def not_resumed(self, element: Element) -> None:
        """Take the ``<failed/>`` that answers a ``<resume/>`` (§5), which may have a count too."""
        with suppress(HandledTooManyError):  # the session is over in any case
            self.acknowledged(element)
        self.forget()

    def acknowledged(self, element: Element) -> bool:
        """Take the count in an ``<a/>`` or ``<resumed/>`` (§4).

        Returns:
            whether there was one; without, nothing changes.

        Raises:
            HandledTooManyError: it is more than what was sent.
        """
        text = element.get("h", "")
        if not (text.isascii() and text.isdecimal() and len(text) < 11):
            return False
        count = int(text)
        done = (count - self._acknowledged) % _MODULUS
        if count >= _MODULUS or done > len(self.unacknowledged):
            sent = (self._acknowledged + len(self.unacknowledged)) % _MODULUS
            raise HandledTooManyError(count, sent)
        self._acknowledged = count
        if isinstance(self.unacknowledged, deque):
            for _ in range(done):
                self.unacknowledged.popleft()
            if not self.unacknowledged:
                self.unacknowledged = ()
        return True

    def received(self) -> None:
        """Count a stanza of the server's."""
        if self._hears:
            self._handled = (self._handled + 1) % _MODULUS

    # -- what it is told ---------------------------------------------------------------------------

    def enable(self) -> str:
        """Return the ``<enable/>``; stanzas count from here on."""
        self.forget()
        self.counting = True
        return ENABLE

    def resume(self) -> str:
        """Return the ``<resume/>``."""
        return f"<resume xmlns='{SM}' h='{self._handled}' previd='{escape(self.id)}'/>"

    def acknowledgement(self) -> str:
        """Return the ``<a/>`` that answers an ``<r/>``."""
        return f"<a xmlns='{SM}' h='{self._handled}'/>"

    def sent(self, stanza: Element) -> bool:
        """Count a stanza that is sent, and keep it; tell whether to ask for acknowledgement."""
        if not self.counting:
            return False
        if not isinstance(self.unacknowledged, deque):
            self.unacknowledged = deque()
        self.unacknowledged.append(stanza)
        self._sent = (self._sent + 1) % WINDOW
        return self._sent == 0

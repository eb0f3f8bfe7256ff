"""Stream management: which stanzas the other side has, and resumption (XEP-0198)."""

from collections import deque
from xml.etree.ElementTree import Element

from .markup import escape

SM = "urn:xmpp:sm:3"
#: Stanzas that are sent between two requests for an acknowledgement.
WINDOW = 5
_MODULUS = 2**32

ENABLE = f"<enable xmlns='{SM}' resume='true'/>"
REQUEST = f"<r xmlns='{SM}'/>"


class Resumption:
    """What one account needs to go on with its session over another connection.

    Attributes:
        id: the session as the server calls it, or "" if it can't be resumed.
        counting: whether stanzas that are sent are counted; from ``<enable/>`` on.
        unacknowledged: the stanzas that the server may not have, the oldest first.
    """

    __slots__ = ("_acknowledged", "_handled", "_hears", "_sent", "counting", "id", "unacknowledged")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin without a session."""
        self.id = ""
        self.counting = self._hears = False
        self._handled = self._acknowledged = self._sent = 0
        self.unacknowledged: deque[Element] | tuple[()] = ()

    def pause(self) -> None:
        """Keep the counts while there is no connection."""
        self.counting = self._hears = False

    # -- what the server says ----------------------------------------------------------------------

    def enabled(self, element: Element) -> None:
        """Take the ``<enabled/>`` (§3)."""
        self._hears = True
        if element.get("resume") in ("true", "1"):
            self.id = element.get("id", "")

    def resumed(self, element: Element) -> None:
        """Take the ``<resumed/>`` (§5); what is still unacknowledged is to be sent again."""
        self.counting = self._hears = True
        self.acknowledged(element)

    def acknowledged(self, element: Element) -> None:
        """Take the count in an ``<a/>`` or ``<resumed/>`` (§4); nonsense counts as everything."""
        text = element.get("h", "")
        count = int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else 0
        done = (count - self._acknowledged) % _MODULUS
        self._acknowledged = count
        if isinstance(self.unacknowledged, deque):
            for _ in range(min(done, len(self.unacknowledged))):
                self.unacknowledged.popleft()
            if not self.unacknowledged:
                self.unacknowledged = ()

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

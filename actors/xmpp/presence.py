"""What an account shows of itself (RFC 6121 §4.7)."""

from xml.etree.ElementTree import Element, SubElement

from ..messages.account import SetPresence
from .roster import SHOWS
from .stanza import CLIENT, check_text


class Presence:
    """An account's own presence.

    Args:
        show: "", chat, away, dnd or xa.
        status: its own words.
        priority: -128 to 127.
    """

    def __init__(self, show: str, status: str, priority: int) -> None:
        self._show = show
        self._status = status
        self._priority = priority

    def change(self, wanted: SetPresence) -> None:
        """Change what is given; nothing if any of it is wrong.

        Raises:
            ValueError: a value is none that a presence may have.
        """
        if wanted.show is not None and wanted.show not in SHOWS:
            raise ValueError(f"show is one of chat, away, dnd, xa or empty, not {wanted.show!r}")
        if wanted.priority is not None and not -128 <= wanted.priority <= 127:
            raise ValueError(f"priority is from -128 to 127, not {wanted.priority}")
        check_text(wanted.status or "")
        self._show = self._show if wanted.show is None else wanted.show
        self._status = self._status if wanted.status is None else wanted.status
        self._priority = self._priority if wanted.priority is None else wanted.priority

    def stanza(self) -> Element:
        """Return the ``<presence/>``, without capabilities."""
        stanza = Element(f"{{{CLIENT}}}presence")
        if self._show:
            SubElement(stanza, f"{{{CLIENT}}}show").text = self._show
        if self._status:
            SubElement(stanza, f"{{{CLIENT}}}status").text = self._status
        if self._priority:
            SubElement(stanza, f"{{{CLIENT}}}priority").text = str(self._priority)
        return stanza

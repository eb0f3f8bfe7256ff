"""What an account shows of itself (RFC 6121 §4.7)."""

from xml.etree.ElementTree import Element, SubElement

from .roster import SHOWS
from .stanza import CLIENT, check_text


class OwnPresence:
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

    def change(self, show: str | None, status: str | None, priority: int | None) -> None:
        """Change what is given; nothing if any of it is wrong.

        Args:
            show: None leaves it as it is.
            status: None leaves it as it is.
            priority: None leaves it as it is.

        Raises:
            ValueError: a value is none that a presence may have.
        """
        if show is not None and show not in SHOWS:
            raise ValueError(f"show is one of chat, away, dnd, xa or empty, not {show!r}")
        if priority is not None and not -128 <= priority <= 127:
            raise ValueError(f"priority is from -128 to 127, not {priority}")
        check_text(status or "")
        self._show = self._show if show is None else show
        self._status = self._status if status is None else status
        self._priority = self._priority if priority is None else priority

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

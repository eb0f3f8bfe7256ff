"""Stanzas of calls as their ladders may have them: without secrets, words and digits.

What is shown is listed, and everything else is hidden: a ladder may be sent to somebody who is to
say why a call failed, and a stranger's stanza can have anything in it.
"""

from xml.etree.ElementTree import Element

from ...jingle import namespaces as ns
from .markup import escape
from .masking import HIDDEN
from .stanza import CLIENT, DELAY, HINTS

#: Characters of one stanza.
MAX_LENGTH = 16_384
#: What stands for what is left out of a stanza that is too long.
CUT = "…"

_XML = "http://www.w3.org/XML/1998/namespace"
_MAX_NAME = 128
_MAX_VALUE = 1024

#: Namespaces whose attributes are shown: those of calls. Of others, only names are.
_KNOWN = frozenset(
    {
        "",
        CLIENT,
        DELAY,
        HINTS,
        ns.JINGLE,
        ns.ERRORS,
        ns.RTP,
        ns.RTP_INFO,
        ns.DTMF,
        ns.RTP_FEEDBACK,
        ns.RTP_HEADER_EXTENSION,
        ns.RTP_SOURCE,
        ns.RTP_MSID,
        ns.ICE_UDP,
        ns.RAW_UDP,
        ns.ICE,
        ns.DTLS,
        ns.DTLS_DRAFT,
        ns.GROUPING,
        ns.SCTP,
        ns.DATA_CHANNEL,
        ns.CALL_MESSAGE,
        ns.CALL_INVITE,
        ns.STANZAS,
    }
)
#: Attributes of those that are hidden all the same: ICE's password (XEP-0176), SDES's keys
#: (XEP-0167 §7), a key that is pressed (XEP-0181), credentials in any form.
_SECRET = frozenset(
    {
        "pwd",
        "password",
        "username",
        "key-params",
        "session-params",
        "code",
        "token",
        "secret",
        "key",
        "auth",
    }
)
#: Elements whose text is shown: a certificate's fingerprint, and why something is refused.
_TEXTS = frozenset(
    {
        f"{{{ns.DTLS}}}fingerprint",
        f"{{{ns.DTLS_DRAFT}}}fingerprint",
        f"{{{ns.JINGLE}}}text",
        f"{{{ns.STANZAS}}}text",
    }
)


def redacted(stanza: Element) -> str:
    """Write a stanza of a call without what is nobody's business.

    Args:
        stanza: an ``<iq/>`` or a ``<message/>``; it is not changed.

    Returns:
        XML on one line. What is over `MAX_LENGTH` is left out, and the rest is still XML.
    """
    parts: list[str] = []
    _write(stanza, CLIENT, parts, MAX_LENGTH)
    text = "".join(parts)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"&#{ord(one)};" for one in text)


def _write(element: Element, outer: str, parts: list[str], room: int) -> int:
    """Write an element; return how much room is left."""
    namespace, _, name = element.tag.rpartition("}")
    namespace, name = namespace[1:], name[:_MAX_NAME]
    opening = f"<{name}"
    if namespace != outer:
        opening += f" xmlns='{escape(namespace[:_MAX_VALUE])}'"
    is_known = namespace in _KNOWN
    for attribute, value in element.items():
        home, _, key = attribute.rpartition("}")
        if len(opening) > room or (home and home[1:] != _XML):
            continue
        shown = HIDDEN if not is_known or key in _SECRET else escape(value[:_MAX_VALUE])
        opening += f" {'xml:' if home else ''}{key[:_MAX_NAME]}='{shown}'"
    text = element.text
    if not len(element) and not text:
        parts.append(f"{opening}/>")
        return room - len(opening) - 2
    parts.append(f"{opening}>")
    room -= len(opening) + len(name) + 4
    if text and not text.isspace():
        text = escape(text[:_MAX_VALUE]) if element.tag in _TEXTS else HIDDEN
        parts.append(text)
        room -= len(text)
    for child in element:
        if room <= 0:
            parts.append(CUT)
            break
        room = _write(child, namespace, parts, room)
    parts.append(f"</{name}>")
    return room

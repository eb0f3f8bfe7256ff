"""Stanzas as the log may have them: without secrets, on one line, of a bounded length."""

from xml.etree.ElementTree import Element, ParseError, fromstring

from .markup import markup
from .stanza import CLIENT

#: Characters of one stanza in the log.
MAX_LENGTH = 10_000
HIDDEN = "***"

#: Elements whose text is a secret: SASL (RFC 6120 §6; XEP-0388), passwords in forms and
#: registrations (XEP-0077, XEP-0078), tokens (XEP-0484), HTTP headers of uploads (XEP-0363).
_SASL = "auth response challenge success initial-response additional-data authenticate"
_TEXTS = frozenset(f"{_SASL} password digest key token header".split())
#: Attributes that are: TURN's credentials (XEP-0215), ICE's password (XEP-0176), SDES's keys
#: (XEP-0167 §7), tokens.
_ATTRIBUTES = frozenset({"password", "username", "pwd", "key-params", "token", "secret"})
#: A session's id in XEP-0198 is enough to take it over.
#: The key that is pressed may be part of a PIN (XEP-0181).
_ATTRIBUTE_OF = {
    "{urn:xmpp:sm:3}enabled": "id",
    "{urn:xmpp:sm:3}resume": "previd",
    "{urn:xmpp:jingle:dtmf:0}dtmf": "code",
}
_FIELDS = ("password", "token", "secret")


def masked(stanza: Element | str) -> str:
    """Return a stanza as text for the log.

    Args:
        stanza: an element, or the text of one; a stream's header, which has no secret, is no
            whole element and comes back as it is.
    """
    if isinstance(stanza, Element):
        element = stanza
    else:
        try:
            element = fromstring(stanza)  # noqa: S314 - our own text
        except ParseError:
            return _line(stanza)
    namespace = CLIENT if element.tag.startswith("{") else ""
    return _line(markup(_without_secrets(element), namespace))


def _without_secrets(element: Element) -> Element:
    copy = Element(element.tag)
    name = element.tag.rpartition("}")[2]
    for key, value in element.items():
        is_secret = key in _ATTRIBUTES or _ATTRIBUTE_OF.get(element.tag) == key
        copy.set(key, HIDDEN if is_secret else value)
    is_secret = name in _TEXTS or (name == "field" and _is_secret_field(element))
    if is_secret:  # with all that is in it
        copy.text = HIDDEN if element.text or len(element) else None
    else:
        copy.text = element.text
        copy.extend(_without_secrets(child) for child in element)
    copy.tail = element.tail
    return copy


def _is_secret_field(field: Element) -> bool:
    """Tell whether a form's field (XEP-0004) is one to type a secret into."""
    name = field.get("var", "").lower()
    return field.get("type") == "text-private" or any(word in name for word in _FIELDS)


def _line(text: str) -> str:
    shortened = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}… ({len(text)} in all)"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in shortened)

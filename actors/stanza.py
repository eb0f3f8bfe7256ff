"""Building stanzas (RFC 6120 §8)."""

from xml.etree.ElementTree import Element, SubElement

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def iq_reply(to: str, identifier: str, payload: Element | None = None) -> Element:
    """Return the answer to an IQ: an error if the payload is one, else a result."""
    failed = payload is not None and payload.tag.rpartition("}")[2] == "error"
    attributes = {"type": "error" if failed else "result", "id": identifier}
    if to:
        attributes["to"] = to
    iq = Element(f"{{{CLIENT}}}iq", attributes)
    if payload is not None:
        iq.append(payload)
    return iq


def stanza_error(kind: str, condition: str) -> Element:
    """Return an ``<error/>`` (RFC 6120 §8.3).

    Args:
        kind: auth, cancel, continue, modify or wait.
        condition: a defined condition of §8.3.3.
    """
    error = Element(f"{{{CLIENT}}}error", {"type": kind})
    SubElement(error, f"{{{STANZAS}}}{condition}")
    return error


def error_condition(iq: Element) -> str:
    """Return the condition of an IQ of type error, or "undefined-condition" if it has none."""
    for element in iq.iterfind(f"{{{CLIENT}}}error/*"):
        namespace, _, name = element.tag[1:].partition("}")
        if namespace == STANZAS and name != "text":
            return name
    return "undefined-condition"

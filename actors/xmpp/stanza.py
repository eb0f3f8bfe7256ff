"""Building stanzas (RFC 6120 §8)."""

import math
import re
import secrets
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from ...jingle import CallMessage, Propose

HINTS = "urn:xmpp:hints"
CLIENT = "jabber:client"
DELAY = "urn:xmpp:delay"
RECEIPTS = "urn:xmpp:receipts"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

#: What no XML document may have in it, escaped or not (XML 1.0 §2.2).
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def check_text(text: str) -> str:
    """Return a text that XMPP can carry.

    Raises:
        ValueError: a character in it would make the server close the stream (RFC 6120 §11.4).
    """
    found = _UNSENDABLE.search(text)
    if found is not None:
        raise ValueError(f"{found[0]!r} can't be sent over XMPP: take it out")
    return text


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


def iq(
    kind: str,
    payload: Element | None = None,
    *,
    to: str = "",
    sender: str = "",
    id: str = "",  # noqa: A002
) -> Element:
    """Return an IQ of what is known of it, as an account of it has it."""
    known = {"type": kind, "id": id, "to": to, "from": sender}
    stanza = Element(f"{{{CLIENT}}}iq", {name: value for name, value in known.items() if value})
    if payload is not None:
        stanza.append(payload)
    return stanza


def iq_set(to: str, payload: Element) -> Element:
    """Return an IQ of type set, whose answer nobody waits for."""
    attributes = {"type": "set", "id": secrets.token_hex(8), "to": to}
    iq = Element(f"{{{CLIENT}}}iq", attributes)
    iq.append(payload)
    return iq


def chat_message(to: str, body: str, *, wants_receipt: bool = False) -> Element:
    """Return a message of words (RFC 6121 §5).

    Args:
        to: to whom.
        body: what it says.
        wants_receipt: whether the receiver is asked to say that it came (XEP-0184).
    """
    attributes = {"to": to, "type": "chat", "id": secrets.token_hex(8)}
    stanza = Element(f"{{{CLIENT}}}message", attributes)
    SubElement(stanza, f"{{{CLIENT}}}body").text = body
    if wants_receipt:
        SubElement(stanza, f"{{{RECEIPTS}}}request")
    return stanza


def call_message(to: str, message: CallMessage) -> Element:
    """Return the stanza of a call message (XEP-0353)."""
    # The proposal's id is the session's, so that the server's bounce finds the call again.
    identifier = message.id if isinstance(message, Propose) else secrets.token_hex(8)
    attributes = {"to": to, "type": "chat", "id": identifier}
    stanza = Element(f"{{{CLIENT}}}message", attributes)
    stanza.append(message.to_element())
    SubElement(stanza, f"{{{HINTS}}}store")
    return stanza


def stanza_error(kind: str, condition: str) -> Element:
    """Return an ``<error/>`` (RFC 6120 §8.3).

    Args:
        kind: auth, cancel, continue, modify or wait.
        condition: a defined condition of §8.3.3.
    """
    error = Element(f"{{{CLIENT}}}error", {"type": kind})
    SubElement(error, f"{{{STANZAS}}}{condition}")
    return error


def bounce(message: Element) -> Element:
    """Return the error that a server answers a message with that it can't deliver now."""
    error = Element(message.tag, {"type": "error", "id": message.get("id", "")})
    if "to" in message.attrib:
        error.set("from", message.attrib["to"])
    error.append(stanza_error("wait", "recipient-unavailable"))
    return error


def error_condition(iq: Element) -> str:
    """Return the condition of an IQ of type error, or "undefined-condition" if it has none.

    Inside of what is no stanza, the error is in the namespace of that (XEP-0386 §3.3).
    """
    for element in iq.iterfind("{*}error/*"):
        namespace, _, name = element.tag[1:].partition("}")
        if namespace == STANZAS and name != "text":
            return name
    return "undefined-condition"


def age(stanza: Element) -> float:
    """Return for how many seconds a server has kept a stanza before it was delivered (XEP-0203).

    Returns:
        0 if it came at once, infinity if its time can't be read.
    """
    delay = stanza.find(f"{{{DELAY}}}delay")
    if delay is None:
        return 0.0
    try:
        stamp = datetime.fromisoformat(delay.get("stamp", ""))
        if stamp.tzinfo is None:  # XEP-0082 §3.2 wants a zone; UTC is what is meant without one
            stamp = stamp.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - stamp).total_seconds())
    except (ValueError, OverflowError):  # the first and the last day there is, in some zones
        return math.inf

"""What messages and calls of a load test carry: a tag that says which phase they belong to."""

import re
import secrets
import time
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

CLIENT = "jabber:client"
RECEIPTS = "urn:xmpp:receipts"
WORD = "callboard-load"
_SID = re.compile(r"load-(\d{1,4})-[0-9a-f]{24}", re.ASCII)
_BODY = re.compile(
    rf"{WORD} (?P<phase>\d{{1,4}}) (?P<id>[0-9a-f]{{16}}) (?P<sent>\d{{1,20}}) "
    r"(?P<receipt>receipt|none) \.*",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tag:
    """What the body of a message says.

    Attributes:
        phase: the place of its phase in the plan.
        identifier: the message's id.
        sent: when it was sent, in nanoseconds since the epoch.
        receipt: whether a receipt is wanted (XEP-0184).
    """

    phase: int
    identifier: str
    sent: int
    receipt: bool


def session_id(phase: int) -> str:
    """Return a session id for a call of a phase.

    Args:
        phase: its place in the plan.
    """
    return f"load-{phase}-{secrets.token_hex(12)}"


def phase_of(sid: str, phases: int) -> int | None:
    """Return the phase that began a call, or None if none did.

    Args:
        sid: the call's session id.
        phases: how many the plan has.
    """
    found = _SID.fullmatch(sid)
    return int(found[1]) if found and int(found[1]) < phases else None


def tagged_message(to: str, tag: Tag, size: int) -> Element:
    """Return a message of a phase, as `read_tag` understands it.

    Args:
        to: a bare JID.
        tag: what it carries.
        size: characters of the body; the tag has room in any.
    """
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", "id": tag.identifier})
    receipt = "receipt" if tag.receipt else "none"
    words = f"{WORD} {tag.phase} {tag.identifier} {tag.sent} {receipt} "
    SubElement(stanza, f"{{{CLIENT}}}body").text = words + "." * (size - len(words))
    if tag.receipt:
        SubElement(stanza, f"{{{RECEIPTS}}}request")
    return stanza


def new_tag(phase: int, *, receipt: bool) -> Tag:
    """Return a tag for a message that is sent now.

    Args:
        phase: the place of its phase in the plan.
        receipt: whether a receipt is wanted.
    """
    # The wall clock: on several machines the delivery is as exact as their clocks agree.
    return Tag(phase, secrets.token_hex(8), time.time_ns(), receipt)


def read_tag(body: str, phases: int) -> Tag | None:
    """Return what the body of a message says; None if it is none of a phase's.

    Args:
        body: the message's.
        phases: how many the plan has.
    """
    found = _BODY.fullmatch(body)
    if found is None or int(found["phase"]) >= phases:
        return None
    return Tag(int(found["phase"]), found["id"], int(found["sent"]), found["receipt"] == "receipt")


def receipt(to: str, identifier: str) -> Element:
    """Return the receipt of a message (XEP-0184).

    Args:
        to: who sent the message.
        identifier: the message's id.
    """
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat"})
    SubElement(stanza, f"{{{RECEIPTS}}}received", {"id": identifier})
    return stanza

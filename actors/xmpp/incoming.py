"""Stanzas as an account understands them.

To read them changes nothing: see `Reader`.
"""

from typing import Literal
from xml.etree.ElementTree import Element

from msgspec import Struct

from ...config.jid import bare, normal_jid
from ...jingle import CallMessage, parse_call_message
from ...jingle import namespaces as ns
from ...jingle.call_messages.invite import Invite, InviteAnswer, parse_invite
from .capabilities import CARBONS
from .contact import Resource
from .roster import MAX_STATUS, read_resource
from .stanza import CLIENT, RECEIPTS, age

FORWARD = "urn:xmpp:forward:0"

#: Characters of a stanza's id that are kept.
MAX_ID = 1024


class Request(Struct, frozen=True):
    """An IQ that wants an answer (RFC 6120 §8.2.3).

    Attributes:
        sender: who asks; "" is our own account on the server.
        id: what the answer names.
        kind: ``get`` or ``set``; anything else is a mistake of the sender's.
        payload: its first child.
    """

    sender: str
    id: str
    kind: str
    payload: Element | None


class Letter(Struct, frozen=True):
    """A message.

    Attributes:
        sender: the full JID of who wrote it.
        to: to whom.
        id: its id.
        kind: its type, such as chat, groupchat or error.
        copy: whether it is a carbon (XEP-0280) of what another device of ours sent or received.
        age: for how many seconds a server has kept it.
        call: the call message in it (XEP-0353).
        invite: the invite in it, or the answer to one (XEP-0482).
        receipt: the id of the message whose receipt it confirms (XEP-0184).
        body: its text, or "".
        stanza: the message itself, if it is of a call or an invite, or an error.
    """

    sender: str
    to: str
    id: str
    kind: str
    copy: Literal["", "sent", "received"] = ""
    age: float = 0.0
    call: CallMessage | None = None
    invite: Invite | InviteAnswer | None = None
    receipt: str | None = None
    body: str = ""
    stanza: Element | None = None


class Notice(Struct, frozen=True):
    """A presence.

    Attributes:
        sender: whose.
        kind: its type; "" for one that says how its sender is.
        resource: what that is, of one without type.
        status: its words.
    """

    sender: str
    kind: str
    resource: Resource | None
    status: str


def read_stanza(stanza: Element, own: str) -> Request | Letter | Notice | None:
    """Read a stanza.

    Args:
        stanza: an IQ of type get or set, a message, or a presence.
        own: our bare JID, which is whose a stanza without sender is (RFC 6120 §8.1.2.1).

    Returns:
        None if it is not for us to read.

    Raises:
        ValueError: an address in it is none.
    """
    match stanza.tag.rpartition("}")[2]:
        case "iq":
            return _read_iq(stanza)
        case "message":
            return _read_message(stanza, own)
        case "presence":
            return _read_presence(stanza, own)
    return None


def _read_iq(iq: Element) -> Request:
    sender = iq.get("from", "")
    payload = next(iter(iq), None)
    return Request(
        normal_jid(sender) if sender else "", iq.get("id", ""), iq.get("type", ""), payload
    )


def _read_presence(presence: Element, own: str) -> Notice:
    kind = presence.get("type", "")
    return Notice(
        normal_jid(presence.get("from") or own),
        kind,
        None if kind else read_resource(presence),
        presence.findtext(f"{{{CLIENT}}}status", "")[:MAX_STATUS],
    )


def _read_message(message: Element, own: str) -> Letter | None:
    wrapper = next((one for one in message if one.tag in _COPIES), None)
    if wrapper is None:
        return _read_letter(message, own, "", age(message))
    copied = wrapper.find(f"{{{FORWARD}}}forwarded/{{{CLIENT}}}message")
    # XEP-0280 §11: anybody can write such a copy, but only our own account's counts.
    if copied is None or normal_jid(message.get("from") or own) != own:
        return None
    copy = _COPIES[wrapper.tag]
    letter = _read_letter(copied, own, copy, max(age(message), age(copied)))
    ours = letter.sender if copy == "sent" else letter.to
    return letter if bare(ours) == own else None


_COPIES: dict[str, Literal["sent", "received"]] = {
    f"{{{CARBONS}}}sent": "sent",
    f"{{{CARBONS}}}received": "received",
}


def _read_letter(
    message: Element, own: str, copy: Literal["", "sent", "received"], seconds: float
) -> Letter:
    receipt = message.find(f"{{{RECEIPTS}}}received")
    calls = (one for one in message if one.tag.startswith(f"{{{ns.CALL_MESSAGE}}}"))
    call = next(calls, None)
    invites = (one for one in message if one.tag.startswith(f"{{{ns.CALL_INVITE}}}"))
    invite = next(invites, None)
    is_kept = call is not None or invite is not None or message.get("type") == "error"
    return Letter(
        sender=normal_jid(message.get("from") or own),
        to=normal_jid(message.get("to") or own),
        id=message.get("id", "")[:MAX_ID],
        kind=message.get("type", ""),
        copy=copy,
        age=seconds,
        call=None if call is None else parse_call_message(call),
        invite=None if invite is None else parse_invite(invite),
        receipt=None if receipt is None else receipt.get("id", ""),
        body=message.findtext(f"{{{CLIENT}}}body") or "",
        stanza=message if is_kept else None,
    )

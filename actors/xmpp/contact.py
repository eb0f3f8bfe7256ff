"""Whom an account knows, and what their resources say of themselves (RFC 6121 §2.1.2, §4.7)."""

from ..runtime.message import message


@message
class Resource:
    """What one available resource of a contact says of itself (RFC 6121 §4.7).

    Attributes:
        show: "", chat, away, dnd or xa.
        status: its own words.
        priority: -128 to 127.
        capabilities: its XEP-0115 ``node#ver``, or "".
    """

    show: str
    status: str
    priority: int
    capabilities: str


@message
class Contact:
    """One bare JID that the account knows of.

    Attributes:
        jid: the bare JID.
        name: the roster's name for it, or "".
        subscription: none, to, from or both (RFC 6121 §2.1.2.5).
        resources: full JID → `Resource` of each resource that is available.
    """

    jid: str
    name: str
    subscription: str
    resources: dict[str, Resource]

"""The contacts of one account, and what their resources say of themselves (RFC 6121 §2, §4)."""

from xml.etree.ElementTree import Element

from ..config.jid import parse_jid
from . import capabilities
from .jid import bare, is_full
from .messages.account import Contact, Resource
from .stanza import CLIENT

ROSTER = "jabber:iq:roster"
SHOWS = frozenset({"", "chat", "away", "dnd", "xa"})

#: What one account remembers of others at the most.
MAX_CONTACTS = 10_000
MAX_RESOURCES = 32
MAX_STATUS = 1024


class Roster:
    """Who an account knows: from the roster, and from presence that came without it."""

    def __init__(self) -> None:
        self._contacts: dict[str, Contact] = {}

    def __getitem__(self, jid: str) -> Contact:
        """Return what is known of a JID; a contact without anything if that is nothing."""
        peer = bare(jid)
        return self._contacts.get(peer) or Contact(peer, "", "none", {})

    def contacts(self) -> tuple[Contact, ...]:
        """Return all that are known."""
        return tuple(self._contacts.values())

    def clear(self) -> None:
        """Forget everybody: a new stream tells it all again."""
        self._contacts.clear()

    def sees(self, jid: str) -> bool:
        """Tell whether we are subscribed to a contact's presence."""
        return self[jid].subscription in ("to", "both")

    def update(self, query: Element) -> list[Contact]:
        """Take the roster, or a push of one item (RFC 6121 §2.1.6).

        Args:
            query: the ``<query/>`` with its items.

        Returns:
            The contacts that changed, those that were removed with subscription ``remove``.
        """
        changed = []
        for item in query.findall(f"{{{ROSTER}}}item")[:MAX_CONTACTS]:
            try:
                jid = parse_jid(item.get("jid", ""))
            except ValueError:
                continue  # the others still count
            known = self[jid.bare]
            subscription = item.get("subscription", "none")
            contact = Contact(known.jid, item.get("name", ""), subscription, known.resources)
            if subscription == "remove":
                self._contacts.pop(known.jid, None)
                changed.append(contact)
            elif self._keep(contact):
                changed.append(contact)
        return changed

    def change(self, jid: str, resource: Resource | None) -> Contact | None:
        """Take the presence of one resource.

        Args:
            jid: its full JID, or a bare one when everything of the contact goes.
            resource: what it says; None: it goes.

        Returns:
            The contact if anything changed.
        """
        known = self[jid]
        if resource is None and is_full(jid) and jid not in known.resources:
            return None
        others = {} if not is_full(jid) else known.resources
        resources = {full: one for full, one in others.items() if full != jid}
        if resource is not None:
            if len(resources) >= MAX_RESOURCES:
                return None
            resources[jid] = resource
        contact = Contact(known.jid, known.name, known.subscription, resources)
        return contact if self._keep(contact) else None

    def _keep(self, contact: Contact) -> bool:
        if contact.jid not in self._contacts and len(self._contacts) >= MAX_CONTACTS:
            return False
        self._contacts[contact.jid] = contact
        return True


def read_resource(presence: Element) -> Resource:
    """Return what a presence without type says (RFC 6121 §4.7); what is malformed counts as absent.

    Args:
        presence: the stanza.
    """
    show = presence.findtext(f"{{{CLIENT}}}show", "").strip()
    priority = presence.findtext(f"{{{CLIENT}}}priority", "0").strip()
    number = int(priority) if len(priority) < 5 and priority.lstrip("-").isdecimal() else 0
    return Resource(
        show if show in SHOWS else "",
        presence.findtext(f"{{{CLIENT}}}status", "")[:MAX_STATUS],
        max(-128, min(127, number)),
        capabilities.announced(presence),
    )

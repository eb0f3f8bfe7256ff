"""The contacts of one account, and what their resources say of themselves (RFC 6121 §2, §4)."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from msgspec import Struct

from ...config.jid import bare, is_full, parse_jid
from . import capabilities
from .contact import Contact, Resource
from .stanza import CLIENT

ROSTER = "jabber:iq:roster"
#: An xs:byte, or a number beyond one.
_BYTE = re.compile(r"[+-]?[0-9]{1,4}")
SHOWS = frozenset({"", "chat", "away", "dnd", "xa"})

#: What one account remembers of others at the most.
MAX_CONTACTS = 10_000
MAX_STRANGERS = 1_000
MAX_RESOURCES = 32
MAX_STATUS = 1024
MAX_NAME = 1024


class Item(Struct, frozen=True):
    """One item of a roster (RFC 6121 §2.1.2).

    Attributes:
        jid: the bare JID.
        name: what the account's user calls it, or "".
        subscription: none, to, from, both, or remove.
    """

    jid: str
    name: str
    subscription: str


class Roster:
    """Who an account knows: from the roster, and from presence that came without it.

    Strangers have a room of their own, so that they can't take the contacts' places.
    """

    def __init__(self) -> None:
        self._contacts: dict[str, Contact] = {}
        self._strangers: OrderedDict[str, Contact] = OrderedDict()

    def __getitem__(self, jid: str) -> Contact:
        """Return what is known of a JID; a contact without anything if that is nothing."""
        peer = bare(jid)
        found = self._contacts.get(peer) or self._strangers.get(peer)
        return found or Contact(peer, "", "none", {})

    def contacts(self) -> tuple[Contact, ...]:
        """Return all that are known."""
        return (*self._contacts.values(), *self._strangers.values())

    def clear(self) -> None:
        """Forget everybody: a new stream tells it all again."""
        self._contacts.clear()
        self._strangers.clear()

    def sees(self, jid: str) -> bool:
        """Tell whether we are subscribed to a contact's presence."""
        return self[jid].subscription in ("to", "both")

    def update(self, items: Iterable[Item]) -> list[Contact]:
        """Take the roster, or a push of one item (RFC 6121 §2.1.6).

        Returns:
            The contacts that changed, those that were removed with subscription ``remove``.
        """
        changed = []
        for item in items:
            known = self[item.jid]
            contact = Contact(item.jid, item.name, item.subscription, known.resources)
            if item.subscription == "remove":
                self._contacts.pop(item.jid, None)
            elif item.jid in self._contacts or len(self._contacts) < MAX_CONTACTS:
                self._strangers.pop(item.jid, None)
                self._contacts[item.jid] = contact
            else:
                continue
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
        if resource is None and not (jid in known.resources if is_full(jid) else known.resources):
            return None  # a server answers a probe of who is not there, too
        if resource is not None and known.resources.get(jid) == resource:
            return None  # at the start a contact may tell of itself, and its server may, too
        others = {} if not is_full(jid) else known.resources
        resources = {full: one for full, one in others.items() if full != jid}
        if resource is not None:
            if len(resources) >= MAX_RESOURCES:
                return None
            resources[jid] = resource
        contact = Contact(known.jid, known.name, known.subscription, resources)
        if known.jid in self._contacts:
            self._contacts[known.jid] = contact
        else:
            self._meet(contact)
        return contact

    def _meet(self, stranger: Contact) -> None:
        """Remember a stranger as long as it is there, and no longer than until many others came."""
        self._strangers.pop(stranger.jid, None)
        if stranger.resources:
            self._strangers[stranger.jid] = stranger
            if len(self._strangers) > MAX_STRANGERS:
                self._strangers.popitem(last=False)


def read_items(query: Element) -> tuple[Item, ...]:
    """Return the items of a roster, or of a push; those whose JID is none are left out.

    Args:
        query: the ``<query/>`` with its items.
    """
    return tuple(
        Item(jid, item.get("name", "")[:MAX_NAME], item.get("subscription", "none"))
        for item in query.findall(f"{{{ROSTER}}}item")[:MAX_CONTACTS]
        if (jid := _bare_jid(item.get("jid", "")))
    )


def _bare_jid(text: str) -> str:
    try:
        return parse_jid(text).bare
    except ValueError:
        return ""


def read_resource(presence: Element) -> Resource:
    """Return what a presence without type says (RFC 6121 §4.7); what is malformed counts as absent.

    Args:
        presence: the stanza.
    """
    show = presence.findtext(f"{{{CLIENT}}}show", "").strip()
    priority = presence.findtext(f"{{{CLIENT}}}priority", "0").strip()
    number = int(priority) if _BYTE.fullmatch(priority) else 0
    return Resource(
        show if show in SHOWS else "",
        presence.findtext(f"{{{CLIENT}}}status", "")[:MAX_STATUS],
        max(-128, min(127, number)),
        capabilities.announced(presence),
    )

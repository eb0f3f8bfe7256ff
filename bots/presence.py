"""A contact's presence, as a bot sees it."""

from dataclasses import dataclass

from ..actors.xmpp.contact import Contact
from .address import Address

#: From the most willing to the least (RFC 6121 §4.7.2.1).
_SHOWS = ("chat", "", "away", "xa", "dnd")


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a contact now.

    Attributes:
        contact: the roster's entry with all resources.
    """

    contact: Contact

    @property
    def jid(self) -> Address:
        """The contact's bare JID."""
        return Address(self.contact.jid)

    @property
    def available(self) -> bool:
        """Whether any of the contact's resources is online."""
        return bool(self.contact.resources)

    @property
    def show(self) -> str:
        """The show of the most willing resource; "" if none is online."""
        shows = [resource.show for resource in self.contact.resources.values()]
        return min(shows, key=_SHOWS.index, default="")

    @property
    def status(self) -> str:
        """The status text of the resource with the highest priority, or ""."""
        resources = self.contact.resources.values()
        best = max(resources, key=lambda resource: resource.priority, default=None)
        return "" if best is None else best.status

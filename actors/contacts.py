"""The contacts of one account: who they are, who of them is there, and who may see whom."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from msgspec import Struct

from ..config.account import Subscriptions
from ..config.jid import bare
from .login_session import LoginSession
from .messages.account import GetRoster
from .runtime.actor import handles
from .xmpp.contact import Contact
from .xmpp.incoming import Notice
from .xmpp.roster import ROSTER, Item, Roster, read_items
from .xmpp.safe_reader import Reader
from .xmpp.stanza import CLIENT


class RosterAsked(Struct, frozen=True):
    """What the answer to the request for the roster is recognised by."""


class Contacts:
    """What an account knows of others, a part of the account's actor.

    Args:
        session: asks for the roster, and sends subscriptions.
        policy: whom the account lets see its presence, and whose it wants to see.
        reader: reads what comes in.
    """

    __slots__ = (
        "_policy",
        "_reader",
        "_roster",
        "_session",
    )

    def __init__(self, session: LoginSession, policy: Subscriptions, reader: Reader) -> None:
        self._session = session
        self._policy = policy
        self._reader = reader
        self._roster = Roster()

    def __getitem__(self, jid: str) -> Contact:
        """Return what is known of a JID; a contact without anything if that is nothing."""
        return self._roster[jid]

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._roster.contacts())

    @handles(GetRoster)
    def all(self, _: GetRoster) -> tuple[Contact, ...]:
        """Return all that are known."""
        return self._roster.contacts()

    def ask(self) -> None:
        """Begin with the contacts of a new session."""
        self._roster.clear()
        self._session.request("", "get", Element(f"{{{ROSTER}}}query"), RosterAsked())

    def listed(self, iq: Element | None) -> None:
        """Take the roster, and ask for the subscriptions that it lacks.

        Args:
            iq: the answer; None if there was none.
        """
        self._roster.update(self._reader.read(_roster_of, iq) or ())
        for jid in self._policy.request:
            if not self._roster.sees(jid):
                self._subscribe(jid, "subscribe")

    def pushed(self, query: Element) -> list[Contact]:
        """Take a push (RFC 6121 §2.1.6); return the contacts that changed."""
        return self._roster.update(self._reader.read(read_items, query) or ())

    def noticed(self, notice: Notice) -> Contact | None:
        """Take another's presence; return the contact if it changed."""
        peer = bare(notice.sender)
        if notice.kind == "subscribe":
            if self._policy.accepts(peer):
                self._subscribe(peer, "subscribed")
                if not self._roster.sees(peer):
                    # Clients take calls from mutual contacts only.
                    self._subscribe(peer, "subscribe")
            else:
                self._subscribe(peer, "unsubscribed")
        elif notice.kind in ("", "unavailable") and peer != self._session.own_bare:
            return self._roster.change(notice.sender, notice.resource)
        return None

    def change(self, policy: Subscriptions) -> None:
        """Follow another policy, and ask for the subscriptions that it adds."""
        before, self._policy = self._policy, policy
        for jid in policy.request:
            if jid not in before.request and self._session.is_online and not self._roster.sees(jid):
                self._subscribe(jid, "subscribe")

    def _subscribe(self, to: str, kind: str) -> None:
        stanza = Element(f"{{{CLIENT}}}presence", {"to": bare(to), "type": kind})
        self._session.transmit(stanza)


def _roster_of(iq: Element | None) -> tuple[Item, ...]:
    query = None if iq is None else iq.find(f"{{{ROSTER}}}query")
    return () if query is None else read_items(query)

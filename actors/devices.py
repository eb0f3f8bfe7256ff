"""A peer's devices: which are there, and what each of them can do."""

import secrets
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from msgspec import Struct

from ..config.jid import is_full
from .messages.account import PlaceCall
from .xmpp import capabilities
from .xmpp.contact import Resource
from .xmpp.events import IqAnswered
from .xmpp.safe_reader import Reader


class Question(Struct, frozen=True):
    """What a device is to be asked: what it can do (XEP-0030 §3).

    Attributes:
        to: its full JID.
        query: the child of the IQ of type get.
        token: what the answer is recognised by.
    """

    to: str
    query: Element
    token: str


class Devices:
    """The devices of one bare peer.

    Args:
        resources: those that are known to be available, by full JID.
        reader: reads their answers.
    """

    def __init__(self, resources: dict[str, Resource], reader: Reader) -> None:
        self._resources = dict(resources)
        self._reader = reader
        self._features: dict[str, frozenset[str]] = {}
        self._asked: dict[str, str] = {}

    @property
    def are_asked(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._asked)

    def change(self, jid: str, resource: Resource | None) -> None:
        """Take note of a presence.

        Args:
            jid: whose; a bare one stands for all devices.
            resource: what it says; None: it went away.
        """
        self._features.pop(jid, None)
        if resource is not None:
            self._resources[jid] = resource
        elif is_full(jid):
            self._resources.pop(jid, None)
        else:
            self._resources.clear()

    def reached_by(self, to: str) -> list[str]:
        """Return the full JIDs that a call to this one may reach."""
        return [to] if is_full(to) else list(self._resources)

    # -- what they can do --------------------------------------------------------------------------

    def questions(self, jids: Iterable[str]) -> list[Question]:
        """Return what has to be asked, so that it is known what these devices can do."""
        found = []
        for jid in jids:
            if jid in self._features or jid in self._asked.values():
                continue
            announced = self._announced(jid)
            known = capabilities.KNOWN.get(announced)
            if known is not None:
                self._features[jid] = known
                continue
            token = secrets.token_hex(8)
            self._asked[token] = jid
            attributes = {"node": announced} if announced else {}
            query = Element(f"{{{capabilities.DISCO_INFO}}}query", attributes)
            found.append(Question(jid, query, token))
        return found

    def learn(self, message: IqAnswered) -> bool:
        """Take an answer; tell whether it is one to a question that still counts."""
        jid = self._asked.pop(message.token, None)
        if jid is None:
            return False
        query = None
        if message.answer is not None and message.answer.get("type") == "result":
            query = message.answer.find(f"{{{capabilities.DISCO_INFO}}}query")
        learn = capabilities.KNOWN.learn
        learnt = None if query is None else self._reader.read(learn, self._announced(jid), query)
        self._features[jid] = learnt or frozenset()
        return True

    def give_up(self) -> None:
        """Wait no longer for answers."""
        self._asked.clear()

    def refused_by(self, jids: Iterable[str]) -> frozenset[str]:
        """Return the kinds of content that none of these devices can take."""
        known = [capabilities.refused(self._can(jid)) for jid in jids]
        return frozenset[str]().union(*known).intersection(*known)

    def way_to(self, order: PlaceCall) -> tuple[str, bool]:
        """Choose whom to call, and whether with XEP-0353.

        A device that can take calls but has no XEP-0353 would never ring: where there is one, it is
        called directly. Where nothing is known of the peer, everybody is asked by message.
        """
        reached = self.reached_by(order.to)
        able = [jid for jid in reached if capabilities.JINGLE_RTP in self._can(jid)]
        direct = [jid for jid in able if capabilities.JINGLE_MESSAGE not in self._can(jid)]
        message = not direct if order.message is None else order.message
        if message:
            return order.to, True
        return max(direct or able or reached or [order.to], key=self._priority), False

    def _can(self, jid: str) -> frozenset[str]:
        return self._features.get(jid, frozenset())

    def _announced(self, jid: str) -> str:
        resource = self._resources.get(jid)
        return "" if resource is None else resource.capabilities

    def _priority(self, jid: str) -> int:
        return self._resources[jid].priority if jid in self._resources else -129

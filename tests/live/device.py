"""A client of a test's own: it says what it is told to say, and notes what it hears."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self
from xml.etree.ElementTree import Element, SubElement

from callboard.actors.xmpp import capabilities
from callboard.actors.xmpp.events import (
    RequestAnswered,
    StanzaReceived,
    StreamEvent,
    StreamFailed,
    StreamOpened,
)
from callboard.actors.xmpp.stanza import CLIENT, iq_reply
from callboard.actors.xmpp.stream import Stream
from callboard.actors.xmpp.tls_context import trust
from callboard.jingle import CallMessage, Role, parse_call_message, to_jingle
from callboard.jingle import namespaces as ns
from callboard.tests.live.stage import PASSWORD, PATIENCE, Stage

#: An offer of one Opus stream whose one candidate leads nowhere: nothing answers at port 9.
OFFER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:96 opus/48000/2
a=ice-ufrag:dead
a=ice-pwd:deadbeefdeadbeefdeadbeef
a=fingerprint:sha-256 {}
a=setup:actpass
a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host
""".format(":".join(["AB"] * 32)).replace("\n", "\r\n")


class _Line(Stream):
    """A stream whose stanzas may be handed to an account past the server.

    Prosody writes a line break in an attribute as it is, so that it comes out as a space.
    """

    account: Any = None

    def transmit(self, stanza: Element, *, at_leisure: bool = False) -> None:
        if self.account is None:
            super().transmit(stanza, at_leisure=at_leisure)
        else:
            stanza.set("from", str(self.boundjid))
            self.account.actor_ref.tell(StanzaReceived(stanza))


class Device:
    """A raw XMPP client: elements out, elements in.

    Args:
        stage: whose server it logs in to.
        jid: its full JID.
        features: what it answers a disco#info query with.
        acknowledges: whether it answers the IQs of type set that it gets, with a result.
    """

    def __init__(
        self,
        stage: Stage,
        jid: str,
        *,
        features: Iterable[str] = capabilities.features(True, True),
        acknowledges: bool = True,
    ) -> None:
        self.jid = jid
        self.heard: list[Element] = []
        self._stage = stage
        self._features = tuple(features)
        self._acknowledges = acknowledges
        self._changed = asyncio.Event()
        self._opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        context = await asyncio.to_thread(trust, self._stage.prosody.certificate)
        self._stream = _Line(
            self.jid,
            PASSWORD,
            context=context,
            direct_tls=False,
            keeps_resource=True,
            deliver=self._hear,
        )
        self._stream.open(self._stage.prosody.address, self._stage.prosody.port)
        async with asyncio.timeout(PATIENCE):
            await self._opened
        await self.request("", "set", Element(f"{{{capabilities.CARBONS}}}enable"))
        await self.request("", "get", Element("{jabber:iq:roster}query"))
        self.send(Element(f"{{{CLIENT}}}presence"))
        await self.until(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == self.jid)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stream.close()

    def _hear(self, event: StreamEvent) -> None:
        match event:
            case StreamOpened():
                self._opened.set_result(event.jid)
            case StreamFailed():
                self._opened.set_exception(ConnectionError(event.end.reason))
            case RequestAnswered(asyncio.Future() as asked, iq):
                asked.set_result(iq)
            case StanzaReceived(stanza):
                self._react(stanza)
                self.heard.append(stanza)
                self._changed.set()

    def _react(self, stanza: Element) -> None:
        if stanza.tag != f"{{{CLIENT}}}iq":
            return
        sender, identifier = stanza.get("from", ""), stanza.get("id", "")
        query = stanza.find(f"{{{capabilities.DISCO_INFO}}}query")
        if stanza.get("type") == "get" and query is not None:
            answer = Element(query.tag, query.attrib)
            for feature in self._features:
                SubElement(answer, f"{{{capabilities.DISCO_INFO}}}feature", {"var": feature})
            self.send(iq_reply(sender, identifier, answer))
        elif stanza.get("type") == "set" and self._acknowledges:
            self.send(iq_reply(sender, identifier))

    def hand_to(self, account: Any) -> None:
        """Hand what is sent from now on to an account itself, as a server of another make would."""
        self._stream.account = account

    def send(self, stanza: Element) -> None:
        """Send a stanza."""
        self._stream.transmit(stanza)

    async def request(self, to: str, kind: str, payload: Element) -> Element:
        """Send an IQ; return the whole answer, whatever it is."""
        future: asyncio.Future[Element | None] = asyncio.get_running_loop().create_future()
        self._stream.request(to, kind, payload, future)
        async with asyncio.timeout(PATIENCE):
            answer = await future
        assert answer is not None
        return answer

    async def jingle(self, to: str, jingle: Element) -> str:
        """Send a ``<jingle/>``; return "" for a result, else the error's conditions."""
        answer = await self.request(to, "set", jingle)
        error = answer.find(f"{{{CLIENT}}}error")
        if error is None:
            return ""
        names = [each.tag.rpartition("}")[2] for each in error]
        return " ".join(name for name in names if name != "text")

    def say(self, to: str, message: CallMessage, kind: str = "chat") -> None:
        """Send a call message (XEP-0353)."""
        stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": kind, "id": message.id})
        stanza.append(message.to_element())
        self.send(stanza)

    def text(self, to: str, body: str, **attributes: str) -> None:
        """Send a message with a body."""
        stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", **attributes})
        SubElement(stanza, f"{{{CLIENT}}}body").text = body
        self.send(stanza)

    def presence(self, to: str, kind: str) -> None:
        """Send a presence stanza of a type to somebody."""
        self.send(Element(f"{{{CLIENT}}}presence", {"to": to, "type": kind}))

    async def until(self, found: Callable[[Element], bool]) -> Element:
        """Return the first stanza that fits, past or to come."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                self._changed.clear()
                for stanza in self.heard[seen:]:
                    if found(stanza):
                        return stanza
                seen = len(self.heard)
                await self._changed.wait()

    async def hears(self, kind: type[CallMessage]) -> tuple[CallMessage, str]:
        """Return the first call message of a kind, and who sent it."""

        def is_it(stanza: Element) -> bool:
            return any(isinstance(parse_call_message(each), kind) for each in stanza)

        stanza = await self.until(is_it)
        found = next(each for each in map(parse_call_message, stanza) if each is not None)
        return found, stanza.get("from", "")

    async def hears_jingle(self, action: str) -> tuple[Element, str]:
        """Return the first ``<jingle/>`` with an action, and who sent it."""
        tag = f"{{{ns.JINGLE}}}jingle"

        def is_it(stanza: Element) -> bool:
            jingle = stanza.find(tag)
            return jingle is not None and jingle.get("action") == action

        stanza = await self.until(is_it)
        found = stanza.find(tag)
        assert found is not None
        return found, stanza.get("from", "")

    def initiate(self, sid: str | None = None, offer: str = OFFER) -> Element:
        """Return a session-initiate with an offer."""
        return to_jingle(
            offer,
            role=Role.INITIATOR,
            sid=sid or secrets.token_hex(8),
            action="session-initiate",
            initiator=self.jid,
        )

    def accept(self, initiate: Element) -> Element:
        """Return a session-accept of an offer of audio, whose one candidate leads nowhere."""
        accept = self.initiate(initiate.get("sid"), OFFER.replace("actpass", "active"))
        accept.set("action", "session-accept")
        accept.set("responder", accept.attrib.pop("initiator"))
        own, offered = (each.find(f"{{{ns.JINGLE}}}content") for each in (accept, initiate))
        assert own is not None
        assert offered is not None
        own.set("name", offered.get("name", ""))
        return accept

    def terminate(self, sid: str, reason: str) -> Element:
        """Return a session-terminate."""
        jingle = Element(f"{{{ns.JINGLE}}}jingle", {"action": "session-terminate", "sid": sid})
        SubElement(SubElement(jingle, f"{{{ns.JINGLE}}}reason"), f"{{{ns.JINGLE}}}{reason}")
        return jingle


def reason_of(jingle: Element) -> str:
    """Return the reason of a session-terminate."""
    reason = jingle.find(f"{{{ns.JINGLE}}}reason")
    assert reason is not None
    return next(each.tag.rpartition("}")[2] for each in reason)

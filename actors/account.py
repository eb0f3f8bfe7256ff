"""One XMPP account: its contacts, its conversations, and where its calls' stanzas go."""

import logging
import secrets
from xml.etree.ElementTree import Element

from ..config.jid import normal_jid
from ..jingle import Propose, parse_call_message, unknown_session
from ..jingle import namespaces as ns
from ..jingle.invite import Invite, InviteAnswer, JingleMethod, parse_invite
from . import capabilities
from .context import Context, Ref
from .conversation import Conversation
from .farewell import farewell
from .future import AsyncioFuture
from .jid import bare
from .messages.account import (
    AnswerInvite,
    Contact,
    ConversationIdle,
    Drain,
    DrainOverdue,
    ForgetCall,
    GetRoster,
    Invitation,
    PlaceCall,
    ReplyIq,
    Resource,
    RouteCall,
    Send,
    SendInvite,
    StanzaReceived,
)
from .messages.call import DrainCall, JingleReceived, PeerUnreachable
from .messages.conversation import (
    Call,
    CallMessageReceived,
    NetworkFound,
    PresenceReceived,
    SessionInitiated,
    TextReceived,
)
from .messages.exchange import (
    PresenceReturned,
    ReceiptReceived,
)
from .post import post
from .roster import MAX_STATUS, ROSTER, Roster, read_resource
from .routes import Routes
from .runtime import handles
from .session import Session
from .stanza import CLIENT, age, iq_reply, make_comparable, stanza_error

log = logging.getLogger(__name__)

log = logging.getLogger(__name__)

FORWARD = "urn:xmpp:forward:0"
RECEIPTS = "urn:xmpp:receipts"

#: Seconds that conversations have to end their calls when the account stops.
CONVERSATIONS_DEADLINE = 20.0
#: Seconds after which a proposal that the server kept for us is a missed call, not one that rings.
STALE = 30.0
#: Conversations at the most; the oldest without a call goes first.
MAX_CONVERSATIONS = 10_000


class Offline(Exception):  # noqa: N818 - a state, as the message says
    """The account can't do that: it is not online, or it is about to log out."""


class Account(Session):
    """One XMPP account.

    It knows the roster and the presence of its contacts, starts a conversation for each peer that
    something happens with, and routes the stanzas of each call by the peer's bare JID and the
    session id. Its settings, its bot and everything else come from the context.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._roster = Roster()
        self._conversations: dict[str, Ref] = {}
        self._routes = Routes()

    def __repr__(self) -> str:
        return f"<Account {self._bare}>"

    async def on_end(self, error: BaseException | None) -> None:
        """Close the stream; calls that still run end with their conversations."""
        await farewell(self._conversations.values(), CONVERSATIONS_DEADLINE)
        await super().on_end(error)

    def _network_changed(self) -> None:
        for conversation in self._conversations.values():
            post(conversation, NetworkFound(self._network))

    # -- what the stream brings --------------------------------------------------------------------

    @handles(StanzaReceived)
    def _stanza_received(self, message: StanzaReceived) -> None:
        stanza = message.stanza
        try:
            make_comparable(stanza)
        except ValueError as error:
            log.debug("%r: a stanza was dropped: %s", self, error)
            return
        match stanza.tag.rpartition("}")[2]:
            case "iq":
                self._iq_received(stanza)
            case "message":
                self._message_received(stanza, stanza.get("from", self._own_bare))
            case "presence":
                self._presence_received(stanza, stanza.get("from", self._own_bare))

    def _iq_received(self, iq: Element) -> None:
        sender, identifier = iq.get("from", ""), iq.get("id", "")
        payload = next(iter(iq), None)
        kind, tag = iq.get("type"), "" if payload is None else payload.tag
        policy = self._context.settings.calls
        if payload is None or kind not in ("get", "set"):
            self._reply_iq(ReplyIq(sender, identifier, stanza_error("modify", "bad-request")))
        elif (kind, tag) == ("set", f"{{{ns.JINGLE}}}jingle"):
            self._jingle_received(sender, identifier, payload)
        elif (kind, tag) == ("set", f"{{{ROSTER}}}query"):
            if sender in ("", self._own_bare):  # RFC 6121 §2.1.6: nobody else may change it
                self._roster_changed(payload)
                self._reply_iq(ReplyIq(sender, identifier))
        elif (kind, tag) == ("get", f"{{{capabilities.PING}}}ping"):
            self._reply_iq(ReplyIq(sender, identifier))
        elif (kind, tag) == ("get", f"{{{capabilities.DISCO_INFO}}}query"):
            answer = capabilities.info(policy.audio, policy.video, payload.get("node"))
            self._send(Send(iq_reply(sender, identifier, answer)))
        elif (kind, tag) == ("get", f"{{{capabilities.DISCO_ITEMS}}}query"):
            answer = Element(f"{{{capabilities.DISCO_ITEMS}}}query")
            self._send(Send(iq_reply(sender, identifier, answer)))
        else:
            error = stanza_error("cancel", "service-unavailable")
            self._reply_iq(ReplyIq(sender, identifier, error))

    def _jingle_received(self, sender: str, identifier: str, jingle: Element) -> None:
        peer, sid = bare(sender), jingle.get("sid", "")
        received = JingleReceived(sender, identifier, jingle)
        if self._routes.deliver(peer, sid, received):
            return
        if (peer, sid) in self._routes or jingle.get("action") != "session-initiate" or not sid:
            self._unknown_session(received)
            return
        self._routes.reserve(peer, sid)
        post(
            self._conversation(peer),
            SessionInitiated(sender, identifier, jingle, len(self._routes), self._draining),
        )

    def _unknown_session(self, received: JingleReceived) -> None:
        error = unknown_session(received.jingle.get("sid", "")).to_element()
        self._reply_iq(ReplyIq(received.sender, received.iq, error))

    def _message_received(self, stanza: Element, sender: str, *, own: bool = False) -> None:
        if stanza.get("type") == "error":
            # A bounced proposal comes back with its id alone, which is the session's.
            self._routes.tell(bare(sender), stanza.get("id", ""), PeerUnreachable(sender))
            return
        carbon = stanza.find(
            f"{{{capabilities.CARBONS}}}sent/{{{FORWARD}}}forwarded/{{{CLIENT}}}message"
        )
        if carbon is not None and sender == self._own_bare and not own:
            # XEP-0280 §11: a copy counts only if our own account sent it.
            make_comparable(carbon)
            self._message_received(carbon, carbon.get("from", ""), own=True)
            return
        element = next((e for e in stanza if e.tag.startswith(f"{{{ns.CALL_MESSAGE}}}")), None)
        if element is not None:
            self._call_message_received(stanza, element, sender)
            return
        receipt = stanza.find(f"{{{RECEIPTS}}}received")
        if receipt is not None and not own:
            identifier = receipt.get("id", "")
            post(self._context.exchange, ReceiptReceived(self._bare, sender, identifier))
            return
        invite = next((e for e in stanza if e.tag == f"{{{ns.CALL_INVITE}}}invite"), None)
        if invite is not None and not own:
            self._invited(stanza, invite, sender)
        body = stanza.findtext(f"{{{CLIENT}}}body")
        if body and not own and stanza.get("type") != "groupchat":
            post(self._conversation(bare(sender)), TextReceived(sender, body))

    def _call_message_received(self, stanza: Element, element: Element, sender: str) -> None:
        message = parse_call_message(element)
        own = bare(sender) == self._own_bare and sender != self._jid
        if message is None or sender == self._jid:
            return
        peer = bare(stanza.get("to", "")) if own else bare(sender)
        if own and peer == self._own_bare:  # an <accept/> or <reject/> to our other resources
            found = self._routes.peer_of(message.id)
            if found is None:
                return
            peer = found
        if isinstance(message, Propose):
            if own or (peer, message.id) in self._routes or age(stanza) > STALE:
                return  # ours, already known, or kept for us since long before we came
            self._routes.reserve(peer, message.id)
        post(
            self._conversation(peer),
            CallMessageReceived(sender, message, own, len(self._routes), self._draining),
        )

    # -- invites (XEP-0482) ------------------------------------------------------------------------

    def _invited(self, stanza: Element, element: Element, sender: str) -> None:
        invite, policy = parse_invite(element), self._context.settings.calls
        if not isinstance(invite, Invite) or not policy.allows(sender) or age(stanza) > STALE:
            return
        # Who may call us may not have us call whom it likes.
        method = next(
            (
                one
                for one in invite.methods
                if isinstance(one, JingleMethod) and policy.allows(one.jid or sender)
            ),
            None,
        )
        if method is None:
            log.debug("%s invites to no call with anybody whom calls.from lists", sender)
            return
        try:
            jid = normal_jid(method.jid) if method.jid else sender
        except ValueError as error:
            log.debug("%r: an invite was dropped: %s", self, error)
            return
        self._runner.run(
            self._bot.invited(
                Invitation(
                    sender=sender,
                    id=stanza.get("id", "")[:MAX_STATUS],
                    sid=method.sid,
                    jid=jid,
                    audio=invite.audio,
                    video=invite.video,
                )
            )
        )

    @handles(SendInvite)
    def _send_invite(self, message: SendInvite) -> None:
        invite = Invite((JingleMethod(message.sid, self._jid),), video=message.video)
        self._send_chat(message.to, invite.to_element())

    @handles(AnswerInvite)
    def _answer_invite(self, message: AnswerInvite) -> None:
        invitation = message.invitation
        method = JingleMethod(invitation.sid, invitation.jid) if message.accept else None
        answer = InviteAnswer("accept" if message.accept else "reject", invitation.id, method)
        self._send_chat(invitation.sender, answer.to_element())

    def _send_chat(self, to: str, payload: Element) -> None:
        attributes = {"to": to, "type": "chat", "id": secrets.token_hex(8)}
        stanza = Element(f"{{{CLIENT}}}message", attributes)
        stanza.append(payload)
        self._send(Send(stanza))

    # -- contacts ----------------------------------------------------------------------------------

    def _ask_for_roster(self) -> None:
        self._roster.clear()
        self._request("", "get", Element(f"{{{ROSTER}}}query"), self._roster_received)

    def _roster_received(self, iq: Element | None) -> None:
        if iq is not None:
            self._login_step("roster")
        query = None if iq is None else iq.find(f"{{{ROSTER}}}query")
        if query is not None:
            self._roster_changed(query)
        for jid in self._context.settings.subscriptions.request:
            if not self._roster.sees(jid):
                self._send_subscription(jid, "subscribe")

    def _roster_changed(self, query: Element) -> None:
        for contact in self._roster.update(query):
            self._runner.run(self._bot.presence(contact))

    def _presence_received(self, stanza: Element, sender: str) -> None:
        kind = stanza.get("type", "")
        peer = bare(sender)
        if sender == self._jid and not kind:
            self._login_step("presence")
            status = stanza.findtext(f"{{{CLIENT}}}status", "")[:MAX_STATUS]
            post(self._context.exchange, PresenceReturned(self._bare, status))
            return
        if kind == "subscribe":
            if self._context.settings.subscriptions.accepts(peer):
                self._send_subscription(peer, "subscribed")
                if not self._roster.sees(peer):
                    # Clients take calls from mutual contacts only.
                    self._send_subscription(peer, "subscribe")
            else:
                self._send_subscription(peer, "unsubscribed")
        elif kind in ("", "unavailable") and peer != self._own_bare:
            self._resource_changed(sender, None if kind else read_resource(stanza))

    def _resource_changed(self, jid: str, resource: Resource | None) -> None:
        contact = self._roster.change(jid, resource)
        if contact is None:
            return
        self._runner.run(self._bot.presence(contact))
        if contact.jid in self._conversations:
            post(self._conversation(contact.jid), PresenceReceived(jid, resource))

    def _send_subscription(self, to: str, kind: str) -> None:
        self._send(Send(Element(f"{{{CLIENT}}}presence", {"to": bare(to), "type": kind})))

    @handles(GetRoster)
    def _get_roster(self, _: GetRoster) -> tuple[Contact, ...]:
        return self._roster.contacts()

    # -- calls -------------------------------------------------------------------------------------

    @handles(PlaceCall)
    def _place_call(self, order: PlaceCall) -> AsyncioFuture[Ref]:
        if not self._online or self._draining:
            raise Offline(f"{self._bare} is not online, so it can't call {order.to}")
        placed: AsyncioFuture[Ref] = AsyncioFuture()
        post(self._conversation(bare(order.to)), Call(order, self._jid, placed))
        return placed

    @handles(RouteCall)
    def _route_call(self, message: RouteCall) -> None:
        self._routes.lead(message.peer, message.sid, message.call)

    @handles(ForgetCall)
    def _forget_call(self, message: ForgetCall) -> None:
        for received in self._routes.forget(message.peer, message.sid):
            self._unknown_session(received)
        if self._draining and not self._routes:
            self._log_out()

    @handles(ConversationIdle)
    def _conversation_idle(self, message: ConversationIdle) -> None:
        busy = message.peer in self._routes.peers()
        if not busy and message.peer in self._conversations:
            self._conversations.pop(message.peer).stop(block=False)

    def _conversation(self, peer: str) -> Ref:
        conversation = self._conversations.get(peer)
        if conversation is None or not conversation.is_alive():
            self._make_room()
            conversation = Conversation.start(
                self._context,
                account=self.actor_ref,
                bot=self._bot,
                own=self._jid,
                peer=peer,
                resources=self._roster[peer].resources,
                network=self._network,
                last_word=self._transmit,
            )
            self._conversations[peer] = conversation
        return conversation

    def _make_room(self) -> None:
        """Put the oldest conversation without a call away when there are too many."""
        if len(self._conversations) < MAX_CONVERSATIONS:
            return
        busy = self._routes.peers()
        idle = next((peer for peer in self._conversations if peer not in busy), None)
        if idle is not None:
            self._conversations.pop(idle).stop(block=False)

    # -- the end -----------------------------------------------------------------------------------

    @handles(Drain)
    def _drain(self, message: Drain) -> None:
        self._draining = True
        if not self._routes:
            self._log_out()
        elif message.seconds <= 0:
            self._drain_overdue(DrainOverdue())
        else:
            self.after(message.seconds, DrainOverdue())

    @handles(DrainOverdue)
    def _drain_overdue(self, _: DrainOverdue) -> None:
        self._routes.tell_all(DrainCall())

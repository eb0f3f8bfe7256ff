"""One XMPP account: its contacts, its conversations, and where its calls' stanzas go."""

import logging
import secrets
from collections import deque
from xml.etree.ElementTree import Element

from ..config.jid import bare, normal_jid
from ..jingle import CallMessage, Propose, Reject, unknown_session
from ..jingle import namespaces as ns
from ..jingle.call_messages.invite import Invite, InviteAnswer, JingleMethod
from .call_policy import refusal
from .call_rate import CallRate
from .context import Context
from .conversation import Conversation
from .conversations import IDLE, Conversations
from .messages.account import (
    AnswerInvite,
    ConversationIdle,
    DrainAccount,
    DrainOverdue,
    ForgetCall,
    GetRoster,
    Invitation,
    LookAround,
    PlaceCall,
    ReplyIq,
    RouteCall,
    Send,
    SendInvite,
)
from .messages.call import CallRef, DrainCall, JingleReceived, PeerUnreachable
from .messages.conversation import (
    CallMessageReceived,
    CallPeer,
    ConversationRef,
    NetworkFound,
    PresenceReceived,
    SessionInitiated,
)
from .messages.exchange import (
    PresenceReturned,
    ReceiptReceived,
)
from .records.call_record import CallRecord
from .routes import Routes
from .runtime.actor import handles
from .runtime.future import AsyncioFuture
from .runtime.supervision import stop_all
from .session import Session
from .xmpp import capabilities
from .xmpp.contact import Contact, Resource
from .xmpp.events import StanzaReceived
from .xmpp.incoming import Letter, Notice, Request, read_stanza
from .xmpp.roster import ROSTER, Item, Roster, read_items
from .xmpp.stanza import CLIENT, call_message, iq_reply, stanza_error

log = logging.getLogger(__name__)

#: Seconds that conversations have to end their calls when the account stops.
CONVERSATIONS_DEADLINE = 20.0
#: Seconds after which a proposal that the server kept for us is a missed call, not one that rings.
STALE = 30.0
#: What may wait until the bot has begun.
MAX_EARLY = 1_000
#: Proposals and invites that are remembered, to know a copy by.
MAX_HEARD_LAST = 64


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
        self._routes = Routes()
        self._conversations = Conversations(self._start_conversation, self._routes.any_with)
        self._call_rate = CallRate(self._bare)
        self._looks_around = False
        self._early: list[Request | Letter] = []
        self._heard_last: deque[tuple[str, ...]] = deque(maxlen=MAX_HEARD_LAST)

    def __repr__(self) -> str:
        return f"<Account {self._bare}>"

    async def on_end(self, error: BaseException | None) -> None:
        """Close the stream; calls that still run end with their conversations."""
        await stop_all(self._conversations.refs(), CONVERSATIONS_DEADLINE)
        await super().on_end(error)

    def _network_changed(self) -> None:
        self._conversations.tell_all(NetworkFound(self._network))

    # -- what the stream brings --------------------------------------------------------------------

    @handles(StanzaReceived)
    def _stanza_received(self, message: StanzaReceived) -> None:
        found = self._reader.read(read_stanza, message.stanza, self._own_bare)
        if found is not None and not self._kept_for_later(found):
            self._take(found)

    def _kept_for_later(self, found: Request | Letter | Notice) -> bool:
        """Keep what the bot is to hear until it has begun; tell whether that is so."""
        if self._bot_started or isinstance(found, Notice):
            return False
        if isinstance(found, Request) and not is_jingle(found):
            return False
        if len(self._early) < MAX_EARLY:
            self._early.append(found)
        return True

    def _catch_up(self) -> None:
        for contact in self._roster.contacts():
            if contact.resources:
                self._tell_presence(contact)
        early, self._early = self._early, []
        for found in early:
            self._take(found)

    def _take(self, found: Request | Letter | Notice) -> None:
        match found:
            case Request():
                self._asked(found)
            case Letter():
                self._letter_received(found)
            case Notice():
                self._noticed(found)

    def _asked(self, request: Request) -> None:
        sender, identifier, payload = request.sender, request.id, request.payload
        kind, tag = request.kind, "" if payload is None else payload.tag
        policy = self._context.settings.calls
        if payload is None or kind not in ("get", "set"):
            self._reply_iq(ReplyIq(sender, identifier, stanza_error("modify", "bad-request")))
        elif is_jingle(request):
            self._jingle_received(sender, identifier, payload)
        elif (kind, tag) == ("set", f"{{{ROSTER}}}query"):
            if sender in ("", self._own_bare):  # RFC 6121 §2.1.6: nobody else may change it
                for contact in self._roster.update(self._reader.read(read_items, payload) or ()):
                    self._tell_presence(contact)
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
        if not self._call_rate.admit(peer):
            error = stanza_error("wait", "resource-constraint")
            self._reply_iq(ReplyIq(sender, identifier, error))
            return
        self._routes.reserve(peer, sid)
        initiated = SessionInitiated(sender, identifier, jingle, len(self._routes), self._draining)
        if not self._conversations.tell(peer, initiated):
            self._routes.forget(peer, sid)
            error = stanza_error("wait", "resource-constraint")
            self._reply_iq(ReplyIq(sender, identifier, error))

    def _unknown_session(self, received: JingleReceived) -> None:
        error = unknown_session(received.jingle.get("sid", "")).to_element()
        self._reply_iq(ReplyIq(received.sender, received.iq, error))

    def _letter_received(self, letter: Letter) -> None:
        if letter.kind == "error":
            # A bounced proposal comes back with its id alone, which is the session's.
            if not letter.copy:
                unreachable = PeerUnreachable(letter.sender)
                self._routes.tell(bare(letter.sender), letter.id, unreachable)
        elif letter.call is not None:
            self._call_message_received(letter, letter.call)
        elif letter.copy == "sent":
            return
        elif letter.invite is not None:
            self._invited(letter, letter.invite)
        # What is in a copy was for another device of ours (RFC 6121 §8.5.2.1.1): that it rings
        # here too is what XEP-0353 wants, but words are answered by the one that they went to.
        if letter.copy or letter.kind in ("error", "groupchat") or letter.call is not None:
            return
        if letter.receipt is not None:
            receipt = ReceiptReceived(self._bare, letter.sender, letter.receipt)
            self._context.exchange.post(receipt)
        elif letter.body:
            text = self._bot.text(letter.sender, letter.body)
            self._runner.run(text, ("text", bare(letter.sender)))

    def _call_message_received(self, letter: Letter, message: CallMessage) -> None:
        sender = letter.sender
        own = bare(sender) == self._own_bare
        if sender == self._jid:
            return
        peer = bare(letter.to) if own else bare(sender)
        if own and peer == self._own_bare:  # an <accept/> or <reject/> to our other resources
            found = self._routes.peer_of(message.id)
            if found is None:
                return
            peer = found
        known = (peer, message.id) in self._routes
        if isinstance(message, Propose):
            if own or known or letter.age > STALE or self._is_copy("call", peer, message.id):
                return  # ours, heard before, or kept since long before we came
            if not self._call_rate.admit(peer):
                return
            if peer not in self._conversations and self._refuses(sender, message):
                return
            self._routes.reserve(peer, message.id)
        elif not known:
            return
        received = CallMessageReceived(sender, message, own, len(self._routes), self._draining)
        if not self._conversations.tell(peer, received) and not known:
            self._routes.forget(peer, message.id)

    def _is_copy(self, *key: str) -> bool:
        """Tell whether something was heard before, and remember it."""
        if key in self._heard_last:
            return True
        self._heard_last.append(key)
        return False

    def _refuses(self, sender: str, proposal: Propose) -> bool:
        """Refuse a stranger's proposal, if it is to be, without beginning a conversation for it."""
        policy, calls = self._context.settings.calls, len(self._routes) + 1
        refused = refusal(policy, sender, proposal.media, calls=calls, draining=self._draining)
        if refused is None:
            return False
        reason, text = refused
        self._send(Send(call_message(sender, Reject(proposal.id, reason))))
        record = CallRecord.refused(proposal.id, self._own_bare, sender, reason, text)
        self._context.log.post(record)
        return True

    # -- invites (XEP-0482) ------------------------------------------------------------------------

    def _invited(self, letter: Letter, invite: Invite) -> None:
        sender, policy = letter.sender, self._context.settings.calls
        if not policy.allows(sender) or letter.age > STALE:
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
        if self._is_copy("invite", sender, method.sid):
            return
        invitation = Invitation(
            sender=sender,
            id=letter.id,
            sid=method.sid,
            jid=jid,
            audio=invite.audio,
            video=invite.video,
        )
        self._runner.run(self._bot.invited(invitation), ("invite", bare(sender)))

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
        self._roster.update(self._reader.read(_roster_of, iq) or ())
        for jid in self._context.settings.subscriptions.request:
            if not self._roster.sees(jid):
                self._send_subscription(jid, "subscribe")

    def _tell_presence(self, contact: Contact) -> None:
        """Tell the bot of a contact, in order for each; before it has begun it is told nothing."""
        if self._bot_started:
            self._runner.run(self._bot.presence(contact), ("presence", contact.jid))

    def _noticed(self, notice: Notice) -> None:
        sender, kind = notice.sender, notice.kind
        peer = bare(sender)
        if sender == self._jid and not kind:
            self._login_step("presence")
            self._context.exchange.post(PresenceReturned(self._bare, notice.status))
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
            self._resource_changed(sender, notice.resource)

    def _resource_changed(self, jid: str, resource: Resource | None) -> None:
        contact = self._roster.change(jid, resource)
        if contact is None:
            return
        self._tell_presence(contact)
        if contact.jid in self._conversations:
            self._conversations.tell(contact.jid, PresenceReceived(jid, resource))

    def _send_subscription(self, to: str, kind: str) -> None:
        self._send(Send(Element(f"{{{CLIENT}}}presence", {"to": bare(to), "type": kind})))

    @handles(GetRoster)
    def _get_roster(self, _: GetRoster) -> tuple[Contact, ...]:
        return self._roster.contacts()

    # -- calls -------------------------------------------------------------------------------------

    @handles(PlaceCall)
    def _place_call(self, order: PlaceCall) -> AsyncioFuture[CallRef]:
        if not self._online or self._draining:
            raise Offline(f"{self._bare} is not online, so it can't call {order.to}")
        placed: AsyncioFuture[CallRef] = AsyncioFuture()
        if not self._conversations.tell(bare(order.to), CallPeer(order, self._jid, placed)):
            raise Offline(f"{self._bare} has too many conversations, so it can't call {order.to}")
        return placed

    @handles(RouteCall)
    def _route_call(self, message: RouteCall) -> None:
        self._routes.lead(message.peer, message.sid, message.call)

    @handles(ForgetCall)
    def _forget_call(self, message: ForgetCall) -> None:
        for received in self._routes.forget(message.peer, message.sid):
            self._unknown_session(received)
        self._conversations.make_room()
        if self._draining and not self._routes:
            self._log_out()

    # -- conversations -----------------------------------------------------------------------------

    def _start_conversation(self, peer: str) -> ConversationRef:
        if not self._looks_around:
            self._looks_around = True
            self.after(IDLE, LookAround())
        return Conversation.start(
            self._context,
            account=self.actor_ref,
            bot=self._bot,
            own=self._jid,
            peer=peer,
            resources=self._roster[peer].resources,
            network=self._network,
            last_word=self._transmit,
        )

    @handles(LookAround)
    def _look_around(self, message: LookAround) -> None:
        self._looks_around = self._conversations.look_around()
        if self._looks_around:
            self.after(IDLE, message)

    @handles(ConversationIdle)
    def _conversation_idle(self, message: ConversationIdle) -> None:
        self._conversations.idle(message.peer, message.told)

    # -- the end -----------------------------------------------------------------------------------

    @handles(DrainAccount)
    def _drain(self, message: DrainAccount) -> None:
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


def is_jingle(request: Request) -> bool:
    """Tell whether an IQ is one of a call's (XEP-0166 §6)."""
    tag = "" if request.payload is None else request.payload.tag
    return (request.kind, tag) == ("set", f"{{{ns.JINGLE}}}jingle")


def _roster_of(iq: Element | None) -> tuple[Item, ...]:
    query = None if iq is None else iq.find(f"{{{ROSTER}}}query")
    return () if query is None else read_items(query)

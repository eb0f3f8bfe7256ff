"""One XMPP account: its stream, login, presence, roster, and where its calls' stanzas go."""

import logging
import random
import secrets
from dataclasses import replace
from types import TracebackType
from xml.etree.ElementTree import Element, SubElement

from ..jingle import Propose, parse_call_message, unknown_session
from ..jingle import namespaces as ns
from ..jingle.invite import Invite, InviteAnswer, JingleMethod, parse_invite
from ..media import IceServer
from . import capabilities
from .bot_runner import BotRunner
from .context import Context, Ref
from .conversation import Conversation
from .farewell import farewell
from .future import AsyncioFuture
from .jid import bare, is_full
from .messages.account import (
    AnswerInvite,
    Connect,
    Contact,
    ConversationIdle,
    Drain,
    DrainOverdue,
    ForgetCall,
    GetRoster,
    Invitation,
    IqAnswered,
    KeepAlive,
    LoginOverdue,
    LookForServices,
    PlaceCall,
    ReadyOverdue,
    ReplyIq,
    Resource,
    RouteCall,
    Send,
    SendInvite,
    SendIq,
    SendText,
    SetPresence,
    StanzaReceived,
    StreamClosed,
    StreamFailed,
    StreamOpened,
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
    AccountChanged,
    AccountReady,
    AccountState,
    PresenceReturned,
    ReceiptReceived,
)
from .post import post
from .presence import Presence
from .roster import MAX_STATUS, ROSTER, Roster, read_resource
from .routes import Routes
from .runtime import AsyncioActor, handles
from .services import Services
from .stanza import CLIENT, age, iq_reply, stanza_error
from .stream import Stream, StreamEvent
from .tasks import Timer

log = logging.getLogger(__name__)

FORWARD = "urn:xmpp:forward:0"
RECEIPTS = "urn:xmpp:receipts"

#: Seconds that a login may take from the first SYN to the bound resource.
LOGIN_DEADLINE = 30.0
#: Seconds that a server has to return our presence before the bot begins all the same.
READY_DEADLINE = 3.0
#: Seconds between two pings of an otherwise idle stream.
KEEP_ALIVE = 60.0
#: The longest wait between two tries, in seconds.
MAX_BACK_OFF = 60.0
#: Seconds that conversations have to end their calls when the account stops.
CONVERSATIONS_DEADLINE = 20.0
#: Seconds after which a proposal that the server kept for us is a missed call, not one that rings.
STALE = 30.0
#: Conversations at the most; the oldest without a call goes first.
MAX_CONVERSATIONS = 10_000


class Offline(Exception):  # noqa: N818 - a state, as the message says
    """The account can't do that: it is not online, or it is about to log out."""


class Account(AsyncioActor):
    """One XMPP account.

    It owns the stream, knows the roster and the presence of its contacts, starts a conversation
    for each peer that something happens with, and routes the stanzas of each call by the peer's
    bare JID and the session id. Its settings, its bot and everything else come from the context.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        settings = context.settings
        resource = settings.resource or f"callboard-{secrets.token_hex(4)}"
        self._context = context
        self._jid = settings.jid if is_full(settings.jid) else f"{settings.jid}/{resource}"
        self._bare = bare(self._jid)
        self._presence = Presence(settings.show, settings.status, settings.priority)
        self._roster = Roster()
        self._conversations: dict[str, Ref] = {}
        self._routes = Routes()
        self._online = False
        self._was_online = False
        self._ready = False
        self._bot_started = False
        self._attempt = 0
        self._failures = 0
        self._draining = False
        self._logging_out = False
        self._stream: Stream | None = None
        self._network = context.network
        self._overdue: Timer | None = None
        self._bot = context.bot(self.actor_ref, settings)
        self._runner = BotRunner(self, self._bot, context)

    def __repr__(self) -> str:
        return f"<Account {self._bare}>"

    # -- life --------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Make the stream and begin to log in."""
        settings, endpoint = self._context.settings, self._context.endpoint
        self._stream = Stream(
            self._jid,
            settings.password.get_secret_value(),
            context=endpoint.trust,
            direct_tls=endpoint.direct_tls,
            deliver=self._hear,
        )
        self._connect(Connect())

    async def on_stop(self) -> None:
        """Close the stream; calls that still run end with their conversations."""
        await farewell(self._conversations.values(), CONVERSATIONS_DEADLINE)
        if self._stream is not None:
            if self._online:
                self._stream.transmit(Element(f"{{{CLIENT}}}presence", {"type": "unavailable"}))
            await self._stream.close()
        self._report("closed")

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let nothing survive a crash: the supervisor starts the account anew."""
        await self.on_stop()

    def _report(self, state: AccountState, detail: str = "") -> None:
        post(self._context.exchange, AccountChanged(self._bare, state, detail))

    def _login_step(self, step: str) -> None:
        """Note a step after the stream was opened; the last one is told with all before it."""
        if self._ready or self._stream is None:
            return
        steps = self._stream.take(step)
        if "roster" in steps and "presence" in steps:
            self._ready = True
            self._start_bot()
            post(self._context.exchange, AccountReady(self._bare, dict(steps)))
            self._stream.settle()

    def _hear(self, event: StreamEvent) -> None:
        post(self.actor_ref, event)

    # -- the stream --------------------------------------------------------------------------------

    @handles(Connect)
    def _connect(self, _: Connect) -> None:
        if self._online or self._draining or self._stream is None:
            return
        self._attempt += 1
        self._report("connecting")
        self._overdue = self.after(LOGIN_DEADLINE, LoginOverdue(self._attempt))
        self._stream.open(self._context.endpoint.host, self._context.endpoint.port)

    @handles(LoginOverdue)
    def _login_overdue(self, message: LoginOverdue) -> None:
        if message.attempt == self._attempt and not self._online and self._stream is not None:
            self._stream.give_up(
                f"the server did not finish the login within {LOGIN_DEADLINE:.0f} s: "
                "check server.host and server.port, and how busy it is"
            )

    @handles(StreamOpened)
    def _stream_opened(self, message: StreamOpened) -> None:
        first, self._was_online = not self._was_online, True
        self._online, self._failures, self._jid = True, 0, message.jid
        self._attempt += 1  # an overdue login of this attempt is none any more
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        self._report("online", "resumed" if message.resumed else "")
        if not message.resumed:
            self._roster.clear()
            self._ready = False
            self._request("", "set", Element(f"{{{capabilities.CARBONS}}}enable"))
            self._request("", "get", Element(f"{{{ROSTER}}}query"), self._roster_received)
            self._send_presence()
            if self._stream is not None:
                self._stream.ask_for_acknowledgement()
            if self._context.use_services:
                self._look_for_services(LookForServices(self._attempt))
        self.after(KEEP_ALIVE, KeepAlive(self._attempt))
        if first:
            self.after(READY_DEADLINE, ReadyOverdue())

    @handles(ReadyOverdue)
    def _ready_overdue(self, _: ReadyOverdue) -> None:
        self._start_bot()

    def _start_bot(self) -> None:
        """Let the bot begin, once: when the server has our presence, others can answer."""
        if not self._bot_started and self._online:
            self._bot_started = True
            self._runner.run(self._bot.started())

    @handles(StreamClosed)
    def _stream_closed(self, message: StreamClosed) -> None:
        self._online = False
        self._try_again(message.reason)

    @handles(StreamFailed)
    def _stream_failed(self, message: StreamFailed) -> None:
        if message.permanent and not self._was_online:
            self._report("failed", message.reason)
        else:
            self._try_again(message.reason)

    def _try_again(self, reason: str) -> None:
        self._attempt += 1
        if self._draining:
            return
        # Full jitter: accounts that one server lost together do not come back together.
        ceiling = min(MAX_BACK_OFF, 2.0**self._failures)
        delay = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - not for secrets
        self._failures = min(self._failures + 1, 10)
        self._report("waiting", f"{reason}; next try in {delay:.1f} s")
        self.after(delay, Connect())

    @handles(KeepAlive)
    def _keep_alive(self, message: KeepAlive) -> None:
        if message.attempt != self._attempt or not self._online:
            return

        def answered(answer: Element | None) -> None:
            if answer is None and message.attempt == self._attempt and self._stream is not None:
                self._stream.lose()

        self._request("", "get", Element(f"{{{capabilities.PING}}}ping"), answered)
        self.after(KEEP_ALIVE, message)

    # -- STUN and TURN (XEP-0215) ------------------------------------------------------------------

    @handles(LookForServices)
    def _look_for_services(self, message: LookForServices) -> None:
        if message.attempt == self._attempt and self._online:
            domain = self._bare.rpartition("@")[2]
            Services(domain, self._request, self._services_found).look()

    def _services_found(self, servers: tuple[IceServer, ...], again: float) -> None:
        base = self._context.network
        self._network = replace(base, ice_servers=(*base.ice_servers, *servers))
        for conversation in self._conversations.values():
            post(conversation, NetworkFound(self._network))
        self.after(again, LookForServices(self._attempt))

    # -- what others ask it to send ----------------------------------------------------------------

    @handles(Send)
    def _send(self, message: Send) -> None:
        self._transmit(message.stanza)

    def _transmit(self, stanza: Element) -> None:
        if self._stream is not None:
            self._stream.transmit(stanza)

    @handles(SendIq)
    def _send_iq(self, message: SendIq) -> None:
        def answered(answer: Element | None) -> None:
            if message.sender is not None:
                post(message.sender, IqAnswered(message.token, answer))

        self._request(message.to, message.kind, message.payload, answered)

    @handles(ReplyIq)
    def _reply_iq(self, message: ReplyIq) -> None:
        self._send(Send(iq_reply(message.to, message.id, message.error)))

    @handles(SendText)
    def _send_text(self, message: SendText) -> None:
        stanza = Element(
            f"{{{CLIENT}}}message",
            {"to": message.to, "type": "chat", "id": secrets.token_hex(8)},
        )
        SubElement(stanza, f"{{{CLIENT}}}body").text = message.body
        self._send(Send(stanza))

    @handles(SetPresence)
    def _set_presence(self, message: SetPresence) -> None:
        self._presence.change(message)
        if self._online:
            self._send_presence()

    def _send_presence(self) -> None:
        policy = self._context.settings.calls
        stanza = self._presence.stanza()
        stanza.append(capabilities.caps(policy.audio, policy.video))
        self._send(Send(stanza))

    def _request(self, to: str, kind: str, payload: Element, answer: object = None) -> None:
        if self._stream is not None:
            self._stream.request(to, kind, payload, answer if callable(answer) else lambda _: None)

    # -- what the stream brings --------------------------------------------------------------------

    @handles(StanzaReceived)
    def _stanza_received(self, message: StanzaReceived) -> None:
        stanza = message.stanza
        if len(stanza.get("from", "")) > 3071:
            return  # RFC 7622 §3.1: a JID has at most 3071 octets
        match stanza.tag.rpartition("}")[2]:
            case "iq":
                self._iq_received(stanza)
            case "message":
                self._message_received(stanza, stanza.get("from", self._bare))
            case "presence":
                self._presence_received(stanza, stanza.get("from", self._bare))

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
            if sender in ("", self._bare):  # RFC 6121 §2.1.6: nobody else may change it
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
            self._routes.tell(bare(sender), stanza.get("id", ""), PeerUnreachable())
            return
        carbon = stanza.find(
            f"{{{capabilities.CARBONS}}}sent/{{{FORWARD}}}forwarded/{{{CLIENT}}}message"
        )
        if carbon is not None and bare(sender) == self._bare and not own:
            # XEP-0280 §11: a copy counts only if our own account sent it.
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
        own = bare(sender) == self._bare and sender != self._jid
        if message is None or sender == self._jid:
            return
        peer = bare(stanza.get("to", "")) if own else bare(sender)
        if own and peer == self._bare:  # an <accept/> or <reject/> to our other resources
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
        invite = parse_invite(element)
        if not isinstance(invite, Invite) or not self._context.settings.calls.allows(sender):
            return
        method = next((one for one in invite.methods if isinstance(one, JingleMethod)), None)
        if method is None or age(stanza) > STALE:
            return
        self._runner.run(
            self._bot.invited(
                Invitation(
                    sender=sender,
                    id=stanza.get("id", "")[:MAX_STATUS],
                    sid=method.sid,
                    jid=method.jid or sender,
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
        elif kind in ("", "unavailable") and peer != self._bare:
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

    def _log_out(self) -> None:
        if self._logging_out:
            return
        self._logging_out = True

        async def say_goodbye() -> None:
            if self._was_online:
                await self._runner.last(self._bot.stopping())
            self.stop()

        self.spawn(say_goodbye())

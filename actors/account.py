"""One XMPP account: what comes in on its stream, and where it goes."""

import asyncio
import logging
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from msgspec import Struct

from ..config import AccountSettings
from ..config.jid import bare
from ..jingle import namespaces as ns
from ..jingle.call_messages.invite import InviteAnswer
from . import messages
from .account_bots import AccountBots
from .answer_rate import AnswerRate
from .call_libraries import call_messages, has_call_messages
from .call_router import CallRouter
from .call_routes import Routes
from .contacts import Contacts, RosterAsked
from .context import Context
from .conversations import IDLE, Conversations
from .ice_servers import IceServers, ServicesAsked
from .invites import Invites
from .last_words import LastWords
from .login_session import LoginSession
from .messages.account import (
    AccountMessage,
    CallsKnown,
    ChangeSettings,
    ConversationEnded,
    ConversationIdle,
    DrainAccount,
    DrainOverdue,
    FindCall,
    ForgetCall,
    LookAround,
    Offline,
    PlaceCall,
    ReadyOverdue,
    ReplyIq,
    RouteCall,
    Send,
    SendIq,
    SendText,
    SetPresence,
)
from .messages.exchange import (
    AccountState,
    ChatMessage,
    ChatMessageBounced,
    PresenceReturned,
    ReceiptReceived,
)
from .runtime.actor import AsyncioActor, handles
from .runtime.future import AsyncioFuture
from .runtime.ref import AsyncioActorRef
from .runtime.supervision import stop_all
from .xmpp import capabilities
from .xmpp.contact import Contact
from .xmpp.events import IqAnswered, RequestAnswered, StanzaReceived, StreamOpened
from .xmpp.incoming import Letter, Notice, Request, read_stanza
from .xmpp.iq_answers import answer
from .xmpp.own_presence import OwnPresence
from .xmpp.roster import ROSTER
from .xmpp.safe_reader import Reader
from .xmpp.stanza import chat_message, iq_reply

if TYPE_CHECKING:
    from .messages.call import CallRef
    from .messages.conversation import ConversationRef

log = logging.getLogger(__name__)

#: Seconds that conversations have to end their calls when the account stops.
CONVERSATIONS_DEADLINE = 20.0
#: Seconds that a server has to return our presence before the bot begins all the same.
READY_DEADLINE = 3.0
#: What may wait until the bot has begun.
MAX_EARLY = 1_000


#: What a call's IQs are, and a roster's push: their types and their payloads.
JINGLE = ("set", f"{{{ns.JINGLE}}}jingle")
PUSH = ("set", f"{{{ROSTER}}}query")


class AskedFor(Struct, frozen=True):
    """Whom the answer to an IQ is for.

    Attributes:
        sender: who had it sent.
        token: that of `SendIq`.
    """

    sender: AsyncioActorRef[IqAnswered]
    token: str


class Account(
    AsyncioActor[AccountMessage],
    parts={
        "_session": LoginSession,
        "_contacts": Contacts,
        "_invites": Invites,
        "_ice_servers": IceServers,
        "_bots": AccountBots,
    },
):
    """One XMPP account.

    It has a session with its server, starts a conversation for each peer that something happens
    with, and routes the stanzas of each call by the peer's bare JID and the session id. Its
    settings, its bot and everything else come from the context.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        settings = context.settings
        self._context = context
        self._routes = Routes()
        self._session = LoginSession(self, context, self._stream_changed)
        self._bare = self._session.account_jid
        self._reader = Reader(self._bare)
        self._presence = OwnPresence(settings.show, settings.status, settings.priority)
        self._contacts = Contacts(self._session, settings.subscriptions, self._reader)
        self._ice_servers = IceServers(
            self, self._session, context, self._reader, self._network_changed
        )
        self._conversations = Conversations(self._start_conversation, self._routes.any_with)
        self._calls = CallRouter(self._session, context, self._routes, self._conversations)
        self._invites = Invites(self._session, settings.calls, self._calls.is_copy)
        self._last_words = LastWords(self.actor_ref)
        self._looks_around = False
        self._early: list[Request | Letter] = []
        self._logging_out = False
        self._bots = AccountBots(self, context, self._routes, self._start_bot)
        self._answers = AnswerRate(self._bare)

    def __repr__(self) -> str:
        return f"<Account {self._bare}>"

    def on_start(self) -> None:
        """Begin to log in."""
        self._session.start()

    async def on_end(self, error: BaseException | None) -> None:
        """End the calls that still run, say their last words, and close the stream.

        After a crash the supervisor starts the account anew.
        """
        saying = asyncio.create_task(self._last_words.say(self._session.transmit))
        await stop_all(self._conversations.refs(), CONVERSATIONS_DEADLINE)
        self._last_words.end()
        await saying
        self._conversations.break_off()
        await self._session.close()

    # -- the session -------------------------------------------------------------------------------

    @handles(StreamOpened)
    def _stream_opened(self, message: StreamOpened) -> None:
        first = self._session.opened(message)
        if not message.resumed:
            self._session.request("", "set", Element(f"{{{capabilities.CARBONS}}}enable"))
            self._contacts.ask()
            self._send_presence()
            if self._session.stream is not None:
                self._session.stream.ask_for_acknowledgement()
            self._ice_servers.look()
        if message.resumed:
            self._start_bot()
        elif first or not self._bots.has_begun:
            self.after(READY_DEADLINE, ReadyOverdue())

    def _stream_changed(self, state: AccountState, detail: str) -> None:
        if self._routes:
            self._routes.tell_all(messages.call.StreamChanged(state, detail))

    def _login_step(self, step: str) -> None:
        if self._session.step(step):
            self._start_bot()

    @handles(ReadyOverdue)
    def _ready_overdue(self, _: ReadyOverdue) -> None:
        self._start_bot()

    @handles(CallsKnown)
    def _calls_known(self, _: CallsKnown) -> None:
        self._start_bot()

    def _start_bot(self) -> None:
        """Let the bot begin, once: when the server has our presence, others can answer.

        There can be calls from then on.
        """
        if not self._session.is_online:
            return
        if not has_call_messages():
            self.pipe(call_messages(), lambda _: CallsKnown())
            return
        if not self._bots.begin():
            return
        for contact in self._contacts:
            if contact.resources:
                self._tell_presence(contact)
        early, self._early = self._early, []
        for found in early:
            self._take(found)

    @handles(RequestAnswered)
    def _request_answered(self, message: RequestAnswered) -> None:
        match message.about:
            case AskedFor(sender, token):
                sender.post(IqAnswered(token, message.iq))
            case RosterAsked():
                if message.iq is not None:
                    self._login_step("roster")
                self._contacts.listed(message.iq)
            case ServicesAsked() as asked:
                self._ice_servers.answered(asked, message.iq)

    def _network_changed(self) -> None:
        if self._conversations:
            found = messages.conversation.NetworkFound(self._ice_servers.network)
            self._conversations.tell_all(found)

    # -- what comes in -----------------------------------------------------------------------------

    @handles(StanzaReceived)
    def _stanza_received(self, message: StanzaReceived) -> None:
        found = self._reader.read(read_stanza, message.stanza, self._session.own_bare)
        if found is not None and not self._kept_for_later(found):
            self._take(found)

    def _kept_for_later(self, found: Request | Letter | Notice) -> bool:
        """Keep what the bot is to hear until it has begun; tell whether that is so."""
        if self._bots.has_begun or isinstance(found, Notice):
            return False
        if isinstance(found, Request) and not is_jingle(found):
            return False
        if len(self._early) < MAX_EARLY:
            self._early.append(found)
        return True

    def _take(self, found: Request | Letter | Notice) -> None:
        match found:
            case Request():
                self._asked(found)
            case Letter():
                self._letter_received(found)
            case Notice():
                self._noticed(found)

    def _asked(self, request: Request) -> None:
        sender, payload = request.sender, request.payload
        if payload is not None and is_jingle(request):
            self._calls.jingle(sender, request.id, payload)
        elif payload is not None and (request.kind, payload.tag) == PUSH:
            if sender in ("", self._session.own_bare):  # RFC 6121 §2.1.6: nobody else may
                for contact in self._contacts.pushed(payload):
                    self._tell_presence(contact)
                self._session.transmit(iq_reply(sender, request.id))
        else:
            self._session.transmit(answer(request, self._context.settings.calls))

    def _letter_received(self, letter: Letter) -> None:
        if letter.kind == "error":
            self._calls.bounced(letter)
            bounced = ChatMessageBounced(self._bare, letter.sender, letter.id)
            self._context.exchange.post(bounced)
        elif letter.call is not None:
            self._calls.call_message(letter, letter.call)
        elif letter.copy == "sent":
            return
        elif isinstance(letter.invite, InviteAnswer):
            self._invite_answered(letter, letter.invite)
        elif letter.invite is not None:
            invitation = self._invites.invited(letter, letter.invite)
            if invitation is not None:
                lane = ("invite", bare(letter.sender))
                self._bots.run(self._bots.current.invited(invitation), lane)
        # What is in a copy was for another device of ours (RFC 6121 §8.5.2.1.1): that it rings
        # here too is what XEP-0353 wants, but words are answered by the one that they went to.
        if letter.copy or letter.kind in ("error", "groupchat") or letter.call is not None:
            return
        self._words_received(letter)

    def _words_received(self, letter: Letter) -> None:
        if letter.receipt is not None:
            receipt = ReceiptReceived(self._bare, letter.sender, letter.receipt)
            self._context.exchange.post(receipt)
        elif letter.body:
            came = ChatMessage(self._bare, letter.sender, "in", "peer", letter.id, letter.body)
            self._context.exchange.post(came)
            sender = bare(letter.sender)
            if sender == self._session.own_bare:
                return  # a note that a person's client writes to its own account
            self._bots.run(self._bots.current.text(letter.sender, letter.body), ("text", sender))

    def _noticed(self, notice: Notice) -> None:
        if notice.sender == self._session.jid and not notice.kind:
            self._login_step("presence")
            show = "" if notice.resource is None else notice.resource.show
            self._context.exchange.post(PresenceReturned(self._bare, notice.status, show))
            return
        contact = self._contacts.noticed(notice)
        if contact is None:
            return
        self._tell_presence(contact)
        if contact.jid in self._conversations:
            changed = messages.conversation.PresenceReceived(notice.sender, notice.resource)
            self._conversations.tell(contact.jid, changed)

    def _tell_presence(self, contact: Contact) -> None:
        """Tell the bot of a contact, in order for each; before it has begun it is told nothing."""
        if self._bots.has_begun:
            self._bots.run(self._bots.current.presence(contact), ("presence", contact.jid))

    # -- what others ask it to send ----------------------------------------------------------------

    @handles(Send)
    def _send(self, message: Send) -> None:
        self._session.transmit(message.stanza)
        if message.said is not None:
            message.said.set()

    @handles(SendIq)
    def _send_iq(self, message: SendIq) -> None:
        sender = message.sender
        about = None if sender is None else AskedFor(sender, message.token)
        self._session.request(message.to, message.kind, message.payload, about)
        if message.said is not None:
            message.said.set()

    @handles(ReplyIq)
    def _reply_iq(self, message: ReplyIq) -> None:
        reply = iq_reply(message.to, message.id, message.error)
        self._session.transmit(reply, at_leisure=message.at_leisure)

    @handles(SendText)
    def _send_text(self, message: SendText) -> None:
        if message.answers is not None and not self._answers.admit(
            self._bots.current.name, bare(message.to), message.answers
        ):
            return
        wants_receipt = message.author == "person"
        stanza = chat_message(message.to, message.body, wants_receipt=wants_receipt)
        self._session.transmit(stanza)
        name = stanza.get("id", "")
        sent = ChatMessage(self._bare, message.to, "out", message.author, name, message.body)
        self._context.exchange.post(sent)

    @handles(SetPresence)
    def _set_presence(self, message: SetPresence) -> None:
        self._presence.change(message.show, message.status, message.priority)
        if self._session.is_online:
            self._send_presence()

    def _send_presence(self) -> None:
        policy = self._context.settings.calls
        stanza = self._presence.stanza()
        stanza.append(capabilities.caps(policy.audio, policy.video))
        self._session.transmit(stanza)

    # -- other settings ----------------------------------------------------------------------------

    @handles(ChangeSettings)
    def _change_settings(self, message: ChangeSettings) -> None:
        before, settings = self._context.settings, message.settings
        self._context = self._context.with_settings(settings)
        self._session.change(self._context)
        self._contacts.change(settings.subscriptions)
        self._invites.change(settings.calls)
        self._calls.change(self._context)
        if message.bot is not None:
            self._bots.replace(message.bot, self._conversations.unplaced(), message.seconds)
        if self._conversations:
            changed = messages.conversation.SettingsChanged(settings, self._bots.current)
            self._conversations.tell_all(changed)
        self._start_bot()
        if _shown(before) != _shown(settings):
            self._set_presence(SetPresence(settings.show, settings.status, settings.priority))

    # -- calls and conversations -------------------------------------------------------------------

    @handles(PlaceCall)
    def _place_call(self, order: PlaceCall) -> "AsyncioFuture[CallRef]":
        if not self._session.is_online or self._calls.is_draining:
            raise Offline(f"{self._bare} is not online, so it can't call {order.to}")
        if bare(order.to) == self._bare:
            raise ValueError(f"{self._bare} can't call itself: give another account")
        placed = self._conversations.place(bare(order.to), order, self._session.jid)
        if placed is None:
            raise Offline(f"{self._bare} has too many conversations, so it can't call {order.to}")
        return placed

    def _invite_answered(self, letter: Letter, answer: InviteAnswer) -> None:
        """Let the ladder of a call have the answer to the invite that leads to it."""
        answered = self._invites.answered(letter, answer)
        if answered is None:
            return
        sid, said = answered
        call = self._routes.find(bare(letter.sender), sid)
        if call is None:
            self._invites.note(sid, said)
        else:
            call.post(said)

    @handles(FindCall)
    def _find_call(self, message: FindCall) -> "CallRef | None":
        return self._routes.find(message.peer, message.sid)

    @handles(RouteCall)
    def _route_call(self, message: RouteCall) -> None:
        self._routes.lead(message.peer, message.sid, message.call)
        for said in self._invites.of(message.sid):
            message.call.post(said)

    @handles(ForgetCall)
    def _forget_call(self, message: ForgetCall) -> None:
        for received in self._routes.forget(message.peer, message.sid):
            self._calls.unknown_session(received)
        self._bots.forget(message.peer, message.sid)
        self._conversations.make_room()
        if self._calls.is_draining:
            self._leave_without_calls()

    def _start_conversation(self, peer: str) -> "ConversationRef":
        # imported by now: see `_start_bot`
        from .conversation import Conversation  # noqa: PLC0415

        if not self._looks_around:
            self._looks_around = True
            self.after(IDLE, LookAround())
        account = self.actor_ref
        conversation = Conversation.start(
            self._context,
            account=account,
            bot=self._bots.current,
            own=self._session.jid,
            peer=peer,
            resources=self._contacts[peer].resources,
            network=self._ice_servers.network,
            last_word=self._last_words.add,
        )
        ended = ConversationEnded(conversation)
        conversation.ended.add_done_callback(lambda _: account.post(ended))
        return conversation

    @handles(ConversationEnded)
    def _conversation_ended(self, message: ConversationEnded) -> None:
        self._conversations.break_off(message.conversation)

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
        self._calls.drain()
        self._session.finish()
        self._leave_without_calls()
        if self._routes and message.seconds <= 0:
            self._drain_overdue(DrainOverdue())
        elif self._routes:
            self.after(message.seconds, DrainOverdue())

    def _leave_without_calls(self) -> None:
        """Log out, or tell how many calls keep it from that."""
        if self._routes:
            self._session.leaving(len(self._routes))
        else:
            self._log_out()

    @handles(DrainOverdue)
    def _drain_overdue(self, _: DrainOverdue) -> None:
        self._routes.tell_all(messages.call.DrainCall())

    def _log_out(self) -> None:
        if self._logging_out:
            return
        self._logging_out = True

        async def say_goodbye() -> None:
            if self._session.was_online:
                await self._bots.last_words()
            self.stop()

        self.spawn(say_goodbye())


def _shown(settings: AccountSettings) -> tuple[object, ...]:
    """Return what others see of an account: its presence, with what calls have."""
    policy = settings.calls
    return settings.show, settings.status, settings.priority, policy.audio, policy.video


def is_jingle(request: Request) -> bool:
    """Tell whether an IQ is one of a call's (XEP-0166 §6)."""
    tag = "" if request.payload is None else request.payload.tag
    return (request.kind, tag) == JINGLE

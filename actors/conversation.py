"""One peer: its devices, and the calls with it as far as XEP-0353 goes."""

import logging
import uuid
from collections.abc import Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from ..config.jid import bare
from ..jingle import (
    CallMessage,
    Finish,
    Initiated,
    Proceed,
    Propose,
    Reason,
    Reject,
    RemoteProtocolError,
    Retract,
    Ringing,
    Role,
    Session,
    Standing,
    Unacceptable,
    tie_break_error,
)
from ..media import Network
from .call.setup import CallSetup
from .call.signalling import WORDS
from .call.too_late import never_began
from .call.trace import keep_refusal
from .call_libraries import call_libraries
from .call_policy import refusal
from .context import Context, LastWord
from .devices import Devices
from .messages.account import (
    AccountRef,
    ConversationIdle,
    ForgetCall,
    PlaceCall,
    ReplyIq,
    RouteCall,
    Send,
    SendIq,
)
from .messages.bot import BotPort
from .messages.call import (
    CallRef,
    HandledElsewhere,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    TieLost,
    TraceStanza,
)
from .messages.conversation import (
    CallAccepted,
    CallEnded,
    CallMessageReceived,
    CallPeer,
    CapabilitiesOverdue,
    ConversationMessage,
    IdleCheck,
    NetworkFound,
    PresenceReceived,
    SendCallMessage,
    SendJingle,
    SessionInitiated,
    SettingsChanged,
)
from .ongoing_calls import OngoingCall, OngoingCalls, Tie
from .records.call_record import CallRecord
from .runtime.actor import AsyncioActor, handles
from .runtime.future import AsyncioFuture
from .runtime.supervision import stop_all
from .xmpp.contact import Resource
from .xmpp.events import IqAnswered
from .xmpp.safe_reader import Reader
from .xmpp.stanza import call_message, iq, iq_reply, iq_set

log = logging.getLogger(__name__)

#: Seconds that an outgoing call waits for what the peer's resources can do.
CAPABILITIES_DEADLINE = 3.0
#: Seconds that calls have to say goodbye and finish their recordings when all is stopped.
CALLS_DEADLINE = 15.0


#: Why a call of the peer's is refused while one of ours is on its way.
TIE = Reason.EXPIRED, "both called at once, and our call stands"


class Conversation(AsyncioActor[ConversationMessage]):
    """One bare peer: its devices, and the calls with it.

    Args:
        context: what its account works with.
        account: the account's reference.
        bot: the account's bot.
        own: our full JID.
        peer: the peer's bare JID.
        resources: those of the peer's resources that are known to be available.
        network: what calls may use.
        last_word: says its calls' goodbye when this actor and the account have ended.
    """

    def __init__(
        self,
        context: Context,
        *,
        account: AccountRef,
        bot: BotPort,
        own: str,
        peer: str,
        resources: dict[str, Resource],
        network: Network,
        last_word: LastWord,
    ) -> None:
        super().__init__()
        self._context = context
        self._account = account
        self._bot = bot
        self._jid = own
        self._peer = peer
        self._network = network
        self._last_word = last_word
        self._devices = Devices(resources, Reader(bare(own)))
        self._orders: list[tuple[CallPeer, BotPort]] = []
        self._calls = OngoingCalls()

    def __repr__(self) -> str:
        return f"<Conversation {bare(self._jid)} {self._peer}>"

    async def on_start(self) -> None:
        """See that calls can be had: until then, what is said waits in its order."""
        await call_libraries()

    async def on_end(self, error: BaseException | None, /) -> None:
        """End the calls that still run, which nobody speaks for now, and wait for their records.

        Who waits for a call that was not begun is told that it never will be.
        """
        for waiting, _ in self._orders:
            if not waiting.placed.done():
                error = never_began(self._jid, self._peer, "the account has ended")
                waiting.placed.fail(error)
        try:
            await stop_all((call.ref for call in self._calls), CALLS_DEADLINE)
        finally:  # also when the account has waited long enough
            for sid in self._calls.sids():
                self._account.post(ForgetCall(self._peer, sid))

    @handles(IdleCheck)
    def _idle_check(self, message: IdleCheck) -> None:
        if not self._calls and not self._orders:
            self._account.post(ConversationIdle(self._peer, message.told))

    # -- what the peer says ------------------------------------------------------------------------

    @handles(PresenceReceived)
    def _presence_received(self, message: PresenceReceived) -> None:
        self._devices.change(message.jid, message.resource)

    @handles(NetworkFound)
    def _network_found(self, message: NetworkFound) -> None:
        self._network = message.network

    @handles(SettingsChanged)
    def _settings_changed(self, message: SettingsChanged) -> None:
        self._context = self._context.with_settings(message.settings)
        self._bot = message.bot

    # -- incoming calls ----------------------------------------------------------------------------

    @handles(CallMessageReceived)
    def _call_message_received(self, received: CallMessageReceived) -> None:
        message, sender = received.message, received.sender
        if isinstance(message, Propose):
            self._proposed(received, message)
            return
        call = self._calls.find(message.id)
        if call is None:
            return
        if not call.takes(message, sender, own=received.own):
            log.debug("%r: %s may not say %r", self, sender, message)
            return
        if received.stanza is not None:
            call.ref.post(TraceStanza(received.stanza))
        if received.own:  # another device of ours took it, or refused it (XEP-0353 §3.3)
            call.ref.post(HandledElsewhere(not isinstance(message, Reject)))
            return
        self._heard(call, message, sender)

    def _heard(self, call: OngoingCall, message: CallMessage, sender: str) -> None:
        """Tell a call what the peer says of it."""
        match message:
            case Ringing():
                call.ref.post(PeerRinging(sender))
            case Proceed():
                call.taken_by(sender)
                if call.choosy:
                    call.proceeding = sender
                    self._learn_capabilities([sender])
                else:
                    call.ref.post(PeerProceeds(sender))
            case Reject(reason=Reason.EXPIRED, tie_break=True):
                call.ref.post(TieLost())
            case Reject(reason=reason):
                call.ref.post(PeerRejects(reason))
            case Retract(reason=reason):
                call.ref.post(PeerRetracts(reason))
            case Finish(reason=reason):
                call.ref.post(PeerFinishes(reason))

    def _proposed(self, received: CallMessageReceived, proposal: Propose) -> None:
        refused = refusal(
            self._context.settings.calls,
            received.sender,
            proposal.media,
            calls=received.calls,
            draining=received.draining,
        )
        if refused is None and self._wins_tie("proposed", received.sender, proposal.id):
            refused = TIE
        if refused is not None:
            reason, text = refused
            answer = Reject(proposal.id, reason, tie_break=reason is Reason.EXPIRED)
            said = self._say(received.sender, answer)
            record = self._refused(proposal.id, received.sender, reason, text)
            keep_refusal(self._context, record, received.stanza, said)
            return
        session = Session(
            Role.RESPONDER, proposal.id, initiator=received.sender, responder=self._jid
        )
        self._start_call(
            session,
            received.sender,
            proposal.media,
            self._bot,
            message=True,
            heard=received.stanza,
        )

    def _wins_tie(self, tie: Tie, sender: str, sid: str) -> bool:
        return self._calls.wins_tie(tie, sid, own=self._jid, sender=sender)

    @handles(SessionInitiated)
    def _session_initiated(self, message: SessionInitiated) -> None:
        sid = message.jingle.get("sid", "")
        if self._wins_tie("initiated", message.sender, sid):
            error = tie_break_error().to_element()
            self._account.post(ReplyIq(message.sender, message.iq, error))
            record = self._refused(sid, message.sender, *TIE)
            heard = iq("set", message.jingle, sender=message.sender, id=message.iq)
            said = iq_reply(message.sender, message.iq, error)
            keep_refusal(self._context, record, heard, said)
            return
        session = Session(Role.RESPONDER, sid, initiator=message.sender, responder=self._jid)
        try:
            events = session.receive(message.jingle)
        except RemoteProtocolError as error:
            self._account.post(ReplyIq(message.sender, message.iq, error.to_element()))
            self._account.post(ForgetCall(self._peer, sid))
            return
        self._account.post(ReplyIq(message.sender, message.iq))
        heard = iq("set", message.jingle, sender=message.sender, id=message.iq)
        [event] = [e for e in events if isinstance(e, Initiated | Unacceptable)]
        offer = event if isinstance(event, Initiated) else None
        refused: tuple[Reason, str] | None
        told = ""
        if isinstance(event, Unacceptable) and not event.lacking:
            refused, told = (event.reason, event.text), event.text
        else:
            refused = refusal(
                self._context.settings.calls,
                message.sender,
                event.media,
                calls=message.calls,
                draining=message.draining,
            )
        if refused is None:
            self._start_call(
                session,
                message.sender,
                event.media,
                self._bot,
                message=False,
                offer=offer,
                heard=heard,
            )
            return
        reason, text = refused
        terminate = session.terminate(reason, told or WORDS.get(reason, ""))
        self._account.post(SendIq(message.sender, terminate, "set", None, ""))
        record = self._refused(sid, message.sender, reason, text)
        keep_refusal(self._context, record, heard, iq("set", terminate, to=message.sender))

    def _refused(self, sid: str, sender: str, reason: Reason, text: str) -> CallRecord:
        record = CallRecord.refused(sid, bare(self._jid), sender, reason, text)
        self._context.log.post(record)
        self._account.post(ForgetCall(self._peer, sid))
        return record

    # -- outgoing calls ----------------------------------------------------------------------------

    @handles(CallPeer)
    def _call(self, message: CallPeer) -> None:
        self._jid = message.own
        self._orders.append((message, self._bot))  # whose it is, whoever comes after
        self._learn_capabilities(self._devices.reached_by(message.order.to))

    def _learn_capabilities(self, jids: Iterable[str]) -> None:
        """Ask what devices can do where that is not known, and go on when it is."""
        for one in self._devices.questions(jids):
            self._account.post(SendIq(one.to, one.query, "get", self.actor_ref, one.token))
        if self._devices.are_asked:
            self.after(CAPABILITIES_DEADLINE, CapabilitiesOverdue())
        else:
            self._capabilities_known()

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        if self._devices.learn(message) and not self._devices.are_asked:
            self._capabilities_known()

    @handles(CapabilitiesOverdue)
    def _capabilities_overdue(self, _: CapabilitiesOverdue) -> None:
        self._devices.give_up()
        self._capabilities_known()

    def _capabilities_known(self) -> None:
        """What devices can do is known, or will not be: go on with what waits for it."""
        for call in self._calls:
            if call.proceeding is not None:
                sender, call.proceeding = call.proceeding, None
                call.ref.post(PeerProceeds(sender, self._devices.refused_by([sender])))
        while self._orders:
            # It waits here until it is placed, should there be a bug.
            waiting, bot = self._orders[0]
            if not waiting.placed.done():
                waiting.placed.set(self._place(waiting.order, waiting.own, bot))
            del self._orders[0]

    def _place(self, order: PlaceCall, own: str, bot: BotPort) -> CallRef:
        to, message = self._devices.way_to(order)
        # A UUID, as XEP-0353 shows it: some compare ids as such when both call at once.
        sid = order.sid or str(uuid.uuid4())
        session = Session(Role.INITIATOR, sid, initiator=own, responder=to)
        # With a proposal it is seen once more when a device has taken the call.
        refused = self._devices.refused_by(self._devices.reached_by(to))
        order = replace(
            order,
            audio=None if "audio" in refused else order.audio,
            video=None if "video" in refused else order.video,
            data=order.data and (message or "application" not in refused),
        )
        media = tuple(
            kind for kind, source in (("audio", order.audio), ("video", order.video)) if source
        )
        return self._start_call(session, to, media, bot, message=message, order=order)

    # -- calls -------------------------------------------------------------------------------------

    def _start_call(
        self,
        session: Session,
        peer: str,
        media: tuple[str, ...],
        bot: BotPort,
        *,
        message: bool,
        offer: Initiated | None = None,
        order: PlaceCall | None = None,
        heard: Element | None = None,
    ) -> CallRef:
        from .call.call import Call  # noqa: PLC0415 - imported by now: see `on_start`

        setup = CallSetup(
            context=self._context,
            conversation=self.actor_ref,
            bot=bot,
            session=session,
            peer=peer,
            media=media,
            message=message,
            offer=offer,
            order=order,
            heard=heard,
            network=self._network,
            last_word=self._last_word,
        )
        call = Call.start(setup)
        waits = message and order is not None
        standing = Standing(session.role, peer, None if waits else peer)
        tie: Tie = "proposed" if message else "initiated"
        choosy = order is not None and message and bool(order.video or order.data)
        ongoing = OngoingCall(call, standing, tie if order else None, choosy)
        self._calls.add(session.sid, ongoing)
        self._account.post(RouteCall(self._peer, session.sid, call))
        return call

    @handles(SendCallMessage)
    def _send_call_message(self, message: SendCallMessage) -> None:
        self._say(message.to, message.message, message.said)

    def _say(
        self, to: str, message: CallMessage, said: AsyncioFuture[None] | None = None
    ) -> Element:
        stanza = call_message(to, message)
        if not self._account.post(Send(stanza, said)):
            self._last_word(stanza)
            if said is not None:
                said.set()
        return stanza

    @handles(ReplyIq)
    def _reply_iq(self, message: ReplyIq) -> None:
        self._account.post(message)

    @handles(SendJingle)
    def _send_jingle(self, message: SendJingle) -> None:
        call = self._calls.find(message.sid)
        sender = None if call is None else call.ref
        iq = SendIq(message.to, message.jingle, "set", sender, message.token, message.said)
        if not self._account.post(iq):
            self._last_word(iq_set(message.to, message.jingle))
            if message.said is not None:
                message.said.set()

    @handles(CallAccepted)
    def _call_accepted(self, message: CallAccepted) -> None:
        self._calls.accepted(message.sid)

    @handles(CallEnded)
    def _call_ended(self, message: CallEnded) -> None:
        self._calls.remove(message.sid)
        self._account.post(ForgetCall(self._peer, message.sid))

"""One peer: its resources, its messages, and the calls with it as far as XEP-0353 goes."""

import logging
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from xml.etree.ElementTree import Element

from ..config.jid import bare, is_full
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
    tie_break,
    tie_break_error,
)
from ..media import Network
from .call.call import Call
from .call.signalling import WORDS
from .call_policy import refusal
from .context import BotPort, Context, LastWord
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
from .messages.call import (
    CallRef,
    HandledElsewhere,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    TieLost,
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
)
from .records.call_record import CallRecord
from .runtime.actor import AsyncioActor, handles
from .runtime.supervision import stop_all
from .xmpp import capabilities
from .xmpp.contact import Resource
from .xmpp.events import IqAnswered
from .xmpp.reader import Reader
from .xmpp.stanza import call_message

log = logging.getLogger(__name__)

#: Seconds that an outgoing call waits for what the peer's resources can do.
CAPABILITIES_DEADLINE = 3.0
#: Seconds that calls have to say goodbye and finish their recordings when all is stopped.
CALLS_DEADLINE = 15.0


@dataclass(slots=True)
class _Call:
    """A call with this peer.

    Attributes:
        ref: its actor.
        standing: between whom it is, and who may say what of it.
        open: how far an outgoing call is on which a tie-break may still be decided; None: the
            peer has taken it, or it is not ours.
        choosy: what we offer depends on what the device that takes it can do.
        proceeding: that device, while we ask.
    """

    ref: CallRef
    standing: Standing
    open: Literal["proposed", "initiated"] | None
    choosy: bool = False
    proceeding: str | None = None


class Conversation(AsyncioActor[ConversationMessage]):
    """One bare peer: who of it is there, what it says, and the calls with it.

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
        self._resources = dict(resources)
        self._network = network
        self._last_word = last_word
        self._features: dict[str, frozenset[str]] = {}
        self._asked: dict[str, str] = {}
        self._orders: list[CallPeer] = []
        self._calls: dict[str, _Call] = {}
        self._reader = Reader(bare(own))

    def __repr__(self) -> str:
        return f"<Conversation {bare(self._jid)} {self._peer}>"

    async def on_end(self, error: BaseException | None) -> None:
        """End the calls that still run, which nobody speaks for now, and wait for their records."""
        await stop_all((call.ref for call in self._calls.values()), CALLS_DEADLINE)

    @handles(IdleCheck)
    def _idle_check(self, message: IdleCheck) -> None:
        if not self._calls and not self._orders:
            self._account.post(ConversationIdle(self._peer, message.told))

    # -- what the peer says ------------------------------------------------------------------------

    @handles(PresenceReceived)
    def _presence_received(self, message: PresenceReceived) -> None:
        self._features.pop(message.jid, None)
        if message.resource is not None:
            self._resources[message.jid] = message.resource
        elif is_full(message.jid):
            self._resources.pop(message.jid, None)
        else:
            self._resources.clear()

    @handles(NetworkFound)
    def _network_found(self, message: NetworkFound) -> None:
        self._network = message.network

    # -- incoming calls ----------------------------------------------------------------------------

    @handles(CallMessageReceived)
    def _call_message_received(self, received: CallMessageReceived) -> None:
        message, sender = received.message, received.sender
        if isinstance(message, Propose):
            self._proposed(received, message)
            return
        call = self._calls.get(message.id)
        if call is None or not call.ref.is_alive():
            return
        if not call.standing.takes(message, sender, own=received.own):
            log.debug("%r: %s may not say %r", self, sender, message)
            return
        if received.own:  # another device of ours took it, or refused it (XEP-0353 §3.3)
            call.ref.post(HandledElsewhere(not isinstance(message, Reject)))
            return
        self._heard(call, message, sender)

    def _heard(self, call: _Call, message: CallMessage, sender: str) -> None:
        """Tell a call what the peer says of it."""
        match message:
            case Ringing():
                call.ref.post(PeerRinging(sender))
            case Proceed():
                call.open, call.standing = None, call.standing.held_by(sender)
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
        if refused is None:
            refused = self._tie("proposed", received.sender, proposal.id)
        if refused is not None:
            reason, text = refused
            answer = Reject(proposal.id, reason, tie_break=reason is Reason.EXPIRED)
            self._send_call_message(SendCallMessage(received.sender, answer))
            self._refused(proposal.id, received.sender, reason, text)
            return
        session = Session(
            Role.RESPONDER, proposal.id, initiator=received.sender, responder=self._jid
        )
        self._start_call(session, received.sender, proposal.media, message=True)

    def _tie(
        self, stage: Literal["proposed", "initiated"], sender: str, sid: str
    ) -> tuple[Reason, str] | None:
        """Decide which of two calls stands when both sides called at once.

        The lower session id does (XEP-0353 §4 for proposals, XEP-0166 §7.2.16 for sessions).
        """
        for our_sid, call in self._calls.items():
            if call.open != stage or not call.ref.is_alive():
                continue
            if tie_break(our_sid, sid, bare(self._jid), bare(sender)):
                return Reason.EXPIRED, "both called at once, and our call stands"
            call.open = None
            call.ref.post(TieLost())
        return None

    @handles(SessionInitiated)
    def _session_initiated(self, message: SessionInitiated) -> None:
        sid = message.jingle.get("sid", "")
        tie = self._tie("initiated", message.sender, sid)
        if tie is not None:
            error = tie_break_error().to_element()
            self._account.post(ReplyIq(message.sender, message.iq, error))
            self._refused(sid, message.sender, *tie)
            return
        session = Session(Role.RESPONDER, sid, initiator=message.sender, responder=self._jid)
        try:
            events = session.receive(message.jingle)
        except RemoteProtocolError as error:
            self._account.post(ReplyIq(message.sender, message.iq, error.to_element()))
            self._account.post(ForgetCall(self._peer, sid))
            return
        self._account.post(ReplyIq(message.sender, message.iq))
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
            self._start_call(session, message.sender, event.media, message=False, offer=offer)
            return
        reason, text = refused
        terminate = session.terminate(reason, told or WORDS.get(reason, ""))
        self._account.post(SendIq(message.sender, terminate, "set", None, ""))
        self._refused(sid, message.sender, reason, text)

    def _refused(self, sid: str, sender: str, reason: Reason, text: str) -> None:
        record = CallRecord.refused(sid, bare(self._jid), sender, reason, text)
        self._context.log.post(record)
        self._account.post(ForgetCall(self._peer, sid))

    # -- outgoing calls ----------------------------------------------------------------------------

    @handles(CallPeer)
    def _call(self, message: CallPeer) -> None:
        self._jid = message.own
        self._orders.append(message)
        self._learn_capabilities(self._candidates(message.order.to))

    def _learn_capabilities(self, jids: Iterable[str]) -> None:
        """Ask what devices can do where that is not known, and go on when it is."""
        for jid in jids:
            self._ask_capabilities(jid)
        if self._asked:
            self.after(CAPABILITIES_DEADLINE, CapabilitiesOverdue())
        else:
            self._capabilities_known()

    def _candidates(self, to: str) -> list[str]:
        """Return the full JIDs that a call to this one may reach."""
        return [to] if is_full(to) else list(self._resources)

    def _ask_capabilities(self, jid: str) -> None:
        if jid in self._features or jid in self._asked.values():
            return
        resource = self._resources.get(jid)
        announced = "" if resource is None else resource.capabilities
        known = capabilities.KNOWN.get(announced)
        if known is not None:
            self._features[jid] = known
            return
        token = secrets.token_hex(8)
        self._asked[token] = jid
        attributes = {"node": announced} if announced else {}
        query = Element(f"{{{capabilities.DISCO_INFO}}}query", attributes)
        self._account.post(SendIq(jid, query, "get", self.actor_ref, token))

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        jid = self._asked.pop(message.token, None)
        if jid is None:
            return
        query = None
        if message.answer is not None and message.answer.get("type") == "result":
            query = message.answer.find(f"{{{capabilities.DISCO_INFO}}}query")
        resource = self._resources.get(jid)
        announced = "" if resource is None else resource.capabilities
        learn = capabilities.KNOWN.learn
        learnt = None if query is None else self._reader.read(learn, announced, query)
        self._features[jid] = learnt or frozenset()
        if not self._asked:
            self._capabilities_known()

    @handles(CapabilitiesOverdue)
    def _capabilities_overdue(self, _: CapabilitiesOverdue) -> None:
        self._asked.clear()
        self._capabilities_known()

    def _capabilities_known(self) -> None:
        """What devices can do is known, or will not be: go on with what waits for it."""
        for call in self._calls.values():
            if call.proceeding is not None:
                sender, call.proceeding = call.proceeding, None
                call.ref.post(PeerProceeds(sender, self._refused_by([sender])))
        orders, self._orders = self._orders, []
        for waiting in orders:
            waiting.placed.set(self._place(waiting.order, waiting.own))

    def _place(self, order: PlaceCall, own: str) -> CallRef:
        to, message = self._way(order)
        # A UUID, as XEP-0353 shows it: some compare ids as such when both call at once.
        sid = order.sid or str(uuid.uuid4())
        session = Session(Role.INITIATOR, sid, initiator=own, responder=to)
        # With a proposal it is seen once more when a device has taken the call.
        refused = self._refused_by(self._candidates(to))
        order = replace(
            order,
            audio=None if "audio" in refused else order.audio,
            video=None if "video" in refused else order.video,
            data=order.data and (message or "application" not in refused),
        )
        media = tuple(
            kind for kind, source in (("audio", order.audio), ("video", order.video)) if source
        )
        return self._start_call(session, to, media, message=message, order=order)

    def _refused_by(self, jids: Iterable[str]) -> frozenset[str]:
        """Return the kinds of content that none of these devices can take."""
        known = [capabilities.refused(self._features.get(jid, frozenset())) for jid in jids]
        return frozenset[str]().union(*known).intersection(*known)

    def _way(self, order: PlaceCall) -> tuple[str, bool]:
        """Choose whom to call, and whether with XEP-0353.

        A device that can take calls but has no XEP-0353 would never ring: where there is one, it is
        called directly. Where nothing is known of the peer, everybody is asked by message.
        """
        able = {
            jid: found
            for jid in self._candidates(order.to)
            if capabilities.JINGLE_RTP in (found := self._features.get(jid, frozenset()))
        }
        direct = [jid for jid, found in able.items() if capabilities.JINGLE_MESSAGE not in found]
        message = not direct if order.message is None else order.message
        if message:
            return order.to, True
        candidates = direct or list(able) or self._candidates(order.to) or [order.to]
        best = max(
            candidates,
            key=lambda jid: self._resources[jid].priority if jid in self._resources else -129,
        )
        return best, False

    # -- calls -------------------------------------------------------------------------------------

    def _start_call(
        self,
        session: Session,
        peer: str,
        media: tuple[str, ...],
        *,
        message: bool,
        offer: Initiated | None = None,
        order: PlaceCall | None = None,
    ) -> CallRef:
        call = Call.start(
            self._context,
            conversation=self.actor_ref,
            bot=self._bot,
            session=session,
            peer=peer,
            media=media,
            message=message,
            offer=offer,
            order=order,
            network=self._network,
            last_word=self._last_word,
        )
        waits = message and order is not None
        standing = Standing(session.role, peer, None if waits else peer)
        stage: Literal["proposed", "initiated"] = "proposed" if message else "initiated"
        choosy = order is not None and message and bool(order.video or order.data)
        self._calls[session.sid] = _Call(call, standing, stage if order else None, choosy)
        self._account.post(RouteCall(self._peer, session.sid, call))
        return call

    @handles(SendCallMessage)
    def _send_call_message(self, message: SendCallMessage) -> None:
        self._account.post(Send(call_message(message.to, message.message)))

    @handles(ReplyIq)
    def _reply_iq(self, message: ReplyIq) -> None:
        self._account.post(message)

    @handles(SendJingle)
    def _send_jingle(self, message: SendJingle) -> None:
        call = self._calls.get(message.sid)
        sender = None if call is None else call.ref
        self._account.post(SendIq(message.to, message.jingle, "set", sender, message.token))

    @handles(CallAccepted)
    def _call_accepted(self, message: CallAccepted) -> None:
        if message.sid in self._calls:
            self._calls[message.sid].open = None

    @handles(CallEnded)
    def _call_ended(self, message: CallEnded) -> None:
        self._calls.pop(message.sid, None)
        self._account.post(ForgetCall(self._peer, message.sid))

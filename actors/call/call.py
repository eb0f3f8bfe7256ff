"""One call: a peer connection, a Jingle session, and everything that can happen to them."""

import logging
from dataclasses import replace

from ...config.jid import bare
from ...jingle import (
    Accepted,
    CandidatesReceived,
    ContentModified,
    ContentRemoved,
    Event,
    IceRestarted,
    Initiated,
    Reason,
    Session,
    Terminated,
    Unacceptable,
)
from ...media import (
    AddressLost,
    Closed,
    Connected,
    DataOpened,
    DataReceived,
    FirstMedia,
    IceConnected,
    IceRenewed,
    MediaFailed,
    Network,
    PlaybackEnded,
    VideoUnseen,
)
from ..bot.runner import BotRunner
from ..context import BotPort, Context, LastWord
from ..messages.account import AccountRef, PlaceCall
from ..messages.call import (
    Answer,
    BotDone,
    JingleReceived,
    KeyframeNeeded,
    Media,
    Negotiated,
    NegotiationFailed,
    Overdue,
    RecordingFailed,
    RecordingPlaced,
    RingLongEnough,
    Tick,
)
from ..messages.conversation import CallAccepted, ConversationRef
from ..records.call_record import CallRecord
from ..runtime.actor import handles
from ..xmpp.events import IqAnswered
from ..xmpp.stanza import error_condition
from .course import Course
from .leg import KINDS, Leg
from .opening import CallOpening
from .progress import Progress
from .promises import Promises
from .renegotiation import Renegotiation
from .signalling import Signalling
from .state import CallState

log = logging.getLogger(__name__)

#: Seconds between two looks at how a call goes.
TICK = 1.0
#: What a stanza error (RFC 6120 §8.3.3) to our offer or answer means. A conflict is a tie-break
#: that the peer decided before its own offer reached us (XEP-0166 §7.2.16).
REFUSALS = {"item-not-found": Reason.GONE, "conflict": Reason.EXPIRED}


class Call(CallOpening):
    """One call.

    It owns one peer connection and one Jingle session. What it wants sent it asks of its
    conversation; what the peer sends comes from the account. Everything that takes time runs in a
    task and comes back as a message, so that a hangup is handled at once.

    Args:
        context: what its account works with.
        conversation: sends its stanzas.
        account: answers the peer's IQs.
        bot: the account's bot.
        session: new if we call or the peer proposed, else with the initiate received.
        peer: the peer's JID; a proposal may go to the bare one.
        media: the kinds that were proposed or offered.
        message: whether XEP-0353 is used.
        network: the addresses, ports and servers that media may use.
        last_word: says goodbye when conversation and account end before it.
        offer: the peer's offer, if it came without a proposal.
        order: what the bot asked for, if we call.
    """

    def __init__(
        self,
        context: Context,
        *,
        conversation: ConversationRef,
        account: AccountRef,
        bot: BotPort,
        session: Session,
        peer: str,
        media: tuple[str, ...],
        message: bool,
        network: Network,
        last_word: LastWord,
        offer: Initiated | None = None,
        order: PlaceCall | None = None,
    ) -> None:
        super().__init__()
        self._context = context
        self._conversation = conversation
        self._account = account
        self._bot = bot
        self._offer = offer
        self._order = order
        self._signalling = Signalling(
            session,
            peer,
            message=message,
            conversation=conversation,
            account=account,
            last_word=last_word,
        )
        self._promises = Promises()
        self._runner = BotRunner(self, bot, context)
        name = f"{self._signalling.own} {bare(peer)}"
        self._leg = Leg(self, context, bot.path_of(session.sid), network, name)
        self._progress = Progress(context, self._signalling, self._leg, media)
        policy = context.settings.calls
        self._course = Course(self, policy)
        allowed = {"audio": policy.audio, "video": policy.video}
        self._refused = tuple(kind for kind in KINDS if not allowed[kind])
        self._changes = Renegotiation(
            self,
            bot=bot,
            runner=self._runner,
            signalling=self._signalling,
            leg=self._leg,
            promises=self._promises,
            progress=self._progress,
            refused=self._refused,
        )
        self._changes.sources = order
        self._described: str | None = None
        self._not_taken: frozenset[str] = frozenset()
        self._answer: Answer | None = None
        self._rung_long_enough = False
        self._over: tuple[Reason, str, bool] | None = None
        self._bot_busy = False
        self._record: CallRecord | None = None

    def __repr__(self) -> str:
        return f"<Call {self._signalling.sid} of {self}>"

    def __str__(self) -> str:
        arrow = "→" if self._signalling.outgoing else "←"
        return f"{self._signalling.own} {arrow} {bare(self._signalling.peer)}"

    # -- life --------------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Propose or ring; an outgoing call gathers its candidates meanwhile.

        A bug here ends the call with its record, as one in a handler does.
        """
        try:
            self._begin_course()
        except Exception as error:
            await self.on_end(error)
            raise

    def _begin_course(self) -> None:
        outgoing = self._order is not None
        self._course.enter(CallState.CALLING if outgoing else CallState.RINGING)
        if self._signalling.message:
            self._progress.step("propose")
        if self._order is not None:
            self._call_out(self._order)
        else:
            if self._offer is not None:
                self._progress.step("initiate")
            self._progress.step("ringing")
            self._signalling.ring()
            self.after(self._context.settings.calls.after, RingLongEnough())
            self._bot_busy = True
            called = self._bot.called(self.actor_ref, self._progress.status())
            self.pipe(self._runner.guard(called, self._is_too_late), BotDone)
        self._progress.note()
        self._progress.report()

    def _call_out(self, order: PlaceCall) -> None:
        """Propose, and make our offer meanwhile."""
        if not (order.audio or order.video or order.data):
            self._nothing_to_offer()
            return
        if self._signalling.message:
            self._signalling.propose(self._progress.media)
        self._leg.offer(order.audio, order.video, data=order.data)

    # -- the session: Jingle -----------------------------------------------------------------------

    @handles(JingleReceived)
    def _jingle_received(self, message: JingleReceived) -> None:
        for event in self._signalling.receive(message):
            self._jingle_event(event)

    def _jingle_event(self, event: Event) -> None:
        match event:
            case Initiated():
                self._progress.step("initiate")
                self._offer = event
                self._describe_if_ready()
            case Accepted():
                self._progress.step("accept")
                self._course.enter(CallState.CONNECTING)
                self._conversation.post(CallAccepted(self._signalling.sid))
                self._leg.accept("accept", event.answer)
            case CandidatesReceived():
                self._leg.trickled(event)
            case Terminated():
                self._hang_up(event.reason or Reason.SUCCESS, event.text, ours=False)
            case Unacceptable(lacking=True):
                self._wait_for_parts()
            case Unacceptable(contents=()):
                self._hang_up(event.reason, event.text, ours=True, says=event.text)
            case _:
                self._changes.hear(event)
                self._heard(event)

    def _heard(self, event: Event) -> None:
        """Draw what follows for the call from a change of the peer's."""
        match event:
            case ContentRemoved(remaining=False):
                self._hang_up(event.reason or Reason.SUCCESS, "no content is left", ours=True)
            case ContentModified() | IceRestarted() if (
                self._offer is not None and not self._progress.has("accept")
            ):
                self._offer = replace(self._offer, offer=event.description)

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        if self._over:
            return
        self._changes.answered(message)
        # No answer at all ends nothing: some clients leave IQs of unknown content unanswered.
        if message.answer is None or message.answer.get("type") != "error":
            return
        condition = error_condition(message.answer)
        if message.token in ("initiate", "accept"):
            text = f"the peer refused the session-{message.token}: {condition}"
            reason = REFUSALS.get(condition, Reason.GENERAL_ERROR)
            # Some wait on for a call that they have taken, though they refused its session.
            self._hang_up(reason, text, ours=False, told=reason is Reason.EXPIRED)
        else:
            log.debug("%r: %s was refused: %s", self, message.token, condition)

    # -- offer and answer --------------------------------------------------------------------------

    @handles(Negotiated)
    def _negotiated(self, message: Negotiated) -> None:
        if self._over:
            return
        sdp = message.sdp or ""
        match message.purpose:
            case "offer":
                self._described = sdp
                self._initiate_if_ready()
            case "answer":
                self._leg.remote_described()
                self._progress.step("accept")
                self._course.enter(CallState.CONNECTING)
                self._signalling.accept(sdp)
                self._changes.follow()
            case "accept":
                self._leg.remote_described()
                self._changes.follow()
            case _:
                self._changes.negotiated(message)
                return
        self._leg.settled()

    @handles(NegotiationFailed)
    def _negotiation_failed(self, message: NegotiationFailed) -> None:
        if not self._over and not self._changes.failed(message):
            self._hang_up(message.reason, message.text, ours=True)

    # -- media -------------------------------------------------------------------------------------

    @handles(Media)
    def _on_media(self, message: Media) -> None:
        match message.event:
            case IceConnected():
                self._progress.step("ice")
            case Connected():
                self._on_connected()
            case AddressLost() | IceRenewed() as event:
                self._way_changed(event)
            case FirstMedia(kind=kind):
                self._progress.step(f"first-{kind}")
            case VideoUnseen():
                log.warning("%s: video comes in, but no key frame from which it can be shown", self)
                self._leg.unseen()
            case PlaybackEnded(kind=kind, failure=failure):
                self._promises.keep_played(kind, failure)
            case DataOpened() | DataReceived() as event:
                self._on_data(event)
            case MediaFailed(reason=reason, text=text):
                self._hang_up(Reason(reason), text, ours=True)
            case Closed(by_peer=True):
                self._course.enter(CallState.LEAVING)

    def _on_data(self, event: DataOpened | DataReceived) -> None:
        if isinstance(event, DataReceived):
            self._runner.run(self._bot.data(self.actor_ref, event.data))
        else:
            self._progress.step("data")
            self._leg.data_opened()

    def _way_changed(self, event: AddressLost | IceRenewed) -> None:
        """Look for another way to the peer where the one that was is gone."""
        if isinstance(event, IceRenewed):
            self._progress.step("ice-restart")
        elif self._progress.is_connected:
            log.warning("%s: %s is gone from this machine; ICE is restarted", self, event.address)
            self._changes.restart_ice()

    @handles(RecordingPlaced)
    def _recording_placed(self, message: RecordingPlaced) -> None:
        self._leg.placed(message.number, message.bases)
        if self._record is None:
            self._progress.note()

    @handles(KeyframeNeeded)
    def _keyframe_needed(self, message: KeyframeNeeded) -> None:
        self._leg.get_keyframe(message.direction)

    @handles(RecordingFailed)
    def _recording_failed(self, message: RecordingFailed) -> None:
        log.warning("%s: %s", self, message.why)
        if message.is_over:
            self.spawn(self._leg.stop_recording(message.number))
        if self._record is None:
            self._runner.run(self._bot.recording_failed(self.actor_ref, message.why))

    def _on_connected(self) -> None:
        if not self._course.enter(CallState.CONNECTED):
            return
        self._progress.step("dtls")
        self._progress.note()
        self._promises.keep_connected()
        wanted = self._answer or self._order
        if wanted is not None and wanted.record:
            self._start_recording(wav=isinstance(wanted, Answer) and wanted.wav)
        self.after(TICK, Tick())

    @handles(Tick)
    def _tick(self, message: Tick) -> None:
        if not self._over:
            self._progress.report()
            self.after(TICK, message)

    # -- what lasts too long -----------------------------------------------------------------------

    @handles(Overdue)
    def _overdue(self, message: Overdue) -> None:
        match message.what:
            case "auto" if self._answer is None and not self._over:
                self._on_answer(self._bot.answer_to(self._signalling.sid))
            case "parts":
                for event in self._signalling.settle():
                    self._jingle_event(event)
            case "add":
                self._changes.add_overdue()
            case "restart":
                self._changes.restart_overdue()
            case CallState() as state if state is self._course.state:
                self._state_overdue(state)

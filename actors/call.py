"""One call: a peer connection, a Jingle session, and everything that can happen to them."""

import logging
from dataclasses import asdict
from typing import Any, Literal
from xml.etree.ElementTree import Element

from ..jingle import (
    Accept,
    Accepted,
    CallMessage,
    CandidatesReceived,
    ContentAdded,
    ContentRemoved,
    Event,
    Finish,
    Info,
    InfoReceived,
    Initiated,
    LocalProtocolError,
    Proceed,
    Propose,
    Reason,
    Reject,
    RemoteProtocolError,
    Retract,
    Ringing,
    Role,
    Session,
    State,
    Terminated,
    TransportReplaced,
    Unacceptable,
    unknown_session,
)
from ..media import (
    Connected,
    Direction,
    EncodedFrame,
    FirstMedia,
    IceConnected,
    IncompatibleMediaError,
    Kind,
    MediaError,
    MediaEvent,
    MediaFailed,
    MediaStatistics,
    PeerConnection,
    PlaybackEnded,
)
from .bot_runner import BotRunner
from .call_record import CallRecord
from .call_timeline import Timeline
from .context import BotPort, Context, Ref
from .future import AsyncioFuture
from .jid import bare
from .messages.account import IqAnswered, PlaceCall, ReplyIq
from .messages.call import (
    Answer,
    BotDone,
    CallOver,
    Described,
    DrainCall,
    Finished,
    GetStatus,
    HandledElsewhere,
    Hangup,
    Hold,
    JingleReceived,
    Listen,
    Media,
    Mute,
    NegotiationFailed,
    Overdue,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    PeerUnreachable,
    Play,
    Record,
    RemoteDescribed,
    RingLongEnough,
    Tick,
    TieLost,
    Wait,
)
from .messages.conversation import (
    CallEnded,
    SendAnswer,
    SendCallMessage,
    SendInfo,
    SendJingle,
    SendOffer,
    SendTerminate,
    SendTransportInfo,
)
from .messages.exchange import CallStatus
from .messages.recorder import Finish as FinishRecording
from .messages.recorder import Recorded, Write
from .outcome import outcome
from .recorder import Recorder
from .post import post
from .runtime import AsyncioActor, handles
from .stanza import error_condition

log = logging.getLogger(__name__)

#: Seconds between our ``proceed`` and the peer's ``session-initiate``.
INITIATE_DEADLINE = 30.0
#: Seconds that `calls.answer: auto` leaves the bot, after `calls.after`, to answer by itself.
AUTO_GRACE = 1.0
#: Seconds between two looks at how a call goes.
TICK = 1.0
#: Seconds that the file of a recording may take to be finished.
RECORDER_DEADLINE = 10.0
#: Seconds that a bot may go on after its call has ended.
BOT_GRACE = 10.0
KINDS: tuple[Kind, ...] = ("audio", "video")


class Call(AsyncioActor):
    """One call.

    It owns one peer connection and one Jingle session. What it wants sent it asks of its
    conversation; what the peer sends comes from the account. Everything that takes time runs in a
    task and comes back as a message, so that a hangup is handled at once.

    Args:
        context: what its account works with.
        conversation: sends its stanzas.
        account: told how the peer's IQs are answered.
        bot: the account's bot.
        session: new if we call or the peer proposed, else with the initiate received.
        peer: the peer's JID; a proposal may go to the bare one.
        media: the kinds that were proposed or offered.
        message: whether XEP-0353 is used.
        offer: the peer's offer, if it came without a proposal.
        order: what the bot asked for, if we call.
    """

    def __init__(
        self,
        context: Context,
        *,
        conversation: Ref,
        account: Ref,
        bot: BotPort,
        session: Session,
        peer: str,
        media: tuple[str, ...],
        message: bool,
        offer: Initiated | None = None,
        order: PlaceCall | None = None,
    ) -> None:
        super().__init__()
        self._context = context
        self._conversation = conversation
        self._account = account
        self._bot = bot
        self._session = session
        self._peer = peer
        self._media = media
        self._message = message
        self._offer = offer
        self._order = order
        self._timeline = Timeline()
        self._runner = BotRunner(self, bot, context)
        self._connection = self._new_connection()
        self._described: str | None = None
        self._candidates: list[CandidatesReceived] | None = []
        self._answer: Answer | None = None
        self._rung_long_enough = False
        self._proceeded = not message
        self._over: tuple[Reason, str, bool] | None = None
        self._bot_busy = False
        self._held = False
        self._muted: set[str] = set()
        self._recorder: Ref | None = None
        self._recorded: Recorded | None = None
        self._statistics: tuple[MediaStatistics, ...] = ()
        self._record: CallRecord | None = None
        self._connected_waiters: list[AsyncioFuture[None]] = []
        self._ended_waiters: list[AsyncioFuture[CallRecord]] = []
        self._play_waiters: dict[str, AsyncioFuture[None]] = {}

    def __repr__(self) -> str:
        return f"<Call {self._session.sid} with {bare(self._peer)}>"

    @property
    def _outgoing(self) -> bool:
        return self._session.role is Role.INITIATOR

    # -- life --------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Propose or ring; an outgoing call gathers its candidates meanwhile."""
        policy = self._context.settings.calls
        self.after(policy.ring_timeout, Overdue("ringing"))
        self._step("propose" if self._message else "initiate")
        if self._order is not None:
            order = self._order
            self._negotiate(self._connection.offer(audio=order.audio, video=order.video))
            if self._message:
                self._say(Propose(self._session.sid, self._media))
        else:
            self._ring()
            self.after(policy.after, RingLongEnough())
            self._bot_busy = True
            self.pipe(self._runner.guard(self._bot.called(self.actor_ref, self._status())), BotDone)
        self._report()

    async def on_stop(self) -> None:
        """End in order whatever is still open, and write the one detail record."""
        self._hang_up(Reason.CANCEL if self._outgoing else Reason.GONE, "stopped", ours=True)
        await self._close()
        self._conclude()

    async def on_failure(self, *_: object) -> None:
        """A bug ends this call and nothing else; the peer is told (general-error)."""
        self._hang_up(Reason.GENERAL_ERROR, "internal error", ours=True)
        await self._close()
        self._conclude()

    def _new_connection(self) -> PeerConnection:
        connection = PeerConnection(
            network=self._context.network,
            path=self._bot.path or self._context.path,
            on_event=self._media_event,
        )
        connection.add_sink(self._media_frame)
        return connection

    # -- signalling: XEP-0353 ----------------------------------------------------------------------

    def _say(self, message: CallMessage, to: str | None = None) -> None:
        post(self._conversation, SendCallMessage(to or self._peer, message))

    def _ring(self) -> None:
        self._step("ringing")
        if self._message:
            self._say(Ringing(self._session.sid))
        else:
            self._send(SendInfo, self._session.info(Info.RINGING), "info")

    @handles(PeerRinging)
    def _peer_ringing(self, _: PeerRinging) -> None:
        self._step("ringing")

    @handles(PeerProceeds)
    def _peer_proceeds(self, message: PeerProceeds) -> None:
        if self._proceeded or self._over:
            return  # the first device that answers has the call
        self._proceeded, self._peer = True, message.sender
        self._session.responder = message.sender
        self._step("proceed")
        self.after(INITIATE_DEADLINE, Overdue("initiate"))
        self._initiate_if_ready()

    @handles(PeerRejects)
    def _peer_rejects(self, message: PeerRejects) -> None:
        self._hang_up(message.reason or Reason.DECLINE, "", ours=False, tell=False)

    @handles(PeerRetracts)
    def _peer_retracts(self, message: PeerRetracts) -> None:
        self._hang_up(message.reason or Reason.CANCEL, "", ours=False, tell=False)

    @handles(PeerFinishes)
    def _peer_finishes(self, message: PeerFinishes) -> None:
        self._hang_up(message.reason or Reason.SUCCESS, "", ours=False, tell=False)

    @handles(PeerUnreachable)
    def _peer_unreachable(self, _: PeerUnreachable) -> None:
        if not self._proceeded:
            text = "the peer's server could not deliver the call"
            self._hang_up(Reason.CONNECTIVITY_ERROR, text, ours=False, tell=False)

    @handles(HandledElsewhere)
    def _handled_elsewhere(self, message: HandledElsewhere) -> None:
        if self._answer is None:
            word = "answered" if message.answered else "declined"
            text = f"{word} on another device of this account"
            self._hang_up(Reason.CANCEL, text, ours=False, tell=False)

    @handles(TieLost)
    def _tie_lost(self, _: TieLost) -> None:
        text = "both called at once, and the peer's call stands"
        self._hang_up(Reason.EXPIRED, text, ours=True)

    # -- signalling: Jingle ------------------------------------------------------------------------

    def _send(self, kind: type[SendJingle], jingle: Element, token: str) -> None:
        post(self._conversation, kind(self._session.sid, self._peer, jingle, token))

    def _initiate_if_ready(self) -> None:
        if self._outgoing and self._proceeded and self._described and not self._over:
            self._step("initiate")
            self._send(SendOffer, self._session.initiate(self._described), "initiate")

    @handles(JingleReceived)
    def _jingle_received(self, message: JingleReceived) -> None:
        if message.sender != self._peer:
            error = unknown_session(self._session.sid).to_element()
            post(self._account, ReplyIq(message.sender, message.iq, error))
            return
        try:
            events = self._session.receive(message.jingle)
        except RemoteProtocolError as error:
            post(self._account, ReplyIq(message.sender, message.iq, error.to_element()))
            return
        post(self._account, ReplyIq(message.sender, message.iq))
        for event in events:
            self._jingle_event(event)

    def _jingle_event(self, event: Event) -> None:
        match event:
            case Initiated():
                self._step("initiate")
                self._offer = event
                self._describe_if_ready()
            case Accepted():
                self._step("accept")
                self._negotiate(self._connection.accept(event.answer), remote=True)
            case CandidatesReceived():
                self._add_candidates(event)
            case InfoReceived(info=Info.RINGING):
                self._step("ringing")
            case InfoReceived(info=Info.HOLD | Info.UNHOLD):
                self._held = event.info is Info.HOLD
                self._report()
            case InfoReceived(info=Info.MUTE | Info.UNMUTE):
                change = self._muted.add if event.info is Info.MUTE else self._muted.discard
                for kind in self._kinds_of(event.content):
                    change(kind)
                self._report()
            case Unacceptable() if event.contents:
                self._refuse_contents(event.contents)
            case Unacceptable():
                self._hang_up(event.reason, event.text, ours=True)
            case Terminated():
                self._hang_up(event.reason or Reason.SUCCESS, event.text, ours=False, tell=False)
            case ContentRemoved(remaining=False):
                self._hang_up(event.reason or Reason.SUCCESS, "no content is left", ours=True)
            case ContentAdded():
                # One peer connection is negotiated once: see docs/architecture.md, limits.
                self._refuse_contents(event.contents)
            case TransportReplaced():
                refusal = self._session.reject_transport(event.contents)
                self._send(SendTransportInfo, refusal, "transport-reject")

    def _refuse_contents(self, contents: tuple[str, ...]) -> None:
        reason = Reason.UNSUPPORTED_APPLICATIONS
        refusal = self._session.reject_contents(contents, reason)
        self._send(SendInfo, refusal, "content-reject")

    def _kinds_of(self, content: str | None) -> tuple[str, ...]:
        if content is None:
            return self._media
        kind = self._session.kind_of(content)
        return () if kind is None else (kind,)

    def _add_candidates(self, event: CandidatesReceived) -> None:
        if self._candidates is not None:
            self._candidates.append(event)  # the WebRTC stack has no remote description yet
            return
        for candidate in event.candidates:
            self.spawn(self._add_candidate(candidate.sdp_mid, candidate.to_sdp()))

    async def _add_candidate(self, mid: str, candidate: str) -> None:
        try:
            await self._connection.add_candidate(mid, candidate)
        except MediaError as error:
            log.debug("%r: a candidate is of no use: %s", self, error)

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        # No answer at all ends nothing: some clients leave IQs of unknown content unanswered.
        if message.answer is None or message.answer.get("type") != "error" or self._over:
            return
        condition = error_condition(message.answer)
        if message.token in ("initiate", "accept"):
            text = f"the peer refused the session-{message.token}: {condition}"
            reason = Reason.GONE if condition == "item-not-found" else Reason.GENERAL_ERROR
            tell = message.token == "accept" and condition != "item-not-found"  # noqa: S105
            self._hang_up(reason, text, ours=False, tell=tell)
        else:
            log.debug("%r: %s was refused: %s", self, message.token, condition)

    # -- offer and answer --------------------------------------------------------------------------

    def _negotiate(self, work: Any, *, remote: bool = False) -> None:
        def failed(error: Exception) -> NegotiationFailed:
            if isinstance(error, IncompatibleMediaError):
                return NegotiationFailed(Reason.INCOMPATIBLE_PARAMETERS, str(error))
            log.warning("%r: the negotiation failed", self, exc_info=error)
            return NegotiationFailed(Reason.FAILED_APPLICATION, str(error) or repr(error))

        self.pipe(work, RemoteDescribed if remote else Described, failed)

    @handles(Described)
    def _on_described(self, message: Described) -> None:
        if self._over:
            return
        self._described = message.sdp
        if self._outgoing:
            self._initiate_if_ready()
            return
        self._remote_described(RemoteDescribed(None))
        self._step("accept")
        self._send(SendAnswer, self._session.accept(message.sdp), "accept")

    @handles(RemoteDescribed)
    def _remote_described(self, _: RemoteDescribed) -> None:
        held, self._candidates = self._candidates or [], None
        for event in held:
            self._add_candidates(event)

    @handles(NegotiationFailed)
    def _negotiation_failed(self, message: NegotiationFailed) -> None:
        self._hang_up(message.reason, message.text, ours=True)

    @handles(Answer)
    def _on_answer(self, message: Answer) -> AsyncioFuture[None]:
        if self._outgoing:
            raise CallOver("only an incoming call can be answered")
        if self._answer is None and self._over is None:
            self._answer = message
            self._take_if_ready()
        return self._when_connected()

    @handles(RingLongEnough)
    def _on_rung_long_enough(self, _: RingLongEnough) -> None:
        self._rung_long_enough = True
        self._take_if_ready()
        if self._context.settings.calls.answer == "auto":
            self.after(AUTO_GRACE, Overdue("auto"))

    def _take_if_ready(self) -> None:
        if self._answer is None or not self._rung_long_enough or self._over:
            return
        self._step("proceed")
        if self._offer is None:
            self._say(Proceed(self._session.sid))
            self._say(Accept(self._session.sid), bare(self._session.responder))
            self.after(INITIATE_DEADLINE, Overdue("initiate"))
        self._describe_if_ready()

    def _describe_if_ready(self) -> None:
        if self._answer is None or self._offer is None or not self._timeline.has("proceed"):
            return
        policy = self._context.settings.calls
        allowed = {"audio": policy.audio, "video": policy.video}
        self._negotiate(
            self._connection.answer(
                self._offer.offer,
                audio=self._answer.audio,
                video=self._answer.video,
                refuse=frozenset(kind for kind in KINDS if not allowed[kind]),
            )
        )

    # -- media -------------------------------------------------------------------------------------

    def _media_event(self, event: MediaEvent) -> None:
        if self.actor_ref.is_alive():
            post(self.actor_ref, Media(event))

    def _media_frame(self, direction: Direction, frame: EncodedFrame) -> None:
        if self._recorder is not None and self._recorder.is_alive():
            post(self._recorder, Write(direction, frame))

    @handles(Media)
    def _on_media(self, message: Media) -> None:
        match message.event:
            case IceConnected():
                self._step("ice")
            case Connected():
                self._on_connected()
            case FirstMedia(kind=kind):
                self._step(f"first-{kind}")
            case PlaybackEnded(kind=kind, failure=failure):
                waiter = self._play_waiters.pop(kind, None)
                if waiter is not None:
                    _settle(waiter, CallOver(failure) if failure else None)
            case MediaFailed(reason=reason, text=text):
                self._hang_up(Reason(reason), text, ours=True)

    def _on_connected(self) -> None:
        self._step("dtls")
        policy = self._context.settings.calls
        for waiter in self._connected_waiters:
            _settle(waiter)
        self._connected_waiters.clear()
        wanted = self._answer or self._order
        if wanted is not None and wanted.record:
            self._start_recording(wav=isinstance(wanted, Answer) and wanted.wav)
        if policy.max_duration is not None:
            self.after(policy.max_duration, Overdue("maximum"))
        self.after(TICK, Tick())

    def _start_recording(self, *, wav: bool) -> None:
        if self._recorder is not None or self._over:
            return
        self._recorder = Recorder.start(
            self._context.recordings,
            f"{bare(self._session.responder)}-{bare(self._peer)}",
            video="video" in self._media,
            wav=wav,
            writer=self._context.writer,
        )
        self._connection.send_keyframe()
        self._connection.request_keyframe()

    @handles(Tick)
    def _tick(self, message: Tick) -> None:
        if not self._over:
            self._report()
            self.after(TICK, message)

    @handles(Play)
    def _play(self, message: Play) -> AsyncioFuture[None]:
        previous = self._play_waiters.pop(message.kind, None)
        if previous is not None:
            _settle(previous)
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._over:
            _settle(future, CallOver("the call is over"))
            return future
        self._connection.play(message.kind, message.source)
        if message.source.repeats:
            _settle(future)
        else:
            self._play_waiters[message.kind] = future
        return future

    @handles(Record)
    async def _on_record(self, message: Record) -> None:
        if message.on:
            self._start_recording(wav=message.wav)
        elif self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            self.spawn(self._finish_recording(recorder))

    async def _finish_recording(self, recorder: Ref) -> None:
        try:
            self._recorded = await recorder.request(FinishRecording(), timeout=RECORDER_DEADLINE)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not take the record along
            self._recorded = Recorded(None, 0.0, 0, f"the recorder failed: {error!r}")
        recorder.stop(block=False)

    @handles(Mute)
    def _on_mute(self, message: Mute) -> None:
        self._connection.mute(message.kind, message.on)
        content = self._session.content_of(message.kind)
        self._tell_info(Info.MUTE if message.on else Info.UNMUTE, content)

    @handles(Hold)
    def _on_hold(self, message: Hold) -> None:
        for kind in KINDS:
            if self._connection.playing(kind) is not None:
                self._connection.mute(kind, message.on)
        self._tell_info(Info.HOLD if message.on else Info.UNHOLD)

    def _tell_info(self, info: Info, content: str | None = None) -> None:
        try:
            self._send(SendInfo, self._session.info(info, content), "info")
        except LocalProtocolError:
            log.debug("%r: too early or too late for %s", self, info)

    @handles(Listen)
    def _listen(self, message: Listen) -> Any:
        return self._connection.frames(message.kind)

    # -- the end -----------------------------------------------------------------------------------

    @handles(Hangup)
    def _hangup(self, message: Hangup) -> None:
        reason = message.reason
        if reason is Reason.SUCCESS and not self._timeline.has("dtls"):
            declined = not self._outgoing and self._answer is None
            reason = Reason.DECLINE if declined else Reason.CANCEL
        self._hang_up(reason, message.text, ours=True)

    @handles(DrainCall)
    def _drain(self, _: DrainCall) -> None:
        self._hangup(Hangup(text="the account is logging out"))

    @handles(Overdue)
    def _overdue(self, message: Overdue) -> None:
        answered = self._timeline.has("proceed") or self._timeline.has("accept")
        initiated = self._timeline.has("initiate") if not self._outgoing else bool(self._described)
        match message.what:
            case "auto" if self._answer is None and not self._over:
                self._on_answer(self._bot.answer())
            case "ringing" if not answered:
                self._hang_up(Reason.TIMEOUT, "nobody answered", ours=True)
            case "initiate" if not initiated:
                self._hang_up(Reason.TIMEOUT, "the session-initiate did not come", ours=True)
            case "maximum":
                self._hang_up(Reason.SUCCESS, "calls.max_duration is over", ours=True)

    @handles(BotDone)
    def _bot_done(self, message: BotDone) -> None:
        self._bot_busy = False
        if message.error is not None:
            self._hang_up(Reason.GENERAL_ERROR, f"bot {self._bot.name} failed", ours=True)
        elif self._record is not None:
            self.stop()

    def _hang_up(self, reason: Reason, text: str, *, ours: bool, tell: bool = True) -> None:
        if self._over is not None:
            return
        if tell:
            self._tell_end(reason, text)
        self._step("ended")
        self._over = (reason, text, ours)
        self._statistics = self._connection.statistics()
        over = CallOver(f"the call is over: {reason}" + (f" ({text})" if text else ""))
        for waiter in (*self._connected_waiters, *self._play_waiters.values()):
            _settle(waiter, over)
        self._connected_waiters.clear()
        self._play_waiters.clear()
        if not self.actor_stopped.is_set():
            self.pipe(self._close(), Finished)

    def _tell_end(self, reason: Reason, text: str) -> None:
        """Say goodbye in the way that the call's stage asks for."""
        sid = self._session.sid
        if self._session.state in (State.PENDING, State.ACTIVE):
            self._send(SendTerminate, self._session.terminate(reason, text), "terminate")
            if self._message:
                self._say(Finish(sid, reason))
        elif self._message:
            self._say(Retract(sid, reason) if self._outgoing else Reject(sid, reason))

    async def _close(self) -> None:
        if self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            await self._finish_recording(recorder)
        await self._connection.close()

    @handles(Finished)
    def _finished(self, _: Finished) -> None:
        self._conclude()
        if self._bot_busy:
            self.after(BOT_GRACE, BotDone(None))
        else:
            self.stop()

    def _conclude(self) -> None:
        """Write the one detail record, and let everybody know."""
        if self._record is not None or self._over is None:
            return
        reason, text, ours = self._over
        at = self._timeline.at
        direction: Literal["in", "out"] = "out" if self._outgoing else "in"
        recorded = self._recorded
        self._record = CallRecord(
            id=self._session.sid,
            account=bare(self._session.initiator if self._outgoing else self._session.responder),
            peer=self._peer,
            direction=direction,
            state=outcome(
                reason,
                direction=direction,
                ours=ours,
                answered=at("proceed", "accept") is not None,
                connected=at("dtls") is not None,
            ),
            reason=_words(reason, text, None if recorded is None else recorded.failure),
            started=self._timeline.began,
            ringing=at("ringing"),
            answered=at("proceed", "accept"),
            connected=at("dtls"),
            ended=at("ended") or self._timeline.began,
            media=tuple(_rounded(one) for one in self._statistics),
            recording=None if recorded is None else recorded.to_dict(),
        )
        post(self._context.log, self._record)
        self._report()
        for waiter in self._ended_waiters:
            _settle(waiter, value=self._record)
        post(self._conversation, CallEnded(self._session.sid))

    # -- how it goes -------------------------------------------------------------------------------

    def _step(self, name: str) -> None:
        if self._timeline.take(name):
            self._report()

    def _status(self) -> CallStatus:
        own = self._session.initiator if self._outgoing else self._session.responder
        return CallStatus(
            id=self._session.sid,
            account=bare(own),
            peer=self._peer,
            direction="out" if self._outgoing else "in",
            phase=self._timeline.phase,
            media=self._media,
            seconds=self._timeline.connected_seconds(),
            steps=self._timeline.steps(),
            statistics=self._statistics if self._over else self._connection.statistics(),
            held=self._held,
            muted=tuple(sorted(self._muted)),
        )

    def _report(self) -> None:
        if self._context.exchange.is_alive():
            post(self._context.exchange, self._status())

    @handles(GetStatus)
    def _get_status(self, _: GetStatus) -> CallStatus:
        return self._status()

    @handles(Wait)
    def _wait(self, message: Wait) -> AsyncioFuture[Any]:
        if message.until == "connected":
            return self._when_connected()
        future: AsyncioFuture[CallRecord] = AsyncioFuture()
        if self._record is not None:
            _settle(future, value=self._record)
        else:
            self._ended_waiters.append(future)
        return future

    def _when_connected(self) -> AsyncioFuture[None]:
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._over is not None:
            _settle(future, CallOver("the call is over"))
        elif self._timeline.has("dtls"):
            _settle(future)
        else:
            self._connected_waiters.append(future)
        return future


def _rounded(one: MediaStatistics) -> dict[str, Any]:
    """Return statistics as a record has them: two decimals are more than anybody measures."""
    fields = asdict(one)
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in fields.items()}


def _words(reason: Reason, text: str, failure: str | None) -> str:
    """Return a record's reason: the Jingle reason, words, and why there is no whole recording."""
    words = f"{reason}: {text}" if text else str(reason)
    return words if failure is None else f"{words}; no whole recording: {failure}"


def _settle(future: AsyncioFuture[Any], error: Exception | None = None, *, value: Any = None) -> None:
    if error is None:
        future.set(value)
    else:
        future.set_exception((type(error), error, None))

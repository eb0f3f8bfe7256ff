"""One call: a peer connection, a Jingle session, and everything that can happen to them."""

import logging
from dataclasses import replace
from types import TracebackType
from typing import Any

from ..jingle import (
    Accepted,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    Event,
    IceRestarted,
    Info,
    InfoReceived,
    Initiated,
    Reason,
    Senders,
    Session,
    Terminated,
    TransportReplaced,
    Unacceptable,
)
from ..media import (
    Closed,
    Connected,
    DataOpened,
    DataReceived,
    FirstMedia,
    IceConnected,
    IceRenewed,
    Kind,
    MediaFailed,
    MediaStatistics,
    Network,
    PlaybackEnded,
)
from .bot_runner import BotRunner
from .call_record import CallRecord
from .call_timeline import Timeline
from .context import BotPort, Context, LastWord, Ref
from .future import AsyncioFuture
from .jid import bare
from .leg import KINDS, Leg, rounded
from .messages.account import ForgetCall, IqAnswered, PlaceCall
from .messages.call import (
    AddMedia,
    Answer,
    BotDone,
    CallOver,
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
    Negotiated,
    NegotiationFailed,
    Overdue,
    Pause,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    PeerUnreachable,
    Play,
    Record,
    RemoveMedia,
    RestartIce,
    RingLongEnough,
    SendData,
    Tick,
    TieLost,
    Wait,
)
from .messages.conversation import CallAccepted, CallEnded
from .messages.exchange import CallStatus
from .outcome import outcome
from .post import post
from .promises import Promises
from .runtime import AsyncioActor, handles
from .signalling import RESTART, Signalling
from .stanza import error_condition

log = logging.getLogger(__name__)

#: Seconds between our ``proceed`` and the peer's ``session-initiate``.
INITIATE_DEADLINE = 30.0
#: Seconds between the end of the peer's media and its ``session-terminate``.
GOODBYE_DEADLINE = 3.0
#: Seconds that `calls.answer: auto` leaves the bot, after `calls.after`, to answer by itself.
AUTO_GRACE = 1.0
#: Seconds that the peer has to answer a content-add.
ADD_DEADLINE = 30.0
#: Seconds between two looks at how a call goes.
TICK = 1.0
#: Seconds that a bot may go on after its call has ended.
BOT_GRACE = 10.0
#: What a stanza error (RFC 6120 §8.3.3) to our offer or answer means. A conflict is a tie-break
#: that the peer decided before its own offer reached us (XEP-0166 §7.2.16).
REFUSALS = {"item-not-found": Reason.GONE, "conflict": Reason.EXPIRED}


class Call(AsyncioActor):
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
        conversation: Ref,
        account: Ref,
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
        self._media = media
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
        self._timeline = Timeline()
        self._promises = Promises()
        self._runner = BotRunner(self, bot, context)
        self._leg = Leg(self, context, bot, network, f"{self._signalling.own}-{bare(peer)}")
        self._described: str | None = None
        self._answer: Answer | None = None
        self._rung_long_enough = False
        self._adding: tuple[str, ...] = ()
        self._over: tuple[Reason, str, bool] | None = None
        self._bot_busy = False
        self._held = False
        self._muted: set[str] = set()
        self._pausing: dict[str, Pause] = {}
        self._statistics: tuple[MediaStatistics, ...] = ()
        self._record: CallRecord | None = None

    def __repr__(self) -> str:
        return f"<Call {self._signalling.sid} with {bare(self._signalling.peer)}>"

    # -- life --------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Propose or ring; an outgoing call gathers its candidates meanwhile."""
        policy = self._context.settings.calls
        self.after(policy.ring_timeout, Overdue("ringing"))
        if self._signalling.message:
            self._step("propose")
        if self._order is not None:
            if self._signalling.message:
                self._signalling.propose(self._media)
            self._leg.offer(self._order.audio, self._order.video, data=self._order.data)
        else:
            if self._offer is not None:
                self._step("initiate")
            self._step("ringing")
            self._signalling.ring()
            self.after(policy.after, RingLongEnough())
            self._bot_busy = True
            called = self._bot.called(self.actor_ref, self._status())
            self.pipe(self._runner.guard(called, self._is_too_late), BotDone)
        self._report()

    async def on_stop(self) -> None:
        """End in order whatever is still open, and write the one detail record."""
        early = self._signalling.outgoing and not self._timeline.has("dtls")
        reason = Reason.CANCEL if early else Reason.GONE
        self._hang_up(reason, "the account has ended", ours=True)
        await self._leg.close()
        self._conclude()

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """A bug ends this call and nothing else; the peer is told (general-error)."""
        self._hang_up(Reason.GENERAL_ERROR, f"internal error: {exception_value!r}", ours=True)
        await self._leg.close()
        self._conclude()

    # -- before the session: XEP-0353 --------------------------------------------------------------

    @handles(PeerRinging)
    def _peer_ringing(self, _: PeerRinging) -> None:
        self._step("ringing")

    @handles(PeerProceeds)
    def _peer_proceeds(self, message: PeerProceeds) -> None:
        if self._over is None and self._signalling.proceeds(message.sender):
            self._step("proceed")
            self._initiate_if_ready()

    @handles(PeerRejects)
    def _peer_rejects(self, message: PeerRejects) -> None:
        self._hang_up(message.reason or Reason.DECLINE, "", ours=False)

    @handles(PeerRetracts)
    def _peer_retracts(self, message: PeerRetracts) -> None:
        self._hang_up(message.reason or Reason.CANCEL, "", ours=False)

    @handles(PeerFinishes)
    def _peer_finishes(self, message: PeerFinishes) -> None:
        self._hang_up(message.reason or Reason.SUCCESS, "", ours=False)

    @handles(PeerUnreachable)
    def _peer_unreachable(self, _: PeerUnreachable) -> None:
        if not self._signalling.proceeded:
            text = "the peer's server could not deliver the call"
            self._hang_up(Reason.CONNECTIVITY_ERROR, text, ours=False)

    @handles(HandledElsewhere)
    def _handled_elsewhere(self, message: HandledElsewhere) -> None:
        if self._answer is None:
            word, reason = (
                ("answered", Reason.CANCEL) if message.answered else ("declined", Reason.DECLINE)
            )
            self._hang_up(reason, f"{word} on another device of this account", ours=False)

    @handles(TieLost)
    def _tie_lost(self, _: TieLost) -> None:
        text = "both called at once, and the peer's call stands"
        self._hang_up(Reason.EXPIRED, text, ours=True)

    # -- the session: Jingle -----------------------------------------------------------------------

    @handles(JingleReceived)
    def _jingle_received(self, message: JingleReceived) -> None:
        for event in self._signalling.receive(message):
            self._jingle_event(event)

    def _jingle_event(self, event: Event) -> None:
        match event:
            case Initiated():
                self._step("initiate")
                self._offer = event
                self._describe_if_ready()
            case Accepted():
                self._step("accept")
                post(self._conversation, CallAccepted(self._signalling.sid))
                self._leg.accept("accept", event.answer)
            case CandidatesReceived():
                self._leg.trickled(event)
            case IceRestarted():
                self._leg.restart(event.description)
            case InfoReceived():
                self._informed(event)
            case ContentModified():
                self._modified(event)
            case Terminated():
                self._hang_up(event.reason or Reason.SUCCESS, event.text, ours=False)
            case _:
                self._contents_event(event)

    def _contents_event(self, event: Event) -> None:
        """Follow what changes the session's contents or transports."""
        match event:
            case ContentAdded():
                self._content_added(event)
            case ContentAccepted():
                self._leg.accept("add-accept", event.answer)
            case ContentRejected():
                if self._promises.adding:
                    reason = event.reason or "no reason given"
                    self._add_refused(f"the peer did not take it: {reason}")
            case ContentRemoved():
                self._contents_changed()
                if not event.remaining:
                    self._hang_up(event.reason or Reason.SUCCESS, "no content is left", ours=True)
            case Unacceptable(contents=(_, *_)):
                self._signalling.refuse_contents(event.contents, event.reason, event.text)
            case Unacceptable():
                self._hang_up(event.reason, event.text, ours=True)
            case TransportReplaced():
                self._signalling.refuse_transport(event.contents)

    def _content_added(self, event: ContentAdded) -> None:
        refused = self._refused()
        if all(kind in refused for kind in event.media):
            self._signalling.refuse_contents(event.contents)
            return
        self._adding = event.contents
        sources = self._answer or self._order
        audio = None if sources is None else sources.audio
        video = None if sources is None else sources.video
        self._leg.answer("added", event.offer, audio, video, refused)

    def _contents_changed(self) -> None:
        """Let media, recording and bot follow the contents that the session has now."""
        kinds = tuple(kind for kind in self._signalling.kinds if kind in KINDS)
        gone = [kind for kind in KINDS if kind in self._media and kind not in kinds]
        if gone:
            self._leg.withdraw(gone)
        if kinds != self._media:
            self._media = kinds
            self._runner.run(self._bot.media(self.actor_ref, kinds))
            self._report()

    def _add_refused(self, words: str) -> None:
        """What we added is not taken: stop with it, and let the next negotiation begin."""
        self._promises.keep_added(words)
        self._leg.settled()
        self._leg.withdraw([kind for kind in KINDS if kind not in self._media])

    def _modified(self, event: ContentModified) -> None:
        """Follow who sends a content; each side may only decide for itself."""
        sends = event.senders in (Senders.BOTH, self._signalling.peer_role)
        kinds = set(self._signalling.kinds_of(event.content, self._media))
        self._silent(held=self._held, muted=self._muted - kinds if sends else self._muted | kinds)
        if self._timeline.has("accept"):
            self._leg.answer("modified", event.description, None, None, self._refused())
        elif self._offer is not None:
            self._offer = replace(self._offer, offer=event.description)

    def _informed(self, event: InfoReceived) -> None:
        kinds = set(self._signalling.kinds_of(event.content, self._media))
        match event.info:
            case Info.RINGING:
                self._step("ringing")
            case Info.HOLD | Info.UNHOLD:
                self._silent(held=event.info is Info.HOLD, muted=self._muted)
            case Info.ACTIVE:
                self._silent(held=False, muted=set())
            case Info.MUTE:
                self._silent(held=self._held, muted=self._muted | kinds)
            case Info.UNMUTE:
                self._silent(held=self._held, muted=self._muted - kinds)

    def _silent(self, *, held: bool, muted: set[str]) -> None:
        """Note what the peer does not send by its own account, and tell the bot what is new."""
        if (held, muted) != (self._held, self._muted):
            self._held, self._muted = held, muted
            self._runner.run(self._bot.media(self.actor_ref, self._media))
            self._report()

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        if self._over:
            return
        pause = self._pausing.pop(message.token, None)
        if pause is not None:
            self._pause_answered(pause, message)
            return
        if message.token == RESTART:
            self._leg.restart_acknowledged()
        # No answer at all ends nothing: some clients leave IQs of unknown content unanswered.
        if message.answer is None or message.answer.get("type") != "error":
            return
        condition = error_condition(message.answer)
        if message.token in ("initiate", "accept"):
            text = f"the peer refused the session-{message.token}: {condition}"
            reason = REFUSALS.get(condition, Reason.GENERAL_ERROR)
            self._hang_up(reason, text, ours=False)
        else:
            log.debug("%r: %s was refused: %s", self, message.token, condition)

    def _pause_answered(self, pause: Pause, message: IqAnswered) -> None:
        failure = None
        if message.answer is None:
            failure = "the peer did not answer the content-modify"
        elif message.answer.get("type") == "error":
            failure = f"the peer did not take it: {error_condition(message.answer)}"
        elif self._leg.sends(pause.kind):
            self._leg.pause(pause.kind, pause.on)
        self._promises.keep_answered(message.token, failure)

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
                self._step("accept")
                self._signalling.accept(sdp)
            case "accept":
                self._leg.remote_described()
            case "added":
                self._signalling.accept_contents(sdp)
                self._contents_changed()
            case "add":
                self._signalling.add_contents(sdp)
                self.after(ADD_DEADLINE, Overdue("add"))
                return  # nothing else is negotiated until the peer has answered
            case "restart" | "renew" as purpose:
                self._signalling.restart(sdp, answer=purpose == "restart")
            case "add-accept":
                self._promises.keep_added(None)
                self._contents_changed()
        self._leg.settled()

    def _initiate_if_ready(self) -> None:
        if self._described is not None and self._signalling.proceeded and not self._over:
            self._step("initiate")
            self._signalling.initiate(self._described)

    @handles(NegotiationFailed)
    def _negotiation_failed(self, message: NegotiationFailed) -> None:
        if self._over:
            return
        match message.purpose:
            case "added":
                self._signalling.refuse_contents(self._adding)
                self._leg.settled()
            case "add":
                self._promises.keep_added(message.text)
                self._leg.settled()
            case "modified":
                log.warning("%r: who sends could not be followed: %s", self, message.text)
                self._leg.settled()
            case (
                "restart" | "renew" | "renewed"
            ):  # the old addresses go on for as long as they last
                log.warning("%r: ICE could not be restarted: %s", self, message.text)
                self._leg.settled()
            case "add-accept":
                self._add_refused(message.text)
            case _:
                self._hang_up(message.reason, message.text, ours=True)

    @handles(Answer)
    def _on_answer(self, message: Answer) -> AsyncioFuture[None]:
        if self._signalling.outgoing:
            raise CallOver("only an incoming call can be answered")
        if self._answer is None and self._over is None:
            self._answer = message
            self._take_if_ready()
        return self._promises.connected()

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
            self._signalling.proceed()
            self.after(INITIATE_DEADLINE, Overdue("initiate"))
        self._describe_if_ready()

    def _describe_if_ready(self) -> None:
        if self._answer is None or self._offer is None or not self._timeline.has("proceed"):
            return
        answer = self._answer
        self._leg.answer("answer", self._offer.offer, answer.audio, answer.video, self._refused())

    def _refused(self) -> tuple[Kind, ...]:
        """Return the kinds of media that the account's policy does not take."""
        policy = self._context.settings.calls
        allowed = {"audio": policy.audio, "video": policy.video}
        return tuple(kind for kind in KINDS if not allowed[kind])

    # -- media -------------------------------------------------------------------------------------

    @handles(Media)
    def _on_media(self, message: Media) -> None:
        match message.event:
            case IceConnected():
                self._step("ice")
            case Connected():
                self._on_connected()
            case IceRenewed():
                self._step("ice-restart")
            case FirstMedia(kind=kind):
                self._step(f"first-{kind}")
            case PlaybackEnded(kind=kind, failure=failure):
                self._promises.keep_played(kind, failure)
            case DataOpened():
                self._step("data")
                self._leg.data_opened()
            case DataReceived(data=data):
                self._runner.run(self._bot.data(self.actor_ref, data))
            case MediaFailed(reason=reason, text=text):
                self._hang_up(Reason(reason), text, ours=True)
            case Closed(by_peer=True):
                self.after(GOODBYE_DEADLINE, Overdue("goodbye"))

    def _on_connected(self) -> None:
        if self._over:
            return
        self._step("dtls")
        self._promises.keep_connected()
        wanted = self._answer or self._order
        if wanted is not None and wanted.record:
            self._start_recording(wav=isinstance(wanted, Answer) and wanted.wav)
        policy = self._context.settings.calls
        if policy.max_duration is not None:
            self.after(policy.max_duration, Overdue("maximum"))
        self.after(TICK, Tick())

    @handles(Tick)
    def _tick(self, message: Tick) -> None:
        if not self._over:
            self._report()
            self.after(TICK, message)

    @handles(Play)
    def _play(self, message: Play) -> AsyncioFuture[None]:
        if self._over:
            raise CallOver("the call is over")
        self._leg.play(message.kind, message.source)
        return self._promises.played(message.kind, endless=message.source.repeats)

    @handles(AddMedia)
    def _add_media(self, message: AddMedia) -> AsyncioFuture[None]:
        if self._over or not self._timeline.has("dtls"):
            raise CallOver("media can be added to a call that is connected")
        if message.kind in self._media:
            raise ValueError(f"the call has {message.kind} already: play something else")
        promise = self._promises.added()
        self._leg.add(message.kind, message.source)
        return promise

    @handles(Pause)
    def _pause(self, message: Pause) -> AsyncioFuture[None]:
        if self._over or not self._timeline.has("dtls"):
            raise CallOver("media can be paused in a call that is connected")
        if not self._leg.sends(message.kind):
            raise ValueError(f"the call sends no {message.kind}: answer or add it with a source")
        token = self._signalling.modify(message.kind, sends=not message.on)
        self._pausing[token] = message
        return self._promises.answered(token)

    @handles(SendData)
    def _send_data(self, message: SendData) -> None:
        self._leg.send(message.data)

    @handles(RestartIce)
    def _restart_ice(self, _: RestartIce) -> None:
        if self._over or not self._timeline.has("dtls"):
            raise CallOver("ICE can be restarted in a call that is connected")
        self._leg.renew()

    @handles(RemoveMedia)
    def _remove_media(self, message: RemoveMedia) -> None:
        if message.kind not in self._media or len(self._media) < 2:
            raise ValueError(f"the call has no {message.kind} beside other media: hang up")
        if self._signalling.remove(message.kind):
            self._contents_changed()

    @handles(Record)
    def _on_record(self, message: Record) -> None:
        if message.on:
            self._start_recording(wav=message.wav)
        else:
            self.spawn(self._leg.stop_recording())

    def _start_recording(self, *, wav: bool) -> None:
        if not self._over:
            # Video may come later, where the policy lets it.
            video = "video" in self._media or self._context.settings.calls.video
            self._leg.record(video=video, wav=wav)

    @handles(Mute)
    def _on_mute(self, message: Mute) -> None:
        self._leg.mute(message.kind, message.on)
        self._signalling.inform(Info.MUTE if message.on else Info.UNMUTE, message.kind)

    @handles(Hold)
    def _on_hold(self, message: Hold) -> None:
        self._leg.hold(message.on)
        self._signalling.inform(Info.HOLD if message.on else Info.UNHOLD)

    @handles(Listen)
    def _listen(self, message: Listen) -> Any:
        return self._leg.frames(message.kind)

    # -- the end -----------------------------------------------------------------------------------

    @handles(Hangup)
    def _on_hangup(self, message: Hangup) -> None:
        reason = message.reason
        if reason is Reason.SUCCESS and not self._timeline.has("dtls"):
            declined = not self._signalling.outgoing and self._answer is None
            reason = Reason.DECLINE if declined else Reason.CANCEL
        self._hang_up(reason, message.text, ours=True)

    @handles(DrainCall)
    def _drain(self, _: DrainCall) -> None:
        self._on_hangup(Hangup(text="the account is logging out"))

    @handles(Overdue)
    def _overdue(self, message: Overdue) -> None:
        match message.what:
            case "auto" if self._answer is None and not self._over:
                self._on_answer(self._bot.answer())
            case "ringing" if self._timeline.at("proceed", "accept") is None:
                self._hang_up(Reason.TIMEOUT, "nobody answered", ours=True)
            case "initiate" if self._offer is None:
                self._hang_up(Reason.TIMEOUT, "the session-initiate did not come", ours=True)
            case "goodbye":
                self._hang_up(Reason.GONE, "the peer closed the media and said nothing", ours=True)
            case "add":
                if self._promises.adding:
                    self._add_refused("the peer did not answer the content-add")
            case "maximum":
                self._hang_up(Reason.SUCCESS, "calls.max_duration is over", ours=True)

    @handles(BotDone)
    def _bot_done(self, message: BotDone) -> None:
        self._bot_busy = False
        if message.error is not None:
            self._hang_up(Reason.GENERAL_ERROR, f"bot {self._bot.name} failed", ours=True)
        if self._record is not None:
            self.stop()

    def _is_too_late(self, error: Exception) -> bool:
        """Whether the bot has only found out that its call is over."""
        return isinstance(error, CallOver) and self._over is not None

    def _hang_up(self, reason: Reason, text: str, *, ours: bool) -> None:
        """Let the call be over, once; the peer is told if it was not the peer who ended it."""
        if self._over is not None:
            return
        if ours:
            self._signalling.goodbye(reason, text)
        self._statistics = self._leg.statistics()
        self._over = (reason, text, ours)
        self._step("ended")
        words = f"the call is over: {reason}" + (f" ({text})" if text else "")
        self._promises.break_off(words)
        if not self.actor_stopped.is_set():
            self.pipe(self._leg.close(), Finished)

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
        recorded = self._leg.recorded
        failure = None if recorded is None else recorded.failure
        self._record = CallRecord(
            id=self._signalling.sid,
            account=self._signalling.own,
            peer=self._signalling.peer,
            direction=self._signalling.direction,
            state=outcome(
                reason,
                direction=self._signalling.direction,
                ours=ours,
                answered=at("proceed", "accept") is not None,
                connected=at("dtls") is not None,
            ),
            reason=_words(reason, text, failure),
            started=self._timeline.began,
            ringing=at("ringing"),
            answered=at("proceed", "accept"),
            connected=at("dtls"),
            ended=at("ended") or self._timeline.began,
            media=tuple(rounded(one) for one in self._statistics),
            recording=None if recorded is None else recorded.to_dict(),
        )
        post(self._context.log, self._record)
        self._report()
        self._promises.keep_record(self._record)
        sid = self._signalling.sid
        if not post(self._conversation, CallEnded(sid)):
            post(self._account, ForgetCall(bare(self._signalling.peer), sid))

    # -- how it goes -------------------------------------------------------------------------------

    def _step(self, name: str) -> None:
        if self._timeline.take(name):
            self._report()

    def _report(self) -> None:
        post(self._context.exchange, self._status())

    def _status(self) -> CallStatus:
        return CallStatus(
            id=self._signalling.sid,
            account=self._signalling.own,
            peer=self._signalling.peer,
            direction=self._signalling.direction,
            phase=self._timeline.phase,
            media=self._media,
            seconds=self._timeline.connected_seconds(),
            steps=self._timeline.steps(),
            statistics=self._statistics if self._over else self._leg.statistics(),
            held=self._held,
            muted=tuple(sorted(self._muted)),
        )

    @handles(GetStatus)
    def _get_status(self, _: GetStatus) -> CallStatus:
        return self._status()

    @handles(Wait)
    def _wait(self, message: Wait) -> AsyncioFuture[Any]:
        if message.until == "connected":
            return self._promises.connected()
        return self._promises.ended()


def _words(reason: Reason, text: str, failure: str | None) -> str:
    """Return a record's reason: the Jingle reason, words, and why there is no whole recording."""
    words = f"{reason}: {text}" if text else str(reason)
    return words if failure is None else f"{words}; no whole recording: {failure}"

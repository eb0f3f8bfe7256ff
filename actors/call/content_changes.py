"""What changes in a call's contents while it goes on, and who sends them."""

import logging
from collections.abc import Collection
from functools import partial

from ...jingle import (
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    Event,
    Info,
    InfoReceived,
    Reason,
    Senders,
    TransportReplaced,
    Unacceptable,
)
from ...media import Kind, PeerConnection, Source
from ..messages.account import PlaceCall
from ..messages.call import (
    AddMedia,
    Answer,
    CallOver,
    Darkened,
    NegotiationFailed,
    Overdue,
    Pause,
    RemoveMedia,
)
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from ..runtime.tasks import Timer
from .leg import KINDS
from .negotiation import Negotiation
from .shared_parts import SharedParts
from .signalling import Acknowledgement
from .state import ANSWERS, CallState

log = logging.getLogger(__name__)

#: What who adds media waits for: one at a time.
ADDITION = "content-add"


class ContentChanges:
    """What either side changes in mid-call (XEP-0166 §7.2, XEP-0167 §7).

    Args:
        parts: the call's.

    Attributes:
        refused: the kinds of media that the account's policy does not take.
        sources: what the call plays; it is played in contents that the peer adds, too.
    """

    def __init__(self, parts: SharedParts) -> None:
        policy = parts.context.settings.calls
        allowed = {"audio": policy.audio, "video": policy.video}
        self.refused = tuple(kind for kind in KINDS if not allowed[kind])
        self.sources: Answer | PlaceCall | None = None
        self.parts = parts
        self._addition: AddContent | None = None
        self._removing: frozenset[Kind] = frozenset()

    # -- what the peer says ------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Follow what the peer changes, or its answer to what we change."""
        match event:
            case ContentAdded():
                self._content_added(event)
            case ContentAccepted() if self._addition is not None:
                self._addition.stop_waiting()
                self.parts.negotiations.go_on_with(TakeAddition(self, event.answer))
            case ContentRejected():
                reason = event.reason or "no reason given"
                self._addition_refused(f"the peer did not take it: {reason}")
            case ContentRemoved():
                self.follow()
            case ContentModified():
                self._modified(event)
            case Unacceptable() if event.contents:
                self.parts.signalling.refuse_contents(event.contents, event.reason, event.text)
            case TransportReplaced():
                self.parts.signalling.refuse_transport(event.contents)
            case InfoReceived():
                self._informed(event)

    def _content_added(self, event: ContentAdded) -> None:
        signalling = self.parts.signalling
        if not self.parts.course.is_described:  # to answer a part would answer for the bot
            words = "nothing can be added before the session is accepted"
            signalling.refuse_contents(event.contents, Reason.FAILED_APPLICATION, words)
        elif all(kind in self.refused for kind in event.media):
            signalling.refuse_contents(event.contents)
        else:
            self.parts.negotiations.begin(TakeContents(self, event))

    def follow(self) -> None:
        """Let media, recording and bot follow the contents that the session has now."""
        known = self.parts.progress.media
        kinds = tuple(kind for kind in self.parts.signalling.kinds if kind in KINDS)
        gone = [kind for kind in KINDS if kind in known and kind not in kinds]
        if gone and self.parts.course.is_described:  # else the peer's answer is yet to say so
            self.parts.negotiations.begin(Withdraw(gone))
        if kinds != known:
            self.parts.progress.media = kinds
            self._tell()
        self.parts.informing.follow()

    def _modified(self, event: ContentModified) -> None:
        """Follow who sends a content; each side may only decide for itself."""
        parts = self.parts
        kinds = frozenset(parts.signalling.kinds_of(event.content, parts.progress.media))
        sends = event.senders in (Senders.BOTH, parts.signalling.peer_role)
        muted = parts.progress.muted
        self._silent(held=parts.progress.held, muted=muted - kinds if sends else muted | kinds)
        # Before that the offer itself is a new one.
        if parts.course.is_described or parts.course.state is CallState.ANSWERING:
            parts.negotiations.begin(FollowSenders(self, event.description))

    def _informed(self, event: InfoReceived) -> None:
        progress = self.parts.progress
        kinds = frozenset(self.parts.signalling.kinds_of(event.content, progress.media))
        held, muted = progress.held, progress.muted
        match event.info:
            case Info.HOLD | Info.UNHOLD:
                self._silent(held=event.info is Info.HOLD, muted=muted)
            case Info.ACTIVE:
                self._silent(held=False, muted=frozenset())
            case Info.MUTE:
                self._silent(held=held, muted=muted | kinds)
            case Info.UNMUTE:
                self._silent(held=held, muted=muted - kinds)

    def _silent(self, *, held: bool, muted: frozenset[str]) -> None:
        """Note what the peer does not send by its own account."""
        progress = self.parts.progress
        if (held, muted) != (progress.held, progress.muted):
            progress.held, progress.muted = held, muted
            self._tell()

    def _tell(self) -> None:
        parts = self.parts
        parts.runner.run(parts.bot.media(parts.owner.actor_ref, parts.progress.media))
        parts.progress.report()

    # -- what our bot adds -------------------------------------------------------------------------

    @handles(AddMedia)
    def add(self, message: AddMedia) -> AsyncioFuture[None]:
        """Add a kind of media.

        Raises:
            CallOver: the call is not connected, or the peer has yet to answer another addition.
            ValueError: the call has it.
        """
        self._check_connected("media can be added to a call that is connected")
        if message.kind in self.parts.progress.media:
            raise ValueError(f"the call has {message.kind} already: {self._instead(message.kind)}")
        if self._addition is not None:
            words = "the peer has not answered the last content-add yet"
            raise self.parts.too_late.refusal(words)
        self._addition = AddContent(self, message.kind, message.source)
        future = self.parts.waiters.add(ADDITION)
        self.parts.negotiations.begin(self._addition)
        return future

    def _instead(self, kind: Kind) -> str:
        """Say how to send something of a kind that is there already."""
        if self.parts.leg.sends(kind):
            return "play something else"
        return "to send some of your own, answer with a source, or remove it and add it again"

    def addition_overdue(self) -> None:
        """The peer has had its time to answer what we add."""
        if self.parts.negotiations.is_under_way(self._addition):
            self.parts.signalling.take_back_addition(tell=True)
            self._addition_refused("the peer did not answer the content-add")

    def addition_acknowledged(self, answer: Acknowledgement) -> None:
        """The peer's client has the content-add, or can't read it; no answer may still be one."""
        failure = answer.failure("content-add")
        if answer.came and failure is not None:
            self.parts.signalling.take_back_addition(tell=False)
            self._addition_refused(failure)

    def _addition_refused(self, words: str) -> None:
        """What we added is not taken: stop with it, and let the next negotiation begin."""
        if self.parts.negotiations.is_under_way(self._addition):  # else it is taken already
            self.addition_over(words)
            self.parts.negotiations.release()
            self.stop_unknown()

    def addition_over(self, failure: str | None) -> None:
        """What we added is taken, or is not."""
        if self._addition is not None:
            self._addition.stop_waiting()
        self._addition = None
        self.parts.waiters.settle(ADDITION, self._refusal(failure))

    def stop_unknown(self) -> None:
        """Send nothing of the kinds that the call does not have."""
        unknown = [kind for kind in KINDS if kind not in self.parts.progress.media]
        self.parts.negotiations.begin(Withdraw(unknown))

    # -- what our bot removes, and pauses ----------------------------------------------------------

    @handles(RemoveMedia)
    def remove(self, message: RemoveMedia) -> AsyncioFuture[None]:
        """Take a kind of media away: silence or black first, as the last picture may stay.

        Raises:
            CallOver: the call is not connected, or it is being removed already.
            ValueError: there is none of it beside another one.
        """
        self._check_connected("media can be removed from a call that is connected")
        kind, media = message.kind, self.parts.progress.media
        if kind not in media or len(media) < 2:
            raise ValueError(f"the call has no {kind} beside other media: hang up")
        if kind in self._removing:
            words = f"the peer has not answered the removal of {kind} yet"
            raise self.parts.too_late.refusal(words)
        self._removing |= {kind}
        dark = Darkened(kind)
        self.parts.owner.pipe(
            self.parts.leg.connection.media.darken(kind), lambda _: dark, lambda _: dark
        )
        return self.parts.waiters.add(("content-remove", kind))

    def darkened(self, kind: Kind) -> None:
        """Ask the peer to have a kind of media removed, now that nothing is shown of it."""
        if not self.parts.signalling.remove(kind, partial(self._removal_answered, kind)):
            self._removal_over(kind, None)  # the peer was faster

    def _removal_answered(self, kind: Kind, answer: Acknowledgement) -> None:
        failure = answer.failure("content-remove")
        if kind not in self.parts.signalling.kinds:
            failure = None  # the peer had removed it already
        elif failure is None:
            self.parts.signalling.removed(kind)
            self.follow()
        self._removal_over(kind, failure)

    def _removal_over(self, kind: Kind, failure: str | None) -> None:
        self._removing -= {kind}
        self.parts.waiters.settle(("content-remove", kind), self._refusal(failure))

    @handles(Pause)
    def pause(self, message: Pause) -> AsyncioFuture[None]:
        """Send nothing of a kind, or go on, once the peer knows of it.

        Raises:
            CallOver: the call is not connected.
            ValueError: nothing of the kind is sent.
        """
        self._check_connected("media can be paused in a call that is connected")
        if not self.parts.leg.sends(message.kind):
            raise ValueError(f"the call sends no {message.kind}: answer or add it with a source")
        waiter = object()
        then = partial(self._pause_answered, message, waiter)
        self.parts.signalling.modify(message.kind, then, sends=not message.on)
        return self.parts.waiters.add(waiter)

    def _pause_answered(self, pause: Pause, waiter: object, answer: Acknowledgement) -> None:
        failure = answer.failure("content-modify")
        if failure is None and self.parts.leg.sends(pause.kind):
            self.parts.leg.connection.media.pause(pause.kind, pause.on)
        self.parts.waiters.settle(waiter, self._refusal(failure))

    def _refusal(self, failure: str | None) -> CallOver | None:
        return None if failure is None else self.parts.too_late.refusal(failure)

    def _check_connected(self, words: str) -> None:
        if not self.parts.course.is_connected:
            raise self.parts.too_late.refusal(words)


# -- what is negotiated for it ---------------------------------------------------------------------


class AddContent(Negotiation):
    """We offer one kind of media more; nothing else is negotiated until the peer has answered."""

    holds_others_up = True

    def __init__(self, contents: ContentChanges, kind: Kind, source: Source) -> None:
        self._contents = contents
        self._kind = kind
        self._source = source
        self._timer: Timer | None = None

    async def work(self, connection: PeerConnection) -> str:
        """Make the offer."""
        if self._kind == "audio":
            return await connection.offer_more(audio=self._source)
        return await connection.offer_more(video=self._source)

    def done(self, sdp: str) -> None:
        """Say it, and give the peer its time."""
        parts = self._contents.parts
        parts.signalling.add_contents(sdp, self._contents.addition_acknowledged)
        self._timer = parts.owner.after(ANSWERS["add"], Overdue("add"))

    def stop_waiting(self) -> None:
        """The peer has answered."""
        if self._timer is not None:
            self._timer.cancel()

    def failed(self, failure: NegotiationFailed) -> None:
        """Tell who asked for it."""
        self._contents.addition_over(failure.text)


class TakeAddition(Negotiation):
    """The peer has taken what we added."""

    def __init__(self, contents: ContentChanges, answer: str) -> None:
        self._contents = contents
        self._answer = answer

    async def work(self, connection: PeerConnection) -> None:
        """Take its answer."""
        await connection.accept(self._answer)

    def done(self, sdp: str) -> None:
        """Let everybody know."""
        self._contents.addition_over(None)
        self._contents.follow()

    def failed(self, failure: NegotiationFailed) -> None:
        """Stop with what was added."""
        self._contents.addition_over(failure.text)
        self._contents.stop_unknown()


class TakeContents(Negotiation):
    """The peer adds contents, and our policy takes some of them."""

    def __init__(self, contents: ContentChanges, event: ContentAdded) -> None:
        self._contents = contents
        self._added = event

    async def work(self, connection: PeerConnection) -> str:
        """Answer with what the call plays."""
        sources = self._contents.sources
        return await connection.answer(
            self._added.offer,
            audio=None if sources is None else sources.audio,
            video=None if sources is None else sources.video,
            refuse=self._contents.refused,
            prefer=() if sources is None else sources.prefer,
        )

    def done(self, sdp: str) -> None:
        """Say it."""
        self._contents.parts.signalling.accept_contents(sdp)
        self._contents.follow()

    def failed(self, failure: NegotiationFailed) -> None:
        """Do without them."""
        self._contents.parts.signalling.refuse_contents(self._added.contents)


class FollowSenders(Negotiation):
    """The peer sends a content from now on, or does so no more."""

    latest_counts = True

    def __init__(self, contents: ContentChanges, description: str) -> None:
        self._contents = contents
        self._description = description

    async def work(self, connection: PeerConnection) -> None:
        """Take its description; nobody waits for ours."""
        refused = self._contents.refused
        await connection.answer(self._description, audio=None, video=None, refuse=refused)

    def done(self, sdp: str) -> None:
        """Nothing follows."""

    def failed(self, failure: NegotiationFailed) -> None:
        """Go on with what was."""
        owner = self._contents.parts.owner
        log.warning("%s: who sends could not be followed: %s", owner, failure.text)


class Withdraw(Negotiation):
    """Some kinds of media are no part of the call any more."""

    is_needed = True

    def __init__(self, kinds: Collection[Kind]) -> None:
        self._kinds = kinds

    async def work(self, connection: PeerConnection) -> None:
        """Stop with them."""
        await connection.withdraw(self._kinds)

    def done(self, sdp: str) -> None:
        """Nothing follows."""

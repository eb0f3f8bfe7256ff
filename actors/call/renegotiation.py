"""What changes in a running call: its contents, who sends them, and its way through the network."""

import logging
from collections.abc import Collection

from ...jingle import (
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    Event,
    IceRestarted,
    Info,
    InfoReceived,
    Reason,
    Senders,
    TransportReplaced,
    Unacceptable,
)
from ...media import Kind
from ..bot.runner import BotRunner
from ..context import BotPort
from ..messages.account import PlaceCall
from ..messages.call import (
    AddMedia,
    Answer,
    CallOver,
    Darkened,
    Negotiated,
    NegotiationFailed,
    Overdue,
    Pause,
    RemoveMedia,
)
from ..runtime.actor import AsyncioActor
from ..runtime.future import AsyncioFuture
from ..runtime.tasks import Timer
from ..xmpp.events import IqAnswered
from ..xmpp.stanza import error_condition
from .leg import KINDS, Leg
from .progress import Progress
from .promises import Promises
from .signalling import ADDITION, RESTART, Signalling
from .state import ANSWERS

log = logging.getLogger(__name__)


class Renegotiation:
    """What either side changes in mid-call (XEP-0166 §7.2, XEP-0167 §7, XEP-0176 §5.7).

    Args:
        owner: the call.
        bot: the account's bot, which is told of other media.
        runner: runs what the bot is told.
        signalling: says what is changed.
        leg: does it.
        promises: what the bot was promised.
        progress: how the call goes.
        refused: the kinds of media that the account's policy does not take.

    Attributes:
        sources: what the call plays; it is played in contents that the peer adds, too.
    """

    def __init__(
        self,
        owner: AsyncioActor,
        *,
        bot: BotPort,
        runner: BotRunner,
        signalling: Signalling,
        leg: Leg,
        promises: Promises,
        progress: Progress,
        refused: Collection[Kind],
    ) -> None:
        self.sources: Answer | PlaceCall | None = None
        self._owner = owner
        self._bot = bot
        self._runner = runner
        self._signalling = signalling
        self._leg = leg
        self._promises = promises
        self._progress = progress
        self._refused = refused
        self._adding: tuple[str, ...] = ()
        self._pausing: dict[str, Pause] = {}
        self._removing: dict[str, Kind] = {}
        self._removals = 0
        self._restarting: Timer | None = None

    # -- what the peer says ------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Follow what the peer changes, or its answer to what we change."""
        match event:
            case ContentAdded():
                self._content_added(event)
            case ContentAccepted():
                self._leg.accept("add-accept", event.answer)
            case ContentRejected() if self._promises.adding:
                reason = event.reason or "no reason given"
                self._add_refused(f"the peer did not take it: {reason}")
            case ContentRemoved():
                self.follow()
            case ContentModified():
                self._modified(event)
            case Unacceptable():
                self._signalling.refuse_contents(event.contents, event.reason, event.text)
            case TransportReplaced():
                self._signalling.refuse_transport(event.contents)
            case IceRestarted() if self._progress.has("proceed") or self._progress.has("accept"):
                self._leg.restart(event.description)  # before, the offer itself is a new one
            case InfoReceived():
                self._informed(event)

    def _content_added(self, event: ContentAdded) -> None:
        if not self._progress.has("accept"):  # to answer a part would answer for the bot
            words = "nothing can be added before the session is accepted"
            self._signalling.refuse_contents(event.contents, Reason.FAILED_APPLICATION, words)
            return
        if all(kind in self._refused for kind in event.media):
            self._signalling.refuse_contents(event.contents)
            return
        self._adding = event.contents
        audio = None if self.sources is None else self.sources.audio
        video = None if self.sources is None else self.sources.video
        self._leg.answer("added", event.offer, audio, video, self._refused)

    def follow(self) -> None:
        """Let media, recording and bot follow the contents that the session has now."""
        known = self._progress.media
        kinds = tuple(kind for kind in self._signalling.kinds if kind in KINDS)
        gone = [kind for kind in KINDS if kind in known and kind not in kinds]
        if gone and self._progress.has("accept"):  # else the peer's answer is yet to say so
            self._leg.withdraw(gone)
        if kinds != known:
            self._progress.media = kinds
            self._tell()

    def _modified(self, event: ContentModified) -> None:
        """Follow who sends a content; each side may only decide for itself."""
        kinds = frozenset(self._signalling.kinds_of(event.content, self._progress.media))
        sends = event.senders in (Senders.BOTH, self._signalling.peer_role)
        muted = self._progress.muted
        self._silent(held=self._progress.held, muted=muted - kinds if sends else muted | kinds)
        if self._progress.has("accept"):
            self._leg.answer("modified", event.description, None, None, self._refused)

    def _informed(self, event: InfoReceived) -> None:
        kinds = frozenset(self._signalling.kinds_of(event.content, self._progress.media))
        held, muted = self._progress.held, self._progress.muted
        match event.info:
            case Info.RINGING:
                self._progress.step("ringing")
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
        if (held, muted) != (self._progress.held, self._progress.muted):
            self._progress.held, self._progress.muted = held, muted
            self._tell()

    def _tell(self) -> None:
        media = self._bot.media(self._owner.actor_ref, self._progress.media)
        self._runner.run(media)
        self._progress.report()

    # -- what our bot asks for ---------------------------------------------------------------------

    def add(self, message: AddMedia) -> AsyncioFuture[None]:
        """Add a kind of media.

        Raises:
            CallOver: the call is not connected, or the peer has yet to answer another addition.
            ValueError: the call has it.
        """
        self._check_connected("media can be added to a call that is connected")
        if message.kind in self._progress.media:
            raise ValueError(f"the call has {message.kind} already: {self._instead(message.kind)}")
        promise = self._promises.added()
        self._leg.add(message.kind, message.source)
        return promise

    def _instead(self, kind: Kind) -> str:
        """Say how to send something of a kind that is there already."""
        if self._leg.sends(kind):
            return "play something else"
        return "to send some of your own, answer with a source, or remove it and add it again"

    def remove(self, message: RemoveMedia) -> AsyncioFuture[None]:
        """Take a kind of media away: silence or black first, as the last picture may stay.

        Raises:
            CallOver: the call is not connected, or it is being removed already.
            ValueError: there is none of it beside another one.
        """
        self._check_connected("media can be removed from a call that is connected")
        kind, media = message.kind, self._progress.media
        if kind not in media or len(media) < 2:
            raise ValueError(f"the call has no {kind} beside other media: hang up")
        if kind in self._removing.values():
            raise CallOver(f"the peer has not answered the removal of {kind} yet")
        self._removals += 1
        token = f"content-remove {self._removals}"
        self._removing[token] = kind
        self._leg.darken(kind, Darkened(token))
        return self._promises.answered(token)

    def darkened(self, message: Darkened) -> None:
        """Ask the peer to have a kind of media removed, now that nothing is shown of it."""
        kind = self._removing.get(message.token)
        if kind is None or self._progress.is_over:
            return
        if not self._signalling.remove(kind, message.token):  # the peer was faster
            del self._removing[message.token]
            self._promises.keep_answered(message.token, None)

    def pause(self, message: Pause) -> AsyncioFuture[None]:
        """Send nothing of a kind, or go on, once the peer knows of it.

        Raises:
            CallOver: the call is not connected.
            ValueError: nothing of the kind is sent.
        """
        self._check_connected("media can be paused in a call that is connected")
        if not self._leg.sends(message.kind):
            raise ValueError(f"the call sends no {message.kind}: answer or add it with a source")
        token = self._signalling.modify(message.kind, sends=not message.on)
        self._pausing[token] = message
        return self._promises.answered(token)

    def restart_ice(self) -> None:
        """Look for a way to the peer anew.

        Raises:
            CallOver: the call is not connected.
        """
        self._check_connected("ICE can be restarted in a call that is connected")
        self._leg.renew()

    def _check_connected(self, words: str) -> None:
        if not self._progress.is_connected:
            raise CallOver(words)

    # -- how it goes on ----------------------------------------------------------------------------

    def answered(self, message: IqAnswered) -> None:
        """Take the peer's answer to one of our IQs, if it is to one of these."""
        if message.token == RESTART:
            self._leg.restart_acknowledged()
        failure = None
        if message.answer is None:
            failure = f"the peer did not answer the {message.token.partition(' ')[0]}"
        elif message.answer.get("type") == "error":
            failure = f"the peer did not take it: {error_condition(message.answer)}"
        if message.token == ADDITION and message.answer is not None and failure is not None:
            self._signalling.take_back_addition(tell=False)
            self._add_refused(failure)
        pause = self._pausing.pop(message.token, None)
        if pause is not None and failure is None and self._leg.sends(pause.kind):
            self._leg.pause(pause.kind, pause.on)
        removed = self._removing.pop(message.token, None)
        if removed is not None and removed not in self._signalling.kinds:
            failure = None  # the peer had removed it already
        elif removed is not None and failure is None:
            self._signalling.removed(removed)
            self.follow()
        self._promises.keep_answered(message.token, failure)

    def negotiated(self, message: Negotiated) -> None:
        """Say what the WebRTC stack has agreed to."""
        sdp = message.sdp or ""
        match message.purpose:
            case "added":
                self._signalling.accept_contents(sdp)
                self.follow()
            case "add":
                self._signalling.add_contents(sdp)
                self._owner.after(ANSWERS["add"], Overdue("add"))
                return  # nothing else is negotiated until the peer has answered
            case "restart" | "renew" as purpose:
                self._signalling.restart(sdp, answer=purpose == "restart")
                if purpose == "renew":
                    self._await_restart()
            case "renewed":
                self._stop_waiting()
            case "add-accept":
                self._promises.keep_added(None)
                self.follow()
        self._leg.settled()

    def failed(self, message: NegotiationFailed) -> bool:
        """Do without what could not be negotiated; tell whether the call can go on."""
        match message.purpose:
            case "added":
                self._signalling.refuse_contents(self._adding)
            case "add":
                self._promises.keep_added(message.text)
            case "modified":
                log.warning("%s: who sends could not be followed: %s", self._owner, message.text)
            case "restart" | "renew" | "renewed":
                # The old addresses go on for as long as they last.
                log.warning("%s: ICE could not be restarted: %s", self._owner, message.text)
            case "add-accept":
                self._add_refused(message.text)
                return True
            case _:
                return False
        self._leg.settled()
        return True

    def add_overdue(self) -> None:
        """The peer has had its time to answer an addition."""
        if self._promises.adding:
            self._signalling.take_back_addition(tell=True)
            self._add_refused("the peer did not answer the content-add")

    def restart_overdue(self) -> None:
        """The peer has had its time to answer our restart of ICE: the old way goes on."""
        self._restarting = None
        if self._progress.is_connected:
            log.warning("%s: the peer did not answer the restart of ICE", self._owner)
            self._leg.give_up_renewal()

    def _await_restart(self) -> None:
        self._stop_waiting()
        self._restarting = self._owner.after(ANSWERS["restart"], Overdue("restart"))

    def _stop_waiting(self) -> None:
        if self._restarting is not None:
            self._restarting.cancel()
            self._restarting = None

    def _add_refused(self, words: str) -> None:
        """What we added is not taken: stop with it, and let the next negotiation begin."""
        self._promises.keep_added(words)
        self._leg.settled()
        self._leg.withdraw([kind for kind in KINDS if kind not in self._progress.media])

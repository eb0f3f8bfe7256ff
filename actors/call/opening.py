"""How a call comes about: who asks whom, who rings, who answers, and who takes it elsewhere."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from msgspec import structs

from ...jingle import (
    Accepted,
    ContentModified,
    IceRestarted,
    Initiated,
    LocalProtocolError,
    Reason,
)
from ...media import Kind, NetworkError, PeerConnection
from ..messages.account import PlaceCall
from ..messages.call import (
    Answer,
    AnswerForeseen,
    Decline,
    HandledElsewhere,
    Overdue,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerUnreachable,
    RingLongEnough,
)
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from ..runtime.turns import in_turns
from ..xmpp.stanza import error_condition
from .content_changes import ContentChanges
from .course import CallingIn, CallingOut, Taken, Underway
from .negotiation import Negotiation
from .shared_parts import SharedParts
from .signalling import Acknowledgement
from .state import ANSWERS, AT_ONCE, CallEvent, CallState

#: Seconds that `calls.answer: auto` leaves the bot, after `calls.after`, to answer by itself.
AUTO_GRACE = 1.0
#: What a stanza error (RFC 6120 §8.3.3) to our offer or answer means. A conflict is a tie-break
#: that the peer decided before its own offer reached us (XEP-0166 §7.2.16).
REFUSALS = {"item-not-found": Reason.GONE, "conflict": Reason.EXPIRED}
#: What servers answer for a peer whose stream is gone and was not resumed (XEP-0198 §5), or whom
#: they do not reach (RFC 6120 §8.3.3).
_UNDELIVERED = frozenset(
    {
        "recipient-unavailable",
        "remote-server-not-found",
        "remote-server-timeout",
        "service-unavailable",
    }
)
#: The states in which the peer has had our description.
_CONNECTED = frozenset({CallState.CONNECTED, CallState.LEAVING})


class Opening:
    """Brings a call about, until both sides have described their media.

    Args:
        parts: the call's.
        contents: follows what the session has.
    """

    def __init__(self, parts: SharedParts, contents: ContentChanges) -> None:
        self.parts = parts
        self.contents = contents

    # -- the beginning -----------------------------------------------------------------------------

    def call_out(self, order: PlaceCall) -> None:
        """Propose, and make our offer meanwhile."""
        parts = self.parts
        parts.course.take(CallEvent.CALL)
        parts.leg.begin()  # what a bot plays and hears must be there when words pass
        self.contents.sources = order
        if parts.signalling.message:
            parts.progress.step("propose")
        if not (order.audio or order.video or order.data):
            self._nothing_to_offer()
            return
        if parts.signalling.message:
            parts.signalling.propose(parts.progress.media)
        parts.negotiations.begin(MakeOffer(self, order))

    def ring(self, offer: Initiated | None) -> None:
        """Ring, for as long as the account's policy wants at least.

        A call that is taken at once is not said to ring (XEP-0353 has it optional): the server
        would handle that first.
        """
        parts = self.parts
        at_least = parts.context.settings.calls.after
        if parts.signalling.message:
            parts.progress.step("propose")
        if offer is not None:
            parts.progress.step("initiate")
        parts.course.take(CallEvent.RING)
        parts.progress.step("ringing")
        if parts.signalling.message and not at_least:
            in_turns(AT_ONCE, partial(parts.owner.actor_ref.post, Overdue("ring")))
        else:
            parts.signalling.ring()
        parts.owner.after(at_least, RingLongEnough())

    def still_rings(self) -> None:
        """Let the caller know that it rings, if it does."""
        if self.parts.course.find(CallingIn) is not None:
            self.parts.signalling.ring()

    # -- a call of ours ----------------------------------------------------------------------------

    def peer_rings(self) -> None:
        """A device of the peer's rings (XEP-0353 §3.1, XEP-0167 §8.3)."""
        if self.parts.course.take(CallEvent.RINGS):
            self.parts.progress.step("ringing")

    def peer_proceeds(self, message: PeerProceeds) -> None:
        """A device of the peer's takes the call: make it our offer."""
        calling = self.parts.course.find(CallingOut)
        if calling is not None and self.parts.course.take(CallEvent.TAKEN):
            calling.without = message.refused
            self.parts.signalling.taken_by(message.sender)
            self.parts.progress.step("ringing")  # who takes it at once has not said so
            self.parts.progress.step("proceed")
            self._initiate_if_ready()

    def peer_unreachable(self, message: PeerUnreachable) -> None:
        """Our proposal came back."""
        parts = self.parts
        if message.stanza is not None:
            parts.trace.stanza("in", message.stanza, "propose")
            parts.progress.bounced = error_condition(message.stanza)
        waits = parts.course.state in (CallState.CALLING, CallState.ALERTING)
        if waits and parts.signalling.message and parts.signalling.reaches(message.sender):
            text = "the peer's server could not deliver the call"
            parts.closing.hang_up(Reason.CONNECTIVITY_ERROR, text, ours=False)

    def offer_made(self, sdp: str) -> None:
        """Our offer is made: send it, if a device is there to take it."""
        calling = self.parts.course.find(CallingOut)
        if calling is not None:
            calling.offer = sdp
            self.parts.signalling.prepare(sdp)
            self._initiate_if_ready()

    def _initiate_if_ready(self) -> None:
        parts = self.parts
        calling = parts.course.find(CallingOut)
        taken = parts.course.state is CallState.DESCRIBING
        if calling is None or calling.offer is None or not (taken or not parts.signalling.message):
            return
        parts.progress.step("initiate")
        then = partial(self._refused, "initiate")
        try:
            parts.signalling.initiate(calling.offer, then, without=calling.without)
        except LocalProtocolError:
            self._nothing_to_offer()
            return
        if taken:  # without XEP-0353 it rings first
            parts.course.take(CallEvent.OFFER_SENT)
        self.contents.follow()

    def _nothing_to_offer(self) -> None:
        text = "the peer's device can take nothing of what is to be sent"
        told = self.parts.course.state is not CallState.DESCRIBING
        self.parts.closing.hang_up(Reason.UNSUPPORTED_APPLICATIONS, text, ours=True, told=told)

    def accepted(self, event: Accepted) -> None:
        """The peer has described its media."""
        parts = self.parts
        calling = parts.course.find(CallingOut)
        record = calling is not None and calling.order.record
        if parts.course.take(CallEvent.ACCEPTED, Underway(record, wav=False)):
            parts.progress.step("accept")
            parts.leg.connection.foresee(event.answer)
            parts.signalling.accepted()
            parts.negotiations.begin(TakeAnswer(self, event.answer))

    # -- a call of the peer's ----------------------------------------------------------------------

    def initiated(self, event: Initiated) -> None:
        """The peer's offer is here."""
        parts = self.parts
        parts.progress.step("initiate")
        ringing, taken = parts.course.find(CallingIn), parts.course.find(Taken)
        if ringing is not None:
            ringing.offer = event
        elif taken is not None:
            self._answer(event, taken)

    def offer_changed(self, event: ContentModified | IceRestarted) -> None:
        """The peer changes its offer before it is answered."""
        ringing = self.parts.course.find(CallingIn)
        if ringing is not None and ringing.offer is not None:
            ringing.offer = structs.replace(ringing.offer, offer=event.description)

    def offer_lacks_parts(self) -> None:
        """The peer's offer lacks something; more may come."""
        ringing = self.parts.course.find(CallingIn)
        if ringing is None or ringing.answer is not None:
            self._wait_for_parts()

    @handles(Answer)
    def answer(self, message: Answer) -> AsyncioFuture[None]:
        """Take the call, as soon as it has rung long enough; return a future of its media.

        Raises:
            ValueError: it is a call of ours.
        """
        if self.parts.signalling.outgoing:
            raise ValueError(
                "this call goes out, so the peer answers it: await connected() in the place of "
                "answer()"
            )
        ringing = self.parts.course.find(CallingIn)
        if ringing is not None and ringing.answer is None:
            ringing.answer = self.contents.sources = message
            self._take_if_ready(ringing)
        return self.parts.waiters.connected

    @handles(Decline)
    def decline(self, message: Decline) -> None:
        """Refuse the call.

        Raises:
            ValueError: it goes out, or has been answered.
        """
        if self.parts.signalling.outgoing:
            raise ValueError("this call goes out, so only its peer can decline it: use hangup()")
        ringing = self.parts.course.find(CallingIn)
        if ringing is None or ringing.answer is not None:
            raise ValueError("this call has been answered already: end it with hangup()")
        self.parts.closing.hang_up_for_bot(message.reason, "")

    def rung_long_enough(self) -> None:
        """It has rung for as long as the account's policy wants."""
        ringing = self.parts.course.find(CallingIn)
        if ringing is None:
            return
        ringing.long_enough = True
        self._take_if_ready(ringing)
        if self.parts.context.settings.calls.answer == "auto":
            self.parts.owner.after(AUTO_GRACE, Overdue("auto"))

    def answer_by_itself(self) -> None:
        """The bot has left the call to the account's policy."""
        ringing = self.parts.course.find(CallingIn)
        if ringing is not None and ringing.answer is None:
            self.answer(self.parts.bot.answer_to(self.parts.signalling.sid))

    def handled_elsewhere(self, message: HandledElsewhere) -> None:
        """Another device of our account has the call; if ours has taken it too, it goes on."""
        ringing = self.parts.course.find(CallingIn)
        if ringing is not None and ringing.answer is None:
            word, reason = (
                ("answered", Reason.CANCEL) if message.answered else ("declined", Reason.DECLINE)
            )
            text = f"{word} on another device of this account"
            self.parts.closing.hang_up(reason, text, ours=False)

    def _take_if_ready(self, ringing: CallingIn) -> None:
        if ringing.answer is None or not ringing.long_enough:
            return
        parts, taken = self.parts, Taken(ringing.answer)
        if ringing.offer is not None:
            self._answer(ringing.offer, taken)
            return
        parts.course.take(CallEvent.PROCEED, taken)
        parts.progress.step("proceed")
        if not parts.signalling.message:
            self._wait_for_parts()
            return
        parts.signalling.proceed()
        if parts.progress.media[:1] == ("audio",):  # what nearly all offers begin with
            parts.negotiations.begin(GetReady("audio", parts.signalling.said))

    def _answer(self, offer: Initiated, taken: Taken) -> None:
        if self.parts.course.take(CallEvent.ANSWER, taken):
            self.parts.progress.step("proceed")
            self.parts.negotiations.begin(MakeAnswer(self, offer, taken.answer))

    def _wait_for_parts(self) -> None:
        """Give the peer some time, from the answer on, for what its offer lacks (XEP-0320 §3)."""
        self.parts.owner.after(ANSWERS["parts"], Overdue("parts"))

    @handles(AnswerForeseen)
    def answer_foreseen(self, message: AnswerForeseen) -> None:
        """It is known what our answer will be: send it, and let it be made."""
        taken = self.parts.course.find(Taken)
        if taken is not None:
            self._accept(message.sdp, taken.answer)
            self.parts.signalling.when_said(message.said.set)

    def answer_made(self, sdp: str) -> None:
        """Our answer is made: send it, if that was not done, and connect."""
        parts = self.parts
        taken = parts.course.find(Taken)
        if taken is not None:
            self._accept(sdp, taken.answer)
        elif parts.course.find(Underway) is None:
            return
        parts.owner.spawn(self._connect())
        self.described()

    def _accept(self, sdp: str, answer: Answer) -> None:
        parts = self.parts
        parts.course.take(CallEvent.ANSWER_SENT, Underway(answer.record, answer.wav))
        parts.progress.step("accept")
        parts.signalling.accept(sdp, partial(self._refused, "accept"))

    async def _connect(self) -> None:
        """Connect once our answer is on its way: the peer can't before it has that."""
        await self.parts.signalling.said()
        self.parts.leg.connection.connect()

    # -- both --------------------------------------------------------------------------------------

    def described(self) -> None:
        """Both descriptions are known: go on with what waited for that."""
        self.parts.leg.remote_described()
        self.contents.follow()

    def peer_ends(self, message: PeerRejects | PeerRetracts | PeerFinishes) -> None:
        """The peer says in a message that it does not go on."""
        reason = message.reason or USUAL[type(message)]
        self.parts.closing.hang_up(reason, "", ours=False)

    def tie_lost(self) -> None:
        """Both called at once, and the peer's call is the one that stands."""
        text = "both called at once, and the peer's call stands"
        self.parts.closing.hang_up(Reason.EXPIRED, text, ours=True)

    def _refused(self, action: str, answer: Acknowledgement) -> None:
        """End the call if the peer refuses our offer or answer. No answer at all ends nothing."""
        if answer.condition in _UNDELIVERED and self.parts.course.state in _CONNECTED:
            return  # it has ours: a server says so of what a lost stream did not acknowledge
        if answer.condition is not None:
            text = f"the peer refused the session-{action}: {answer.condition}"
            reason = REFUSALS.get(answer.condition, Reason.GENERAL_ERROR)
            # Some wait on for a call that they have taken, though they refused its session.
            told = reason is Reason.EXPIRED
            self.parts.closing.hang_up(reason, text, ours=False, told=told)


#: What it means when the peer ends a call by message without a reason.
USUAL = {
    PeerRejects: Reason.DECLINE,
    PeerRetracts: Reason.CANCEL,
    PeerFinishes: Reason.SUCCESS,
}


# -- what is negotiated for it; without any of these there is no call ------------------------------


class MakeOffer(Negotiation):
    """We call."""

    is_needed = True

    def __init__(self, opening: Opening, order: PlaceCall) -> None:
        self._opening = opening
        self._order = order

    async def work(self, connection: PeerConnection) -> str:
        """Make our offer."""
        order = self._order
        return await connection.offer(
            audio=order.audio,
            video=order.video,
            data=order.data,
            prefer=order.prefer,
            give_way=self._opening.parts.signalling.said,
        )

    def done(self, sdp: str) -> None:
        """Send it, now or when the call is taken."""
        self._opening.offer_made(sdp)


class TakeAnswer(Negotiation):
    """The peer has accepted."""

    is_needed = True

    def __init__(self, opening: Opening, answer: str) -> None:
        self._opening = opening
        self._answer = answer

    async def work(self, connection: PeerConnection) -> None:
        """Take its answer."""
        await connection.accept(self._answer)

    def done(self, sdp: str) -> None:
        """Connect."""
        self._opening.described()


class GetReady(Negotiation):
    """We have taken the call, and the peer makes its offer."""

    def __init__(self, kind: Kind, said: Callable[[], Awaitable[None]]) -> None:
        self._kind = kind
        self._said = said

    async def give_way(self) -> None:
        """Let the peer know first that we have taken the call."""
        await self._said()

    async def work(self, connection: PeerConnection) -> None:
        """Open what the answer needs; what fails here fails there too, and is told then."""
        with suppress(NetworkError):
            await connection.get_ready(self._kind)

    def done(self, sdp: str) -> None:
        """Wait for the offer."""


class MakeAnswer(Negotiation):
    """We accept."""

    is_needed = True

    def __init__(self, opening: Opening, offer: Initiated, answer: Answer) -> None:
        self._opening = opening
        self._offer = offer
        self._answer = answer

    async def work(self, connection: PeerConnection) -> str:
        """Take the peer's offer, and make our answer."""
        refuse = self._opening.contents.refused
        answer = self._answer
        return await connection.answer(
            self._offer.offer,
            audio=answer.audio,
            video=answer.video,
            refuse=refuse,
            prefer=answer.prefer,
            waits=True,
            foreseen=self._foreseen,
        )

    async def _foreseen(self, sdp: str) -> None:
        said: AsyncioFuture[None] = AsyncioFuture()
        self._opening.parts.owner.actor_ref.tell(AnswerForeseen(sdp, said))
        await said

    def done(self, sdp: str) -> None:
        """Send it."""
        self._opening.answer_made(sdp)

"""How a call goes, as exchange, bot and detail record are told of it. Nothing decides by it."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from ...jingle import Reason
from ...ladder.cause import End, cause
from ...ladder.ladder import Ladder
from ...media import Direction, MediaFailed, MediaStatistics
from ..context import Context
from ..messages.call import GuestKind
from ..messages.call_log import CallGoesOn
from ..messages.exchange import CallStatus
from ..records.call_record import (
    KILLED,
    CallRecord,
    Listener,
    OtherCall,
    RecordedBridge,
    RecordedFreeze,
    outcome,
)
from ..runtime.turns import in_turns
from .course import Course
from .leg import Leg
from .quality_notes import QualityNotes, qualities
from .signalling import Signalling
from .state import AT_ONCE, CallState, Phase
from .timeline import Timeline
from .trace import Trace

#: Seconds for which those who look at a call wait for what is new of it, until it is connected; and
#: the journal for what to record if the process dies.
QUIET = 0.03
#: Keys, and bridges, that a record has at the most.
MOST_DIGITS = 1_000
MOST_BRIDGES = 100
#: Visits that a record has at the most: more than a call can have at a time.
MOST_GUESTS = 1_000


class Progress:
    """How far a call has come, and what it consists of.

    Args:
        context: whom to report to.
        course: where the call stands.
        signalling: who the parties are.
        leg: the media, with their counters.
        media: the kinds that were proposed or offered.
        trace: what has happened so far.

    Attributes:
        media: the kinds that the call has now.
        held: the peer has put us on hold.
        muted: the kinds that the peer does not send, by its own account.
        holds: our bot has put the peer on hold.
        mutes: the kinds that our bot has muted.
        failure: why its media failed, if they did.
        bounced: with which error our proposal came back; "" if it did not.
    """

    def __init__(
        self,
        context: Context,
        course: Course,
        signalling: Signalling,
        leg: Leg,
        media: tuple[str, ...],
        trace: Trace,
    ) -> None:
        self.media = media
        self.held = False
        self.muted: frozenset[str] = frozenset()
        self.holds = False
        self.mutes: frozenset[str] = frozenset()
        self.failure: MediaFailed | None = None
        self.bounced = ""
        self._quality = QualityNotes()
        self._expected: tuple[str, ...] = ()
        self._context = context
        self._trace = trace
        self._course = course
        self._signalling = signalling
        self._leg = leg
        self._timeline = Timeline()
        self._uuid = str(uuid.uuid4())
        self._told: CallStatus | None = None
        self._untold: list[CallStatus] = []
        self._phase: Phase | None = None
        self._passed: list[tuple[Phase, Mapping[str, float]]] = []
        self._is_known = False
        self._is_stale = False
        self._is_to_be_noted = False
        self._tells_soon = False
        self._last: tuple[MediaStatistics, ...] | None = None
        self._freezes: tuple[RecordedFreeze, ...] = ()
        self._digits: str | None = None
        self._bridges: tuple[RecordedBridge, ...] = ()
        self._guests: dict[int, Listener] = {}
        self._looks: dict[tuple[str, str], Listener] = {}

    def keep_digit(self, digit: str) -> None:
        """Note for the record which key the peer has pressed."""
        self._digits = ((self._digits or "") + digit)[:MOST_DIGITS]

    def identity(self) -> OtherCall:
        """Return what the record of another call says of this one."""
        signalling = self._signalling
        return OtherCall(self._uuid, signalling.sid, signalling.own, signalling.peer)

    def bridge_begins(self, to: OtherCall) -> None:
        """Note for the record, also if the process dies, with which call it is bridged."""
        at = round(self._timeline.ago(0), 3)
        self._bridges = (
            *self._bridges,
            RecordedBridge(to.uuid, to.id, to.account, to.peer, at=at),
        )[-MOST_BRIDGES:]
        self.note()

    def bridge_ends(self) -> None:
        """Note that it is bridged no more, if it was."""
        if self._bridges and self._bridges[-1].seconds is None:
            *before, last = self._bridges
            seconds = round(self._timeline.ago(last.at), 3)
            self._bridges = (*before, replace(last, seconds=seconds))

    def guest_comes(self, number: int, kind: GuestKind, name: str, role: str) -> None:
        """Note for the record, also if the process dies, who is at a page.

        Args:
            number: which of the call's guests it is.
            kind: what it does.
            name: who it is.
            role: what allows it.
        """
        at = round(self._timeline.ago(0), 3)
        self._guests[number] = Listener(name, kind.value, at, role=role)
        if len(self._guests) > MOST_GUESTS:
            # The shortest goes, and one who talked only after all who listened: else somebody could
            # come and go until the record no longer has what they did before.
            past = {key: one for key, one in self._guests.items() if one.seconds is not None}
            del self._guests[min(past, key=lambda key: _weight(past[key]))]
        self.note()
        self.report()

    def guest_goes(self, number: int) -> None:
        """Note that a guest has gone, if it had not."""
        guest = self._guests.get(number)
        if guest is not None and guest.seconds is None:
            seconds = round(self._timeline.ago(guest.at), 3)
            self._guests[number] = replace(guest, seconds=seconds)

    def guest_looks(self, name: str, role: str) -> bool:
        """Note for the record who has taken a picture: one entry for all that somebody takes.

        Returns:
            Whether it is the first of them.
        """
        at = round(self._timeline.ago(0), 3)
        before = self._looks.get((name, role))
        first = at if before is None else before.at
        self._looks[name, role] = Listener(name, "snapshot", first, round(at - first, 3), role)
        if len(self._looks) > MOST_GUESTS:
            del self._looks[next(iter(self._looks))]
        if before is None:
            self.note()
        return before is None

    def step(self, name: str, at: float | None = None) -> None:
        """Take a step, and report it if it was the first time.

        Args:
            name: which one.
            at: when it was taken, on `time.monotonic`'s clock; None: now.
        """
        if self._timeline.take(name, at):
            self.report()

    def look(self) -> None:
        """Take note of how the media come through, and report it."""
        status = self._see()
        self._tell_soon()
        if status.phase == "connected":
            self._trace.measure(status.seconds, status.statistics)
        for words in self._quality.look(status.seconds, status.statistics):
            self._trace.note("quality", words)

    def report(self) -> None:
        """Tell the exchange how the call stands, unless it knows.

        What is said to the peer goes first, as the peer waits for that. That there is a call is
        told then, as others know its id by now; a call of the peer's may be taken at once before.
        What is new while it is set up is told a moment later, each phase and then how it stands by
        then.
        """
        course = self._course
        if course.is_over or course.is_connected:
            self._see()
        elif course.phase != self._phase:
            self._passed.append((course.phase, self._timeline.steps()))
        else:
            self._is_stale = True
        self._phase = course.phase
        self._tell_soon()

    def _see(self) -> CallStatus:
        """Look how the call stands, which is to be told if it is new."""
        self._is_stale = False
        status = self.status()
        passed, self._passed = self._passed, []
        for phase, steps in passed:
            if (phase, steps) != (status.phase, status.steps):
                self._untold.append(
                    replace(status, phase=phase, steps=steps, seconds=0.0, statistics=())
                )
        if status != self._told:
            self._told = status
            self._untold.append(status)
        return status

    def _tell_soon(self) -> None:
        if self._course.is_over:  # nobody may be left to say anything
            self._note_if_due()
            self._tell()
            return
        loop, when_said = asyncio.get_running_loop(), self._signalling.when_said
        if self._course.is_connected:
            loop.call_soon(when_said, self._tell)
        elif not self._tells_soon:
            self._tells_soon = True
            if self._is_known:
                loop.call_later(QUIET, when_said, self._tell)
            else:
                turns = 1 if self._signalling.outgoing else AT_ONCE
                in_turns(turns, partial(when_said, self._tell))

    def _tell(self) -> None:
        self._tells_soon = False
        self._is_known = True
        if self._is_stale or self._passed:
            self._see()
        untold, self._untold = self._untold, []
        for status in untold:
            self._context.exchange.post(status)

    def status(self) -> CallStatus:
        """Return how the call stands."""
        signalling, counted = self._signalling, self._last
        return CallStatus(
            id=signalling.sid,
            account=signalling.own,
            peer=signalling.peer,
            direction=signalling.direction,
            phase=self._course.phase,
            media=self.media,
            seconds=self._timeline.connected_seconds(),
            steps=self._timeline.steps(),
            statistics=self._leg.statistics() if counted is None else counted,
            held=self.held,
            muted=tuple(sorted(self.muted)),
            holds=self.holds,
            mutes=tuple(sorted(self.mutes)),
            recording=self._leg.recorders.is_running and not self._course.is_over,
            guests=tuple(one for one in self._guests.values() if one.seconds is None),
        )

    def ladder(self, record: CallRecord, *, ours: bool) -> Ladder:
        """Return what has happened in the call, which is over.

        Args:
            record: its detail record.
            ours: whether we ended it.
        """
        return self._trace.ladder(record, cause=cause(self._how(record, ours=ours)))

    def ladder_so_far(self) -> Ladder:
        """Return what has happened so far in the call, which goes on."""
        record = self.record(Reason.SUCCESS, "", ours=True)
        return self._trace.ladder(record, cause="", is_over=False)

    def _how(self, record: CallRecord, *, ours: bool) -> End:
        failure = self.failure
        return End(
            direction=record.direction,
            state=record.state,
            reason=str(record.reason),
            text=record.text,
            ours=ours,
            steps=record.steps,
            seconds=max(0.0, record.ended - record.started),
            expected=self._expected,
            failed_at=failure.stage if failure is not None else "",
            own=failure.own if failure is not None else (),
            theirs=failure.theirs if failure is not None else (),
            bounced=self.bounced,
        )

    def end(self) -> None:
        """The call is over: nothing is counted any more."""
        self.bridge_ends()
        for number in self._guests:
            self.guest_goes(number)
        self._last = ()  # should the counters fail
        try:
            media = self._leg.connection.media
            media.send_no_more()  # else the peer would count more than we say that we have sent
            self._last = media.statistics()
            self._expected = tuple(
                kind for kind, one in media.by_kind.items() if one.flows(Direction.RECEIVED)
            )
            for one in self._last:
                for words in qualities(one):
                    self._trace.note("quality", words)
            now = asyncio.get_running_loop().time()
            self._freezes = tuple(
                RecordedFreeze(
                    "video", round(self._timeline.ago(now - one.at), 3), round(one.seconds, 3)
                )
                for one in media.freezes()
            )
        finally:
            self.step("ended")

    def note_soon(self) -> None:
        """Like `note`, but a moment later: what sets up the call goes first."""
        if not self._is_to_be_noted:
            self._is_to_be_noted = True
            asyncio.get_running_loop().call_later(QUIET, self._note_if_due)

    def _note_if_due(self) -> None:
        if self._is_to_be_noted and self._course.state is not CallState.ENDED:
            self.note()

    def note(self) -> None:
        """Tell the call log what is to be recorded if the process dies now."""
        self._is_to_be_noted = False
        record = self.record(Reason.GENERAL_ERROR, KILLED, ours=True)
        so_far = (*self._leg.recorders.so_far, *self._leg.mixes.so_far)
        record = replace(record, recordings=so_far)
        self._context.log.post(CallGoesOn(record))

    def record(self, reason: Reason, text: str, *, ours: bool) -> CallRecord:
        """Return the detail record.

        Args:
            reason: why the call ended.
            text: a sentence, may be empty.
            ours: whether we ended it.
        """
        at, signalling = self._timeline.at, self._signalling
        answered, connected = at("proceed", "accept"), at("dtls")
        return CallRecord(
            id=signalling.sid,
            account=signalling.own,
            peer=signalling.peer,
            direction=signalling.direction,
            state=outcome(
                reason,
                direction=signalling.direction,
                ours=ours,
                answered=answered is not None,
                connected=connected is not None,
            ),
            reason=reason,
            text=text,
            started=self._timeline.began,
            ringing=at("ringing"),
            answered=answered,
            connected=connected,
            ended=at("ended") or self._timeline.began,
            steps=self._timeline.steps(),
            media=tuple(_rounded(one) for one in self._last or ()),
            recordings=(*self._leg.recorders.recorded, *self._leg.mixes.recorded),
            freezes=self._freezes,
            listeners=(*self._guests.values(), *self._looks.values()),
            bridges=self._bridges,
            digits=self._digits,
            uuid=self._uuid,
        )


def _rounded(one: MediaStatistics) -> dict[str, Any]:
    """Return statistics as a record has them: two decimals are more than anybody measures."""
    fields = asdict(one)
    del fields["reordered"], fields["peer_mos"]  # no part of a record
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in fields.items()}


def _weight(guest: Listener) -> tuple[bool, float]:
    return GuestKind(guest.part).talks, guest.seconds or 0.0

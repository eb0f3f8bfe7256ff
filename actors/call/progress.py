"""How a call goes, as exchange, bot and detail record are told of it."""

import uuid
from dataclasses import replace

from ...jingle import Reason
from ...media import MediaStatistics
from ..context import Context
from ..messages.call_log import CallGoesOn
from ..messages.exchange import CallStatus
from ..records.call_record import CallRecord, Freeze, outcome
from .leg import Leg, rounded
from .signalling import Signalling
from .timeline import Timeline


class Progress:
    """How far a call has come, and what it consists of.

    Args:
        context: whom to report to.
        signalling: who the parties are.
        leg: the media, with their counters.
        media: the kinds that were proposed or offered.

    Attributes:
        media: the kinds that the call has now.
        held: the peer has put us on hold.
        muted: the kinds that the peer does not send, by its own account.
    """

    def __init__(
        self, context: Context, signalling: Signalling, leg: Leg, media: tuple[str, ...]
    ) -> None:
        self.media = media
        self.held = False
        self.muted: frozenset[str] = frozenset()
        self._context = context
        self._signalling = signalling
        self._leg = leg
        self._timeline = Timeline()
        self._uuid = str(uuid.uuid4())
        self._told: CallStatus | None = None
        self._last: tuple[MediaStatistics, ...] | None = None
        self._freezes: tuple[Freeze, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the call has ended."""
        return self._last is not None

    @property
    def is_connected(self) -> bool:
        """Whether media can flow now."""
        return self.has("dtls") and not self.is_over

    @property
    def is_answered(self) -> bool:
        """Whether the called side has taken the call."""
        return self.has("proceed") or self.has("accept")

    def has(self, step: str) -> bool:
        """Tell whether a step was taken."""
        return self._timeline.has(step)

    def step(self, name: str) -> None:
        """Take a step, and report it if it was the first time."""
        if self._timeline.take(name):
            self.report()

    def report(self) -> None:
        """Tell the exchange how the call stands, unless it knows."""
        status = self.status()
        if status != self._told:
            self._told = status
            self._context.exchange.post(status)

    def status(self) -> CallStatus:
        """Return how the call stands."""
        signalling = self._signalling
        return CallStatus(
            id=signalling.sid,
            account=signalling.own,
            peer=signalling.peer,
            direction=signalling.direction,
            phase=self._timeline.phase,
            media=self.media,
            seconds=self._timeline.connected_seconds(),
            steps=self._timeline.steps(),
            statistics=self._leg.statistics() if self._last is None else self._last,
            held=self.held,
            muted=tuple(sorted(self.muted)),
        )

    def end(self) -> None:
        """The call is over: nothing is counted any more."""
        self._last = ()  # should the counters fail
        try:
            self._last = self._leg.statistics()
            self._freezes = tuple(
                Freeze("video", round(self._timeline.ago(ago), 3), round(seconds, 3))
                for ago, seconds in self._leg.freezes()
            )
        finally:
            self.step("ended")

    def note(self) -> None:
        """Tell the call log what is to be recorded if the process dies now."""
        text = "the program was killed, or the machine went down, while the call went on"
        record = self.record(Reason.GENERAL_ERROR, text, ours=True)
        record = replace(record, recordings=self._leg.recorded_so_far)
        self._context.log.post(CallGoesOn(record))

    def record(self, reason: Reason, text: str, *, ours: bool) -> CallRecord:
        """Return the detail record.

        Args:
            reason: why the call ended.
            text: a sentence, may be empty.
            ours: whether we ended it.
        """
        at, signalling = self._timeline.at, self._signalling
        return CallRecord(
            id=signalling.sid,
            account=signalling.own,
            peer=signalling.peer,
            direction=signalling.direction,
            state=outcome(
                reason,
                direction=signalling.direction,
                ours=ours,
                answered=self.is_answered,
                connected=self.has("dtls"),
            ),
            reason=reason,
            text=text,
            started=self._timeline.began,
            ringing=at("ringing"),
            answered=at("proceed", "accept"),
            connected=at("dtls"),
            ended=at("ended") or self._timeline.began,
            steps=self._timeline.steps(),
            media=tuple(rounded(one) for one in self._last or ()),
            recordings=self._leg.recorded,
            freezes=self._freezes,
            uuid=self._uuid,
        )

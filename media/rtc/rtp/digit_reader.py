"""The keys that a peer presses, put together from the packets that tell of them (RFC 4733 §2.6)."""

from collections.abc import Iterable
from math import inf

from ...budget import Budget
from .packet import RtpPacket
from .telephone_event import DIGITS, LONGEST, DigitBegan, DigitEnded, DigitEvent, TelephoneEvent

_WRAP = 1 << 32

QUIET = 0.25
"""Seconds without a packet after which a key has been let go: its last packets were lost."""

RATE, AT_ONCE = 20.0, 40.0
"""Presses a second, and at once, that are taken of a peer. Nobody's fingers are that fast."""


class _Press:
    """A press as its packets tell of it.

    Attributes:
        code: Which key.
        before: Ticks that its earlier segments lasted.
        clock_rate: Ticks of durations in a second.
        duration: Ticks that its newest segment has lasted.
        heard: When the last packet came.
        is_closed: Whether its sender has said that it is over.
        is_over: Whether its end has been told.
        ssrc: Whose it is.
        timestamp: Of its newest segment.
    """

    __slots__ = (
        "before",
        "clock_rate",
        "code",
        "duration",
        "heard",
        "is_closed",
        "is_over",
        "ssrc",
        "timestamp",
    )

    def __init__(self, ssrc: int, timestamp: int, code: int, clock_rate: int) -> None:
        self.before = 0
        self.clock_rate = clock_rate
        self.code = code
        self.duration = 0
        self.heard = 0.0
        self.is_closed = False
        self.is_over = False
        self.ssrc = ssrc
        self.timestamp = timestamp

    def step_to(
        self, packet: RtpPacket, timestamp: int, event: TelephoneEvent, sound_rates: Iterable[int]
    ) -> int | None:
        """Tell how much later an event begins that is a later segment of this press.

        Each segment but the last is as long as can be (RFC 4733 §2.5.1.3). Timestamps are on the
        clock of the sound, which need not be that of durations; some senders take the latter.

        Returns:
            Ticks of the clock of durations; None if it is another press.
        """
        step = (timestamp - self.timestamp) % _WRAP
        if (
            self.is_closed
            or packet.marker
            or packet.ssrc != self.ssrc
            or event.code != self.code
            or not 0 < step < _WRAP // 2
        ):
            return None
        for rate in (*sound_rates, self.clock_rate):
            segments = max(1, round(step * self.clock_rate / rate / LONGEST))
            for ticks in (self.duration, segments * LONGEST):
                if ticks and abs(step - ticks * rate / self.clock_rate) < 1:  # it was rounded
                    return ticks
        return None

    def ended(self, at: float) -> DigitEnded:
        """Tell that it is over."""
        self.is_over = True
        seconds = (self.before + self.duration) / self.clock_rate
        return DigitEnded(DIGITS[self.code], at, seconds)


class DigitReader:
    """Tells each press once, whichever of its packets come.

    All packets of a press have its timestamp (a long one has several, one for each segment): so the
    first that comes begins it, and the first with the end bit, the next press, or silence ends it.
    Packets have to come in the order in which they were sent.

    Attributes:
        deadline: When `tick` has something to do, in seconds of the same clock as the packets'.
        refused: How many presses were too many.
    """

    REMEMBERED = 16
    """Presses that are over, by their timestamps: what tells of them again changes nothing."""

    def __init__(self) -> None:
        self.refused = 0
        self._budget = Budget(RATE, AT_ONCE)
        self._past: list[tuple[int, int]] = []
        self._press: _Press | None = None

    @property
    def deadline(self) -> float:
        """When the press that goes on is over, should nothing more come of it."""
        press = self._press
        return inf if press is None or press.is_over else press.heard + QUIET

    def take(
        self, packet: RtpPacket, clock_rate: int, now: float, sound_rates: Iterable[int] = ()
    ) -> list[DigitEvent]:
        """Take a packet of a telephone-event payload type.

        Args:
            packet: The next one, of any stream.
            clock_rate: Of the payload type, in Hz; durations are on it.
            now: When it came, in seconds.
            sound_rates: Clock rates of the sound on whose stream it may come, the highest first;
                none: it is the same.

        Returns:
            What it tells.
        """
        told: list[DigitEvent] = []
        for offset, event in TelephoneEvent.parse(packet.payload):
            if event.code < len(DIGITS):
                timestamp = (packet.timestamp + offset) % _WRAP
                told += self._take(packet, timestamp, event, clock_rate, now, sound_rates)
        return told

    def tick(self, now: float) -> list[DigitEvent]:
        """End the press of which nothing has come for too long.

        Args:
            now: The time, in seconds.
        """
        return self.end(now) if self.deadline <= now else []

    def end(self, now: float) -> list[DigitEvent]:
        """End the press that goes on, if there is one.

        Args:
            now: The time, in seconds.
        """
        press = self._press
        return [] if press is None or press.is_over else [press.ended(now)]

    def _remember(self, place: tuple[int, int]) -> None:
        self._past.append(place)
        del self._past[: -self.REMEMBERED]

    def _take(
        self,
        packet: RtpPacket,
        timestamp: int,
        event: TelephoneEvent,
        clock_rate: int,
        now: float,
        sound_rates: Iterable[int],
    ) -> list[DigitEvent]:
        press, place = self._press, (packet.ssrc, timestamp)
        if place in self._past:
            return []
        told: list[DigitEvent] = []
        if press is not None and place == (press.ssrc, press.timestamp):
            pass
        elif press is not None and (step := press.step_to(packet, timestamp, event, sound_rates)):
            self._remember((press.ssrc, press.timestamp))
            press.before += step
            press.timestamp, press.duration = timestamp, 0
        else:
            if press is not None:
                self._remember((press.ssrc, press.timestamp))
                told += self.end(now)
                self._press = None
            if not self._budget.take():
                self._remember(place)
                self.refused += 1
                return told
            press = self._press = _Press(packet.ssrc, timestamp, event.code, clock_rate)
            told.append(DigitBegan(DIGITS[event.code], now))
        press.heard = now
        if not press.is_closed:
            press.duration = max(press.duration, event.duration)
        if event.is_end:
            press.is_closed = True
            told += self.end(now)
        return told

"""Keys that we press: which packets tell the peer of them, and when (RFC 4733 §2.5)."""

import asyncio

from msgspec import Struct

from .telephone_event import DIGITS, LONGEST, TelephoneEvent, check_digits

STEP = 0.02
"""Seconds between two packets of a press, as between packets of sound (RFC 4733 §2.5.1.2)."""

BETWEEN = 0.08
"""Seconds from the end of a press to the next one, in which the last packet is repeated, too."""

SHORTEST, LONGEST_PRESS = 0.04, 60.0
"""Seconds for which a key may be pressed: less is no tone (ITU-T Q.24), more a mistake."""

WAIT = 2.0
"""Seconds that a comma waits."""

_REPEATS = 2
"""How often the last packet is sent again (§2.5.1.4)."""


class KeyPress:
    """A key that is pressed, or will be, or was.

    Attributes:
        sent: Done when the peer has been told of its end; False if that never happens.
    """

    def __init__(self, digit: str, seconds: float | None) -> None:
        """Press a key.

        Args:
            digit: Which one; a comma waits.
            seconds: For how long; None: until `release`.
        """
        self.sent: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._digit = digit
        self._seconds = seconds

    @property
    def code(self) -> int | None:
        """The event's code; None if this only waits."""
        return DIGITS.index(self._digit) if self._digit in DIGITS else None

    def release(self) -> None:
        """Let the key go, once it has been pressed for long enough to be heard."""
        self._seconds = 0.0

    def is_done(self, seconds: float) -> bool:
        """Tell whether so many seconds are enough."""
        least = SHORTEST if self._seconds is None else max(SHORTEST, self._seconds)
        return self._seconds is not None and seconds >= least - STEP / 2


class EventPacket(Struct, frozen=True):
    """What an RTP packet of a press needs.

    Attributes:
        payload: Its payload.
        timestamp: In ticks of the sound's clock, from the same origin.
        marker: Whether it is the first of its press (RFC 4733 §2.2).
    """

    payload: bytes
    timestamp: int
    marker: bool


class KeyPresses:
    """Presses one key after the other, in the time and the RTP stream of the sound.

    A press takes the place of the sound, until its last packet has been repeated: the peer makes
    the tone, and would hear both. So timestamps never go back.
    """

    MOST = 256
    """Keys that may wait."""

    def __init__(self) -> None:
        self._closed = False
        self._waiting: list[KeyPress] = []
        self._press: KeyPress | None = None
        self._began = 0  # in ticks of the sound's clock
        self._begin = 0  # of the segment, on the same
        self._steps = 0
        self._before = 0  # ticks of the event's clock in earlier segments
        self._last: EventPacket | None = None
        self._left = 0  # repetitions
        self._free_at = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no key is pressed or waits to be."""
        return not self._waiting and self._last is None

    @property
    def is_pressing(self) -> bool:
        """Whether the time belongs to a key, and not to the sound."""
        return self._last is not None

    def press(self, digits: str, seconds: float | None) -> list[KeyPress]:
        """Press keys after those that wait.

        Args:
            digits: The keys; commas wait for `WAIT` seconds.
            seconds: For how long each is pressed; None: until it is released.

        Raises:
            ValueError: One of them is no key, or too many wait.
        """
        wanted = check_digits(digits, also=",")
        if seconds is not None and not SHORTEST <= seconds <= LONGEST_PRESS:
            raise ValueError(
                f"a key can't be pressed for {seconds:g} s: "
                f"give {SHORTEST * 1000:.0f}ms to {LONGEST_PRESS:.0f}s"
            )
        if len(self._waiting) + len(wanted) > self.MOST:
            raise ValueError(f"more than {self.MOST} keys would wait to be pressed: press fewer")
        presses = [KeyPress(one, WAIT if one == "," else seconds) for one in wanted]
        if self._closed:
            _settle(presses, False)
        else:
            self._waiting += presses
        return presses

    def step(self, at: float, timestamp: int, rate: int, event_rate: int) -> list[EventPacket]:
        """Go on by `STEP`.

        Args:
            at: The time, in seconds of a steady clock.
            timestamp: Of a packet that is sent now, in ticks of the sound's clock.
            rate: Of the sound's clock, in Hz.
            event_rate: Of the event's clock, in Hz.

        Returns:
            The packets that are sent now; none: sound may go out.
        """
        if self._left:
            return self._repeat()
        if self._press is None:
            self._last = None
            if not self._begin_next(at, timestamp):
                return []
        return self._go_on(at, rate, event_rate)

    def close(self) -> None:
        """Let go who waits for keys that are never pressed now."""
        self._closed = True
        _settle([*self._waiting, *([self._press] if self._press else [])], False)
        self._waiting.clear()
        self._press = None

    def _begin_next(self, at: float, timestamp: int) -> bool:
        while self._waiting and at >= self._free_at - STEP / 4:
            press = self._waiting.pop(0)
            if press.code is not None:
                self._press, self._steps, self._before = press, 0, 0
                self._began = self._begin = timestamp
                return True
            self._free_at = at + WAIT
            _settle([press], True)
        return False

    def _go_on(self, at: float, rate: int, event_rate: int) -> list[EventPacket]:
        press = self._press
        assert press is not None and press.code is not None  # noqa: S101, PT018 -- see `step`
        marker = self._steps == 0
        self._steps += 1
        duration = round(self._steps * STEP * event_rate) - self._before
        packets = []
        if duration > LONGEST:
            full = TelephoneEvent(press.code, False, LONGEST).pack()
            packets.append(EventPacket(full, self._begin, False))
            self._before += LONGEST
            duration -= LONGEST
            self._begin = self._began + self._before * rate // event_rate
        is_end = press.is_done(self._steps * STEP)
        payload = TelephoneEvent(press.code, is_end, duration).pack()
        self._last = EventPacket(payload, self._begin, marker)
        packets.append(self._last)
        if is_end:
            self._left = _REPEATS
            self._free_at = at + STEP + BETWEEN
        return packets

    def _repeat(self) -> list[EventPacket]:
        assert self._last is not None  # noqa: S101 -- see `_go_on`
        self._left -= 1
        if self._left == 0 and self._press is not None:
            _settle([self._press], True)
            self._press = None
        return [EventPacket(self._last.payload, self._last.timestamp, False)]


def _settle(presses: list[KeyPress], sent: bool) -> None:
    for press in presses:
        if not press.sent.done():
            press.sent.set_result(sent)

"""Keys pressed in a call, as RTP carries them (RFC 4733)."""

import struct
from dataclasses import dataclass, field

from msgspec import Struct

DIGITS = "0123456789*#ABCD"
"""The keys; the place of each is its event code (RFC 4733 §3.2)."""

LONGEST = 0xFFFF
"""Ticks that one segment of a press can last: the duration field has 16 bits (§2.5.1.3)."""

_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10
"""How loud the tone would be, in -dBm0: what is usual (§2.3.4)."""


class TelephoneEvent(Struct, frozen=True):
    """What one packet says of a press (RFC 4733 §2.3).

    Attributes:
        code: Which event; below 16 it is a key.
        is_end: Whether the press is over.
        duration: How long it has lasted, in ticks since the packet's timestamp.
    """

    code: int
    is_end: bool
    duration: int

    @classmethod
    def parse(cls, payload: bytes) -> "list[tuple[int, TelephoneEvent]]":
        """Read a payload. Short events may follow each other in one packet (§2.5.1.5).

        Args:
            payload: Of an RTP packet.

        Returns:
            Each event, with the ticks from the packet's timestamp to its beginning. Octets that
            are no event are passed over.
        """
        found: list[tuple[int, TelephoneEvent]] = []
        offset = 0
        for code, flags, duration in _EVENT.iter_unpack(payload[: len(payload) // 4 * 4]):
            # No event lasts no time, and some senders fill up with zeros.
            if found and not duration:
                break
            found.append((offset, cls(code, bool(flags & _END), duration)))
            offset += duration
        return found

    def pack(self) -> bytes:
        """Return the payload."""
        return _EVENT.pack(self.code, _VOLUME | (_END if self.is_end else 0), self.duration)


@dataclass(frozen=True, slots=True)
class DigitBegan:
    """The peer presses a key.

    Attributes:
        digit: One of `DIGITS`. Not shown, as it may be part of a PIN.
        at: `loop.time()` in seconds.
    """

    digit: str = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True)
class DigitEnded:
    """The peer has let a key go.

    Attributes:
        digit: One of `DIGITS`. Not shown, as it may be part of a PIN.
        at: `loop.time()` in seconds.
        seconds: For how long it was pressed, as the peer says.
    """

    digit: str = field(repr=False)
    at: float
    seconds: float


DigitEvent = DigitBegan | DigitEnded


def check_digits(digits: str, also: str = "") -> str:
    """Check keys to press.

    Args:
        digits: The keys; letters of either case.
        also: What may stand between them.

    Returns:
        The keys, with capital letters.

    Raises:
        ValueError: There is none, or one of them is no key.
    """
    wanted = digits.upper()
    if not wanted.strip(also):
        raise ValueError("there is no key in it: give some of 0-9, *, # and A-D")
    for one in digits:
        if one.upper() not in DIGITS and one not in also:
            raise ValueError(
                f"there is {one!r} in it, which is no key: give some of 0-9, *, # and A-D"
            )
    return wanted

"""The codecs that a call can carry: clock rates, key frames, unwrapped timestamps."""

from .frame import Kind

# RTP clock rates in Hz: RFC 7587 §4.1 (Opus), RFC 3551 §6 (G.711), RFC 7741 §4.1, RFC 6184 §5.1.
CLOCK_RATES: dict[str, int] = {
    "opus": 48000,
    "PCMU": 8000,
    "PCMA": 8000,
    "VP8": 90000,
    "H264": 90000,
}

# In the order in which they are offered. G.722 is left out: nothing here encodes or records it.
CODECS: dict[Kind, tuple[str, ...]] = {
    "audio": ("opus", "PCMU", "PCMA"),
    "video": ("VP8", "H264"),
}

TELEPHONE_EVENT = "telephone-event"
"""The RTP encoding name of keys that are pressed (RFC 4733): no codec, and never what is sent."""

TELEPHONE_EVENTS: dict[int, int] = {48000: 110, 8000: 126}
"""Clock rates at which they are offered, one for each codec's, and the payload types for them."""

WRAP = 1 << 32
_IDR = 5


def is_keyframe(codec: str, data: bytes) -> bool:
    """Tell whether a decoder can start at an encoded frame.

    Args:
        codec: The RTP encoding name.
        data: One whole encoded frame; H264 in Annex B format.

    Returns:
        For VP8 the inverse key frame flag (RFC 6386 §9.1), for H264 whether there is an IDR slice
        (nal_unit_type 5), for audio always True.
    """
    if codec == "VP8":
        return bool(data) and not data[0] & 1
    if codec == "H264":
        start = data.find(b"\0\0\1")
        while 0 <= start < len(data) - 3:
            if data[start + 3] & 0x1F == _IDR:
                return True
            start = data.find(b"\0\0\1", start + 3)
        return False
    return True


def follow(first: int, timestamps: list[int]) -> list[int]:
    """Unwrap RTP timestamps that never go back, of which the first is known.

    Args:
        first: In ticks from any origin.
        timestamps: At least one; 0 to 2**32 - 1.

    Returns:
        Of each its ticks from that origin.
    """
    begin = timestamps[0]
    return [first + (timestamp - begin) % WRAP for timestamp in timestamps]


class Unwrapper:
    """Turns 32-bit RTP timestamps into numbers that go on past 2**32 (RFC 3550 §5.1).

    aiortc's own mapper takes every step backwards for a wrap, so that one late packet makes a leap
    of 13 hours; here a step is the nearest one, forwards or backwards.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def map(self, timestamp: int) -> int:
        """Unwrap one timestamp.

        Args:
            timestamp: The RTP timestamp, 0 to 2**32 - 1.

        Returns:
            Ticks since the first timestamp given; negative for one before it.
        """
        if self._last is None:
            self._origin = self._last = timestamp
            return 0
        step = (timestamp - self._last + WRAP // 2) % WRAP - WRAP // 2
        self._last += step
        return self._last - self._origin

    def map_all(self, timestamps: list[int]) -> list[int]:
        """Unwrap several, one after the other.

        Args:
            timestamps: At least one.

        Returns:
            Of each what `map` gives.
        """
        first, last = timestamps[0], timestamps[-1]
        begin = self.map(first)
        if last - first >= WRAP // 2 or timestamps != sorted(timestamps):
            return [begin, *map(self.map, timestamps[1:])]
        # None is before another, so no step is a wrap.
        end = self.map(last)
        return [end - last + timestamp for timestamp in timestamps]

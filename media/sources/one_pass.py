"""One pass of a file that is looped: of the same length on all its tracks."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil

from ..frames.codec import CLOCK_RATES
from ..frames.quiet import G711_QUIET, QUIET
from .unit import Unit

FRAMES = 50
"""Frames of sound a second: a pass lasts a whole number of them."""

SLIP = 0.002
"""Seconds that a pass may be shorter than its file: files are timed in milliseconds, or worse."""

LATE = 0.2
"""Seconds at the end that may be too much: sound that overlaps, and what an encoder has kept."""

# By duration; 20 ms or a part (RFC 6716 §3.1, table 2: CELT, full band).
_PARTS = {480: b"\xf0\xff\xfe", 240: b"\xe8\xff\xfe", 120: b"\xe0\xff\xfe"}
_QUIET = {
    "opus": {960: QUIET["opus"], **_PARTS},
    **{codec: {160: QUIET[codec]} for codec in G711_QUIET},
}
"""Silence, by codec and duration."""


def pass_length(seconds: float) -> float:
    """Return how long a pass lasts.

    Args:
        seconds: How long the file's longest track is.
    """
    return max(1, ceil((seconds - SLIP) * FRAMES)) / FRAMES


def one_pass(
    units: Iterator[Unit], codec: str, *, start: float, end: Callable[[], float]
) -> Iterator[Unit]:
    """Give frames a common end, or the tracks would drift apart from one pass to the next.

    The last picture stands until the end, and sound is followed by silence. What is left over is
    cut off.

    Args:
        units: What a track gives, from the start on; the last picture begins before the end.
        codec: The RTP encoding name.
        start: Where in the time of playing they begin, in seconds.
        end: Says where the pass ends; asked when there are no more frames.

    Yields:
        The frames.
    """
    rate = CLOCK_RATES[codec]
    held: deque[Unit] = deque()
    waits, done = 0, round(start * rate)
    try:
        for unit in units:
            if unit.at is not None:
                done = unit.at
            held.append(unit)
            waits += unit.duration
            done += unit.duration
            while waits - held[0].duration >= LATE * rate:
                waits -= held[0].duration
                yield held.popleft()
    except Exception:
        yield from held
        raise
    last = round(end() * rate)
    is_sound = codec in _QUIET
    while held and (done > last if is_sound else done - held[-1].duration >= last):
        done -= held.pop().duration
    if not is_sound and held:
        held[-1] = replace(held[-1], duration=held[-1].duration + last - done)
    yield from held
    if is_sound:
        yield from _silence(codec, last - done)


def _silence(codec: str, ticks: int) -> Iterator[Unit]:
    for duration, data in _QUIET[codec].items():
        for _ in range(ticks // duration):
            yield Unit(data, duration)
        ticks %= duration

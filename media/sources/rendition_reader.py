"""One leg's place in a source whose pictures can be had at several bit rates."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from .clip import ClipReader, Clips
from .source import Source
from .unit import Unit

if TYPE_CHECKING:  # it opens these
    from .rated_source import RatedSource

USUAL = 600_000
"""Bits a second that are encoded for, until the peer says how many it can take."""

SLACK = 1.2
"""By how much what is sent already may pass the limit before less is sent. A peer's estimate is
never still, and more is sent only within it."""

LOOK = 1.0
"""Seconds of playing between two looks at whether to change."""

LEAD = 0.5
"""Seconds that others are given to be encoded before they are changed to."""

NEAR = 0.02
"""Seconds by which two frames of different renditions may be apart and show the same picture."""


@dataclass(frozen=True)
class Rendition(Source):
    """One of the forms in which the pictures of a source can be had.

    Attributes:
        source: Whose.
        bit_rate: Bits a second that they are encoded for; None: as they are.
    """

    source: "RatedSource"
    bit_rate: int | None
    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"video"})

    def __str__(self) -> str:
        return str(self.source)

    def key(self, kind: Kind, codec: str) -> Hashable:
        """Return the source's own key, and the bit rate."""
        return (Rendition, self.source.key(kind, codec), self.bit_rate)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode it from its beginning."""
        return self.encode_from(0.0, kind, codec)

    def encode_from(self, start: float, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode it from later on."""
        del kind
        return self.source.encode_at(self.bit_rate, start, codec)


class RenditionReader:
    """Reads one rendition, and changes to another at a key frame when the limit wants it.

    A rendition is encoded only when a leg needs it, and shared with others that do. Frames go out
    as they are while they fit and the peer can take so many; in the place of what does not fit,
    what was encoded goes on.

    Args:
        source: What to read.
        codec: The RTP encoding name.
        seconds: Where to begin, of playing since the beginning; at the last key frame before.

    Raises:
        SourceError: The codec is unknown.
    """

    def __init__(self, source: "RatedSource", codec: str, seconds: float = 0.0) -> None:
        self._source = source
        self._codec = codec
        self._clock = CLOCK_RATES.get(codec, 0)
        self._at = self._first = round(seconds * self._clock)
        self._has_begun = False
        self._limit: int | None = None
        self._look_at = 0
        self._next: ClipReader | None = None
        self._next_rate: int | None = None
        self._original_rate: float | None = None
        self._unfit_from: int | None = None
        self._rate = self._wanted(None)
        self._current = self._open(self._rate, self._at)

    @property
    def skipped(self) -> int:
        """Ticks of the codec's RTP clock before the place at which reading began."""
        return self._first

    @property
    def ended(self) -> bool:
        """Whether everything was read."""
        return self._current.ended and not self._current.clip.unfit

    @property
    def failure(self) -> str | None:
        """Why it ended early, in one sentence; None otherwise."""
        return self._current.failure

    def request_keyframe(self) -> bool:
        """Tell that frames are as they were encoded once."""
        return False

    def limit(self, bit_rate: int) -> None:
        """Keep to what the leg may use, from one of the next key frames on.

        Args:
            bit_rate: Bits per second.
        """
        if bit_rate != self._limit:
            self._limit = bit_rate

    def close(self) -> None:
        """Read no more. What is encoded stays, for others."""
        self._current.close()
        self._forget_next()

    def following(self, most: int) -> list[Unit]:
        """Return the next frames, which stay unread, up to where another look is due.

        Args:
            most: How many.
        """
        found: list[Unit] = []
        if self._next is not None:
            return found
        clip, at = self._current.clip, self._at
        for number, unit in enumerate(self._current.following(most), self._current.index):
            if at >= self._look_at or clip.start(number) != at:
                break
            found.append(unit)
            at += unit.duration
        return found

    def skip(self, count: int, ticks: int) -> None:
        """Go past frames that `following` gave.

        Args:
            count: How many.
            ticks: How long they last together, in ticks of the codec's RTP clock.
        """
        self._current.skip(count, ticks)
        self._at += ticks

    def read(self) -> Unit | None:
        """Return the next frame; None if there is none yet, or no more (see `ended`)."""
        if self._at >= self._look_at:
            self._look_at = self._at + round(LOOK * self._clock)
            self._look()
        if self._next is not None:
            self._change(self._next)
        unit = self._current.read()
        if unit is None:
            if self._current.ended and self._current.clip.unfit:
                self._give_up_original()
            return None
        start = self._current.clip.start(self._current.index - 1)
        if not self._has_begun:
            self._has_begun = True
            self._at = self._first = start
        duration = max(1, start + unit.duration - self._at)
        self._at += duration
        return unit if duration == unit.duration else replace(unit, duration=duration)

    def _wanted(self, current: int | None) -> int | None:
        """Choose a rendition.

        Args:
            current: Bits a second of the one that is sent, if it is one that was encoded.
        """
        limit = self._limit
        if None in self._source.bit_rates and self._original_fits():
            return None
        encoded = [rate for rate in self._source.bit_rates if rate is not None]
        if limit is None:
            return min(encoded, key=lambda rate: abs(rate - USUAL))
        stays = limit * SLACK
        return max(
            (rate for rate in encoded if rate <= (stays if rate == current else limit)),
            default=min(encoded),
        )

    def _original_fits(self) -> bool:
        if self._unfit_from is not None and self._at >= self._unfit_from:
            return False
        if self._limit is None or self._original_rate is None:
            return True
        is_sent = self._has_begun and self._rate is None
        return self._original_rate <= self._limit * (SLACK if is_sent else 1)

    def _look(self) -> None:
        """See whether another rendition is wanted, and have it prepared."""
        if self._rate is None:
            self._original_rate = self._current.clip.bit_rate
        wanted = self._wanted(self._rate)
        if self._next is not None and wanted != self._next_rate:
            self._forget_next()
        if wanted != self._rate and self._next is None:
            self._next_rate = wanted
            if self._has_begun:
                self._next = self._open(wanted, self._at + round(LEAD * self._clock))
            else:  # nothing has gone out yet: there is nothing to go on from
                self._current.close()
                self._current, self._rate = self._open(wanted, self._at), wanted

    def _change(self, following: ClipReader) -> None:
        """Go on with another rendition, if it has a key frame here."""
        clip, near = following.clip, round(NEAR * self._clock)
        index = clip.keyframe_from(max(0, self._at - near))
        if index is None:
            if clip.failure is not None or clip.ended:
                self._forget_next()
                if clip.unfit:
                    self._unfit_from = min(self._unfit_from or self._at, self._at)
            else:
                clip.prepare_more()
            return
        if clip.start(index) > self._at + near:
            return
        self._current.close()
        self._current, self._next = following, None
        self._rate = self._next_rate
        following.go_to(index)

    def _give_up_original(self) -> None:
        """Go on with what is encoded, from where the frames of the file can't go out on."""
        self._unfit_from = self._at
        self._forget_next()
        before = self._current
        self._rate = self._wanted(None)
        self._current = self._open(self._rate, self._at)
        before.close()

    def _open(self, rate: int | None, ticks: int) -> ClipReader:
        rendition = Rendition(self._source, rate)
        return Clips.running().open_at(rendition, "video", self._codec, ticks)

    def _forget_next(self) -> None:
        following, self._next = self._next, None
        if following is not None:
            following.close()

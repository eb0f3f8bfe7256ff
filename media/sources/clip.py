"""An encoded source, made ahead of time and shared by all legs that play it."""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

from msgspec import Struct

from ..errors import SourceError, UnfitError, shown, told
from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from ..loop_wide import LoopWide
from .reader_threads import READERS
from .unit import Unit

if TYPE_CHECKING:  # a source opens clips
    from .source import Source

Batch = tuple[list[Unit], BaseException | None, Iterator[Unit] | None]
"""Frames; why no more follow, if that is a failure; and where more come from, if any do."""

BATCH: dict[Kind, int] = {"audio": 100, "video": 8}
"""Frames that are pulled at once, and how many are ready ahead at least."""

MOST_AT_ONCE: dict[Kind, int] = {"audio": 1000, "video": 120}
"""Frames that are pulled at once at most, where they come fast."""

FAST = 0.01
"""Seconds within which they do."""


class Clip:
    """The encoded frames of one source in one codec.

    They are pulled from the encoder in a thread, two seconds of sound or a fourth of a second of
    pictures before they are due, and more as far as they come fast: four times what there is. The
    more there are, the longer a leg plays without a look at anything else. All are kept, so
    that a leg that comes later costs nothing, up to `LIMIT` bytes; past that the clip is offered to
    no new leg, and drops what its legs have played.

    When the last leg has left, the source is closed, with what it holds open. For a later leg that
    goes on beyond what is kept, it is opened there again.

    Attributes:
        failure: Why encoding ended early, in one sentence; None while all is well.
        ended: Whether everything is encoded.
        unfit: Whether it ended because what comes next can't go out as it is.
    """

    LIMIT = 64 * 1024 * 1024

    def __init__(self, source: "Source", kind: Kind, codec: str, start: int = 0) -> None:
        """Begin with nothing encoded.

        Args:
            source: What to encode.
            kind: "audio" or "video".
            codec: The RTP encoding name.
            start: Where to begin, in ticks of the codec's RTP clock since the source's beginning.
                There may be nothing there; a source that gives nothing at all has failed.
        """
        self.failure: str | None = None
        self.ended = False
        self.unfit = False
        self._at = start
        self._batch = BATCH[kind]
        self._iterator: Iterator[Unit] | None = None
        self._job: asyncio.Future[Batch] | None = None
        self._may_be_empty = start > 0
        self._most = MOST_AT_ONCE[kind]
        self._open = (source, kind, codec)
        self._readers: WeakSet[ClipReader] = WeakSet()
        self._first = 0
        self._size = 0
        self._starts = array("Q", [start])
        self._units: list[Unit] = []

    @property
    def whole(self) -> bool:
        """Whether a new leg can still start at the beginning."""
        return self._size <= self.LIMIT

    @property
    def bit_rate(self) -> float | None:
        """Bits a second of what is encoded; None before that is a second."""
        seconds = (self._starts[-1] - self._starts[0]) / CLOCK_RATES[self._open[2]]
        return 8 * self._size / seconds if seconds >= 1 or (self.ended and seconds) else None

    def open(self) -> "ClipReader":
        """Start reading at the beginning.

        Returns:
            A reader of its own for one leg.
        """
        reader = ClipReader(self)
        self._readers.add(reader)
        self.prepare(0)
        return reader

    def leave(self, reader: "ClipReader") -> None:
        """Read no more for one leg.

        Args:
            reader: Its reader.
        """
        self._readers.discard(reader)
        self._let_go()

    def _let_go(self) -> None:
        """Close the source, unless somebody reads it."""
        if self._readers:
            return
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        iterator, self._iterator = self._iterator, None
        if iterator is not None:
            with suppress(SourceError):  # every thread is stuck
                READERS.run(partial(_close, iterator))

    def get(self, index: int) -> Unit | None:
        """Return one frame of the clip.

        Args:
            index: Its number, from 0.

        Returns:
            The frame; None if it is not encoded yet, or does not exist (then `ended` is true).
        """
        self.prepare(index)
        index -= self._first
        return self._units[index] if 0 <= index < len(self._units) else None

    def following(self, index: int, most: int) -> list[Unit]:
        """Return frames that are encoded, as far as nothing has to be prepared meanwhile.

        Args:
            index: The number of the first one, from 0.
            most: How many.
        """
        at = index - self._first
        end = len(self._units) if self.ended else len(self._units) - self._ahead
        return self._units[at : min(at + most, max(at, end))] if at >= 0 else []

    def ends_at(self, index: int) -> bool:
        """Tell whether a frame would be the first one behind the last, and all went well up to it.

        Args:
            index: Its number, from 0.
        """
        is_well = self.ended and self.failure is None and not self.unfit
        return is_well and index == self._first + len(self._units)

    def place(self, ticks: int) -> "Place":
        """Find where to begin for a moment: at the last key frame up to it.

        Args:
            ticks: Of the codec's RTP clock, since the beginning.
        """
        end = self._first + len(self._units)
        if ticks >= self._starts[end] and self.ended:
            return Place(end, self._starts[end], is_final=True)
        at = min(bisect_right(self._starts, ticks) - 1, end - 1)
        while at > self._first and not self._units[at - self._first].keyframe:
            at -= 1
        at = max(at, self._first)
        return Place(at, self._starts[at], is_final=ticks < self._starts[end])

    def start(self, index: int) -> int:
        """Return where a frame begins, in ticks since the source's beginning.

        Args:
            index: Its number, from 0; it is encoded, or the next one to be.
        """
        return self._starts[index]

    def is_near(self, ticks: int, patience: int) -> bool:
        """Tell whether a moment is encoded, or will be soon.

        Args:
            ticks: Since the source's beginning.
            patience: How many may have to be encoded before.
        """
        is_past = self.ended and not self.unfit
        return self._starts[0] <= ticks and (is_past or ticks <= self._starts[-1] + patience)

    def keyframe_from(self, ticks: int) -> int | None:
        """Return the number of the first key frame that begins at a moment, or later.

        Args:
            ticks: Since the source's beginning.

        Returns:
            None if none is encoded yet.
        """
        end = self._first + len(self._units)
        found = range(max(self._first, bisect_left(self._starts, ticks, hi=end)), end)
        return next((at for at in found if self._units[at - self._first].keyframe), None)

    def prepare_more(self) -> None:
        """See that more gets encoded."""
        self.prepare(self._first + len(self._units))

    def prepare(self, index: int) -> None:
        """See that what follows a frame gets encoded in time.

        Args:
            index: The number of the frame that is played next.
        """
        if self.ended or self._job is not None:
            return
        if index + self._ahead < self._first + len(self._units):
            return
        source, kind, codec = self._open
        if self._iterator is None:
            self._at = self._starts[-1]
        start = self._starts[-1] / CLOCK_RATES[codec]
        begin = partial(source.encode_from, start, kind, codec)
        most = max(self._batch, min(4 * len(self._units), self._most))
        pull = _Pull(self._iterator, begin, self._batch, most)
        # While the job has it, nobody else does: if the clip is left meanwhile, the job closes it.
        self._iterator = None
        try:
            self._job = READERS.run(pull, abandoned=pull.close)
        except SourceError as error:
            self._fail(error)
            return
        self._job.add_done_callback(self._take)

    @property
    def _ahead(self) -> int:
        """How many frames are to be there beyond the one that is played next."""
        if self._iterator is not None or self._job is not None:
            return self._batch
        return max(self._batch, (self._first + len(self._units)) // 2)

    def _take(self, job: "asyncio.Future[Batch]") -> None:
        if job is not self._job:
            return
        self._job = None
        failure = job.exception()
        units, error, self._iterator = ([], failure, None) if failure is not None else job.result()
        if error is None and not units and not self._size and not self._may_be_empty:
            error = SourceError("there is nothing in it.")
        if isinstance(error, UnfitError):
            self.unfit = self.ended = True
            self._iterator = None
        elif error is not None:
            self._fail(error)
        else:
            self.ended = self._iterator is None
        for unit in units:
            self._add(unit)
        if not self.whole:
            self._forget()
        self._let_go()

    def _add(self, unit: Unit) -> None:
        """Keep a frame, unless the source was opened again before the place where it was left."""
        if unit.at is not None:
            self._at = unit.at
            if not self._size:
                self._starts[0] = unit.at
        if self._at + unit.duration // 2 >= self._starts[-1]:
            self._units.append(unit)
            self._starts.append(max(self._starts[-1], self._at) + unit.duration)
            self._size += len(unit.data)
        self._at += unit.duration

    def _fail(self, error: BaseException) -> None:
        self.ended = True
        self._iterator = None
        text, name = told(error), shown(self._open[0], str)
        self.failure = text if name in text else f"{name} can't be played: {text}"

    def _forget(self) -> None:
        played = min((reader.index for reader in self._readers), default=self._first)
        del self._units[: played - self._first]
        self._first = played


class _Pull:
    """A batch that is pulled in a thread, from a source that is opened first if it was not yet.

    Args:
        iterator: What the source gives; None opens it.
        begin: Opens it.
        count: How many frames to pull.
        most: How many if they come fast.
    """

    def __init__(
        self,
        iterator: Iterator[Unit] | None,
        begin: Callable[[], Iterator[Unit]],
        count: int,
        most: int,
    ) -> None:
        self._begin = begin
        self._count = count
        self._iterator = iterator
        self._most = most

    def __call__(self) -> Batch:
        units: list[Unit] = []
        until = perf_counter() + FAST
        try:
            if self._iterator is None:
                self._iterator = iter(self._begin())
            for unit in islice(self._iterator, self._most):
                units.append(_checked(unit))
                if len(units) >= self._count and perf_counter() >= until:
                    break
            else:
                if len(units) < self._most:
                    self._iterator = None
        except Exception as error:
            return units, error, self._iterator
        return units, None, self._iterator

    def close(self) -> None:
        """Close the source: nobody takes the batch."""
        if self._iterator is not None:
            _close(self._iterator)


def _close(iterator: Iterator[Unit]) -> None:
    close = getattr(iterator, "close", None)
    with suppress(Exception):  # a bot's source: nobody plays it any more
        if close is not None:
            close()


def _checked(unit: object) -> Unit:
    """Refuse what a source of a bot's must not give, before it reaches the pacing of all legs."""
    if not isinstance(unit, Unit) or type(unit.data) is not bytes or not unit.data:
        raise SourceError(f"it gave {type(unit).__name__} in the place of a Unit with data.")
    if not 0 < unit.duration < 1 << 31:
        raise SourceError(f"it gave a frame that lasts {unit.duration!r} ticks of the RTP clock.")
    return unit


class Place(Struct, frozen=True):
    """A place in a clip.

    Attributes:
        index: The number of a frame.
        start: Ticks of the codec's RTP clock between the clip's beginning and this frame.
        is_final: Whether it is known that no other frame is nearer to what was looked for; False
            if that is not encoded yet.
    """

    index: int
    start: int
    is_final: bool


class ClipReader:
    """One leg's place in a clip.

    Attributes:
        index: The number of the frame that comes next.
        skipped: Ticks of the codec's RTP clock before the place at which reading began.
    """

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.index = 0
        self.skipped = clip.start(0)
        self._wanted: int | None = None

    def wind(self, ticks: int) -> bool:
        """Go to a moment, or as soon as it is encoded; video begins at the last key frame.

        Args:
            ticks: Of the codec's RTP clock, since the beginning of the clip.

        Returns:
            Whether it is there.
        """
        place = self.clip.place(ticks)
        self.index = place.index
        self.skipped = place.start if place.is_final else ticks
        self._wanted = None if place.is_final else ticks
        return place.is_final

    def go_to(self, index: int) -> None:
        """Go to a frame.

        Args:
            index: Its number, from 0.
        """
        self.index = index
        self._wanted = None

    @property
    def ended(self) -> bool:
        """Whether everything was read."""
        clip = self.clip
        return self._wanted is None and clip.ended and clip.get(self.index) is None

    @property
    def failure(self) -> str | None:
        """Why it ended early, in one sentence; None otherwise."""
        return self.clip.failure

    def following(self, most: int) -> list[Unit]:
        """Return the next frames, which stay unread; fewer where more have to be encoded first.

        Args:
            most: How many.
        """
        return [] if self._wanted is not None else self.clip.following(self.index, most)

    def skip(self, count: int, ticks: int) -> None:
        """Go past frames that `following` gave.

        Args:
            count: How many.
            ticks: How long they last together, in ticks of the codec's RTP clock.
        """
        del ticks
        self.index += count

    def ends_behind(self, count: int) -> bool:
        """Tell whether that many frames follow, and then the end, without any fault.

        Args:
            count: How many.
        """
        return self._wanted is None and self.clip.ends_at(self.index + count)

    def in_last_pass(self, count: int, ticks: int) -> tuple[int, int]:
        """Tell how many frames were taken in the last pass, of all that were taken.

        Args:
            count: How many in all, from here on, and from here again after the end; at least one.
            ticks: How long these last together, in ticks of the codec's RTP clock.

        Returns:
            The same two of the last pass.
        """
        if not self.clip.ended:
            return count, ticks
        units = self.following(count)
        passes = (count - 1) // len(units)
        lasting = sum(unit.duration for unit in units) if passes else 0
        return count - passes * len(units), ticks - passes * lasting

    def request_keyframe(self) -> bool:
        """Tell that frames are as they are."""
        return False

    def limit(self, bit_rate: int) -> None:
        """Leave the frames as they are."""

    def close(self) -> None:
        """Read no more. The clip stays, for others."""
        self.clip.leave(self)

    def read(self) -> Unit | None:
        """Return the next frame; None if there is none yet, or no more (see `ended`)."""
        if self._wanted is not None and not self.wind(self._wanted):
            self.clip.prepare_more()
            return None
        unit = self.clip.get(self.index)
        if unit is not None:
            self.index += 1
        return unit


class Clips(LoopWide):
    """The clips of one event loop.

    The last `LIMIT` are kept for the next leg that plays the same; what a leg still plays lives on
    with it in any case.
    """

    LIMIT = 64

    SOON = 2
    """Seconds of media that a leg may have to wait for, where others have encoded what is before.
    """

    def __init__(self) -> None:
        self._clips: OrderedDict[Hashable, Clip] = OrderedDict()

    def open(self, source: "Source", kind: Kind, codec: str) -> ClipReader:
        """Start reading a source in its encoded form.

        Args:
            source: What to play.
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            A reader at the beginning.

        Raises:
            SourceError: The source has no such kind, or the codec is unknown.
        """
        return self._at(0, source, kind, codec, source.key(kind, codec)).open()

    def open_at(self, source: "Source", kind: Kind, codec: str, ticks: int) -> ClipReader:
        """Start reading a source in its encoded form at a later moment.

        Args:
            source: What to play; it can be encoded from there on without what is before.
            kind: "audio" or "video".
            codec: The RTP encoding name.
            ticks: Of the codec's RTP clock, since the beginning.

        Returns:
            A reader there, as soon as that is encoded; of video, at the last key frame before.

        Raises:
            SourceError: The source has no such kind, or the codec is unknown.
        """
        key = source.key(kind, codec)
        patience = self.SOON * CLOCK_RATES.get(codec, 0)
        starts = [0, *(each.start for each in self._clips if isinstance(each, _Later))]
        for start in starts:
            clip = self._clips.get(_Later(key, start) if start else key)
            if clip is not None and self._is_good(clip) and clip.is_near(ticks, patience):
                break
        else:
            start = 0 if ticks <= patience else ticks
        reader = self._at(start, source, kind, codec, _Later(key, start) if start else key).open()
        reader.wind(ticks)
        return reader

    def _at(self, start: int, source: "Source", kind: Kind, codec: str, key: Hashable) -> Clip:
        if kind not in source.kinds:
            raise SourceError(f"{source} has no {kind}: play something that has.")
        if codec not in CLOCK_RATES:
            raise SourceError(f"{codec!r} can't be encoded: use one of {', '.join(CLOCK_RATES)}.")
        clip = self._clips.pop(key, None)
        if clip is None or not self._is_good(clip):
            clip = Clip(source, kind, codec, start)
        self._clips[key] = clip
        while len(self._clips) > self.LIMIT:
            self._clips.popitem(last=False)
        return clip

    @staticmethod
    def _is_good(clip: Clip) -> bool:
        return clip.whole and clip.failure is None


class _Later(NamedTuple):
    """The key of a clip that does not begin at the source's beginning.

    Attributes:
        source: The source's key.
        start: Where it begins, in ticks since the source's beginning.
    """

    source: Hashable
    start: int

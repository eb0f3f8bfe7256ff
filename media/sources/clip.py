"""An encoded source, made ahead of time and shared by all legs that play it."""

import asyncio
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from ..errors import SourceError, shown
from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from .reader_threads import READERS
from .unit import Unit

if TYPE_CHECKING:  # a source opens clips
    from .source import Source

Batch = tuple[list[Unit], BaseException | None, Iterator[Unit] | None]
"""Frames; why no more follow, if that is a failure; and where more come from."""


class Clip:
    """The encoded frames of one source in one codec.

    They are pulled from the encoder in a thread, at most a second ahead of the leg that is
    furthest on. All are kept, so that a leg that comes later costs nothing, up to `LIMIT` bytes;
    past that the clip is offered to no new leg, and drops what its legs have played.

    When the last leg has left, the source is closed, with what it holds open. For a later leg that
    goes on beyond what is kept, it is opened there again.

    Attributes:
        failure: Why encoding ended early, in one sentence; None while all is well.
        ended: Whether everything is encoded.
    """

    LIMIT = 64 * 1024 * 1024

    def __init__(
        self, source: "Source", kind: Kind, codec: str, *, may_be_empty: bool = False
    ) -> None:
        """Begin with nothing encoded.

        Args:
            source: What to encode.
            kind: "audio" or "video".
            codec: The RTP encoding name.
            may_be_empty: Whether a source that gives nothing has just ended, and not failed.
        """
        self.failure: str | None = None
        self.ended = False
        self._batch = 25 if kind == "audio" else 8
        self._iterator: Iterator[Unit] | None = None
        self._job: asyncio.Future[Batch] | None = None
        self._may_be_empty = may_be_empty
        self._open = (source, kind, codec)
        self._readers: WeakSet[ClipReader] = WeakSet()
        self._first = 0
        self._size = 0
        self._starts = array("Q", [0])
        self._units: list[Unit] = []

    @property
    def whole(self) -> bool:
        """Whether a new leg can still start at the beginning."""
        return self._size <= self.LIMIT

    def open(self, skipped: int = 0) -> "ClipReader":
        """Start reading at the beginning.

        Args:
            skipped: Ticks of the codec's RTP clock that the clip itself leaves out.

        Returns:
            A reader of its own for one leg.
        """
        reader = ClipReader(self, skipped)
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
        made = self._first + len(self._units)
        ahead = self._batch if self._iterator is not None else max(self._batch, made // 2)
        if index + ahead < made:
            return
        source, kind, codec = self._open
        start = self._starts[-1] / CLOCK_RATES[codec]
        begin = partial(source.encode_from, start, kind, codec)
        pull = _Pull(self._iterator, begin, self._batch)
        # While the job has it, nobody else does: if the clip is left meanwhile, the job closes it.
        self._iterator = None
        try:
            self._job = READERS.run(pull, abandoned=pull.close)
        except SourceError as error:
            self._fail(error)
            return
        self._job.add_done_callback(self._take)

    def _take(self, job: "asyncio.Future[Batch]") -> None:
        if job is not self._job:
            return
        self._job = None
        failure = job.exception()
        units, error, self._iterator = ([], failure, None) if failure is not None else job.result()
        if error is None and not units and not self._size and not self._may_be_empty:
            error = SourceError("there is nothing in it.")
        if error is not None:
            self._fail(error)
        elif len(units) < self._batch:
            self.ended = True
            self._iterator = None
        self._units += units
        for unit in units:
            self._starts.append(self._starts[-1] + unit.duration)
        self._size += sum(len(unit.data) for unit in units)
        if not self.whole:
            self._forget()
        self._let_go()

    def _fail(self, error: BaseException) -> None:
        self.ended = True
        self._iterator = None
        text = shown(error, str) or shown(error)
        name = str(self._open[0])
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
    """

    def __init__(
        self, iterator: Iterator[Unit] | None, begin: Callable[[], Iterator[Unit]], count: int
    ) -> None:
        self._begin = begin
        self._count = count
        self._iterator = iterator

    def __call__(self) -> Batch:
        units: list[Unit] = []
        try:
            if self._iterator is None:
                self._iterator = iter(self._begin())
            for unit in islice(self._iterator, self._count):
                units.append(_checked(unit))  # noqa: PERF401 -- those before a failure count
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


@dataclass(frozen=True, slots=True)
class Place:
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

    def __init__(self, clip: Clip, skipped: int = 0) -> None:
        self.clip = clip
        self.index = 0
        self.skipped = skipped
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

    @property
    def ended(self) -> bool:
        """Whether everything was read."""
        clip = self.clip
        return self._wanted is None and clip.ended and clip.get(self.index) is None

    @property
    def failure(self) -> str | None:
        """Why it ended early, in one sentence; None otherwise."""
        return self.clip.failure

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


class Clips:
    """The clips of one event loop.

    The last `LIMIT` are kept for the next leg that plays the same; what a leg still plays lives on
    with it in any case.
    """

    LIMIT = 64

    def __init__(self) -> None:
        self._clips: OrderedDict[Hashable, Clip] = OrderedDict()

    @classmethod
    def running(cls) -> "Clips":
        """Return the clips of the running event loop."""
        loop = asyncio.get_running_loop()
        clips = _clips.get(loop)
        if clips is None:
            clips = _clips[loop] = cls()
        return clips

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
        if kind not in source.kinds:
            raise SourceError(f"{source} has no {kind}: play something that has.")
        if codec not in CLOCK_RATES:
            raise SourceError(f"{codec!r} can't be encoded: use one of {', '.join(CLOCK_RATES)}.")
        key = source.key(kind, codec)
        clip = self._clips.pop(key, None)
        if clip is None or not clip.whole or clip.failure is not None:
            clip = Clip(source, kind, codec)
        self._clips[key] = clip
        while len(self._clips) > self.LIMIT:
            self._clips.popitem(last=False)
        return clip.open()


_clips: WeakKeyDictionary[asyncio.AbstractEventLoop, Clips] = WeakKeyDictionary()

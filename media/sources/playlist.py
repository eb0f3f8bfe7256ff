"""Several sources, one after the other, or one again and again."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count, cycle, islice

from ..errors import SourceError
from ..frames.frame import Kind
from .clip import ClipReader
from .forwarded import Forwarded
from .rendition_reader import RenditionReader
from .source import LiveSource, Source
from .unit import FrameRun, LiveRun, SourceReader, Unit, UnitRun

FORESEEN = (ClipReader, RenditionReader)
"""Readers that can tell which frames come next."""

MOST = 1000
"""Sources in one list."""


@dataclass(frozen=True)
class Playlist(Source):
    """Sources that follow each other without a gap.

    Attributes:
        sources: What is played, in this order. Only the last one may be without an end.
        times: How often all of it is played; None: for ever.
        kinds: The kinds of media that all of them have; until `check`, that they may have.
    """

    sources: tuple[Source, ...]
    times: int | None = 1
    kinds: frozenset[Kind] = field(init=False, default=frozenset())  # type: ignore[misc]

    def __post_init__(self) -> None:
        """Refuse what would never get to its second source.

        Raises:
            SourceError: There is nothing to play, too much, or it can't be played in this order.
        """
        if not self.sources:
            raise SourceError("The list is empty: give something to play.")
        if len(self.sources) > MOST:
            raise SourceError(f"A list of {len(self.sources)} is too long: give at most {MOST}.")
        several = len(self.sources) > 1 or self.times != 1
        again = self.sources if self.times != 1 else ()
        for source in self.sources:
            if isinstance(source, Forwarded) and several:
                raise SourceError(f"{source} has no end: play it alone.")
        for source in again:
            if isinstance(source, LiveSource):
                raise SourceError(f"{source} is made while it is played: it can't be repeated.")
        for source in self.sources[:-1]:
            if source.repeats:
                raise SourceError(f"{source} has no end: put it last.")
        object.__setattr__(self, "repeats", self.times is None or self.sources[-1].repeats)
        self._find_kinds()

    def __str__(self) -> str:
        return ", ".join(map(str, self.sources))

    @property
    def has_end(self) -> bool:
        """See `Source.has_end`: that of the last one, unless all is played for ever."""
        return self.times is not None and self.sources[-1].has_end

    def check(self) -> None:
        """Check each of them.

        Raises:
            SourceError: One can't be played.
        """
        for source in self.sources:
            source.check()
        self._find_kinds()

    def call_over(self, last_words: Callable[[], Awaitable[str]]) -> None:
        """Tell each of them, also those that were still to come."""
        for source in self.sources:
            source.call_over(last_words)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode all of it, once.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            The encoded frames of one after the other.
        """
        return chain.from_iterable(source.encode(kind, codec) for source in self.sources)

    def open(self, kind: Kind, codec: str) -> "PlaylistReader":
        """Begin to read for one leg; what each source has encoded is shared.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Raises:
            SourceError: The first one can't be opened.
        """
        return PlaylistReader(self, kind, codec)

    def _find_kinds(self) -> None:
        common = frozenset.intersection(*(frozenset(each.kinds) for each in self.sources))
        object.__setattr__(self, "kinds", common)


class PlaylistReader:
    """One leg's place in a list.

    Attributes:
        ended: Whether everything was read, or can't be.
        failure: Why it ended early, in one sentence; None otherwise.
        position: Where it is in the source that is played now, in ticks of the codec's RTP clock.
    """

    skipped = 0

    def __init__(self, playlist: Playlist, kind: Kind, codec: str) -> None:
        self.ended = False
        self.failure: str | None = None
        self._limit: int | None = None
        self._kind = kind
        self._codec = codec
        passes = count() if playlist.times is None else range(playlist.times)
        self._sources = chain.from_iterable(playlist.sources for _ in passes)
        self._source = next(self._sources)
        self._reader = self._source.open(kind, codec)
        self._played = 0
        self._again: ClipReader | None = None
        self._left = (0, 0)
        self._following: Source | None = None
        self._ahead: SourceReader | None = None
        self._look_ahead()

    @property
    def position(self) -> int:
        """See above."""
        return self._reader.skipped + self._played

    @property
    def source(self) -> Source:
        """What is played now."""
        return self._source

    @property
    def is_live(self) -> bool:
        """Whether what is played now is made at this moment."""
        return isinstance(self._source, LiveSource)

    def read(self) -> Unit | None:
        """Return the next frame; None if there is none yet, or no more (see `ended`)."""
        unit = self._reader.read()
        if unit is None and not self.ended and self._reader.ended and self._go_on():
            unit = self._reader.read()
        if unit is not None:
            self._played += unit.duration
        return unit

    def run(self, most: int) -> UnitRun | None:
        """Return the next frames, if they are live or encoded already; they stay unread.

        Sound that is played again and again goes on from its end to its beginning in one run.

        Args:
            most: How many.
        """
        reader = self._reader
        if self.is_live:
            return LiveRun(reader.read) if self._kind == "audio" else None
        units = reader.following(most) if isinstance(reader, FORESEEN) else []
        if isinstance(reader, ClipReader) and self._source.repeats and 0 < len(units) < most:
            units = self._repeated(reader, units, most)
        return FrameRun(units) if units else None

    def skip(self, count: int, ticks: int) -> None:
        """Go past frames that were taken from a run; each run is followed by this.

        Args:
            count: How many.
            ticks: How long they last together, in ticks of the codec's RTP clock.
        """
        again, self._again = self._again, None
        if again is not None:
            left, lasting = self._left
            if count > left:
                self._take(again)
                count, ticks = again.in_last_pass(count - left, ticks - lasting)
            else:
                again.close()
        if count and isinstance(self._reader, FORESEEN):
            self._reader.skip(count, ticks)
        self._played += ticks

    def seek(self, seconds: float) -> None:
        """Go to another moment of the source that is played now.

        Args:
            seconds: Since its beginning.

        Raises:
            SourceError: The source can't be opened any more.
            ValueError: It is live.
        """
        self._take(self._source.open_at(self._kind, self._codec, seconds))

    def request_keyframe(self) -> bool:
        """Ask a live source for a key frame; False if frames are as they were encoded once."""
        return self._reader.request_keyframe()

    def limit(self, bit_rate: int) -> None:
        """Keep to a bit rate, in bits per second."""
        self._limit = bit_rate
        self._reader.limit(bit_rate)

    def close(self) -> None:
        """Read no more."""
        self.ended = True
        self._reader.close()
        if self._ahead is not None:
            self._ahead.close()

    def _repeated(self, reader: ClipReader, units: list[Unit], most: int) -> list[Unit]:
        """Add to the last frames of what is repeated those of its next passes."""
        if not reader.ends_behind(len(units)):
            return units
        try:
            again = self._source.open(self._kind, self._codec)
        except SourceError:  # whoever reads on gets it as well
            return units
        found = again.following(most) if isinstance(again, ClipReader) else []
        if not isinstance(again, ClipReader) or not (
            len(found) == most or (found and again.ends_behind(len(found)))
        ):
            again.close()
            return units
        self._again = again
        self._left = len(units), sum(unit.duration for unit in units)
        return list(islice(chain(units, cycle(found)), most))

    def _go_on(self) -> bool:
        """Begin with what follows; False if nothing does."""
        self.failure = self._reader.failure
        if self.failure is not None:
            self.ended = True
            return False
        try:
            if self._source.repeats:
                self._take(self._source.open(self._kind, self._codec))
                return True
            if self._following is None:
                self.ended = True
                return False
            ahead, self._ahead = self._ahead, None
            self._source = self._following
            self._take(ahead or self._source.open(self._kind, self._codec))
        except SourceError as error:
            self.failure = str(error)
            self.ended = True
            return False
        self._look_ahead()
        return True

    def _take(self, reader: SourceReader) -> None:
        self._reader.close()
        self._reader = reader
        self._played = 0
        if self._limit is not None:
            reader.limit(self._limit)

    def _look_ahead(self) -> None:
        """Have the beginning of what follows encoded; what is live begins when its turn comes."""
        self._following = next(self._sources, None)
        if self._following is not None and not isinstance(self._following, LiveSource):
            self._ahead = self._following.open(self._kind, self._codec)


def as_playlist(source: Source) -> Playlist:
    """Return a list of one source, or the list that it is.

    Args:
        source: Anything but a `Forwarded`.
    """
    return source if isinstance(source, Playlist) else Playlist((source,))

"""What sources give, frame by frame, and how a leg reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..frames.payloads import Piece, cut


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded frame of a source, as it is kept for all legs that play it.

    Attributes:
        data: The whole encoded frame; H264 in Annex B format.
        duration: How long it lasts, in ticks of the codec's RTP clock.
        keyframe: Whether a decoder can start here.
        at: Where it begins, in ticks since the source's beginning; None: where the one before ends.
        prepared: What who sends it has made of it, for all legs that play it; see `prepare`.
    """

    data: bytes
    duration: int
    keyframe: bool = True
    at: int | None = None
    prepared: Any = field(default=None, init=False, repr=False, compare=False)
    _pieces: tuple[Piece, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def prepare(self, made: object) -> None:
        """Keep what who sends it has made of it.

        Args:
            made: Anything.
        """
        object.__setattr__(self, "prepared", made)

    def pieces(self, codec: str) -> tuple[Piece, ...]:
        """Cut a frame of video into what packets carry; once, for all legs that play it.

        Args:
            codec: The RTP encoding name that the frame is encoded in.

        Returns:
            See `cut`.
        """
        if self._pieces is None:
            object.__setattr__(self, "_pieces", cut(codec, self.data))
        assert self._pieces is not None  # noqa: S101 -- set above
        return self._pieces


class UnitRun(Protocol):
    """The next frames of a source, for a leg to take one by one without a look at anything else.

    Attributes:
        at: How many were taken.
        ticks: How long those last together, in ticks of the codec's RTP clock.
    """

    at: int
    ticks: int

    def take(self) -> Unit | None:
        """Take the next frame, which is due; None if there is none, or somebody has ended it."""

    def end(self) -> Sequence[Unit]:
        """Let nobody take any more; return the pictures that were taken."""


class FrameRun:
    """A run of frames that are there already, and so can be lent.

    Attributes:
        borrower: Gives back what it has not taken, when it is asked to; None: nobody has any.
    """

    __slots__ = ("_units", "at", "borrower", "ticks")

    def __init__(self, units: list[Unit]) -> None:
        self.at = 0
        self.ticks = 0
        self.borrower: Callable[[], None] | None = None
        self._units = units

    def ahead(self) -> Sequence[Unit]:
        """Give the frames that nobody has taken."""
        return self._units[self.at :]

    def pass_by(self, count: int, ticks: int) -> None:
        """Take note that the next frames have gone out where they were lent.

        Args:
            count: How many.
            ticks: How long they last together, in ticks of the codec's RTP clock.
        """
        self.at += count
        self.ticks += ticks

    def take(self) -> Unit | None:
        """See `UnitRun`."""
        if self.at >= len(self._units):
            return None
        unit = self._units[self.at]
        self.at += 1
        self.ticks += unit.duration
        return unit

    def end(self) -> Sequence[Unit]:
        """See `UnitRun`."""
        if self.borrower is not None:
            self.borrower()
        taken, self._units = self._units[: self.at], []
        return taken


class LiveRun:
    """A run of sound that is made while it is played."""

    __slots__ = ("_read", "at", "ticks")

    def __init__(self, read: Callable[[], Unit | None]) -> None:
        self.at = 0
        self.ticks = 0
        self._read = read

    def take(self) -> Unit | None:
        """See `UnitRun`."""
        unit = self._read()
        if unit is not None:
            self.at += 1
            self.ticks += unit.duration
        return unit

    def end(self) -> Sequence[Unit]:
        """See `UnitRun`."""
        self._read = _nothing
        return ()


def _nothing() -> None:
    """Give no frame."""


class SourceReader(Protocol):
    """One leg's place in what it plays.

    Attributes:
        skipped: Ticks of the codec's RTP clock between the source's beginning and the place at
            which reading began.
    """

    @property
    def skipped(self) -> int:
        """See above."""

    @property
    def ended(self) -> bool:
        """Whether everything was read."""

    @property
    def failure(self) -> str | None:
        """Why it ended early, in one sentence; None otherwise."""

    def read(self) -> Unit | None:
        """Return the next frame, when it is due.

        Returns:
            The frame. None if there is none yet, or no more.
        """

    def request_keyframe(self) -> bool:
        """Let the next frame be one at which a decoder can start.

        Returns:
            False if that can't be had, since frames come as they were encoded once.
        """

    def limit(self, bit_rate: int) -> None:
        """Keep to what the leg may use, if that can be chosen.

        Args:
            bit_rate: Bits per second.
        """

    def close(self) -> None:
        """Read no more, and free what it takes."""

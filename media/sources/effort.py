"""How large pictures are made, so that they are encoded as fast as they are played."""

import time
from collections.abc import Callable, Iterable, Iterator

import av

SLOW, FAST = 0.8, 0.25
"""Seconds of work for a second of pictures, beyond which less is done, and below which more."""

CALM = 5
"""Seconds of pictures in a row that must have been fast before more is done."""

LEVELS: tuple[tuple[float, str], ...] = (
    (1.0, "DEFAULT"),
    (0.75, "DEFAULT"),
    (0.5, "DEFAULT"),
    (0.5, "NONREF"),
    (0.25, "NONKEY"),
)
"""How large pictures are, to what they are in the file, and which of them the decoder skips: the
last is for films that can't even be decoded so fast."""

LEAST = 16


class Effort:
    """Measures how long pictures take, and does with less where that is longer than they last.

    Where pictures are smaller, a second in which the machine had something else to do is not for
    ever: they become larger again when there is time.

    Args:
        longest: Pixels of the longer side, at most.
        clock: Gives the time in seconds.

    Attributes:
        level: Which of `LEVELS` is in use.
    """

    def __init__(self, longest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.level = 0
        self._longest = longest
        self._clock = clock
        self._calm = 0
        self._worked = 0.0
        self._since: float | None = None
        self._resumed = clock()
        self._skip: Callable[[str], object] = lambda _: None

    def on_skip(self, skip: Callable[[str], object]) -> None:
        """Say how the decoder is told what to skip.

        Args:
            skip: Called with one of FFmpeg's names.
        """
        self._skip = skip

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return how large a picture is made.

        Args:
            size: Width and height in pixels, as the file has it.
        """
        scale = min(1.0, self._longest / max(size)) * LEVELS[self.level][0]
        width, height = (max(LEAST, int(side * scale) & ~1) for side in size)
        return (width, height) if scale < 1 else size

    def making(self, pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Time how long pictures take to be made.

        Args:
            pictures: What makes them.
        """
        iterator = iter(pictures)
        while True:
            self._resumed = self._clock()
            picture = next(iterator, None)
            if picture is None:
                return
            yield picture

    def made(self, at: float) -> None:
        """Hear that a picture is encoded.

        Args:
            at: When it is shown (seconds of playing).
        """
        self._worked += self._clock() - self._resumed
        if self._since is None:
            self._since, self._worked = at, 0.0
        seconds = at - self._since
        if seconds < 1:
            return
        self._judge(self._worked / seconds)
        self._since, self._worked = at, 0.0

    def _judge(self, share: float) -> None:
        level = self.level
        self._calm = self._calm + 1 if share < FAST else 0
        if share > SLOW:
            level = min(level + 1, len(LEVELS) - 1)
        elif self._calm >= CALM:
            level, self._calm = max(level - 1, 0), 0
        if level != self.level:
            self.level = level
            self._skip(LEVELS[level][1])

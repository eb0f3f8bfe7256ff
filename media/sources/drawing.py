"""Live pictures that a function draws, each when it is due."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, told
from ..frames.frame import Kind
from .live_pictures import LivePictures, as_picture, check_fps, check_size
from .reader_threads import READERS
from .source import LiveSource, is_async
from .unit import Unit

Draw = Callable[[float], NDArray[np.uint8]]
"""Gets the seconds since the drawing began; returns a uint8 array of shape (height, width, 3)."""


class Drawing(LiveSource):
    """Pictures that a function draws while they are shown, for one call.

    The function runs in a thread, one picture ahead of the one that goes out. If it takes longer
    than a picture lasts, fewer pictures are shown; the seconds that it gets follow the clock.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"video"})

    def __init__(self, draw: Draw, width: int = 640, height: int = 480, fps: int = 15) -> None:
        """Name what draws. It is called first when a call plays the drawing.

        Args:
            draw: Called with the seconds since the drawing began; returns a uint8 array of shape
                (height, width, 3), red, green and blue.
            width: Of each picture, in pixels; even.
            height: Of each picture, in pixels; even.
            fps: Pictures per second, 1 to 60.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of range.
        """
        if not callable(draw):
            raise TypeError(f"draw is {type(draw).__name__}: give a function of the seconds")
        if is_async(draw):
            raise TypeError("draw is async, but runs in a thread: begin it with 'def'")
        check_size(width, height)
        check_fps(fps)
        self.draw = draw
        self.width = width
        self.height = height
        self.fps = fps
        self._reader: DrawingReader | None = None

    def __repr__(self) -> str:
        return f"<Drawing {self.width}x{self.height}, {self.fps} fps>"

    def open(self, kind: Kind, codec: str) -> "DrawingReader":
        """Begin to draw.

        Args:
            kind: "video".
            codec: The RTP encoding name.

        Raises:
            SourceError: It is played already, or was.
        """
        del kind
        if self._reader is not None:
            raise SourceError("A drawing is played once, in one call: make another Drawing.")
        self._reader = DrawingReader(self, codec)
        return self._reader


class DrawingReader:
    """The leg that shows a drawing."""

    skipped = 0

    def __init__(self, drawing: Drawing, codec: str) -> None:
        self._drawing = drawing
        self._job: asyncio.Future[Unit | None] | None = None
        self._loop = asyncio.get_running_loop()
        self._pictures = LivePictures(codec, drawing.fps)
        self._ready: Unit | None = None
        self._started: float | None = None
        self._next()

    @property
    def ended(self) -> bool:
        """Whether no more pictures come."""
        return self._pictures.failure is not None

    @property
    def failure(self) -> str | None:
        """Why no more pictures come."""
        return self._pictures.failure

    def read(self) -> Unit | None:
        """Return the next picture, when it is due; None if it is not drawn yet."""
        if self._started is None:
            self._started = self._loop.time()
        unit, self._ready = self._ready, None
        if self._job is None and not self.ended:
            self._next()
        return unit

    def request_keyframe(self) -> bool:
        """Let the next picture be one from which a decoder can start."""
        self._pictures.want_keyframe()
        return True

    def limit(self, bit_rate: int) -> None:
        """Keep to a bit rate, in bits per second."""
        self._pictures.bit_rate = bit_rate

    def close(self) -> None:
        """Draw no more. A picture that is being drawn is dropped."""
        self._pictures.failure = self._pictures.failure or "The drawing is not played any more."
        self._ready = None
        if self._job is not None:
            self._job.cancel()

    def _next(self) -> None:
        """Have the next picture drawn: the one that is due when this one has been shown."""
        seconds = 0.0
        if self._started is not None:
            seconds = self._loop.time() - self._started + 1 / self._drawing.fps
        try:
            self._job = READERS.run(partial(self._draw, seconds))
        except SourceError as error:
            self._pictures.failure = str(error)
            return
        self._job.add_done_callback(self._take)

    def _draw(self, seconds: float) -> Unit | None:
        drawing = self._drawing
        drawn: Any = drawing.draw(seconds)
        picture = as_picture(drawn)
        if (picture.width, picture.height) != (drawing.width, drawing.height):
            raise SourceError(
                f"it drew {picture.width}x{picture.height} in place of "
                f"{drawing.width}x{drawing.height}."
            )
        return self._pictures.encode(picture)

    def _take(self, job: "asyncio.Future[Unit | None]") -> None:
        self._job = None
        if job.cancelled():
            return
        error = job.exception()
        if error is None:
            self._ready = job.result()
        elif self._pictures.failure is None:
            self._pictures.failure = (
                f"{self._drawing!r} can't go on: {told(error, self._drawing.draw)}"
            )

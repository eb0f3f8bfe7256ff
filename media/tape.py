"""What of a recording runs on the writer's thread: the container and its file."""

import errno
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from . import matroska, ogg, wav
from .container import Container, DamagedError
from .frame import Direction, EncodedFrame
from .part_file import Finished, PartFile, stem

log = logging.getLogger(__name__)

Format = Literal["auto", "wav"]
Placed = tuple[Direction, EncodedFrame, float]
"""A frame, which way it went, and its time in the recording (seconds)."""

REPAIRS: dict[str, Callable[[int], float]] = {
    ".mkv": matroska.repair,
    ".mka": matroska.repair,
    ".ogg": ogg.repair,
    ".wav": wav.repair,
}
"""For each suffix, what makes a file whole that was not finished."""


class Tape:
    """Puts placed frames into a container, and the container's octets into a file.

    Used by one thread. Nothing raises: what goes wrong is told by `failure`, and what could be
    written until then is made whole.

    Args:
        folder: Where the file goes.
        name: What the file should be called; made safe here.
        started: When the recording began, in UTC.
        video: Whether video may come.
        format: "auto" for what fits the codecs, "wav" for decoded stereo.

    Attributes:
        failure: A sentence with a remedy: why there is no file, or not all of it. Or None.
        finished: The file that is whole, or None.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        started: datetime,
        *,
        video: bool,
        format: Format,  # noqa: A002 - what it is
    ) -> None:
        self.failure: str | None = None
        self.finished: Finished | None = None
        self._folder = folder
        self._stem = stem(name, started)
        self._started = started
        self._video = video
        self._format = format
        self._container: Container | None = None
        self._suffix = ""
        self._file: PartFile | None = None
        self._ended = False

    def record(self, frames: Sequence[Placed], now: float) -> None:
        """Write frames.

        Args:
            frames: What came since the last time, in order of arrival.
            now: The recording's time (seconds).
        """
        if self._ended or not (frames or self._container):
            return
        self._guard(lambda: self._record(frames, now))

    def finish(self) -> None:
        """Make the file whole and give it its name. Nothing happens when called again."""
        if self._ended:
            return
        self._guard(self._finish)

    def _guard(self, work: Callable[[], None]) -> None:
        """Do some work; when it fails, keep what is there and say why."""
        try:
            work()
        except OSError as error:
            self._give_up(_reason(error, self._folder))
        except Exception:
            log.exception("recording %s failed", self._stem)
            self._give_up("a fault of Callboard's own; report it with the traceback in the log")

    def _finish(self) -> None:
        if self._container is not None:
            self._write(self._container.finish())
        self._ended = True
        if self._file is not None and self._container is not None:
            self._publish(self._file, self._container.seconds)
        elif self.failure is None:
            self.failure = (
                "There is no recording: no audio and no video came that could be recorded; "
                "see the call's statistics for what was sent and received"
            )

    def _record(self, frames: Sequence[Placed], now: float) -> None:
        container = self._container or self._choose(frames[0][1])
        for direction, frame, seconds in frames:
            container.write(direction, frame, seconds)
        self.failure = self.failure or container.problem
        self._write(container.take(now))

    def _choose(self, first: EncodedFrame) -> Container:
        """Choose the container: Ogg takes Opus alone, Matroska takes everything."""
        container: Container
        if self._format == "wav":
            container, self._suffix = wav.Wav(), ".wav"
        elif self._video:
            container, self._suffix = matroska.Matroska(self._started), ".mkv"
        elif first.codec.upper() == "OPUS":
            container, self._suffix = ogg.Ogg(), ".ogg"
        else:
            container, self._suffix = matroska.Matroska(self._started), ".mka"
        self._container = container
        return container

    def _write(self, chunks: list[tuple[int, bytes]]) -> None:
        if chunks and self._file is None:
            self._file = PartFile(self._folder, self._stem, self._suffix)
        if self._file is not None:
            self._file.write(chunks)

    def _give_up(self, reason: str) -> None:
        """Write no more; keep what is there."""
        self._ended = True
        self.failure = f"There is no recording: {reason}"
        if self._file is None:
            return
        try:
            seconds = REPAIRS[self._suffix](self._file.file)
        except (DamagedError, OSError):  # nothing but a piece of a header fitted
            seconds = 0.0
        if seconds:
            self.failure = f"The recording stops after {seconds:.1f} s: {reason}"
            self._publish(self._file, seconds)
        else:
            self._file.remove()

    def _publish(self, file: PartFile, seconds: float) -> None:
        try:
            self.finished = file.publish(seconds)
        except OSError as error:
            self.failure = (
                f"The recording of {seconds:.1f} s is not finished: {_reason(error, self._folder)}"
            )


def _reason(error: OSError, folder: Path) -> str:
    """Say what went wrong and what to do about it."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            reason = f"the disk of {folder} is full, or a limit on file sizes is reached"
            remedy = "free some space, or let `recordings` name a folder on another disk"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            reason = f"{folder} can't be written to"
            remedy = (
                "give Callboard's user the right to write there, "
                "or let `recordings` name another folder"
            )
        case errno.ENOENT:
            reason = f"{folder} or the file in it was removed"
            remedy = "leave the folder alone while calls run"
        case errno.ENOTDIR | errno.EEXIST | errno.ELOOP | errno.ENAMETOOLONG:
            reason = f"{folder} is no folder, or none can be made there"
            remedy = "let `recordings` name a folder"
        case errno.EMFILE | errno.ENFILE:
            reason = "too many files are open"
            remedy = "raise the limit (`ulimit -n`)"
        case _:
            reason = f"{folder} can't be written to ({error.strerror or error})"
            remedy = "check the disk, or let `recordings` name another folder"
    return f"{reason}; {remedy}"

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


class _Output:
    """A container and the file that grows with it; the file is made with the first octets."""

    def __init__(self, container: Container, suffix: str) -> None:
        self.container = container
        self.suffix = suffix
        self.file: PartFile | None = None

    @property
    def final_suffix(self) -> str:
        """What the file turned out to be."""
        container = self.container
        is_audio = isinstance(container, matroska.Matroska) and not container.has_video
        return ".mka" if is_audio else self.suffix

    def discard(self) -> None:
        """Remove the file."""
        if self.file is not None:
            self.file.remove()
            self.file = None


class Tape:
    """Puts placed frames into containers, and the containers' octets into files, one in the end.

    While only Opus came and video may still come, there are two: Matroska, which can take video,
    and the stereo Ogg that the recording will be if none comes. So it can be finished, or be left
    by a kill, at every moment, and nothing has to be written anew at the end.

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
        base: Where the file goes, without suffix: a guess until the first octets are written, when
            a number may be added.
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
        self._outputs: list[_Output] = []
        self._ended = False
        self.base = folder / self._stem

    def record(self, frames: Sequence[Placed], now: float) -> None:
        """Write frames.

        Args:
            frames: What came since the last time, in order of arrival.
            now: The recording's time (seconds).
        """
        if self._ended or not (frames or self._outputs):
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
        for output in self._outputs:
            self._write(output, output.container.finish())
        self._ended = True
        kept = self._keep_one()
        if kept is not None:
            self._publish(kept, kept.container.seconds)
        elif self.failure is None:
            self.failure = (
                "There is no recording: no audio and no video came that could be recorded; "
                "see the call's statistics for what was sent and received"
            )

    def _record(self, frames: Sequence[Placed], now: float) -> None:
        if not self._outputs:
            self._outputs = self._choose(frames[0][1])
        for direction, frame, seconds in frames:
            if len(self._outputs) > 1 and frame.codec.upper() != "OPUS":
                self._outputs.pop().discard()
            for output in self._outputs:
                output.container.write(direction, frame, seconds)
        for output in self._outputs:
            self.failure = self.failure or output.container.problem
            self._write(output, output.container.take(now))

    def _choose(self, first: EncodedFrame) -> list[_Output]:
        """Choose the containers: Ogg takes Opus alone, Matroska takes everything."""
        if self._format == "wav":
            return [_Output(wav.Wav(), ".wav")]
        stereo = [_Output(ogg.Ogg(), ".ogg")] if first.codec.upper() == "OPUS" else []
        if stereo and not self._video:
            return stereo
        return [_Output(matroska.Matroska(self._started), ".mkv"), *stereo]

    def _write(self, output: _Output, chunks: list[tuple[int, bytes]]) -> None:
        if chunks and output.file is None:
            first = self._outputs[0].file
            others = [each.suffix for each in self._outputs if each is not output]
            output.file = (
                PartFile(self._folder, self._stem, output.suffix, others)
                if first is None
                else first.beside(output.suffix)
            )
            self.base = output.file.base
        if output.file is not None:
            output.file.write(chunks)

    def _keep_one(self) -> _Output | None:
        """Keep the last of the files, which is what the recording turned out to be."""
        written = [output for output in self._outputs if output.file is not None]
        for output in written[:-1]:
            output.discard()
        return written[-1] if written else None

    def _give_up(self, reason: str) -> None:
        """Write no more; keep what is there."""
        self._ended = True
        self.failure = f"There is no recording: {reason}"
        for output in reversed(self._outputs):
            if output.file is None:
                continue
            try:
                seconds = REPAIRS[output.suffix](output.file.file)
            except (DamagedError, OSError):  # nothing but a piece of a header fitted
                seconds = 0.0
            if seconds and self.finished is None:
                self.failure = f"The recording stops after {seconds:.1f} s: {reason}"
                self._publish(output, seconds)
            else:
                output.discard()

    def _publish(self, output: _Output, seconds: float) -> None:
        assert output.file is not None  # noqa: S101
        try:
            self.finished = output.file.publish(seconds, output.final_suffix)
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

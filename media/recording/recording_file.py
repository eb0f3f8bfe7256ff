"""The file of a recording and the container in it: what runs on the writer's thread."""

import errno
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from ..frames.frame import Direction, EncodedFrame, Kind
from ..frames.frame_batch import FrameBatch
from . import matroska, ogg, wav
from .container import Container, DamagedError, Directions
from .matroska_track import CODECS
from .part_file import FinishedRecording, PartFile

log = logging.getLogger(__name__)

Format = Literal["auto", "wav"]
Placed = tuple[Direction, EncodedFrame, float]
"""A frame, which way it went, and its time in the recording (seconds)."""

PlacedRun = tuple[Direction, EncodedFrame | FrameBatch, Sequence[float], bool]
"""A frame or several: which way they went, what they are, of each its time in the recording
(seconds; none if it is left out), and whether each comes 20 ms after the one before."""

REPAIRS: dict[str, Callable[[int], float]] = {
    ".mkv": matroska.repair,
    ".mka": matroska.repair,
    ".ogg": ogg.repair,
    ".wav": wav.repair,
}
"""For each suffix, what makes a file whole that was not finished."""


def expected_suffix(codecs: Mapping[Kind, str], format: Format) -> str:  # noqa: A002
    """Return the suffix of a recording of these codecs; "" if none are known yet.

    Args:
        codecs: What is to be recorded: the codec of each kind.
        format: "auto" or "wav".
    """
    if format == "wav":
        return ".wav"
    if "video" in codecs:
        return ".mkv"
    audio = codecs.get("audio")
    return "" if audio is None else ".ogg" if audio.upper() == "OPUS" else ".mka"


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


class RecordingFile:
    """Writes frames into a container and the container into a file.

    As long as only Opus has come and video may still come, it writes two files: a Matroska file,
    which can take video, and the Ogg file that is kept if there is none. So the recording
    can be finished or killed at any moment, and nothing is rewritten at the end.

    When an Ogg recording meets another codec, it continues in a Matroska file.

    Use it on one thread. No method raises: `failure` says what went wrong, and what was written
    before that is made a whole file.

    Args:
        base: The file's path without suffix.
        started: When the recording began, in UTC.
        directions: What is recorded.
        video: Whether video may come.
        format: "auto" for what fits the codecs, "wav" for decoded stereo.

    Attributes:
        failure: One sentence, with a remedy: why there is no file, or not all of it. None if all
            is well.
        files: The finished files.
        ended: Whether nothing more is written.
        base: The file's path without suffix. A number is added with the first octets if another
            process has taken it.
    """

    def __init__(
        self,
        base: Path,
        started: datetime,
        *,
        directions: Directions,
        video: bool,
        format: Format,  # noqa: A002 - what it is
    ) -> None:
        self.failure: str | None = None
        self.files: list[FinishedRecording] = []
        self.ended = False
        self._folder = base.parent
        self._stem = base.name
        self._started = started
        self._directions = directions
        self._video = video
        self._format = format
        self._outputs: list[_Output] = []
        self._offset = 0.0
        self.base = base

    def record(self, frames: Sequence[Placed], now: float) -> None:
        """Write frames.

        Args:
            frames: What came since the last time, in order of arrival.
            now: The recording's time (seconds).
        """
        if self.ended or not (frames or self._outputs):
            return
        self._guard(lambda: self._record(frames, now))

    def takes_run(self, direction: Direction, codec: str) -> bool:
        """Tell whether frames change nothing but that they are added: see `record_runs`.

        Args:
            direction: Which way they went.
            codec: The RTP encoding name.
        """
        if self.ended or not self._outputs:
            return False
        return all(each.container.takes_run(direction, codec) for each in self._outputs)

    def record_runs(self, runs: Sequence[PlacedRun], now: float) -> None:
        """Write frames, if `takes_run` says so of all.

        Args:
            runs: What came since the last time; those of a direction and kind in order.
            now: The recording's time (seconds).
        """
        if not self.ended:
            self._guard(lambda: self._record_runs(runs, now))

    def finish(self) -> None:
        """Make the file whole and give it its name. Nothing happens when called again."""
        if not self.ended:
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
        self._finish_file()
        self.ended = True
        if not self.files and self.failure is None:
            self.failure = (
                "There is no recording: no audio and no video came that could be recorded; "
                "see the call's statistics for what was sent and received"
            )

    def _finish_file(self) -> None:
        for output in self._outputs:
            self._write(output, output.container.finish())
        kept = self._keep_one()
        self._outputs = []
        if kept is not None:
            self._publish(kept, kept.container.seconds)

    def _record(self, frames: Sequence[Placed], now: float) -> None:
        for direction, frame, seconds in frames:
            if self._is_beyond_ogg(frame):
                self._finish_file()
                self._offset = seconds
            if not self._outputs:
                self._outputs = self._choose(frame)
            if len(self._outputs) > 1 and frame.codec.upper() != "OPUS":
                self._outputs.pop().discard()
            at = seconds - self._offset
            for output in self._outputs:
                output.container.write(direction, frame, at)
        self._write_due(now)

    def _record_runs(self, runs: Sequence[PlacedRun], now: float) -> None:
        offset = self._offset
        for output in self._outputs:
            container = output.container
            for direction, one, seconds, is_even in runs:
                if not seconds:
                    continue
                at = [each - offset for each in seconds] if offset else seconds
                if isinstance(one, EncodedFrame):
                    container.write(direction, one, at[0])
                else:
                    container.write_run(direction, one, at, is_even=is_even)
        self._write_due(now)

    def _write_due(self, now: float) -> None:
        for output in self._outputs:
            self.failure = self.failure or output.container.problem
            self._write(output, output.container.take(now - self._offset))

    def _is_beyond_ogg(self, frame: EncodedFrame) -> bool:
        """Tell whether there is nothing but an Ogg file, and a frame for a Matroska file."""
        codec = frame.codec.upper()
        if codec == "OPUS" or codec not in CODECS:
            return False
        return [each.suffix for each in self._outputs] == [".ogg"]

    def _choose(self, first: EncodedFrame) -> list[_Output]:
        """Choose the containers: Ogg takes Opus alone, Matroska takes everything."""
        if self._format == "wav":
            return [_Output(wav.Wav(self._directions), ".wav")]
        is_opus = first.codec.upper() == "OPUS"
        sound = [_Output(ogg.Ogg(self._directions), ".ogg")] if is_opus else []
        if sound and not self._video:
            return sound
        started = self._started + timedelta(seconds=self._offset)
        return [_Output(matroska.Matroska(started), ".mkv"), *sound]

    def _write(self, output: _Output, chunks: list[tuple[int, bytes]]) -> None:
        if output.file is not None:
            output.file.check()
        if chunks and output.file is None:
            first = self._outputs[0].file
            others = [each.suffix for each in self._outputs if each is not output]
            others += [each.path.suffix for each in self.files]
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
        self.ended = True
        self.failure = f"There is no recording: {reason}"
        if self.files:
            self.failure = f"The recording stops after {self._offset:.1f} s: {reason}"
        before = len(self.files)
        for output in reversed(self._outputs):
            if output.file is None:
                continue
            try:
                seconds = REPAIRS[output.suffix](output.file.file)
            except (DamagedError, OSError):  # nothing but a piece of a header fitted
                seconds = 0.0
            if seconds and len(self.files) == before and not output.file.is_gone:
                stops = self._offset + seconds
                self.failure = f"The recording stops after {stops:.1f} s: {reason}"
                self._publish(output, seconds)
            else:
                output.discard()

    def _publish(self, output: _Output, seconds: float) -> None:
        assert output.file is not None  # noqa: S101
        try:
            self.files.append(output.file.publish(seconds, output.final_suffix))
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

"""The recording of a call: what it sent and received, in one file."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from ..frames.frame import Direction, EncodedFrame, Kind
from ..frames.frame_batch import FrameBatch
from ..frames.picture_batch import PictureBatch
from ..frames.picture_size import picture_size
from ..frames.sound_batch import SoundBatch
from .container import BOTH, Directions
from .part_file import FinishedRecording
from .recording_file import Format, Placed, PlacedRun, RecordingFile
from .track_timeline import TrackTimeline, times_due
from .writer_thread import Writer

FLUSH = 0.5
"""Seconds after which frames that come one by one are in the file at the latest."""

LULL = 1.3
"""Seconds for which frames that are gathered before they come here may keep the recording waiting:
half a second more than they are gathered, for a loop that is held up.
Then what one direction has is written without the other's: before, that would leave a hole."""

LIMIT = 8 * 1024 * 1024
"""Octets of frames that may wait for a slow disk. More are left out, and `failure` says so."""

PATIENCE = 5.0
"""Seconds of video without a key frame after which `failure` says that it can't be recorded."""

ASK_EVERY = 1.0
"""Seconds between two requests for a key frame that a direction needs."""

OVERHEAD = 256
"""Octets that a waiting frame takes beside its data."""

Given = tuple[Direction, EncodedFrame | FrameBatch]
"""One frame or several, and whether we sent or received them."""

_BATCHES: dict[Kind, type[FrameBatch]] = {"audio": SoundBatch, "video": PictureBatch}


class Recording:
    """Records encoded frames without transcoding, and without file work on the loop.

    A call that has video at any time is recorded as Matroska (`.mkv`), with a track for each
    direction and kind, titled "sent" and "received", from the beginning of the call. Opus alone
    becomes `.ogg`, one stereo stream with us left and them right. PCMU and PCMA become `.mka`, with
    a track for each direction. "wav" is decoded to 16-bit stereo at 48 kHz, us left and them right,
    without video. One direction alone is recorded as mono.

    While the file grows it is called `….part`, and plays up to the last second whatever happens to
    the process. Pauses keep their length. If a codec that Ogg can't hold comes up during the call,
    the recording goes on in an `.mka`.

    Args:
        base: Where the file goes, without suffix: see `Writer.place`. The folder is made if
            missing.
        directions: What is recorded, sent before received. Other frames are left out.
        video: Whether video may come, also in mid-call. Audio is written at once in either case;
            until video has come, into two files, of which one stays (see `RecordingFile`). If
            False, video is left out.
        format: "auto" or "wav".
        writer: The thread that does the file work.
        started: The recording's beginning on the loop's clock (seconds); None for when the first
            frame was due.
        limit: Octets of frames that may wait for a slow disk.
        on_failure: Called on the loop when `failure` comes up, and when `ended` does.
        on_keyframe_needed: Called with a direction whose video can't be recorded before a key
            frame, and again each second while that is so: see that one comes.
    """

    def __init__(
        self,
        base: Path,
        *,
        directions: Directions = BOTH,
        video: bool,
        format: Format = "auto",  # noqa: A002 - what it is
        writer: Writer,
        started: float | None = None,
        limit: int = LIMIT,
        on_failure: Callable[[], None] = lambda: None,
        on_keyframe_needed: Callable[[Direction], None] = lambda _: None,
    ) -> None:
        self._writer = writer
        self._directions = directions
        self._video = video and format == "auto"
        self._file = RecordingFile(
            base, datetime.now(UTC), directions=directions, video=self._video, format=format
        )
        self._started = started
        self._limit = limit
        self._timelines: dict[tuple[Direction, Kind], TrackTimeline] = {}
        self._running: set[Direction] = set()
        self._waiting: dict[Direction, float] = {}
        self._asked: dict[Direction, float] = {}
        self._on_keyframe_needed = on_keyframe_needed
        self._missing: str | None = None
        self._on_failure = on_failure
        self._told: tuple[bool, bool] = (False, False)
        self._pending: list[Given] = []
        self._pending_size = 0
        self._submitted = 0
        self._written = 0
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[None] | None = None
        writer.adopt(self._file)

    @property
    def files(self) -> tuple[FinishedRecording, ...]:
        """The files that are whole."""
        return tuple(self._file.files)

    @property
    def ended(self) -> bool:
        """Whether nothing is written any more."""
        return self._file.ended

    @property
    def failure(self) -> str | None:
        """A sentence with a remedy: why there is no file, or not all of it; None if all is well."""
        if self._file.failure is None and self._left_out:
            return (
                f"{self._left_out} frames are missing in the recording: the disk was too slow; let "
                "`recordings` name a folder on a faster one, or record fewer calls at once"
            )
        return self._file.failure or self._missing

    @property
    def bases(self) -> tuple[Path, ...]:
        """Where its files go, without suffix."""
        whole = [finished.path.with_suffix("") for finished in self._file.files]
        return tuple(dict.fromkeys((*whole, self._file.base)))

    def write(self, direction: Direction, frame: EncodedFrame) -> None:
        """Take a frame. On the loop; nothing raises and nothing blocks.

        Args:
            direction: Whether we sent or received it.
            frame: The frame; those of a direction and kind come in order.
        """
        self._take(((direction, frame),))
        if self._timer is None and self._pending:
            self._timer = asyncio.get_running_loop().call_later(FLUSH, self._flush)

    def write_all(self, frames: Iterable[Given]) -> None:
        """Take frames as `write` does, and hand them to the writer now: for who gathers them.

        Args:
            frames: Those of a direction and kind in order.
        """
        self._take(frames)
        if self._pending:
            self._flush(LULL)

    def _take(self, frames: Iterable[Given]) -> None:
        if self._closing is not None:
            return
        for direction, one in frames:
            if direction not in self._directions or one.clock_rate <= 0:
                continue
            # To tell a batch by its class takes longer, as a sequence's is abstract.
            if not isinstance(one, EncodedFrame) and self._keep_all(direction, one):
                continue
            for frame in _frames(one):
                if not frame.data:
                    continue
                if frame.kind == "video" and not self._video_runs(direction, frame):
                    continue
                if not self._keep((direction, frame), len(frame.data) + OVERHEAD):
                    self._left_out += 1
                    self._running.clear()
                    self._look()

    def _keep_all(self, direction: Direction, frames: FrameBatch) -> bool:
        """Let frames wait for the writer together, if none of them is to be looked at."""
        runs = frames.kind == "audio" or (self._video and direction in self._running)
        size = frames.octets + OVERHEAD * len(frames)
        return runs and frames.is_whole and self._keep((direction, frames), size)

    def _keep(self, given: Given, size: int) -> bool:
        """Let frames wait for the writer, if there is room."""
        if size > self._limit - self._submitted + self._written - self._pending_size:
            return False
        self._pending.append(given)
        self._pending_size += size
        return True

    def miss(self, direction: Direction) -> None:
        """Take note that video comes of which nothing can be shown, as no key frame does.

        Args:
            direction: Whether we send or receive it.
        """
        if self._video and direction in self._directions and direction not in self._running:
            self._say_missing(f"{direction} video")

    async def close(self) -> FinishedRecording | None:
        """End the recording and wait until the file is whole.

        Returns:
            Where the last file is, how long and how large; None if there is none: see `failure`.
        """
        if self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.create_future()
            self._flush()
            if not self._writer.submit(lambda: self._finish(loop)):
                self._closing.set_result(None)
        await asyncio.shield(self._closing)
        return self._file.files[-1] if self._file.files else None

    def _video_runs(self, direction: Direction, frame: EncodedFrame) -> bool:
        """Say whether a video frame can be decoded after those that were written."""
        if not self._video:
            return False
        if direction not in self._running:
            if not frame.keyframe or picture_size(frame) is None:
                since = self._waiting.setdefault(direction, frame.arrival)
                if frame.arrival > since + PATIENCE:
                    self._say_missing(f"{direction} {frame.codec}")
                if frame.arrival >= self._asked.get(direction, -inf) + ASK_EVERY:
                    self._asked[direction] = frame.arrival
                    self._on_keyframe_needed(direction)
                return False
            self._running.add(direction)
            self._waiting.pop(direction, None)
        return True

    def _say_missing(self, what: str) -> None:
        if self._missing is None:
            self._missing = (
                f"The {what} is not in the recording, or not from its beginning: "
                "no key frame came from which it could be decoded"
            )
            self._look()

    def _look(self) -> None:
        """Tell what has gone wrong, unless that is known."""
        state = (self.failure is not None, self.ended)
        if state != self._told and self.failure is not None and self._closing is None:
            self._told = state
            self._on_failure()

    def _flush(self, again: float = FLUSH) -> None:
        """Hand what has come to the writer, and so many seconds after the last frame once more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, size = self._pending, self._pending_size
        self._pending, self._pending_size = [], 0
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._writer.submit(lambda: self._record(pending, now, size, loop)):
            self._submitted += size
        if pending and self._closing is None:
            self._timer = loop.call_later(again, self._flush)

    def _place_runs(self, pending: list[Given]) -> list[PlacedRun] | None:
        """Give frames their places where they come in batches, which stay together.

        Returns:
            None if something is to be looked at frame by frame.
        """
        if self._started is None or not pending:
            return None
        tracks: dict[tuple[Direction, Kind], list[EncodedFrame | FrameBatch]] = {}
        for direction, one in pending:
            tracks.setdefault((direction, one.kind), []).append(one)
        whole: dict[tuple[Direction, Kind], FrameBatch] = {}
        for track, some in tracks.items():
            frames = _track(some)
            if frames is None or not self._file.takes_run(track[0], some[0].codec):
                return None
            whole[track] = frames
        runs: dict[tuple[Direction, Kind], Iterator[PlacedRun]] = {}
        for track, frames in whole.items():
            timeline, even = self._timeline(track, self._started), None
            if isinstance(frames, SoundBatch) and frames.is_even:
                even = timeline.place_even(frames)
            if even is not None and len(tracks[track]) == 1:
                runs[track] = iter([(track[0], tracks[track][0], even, True)])
                continue
            places = timeline.place_all(frames) if even is None else even
            runs[track] = _runs(track[0], tracks[track], places, is_even=even is not None)
        return [next(runs[direction, one.kind]) for direction, one in pending]

    def _place(self, given: list[Given]) -> list[Placed]:
        """Give frames their places in the recording, in order of arrival."""
        pending = [(direction, frame) for direction, one in given for frame in _frames(one)]
        pending.sort(key=lambda one: one[1].arrival)
        tracks: dict[tuple[Direction, Kind], list[EncodedFrame]] = {}
        for direction, frame in pending:
            tracks.setdefault((direction, frame.kind), []).append(frame)
        if self._started is None:
            self._started = min(times_due(frames)[0] for frames in tracks.values())
        places = {
            track: iter(self._timeline(track, self._started).place_all(frames))
            for track, frames in tracks.items()
        }
        placed = ((*one, next(places[one[0], one[1].kind])) for one in pending)
        return [
            (direction, frame, seconds)
            for direction, frame, seconds in placed
            if seconds is not None
        ]

    def _timeline(self, track: tuple[Direction, Kind], started: float) -> TrackTimeline:
        timeline = self._timelines.get(track)
        if timeline is None:
            timeline = self._timelines[track] = TrackTimeline(started)
        return timeline

    def _record(
        self,
        pending: list[Given],
        now: float,
        size: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Place and write frames. On the writer's thread."""
        file = self._file
        before = (file.failure, file.ended)
        runs = self._place_runs(pending)
        frames = self._place(pending) if pending and runs is None else []
        if self._started is not None:
            if runs is None:
                file.record(frames, now - self._started)
            else:
                file.record_runs(runs, now - self._started)
        self._written += size
        if (file.failure, file.ended) != before:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._look)

    def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the file whole and tell the loop. On the writer's thread."""
        try:
            self._file.finish()
        finally:
            self._writer.release(self._file)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._finished)

    def _finished(self) -> None:
        if self._closing is not None and not self._closing.done():
            self._closing.set_result(None)


def _frames(one: EncodedFrame | FrameBatch) -> Iterable[EncodedFrame]:
    return (one,) if isinstance(one, EncodedFrame) else one


def _track(some: Sequence[EncodedFrame | FrameBatch]) -> FrameBatch | None:
    """Return what comes of a track; None if its order counts, or it is not of one codec."""
    frames = _BATCHES[some[0].kind].joined(some)
    return frames if frames is None or frames.is_in_order else None


def _runs(
    direction: Direction,
    some: Sequence[EncodedFrame | FrameBatch],
    places: Sequence[float | None],
    *,
    is_even: bool,
) -> Iterator[PlacedRun]:
    """Give each frame or batch of a track its part of the track's places."""
    at = 0
    for one in some:
        if isinstance(one, EncodedFrame):
            place = places[at]
            at += 1
            yield direction, one, () if place is None else (place,), is_even
            continue
        given = places[at : at + len(one)]
        at += len(one)
        seconds = [place for place in given if place is not None]
        if 0 < len(seconds) < len(one):
            kept = [frame for frame, place in zip(one, given, strict=True) if place is not None]
            yield direction, _BATCHES[one.kind].joined(kept) or one, seconds, False
        else:
            yield direction, one, seconds, is_even

"""The recordings of one call."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ...media import Direction, EncodedFrame, FinishedRecording, Recording, Writer
from ..context import Context
from ..messages.call import CallRef, KeyframeNeeded, RecordingFailed, RecordingPlaced
from ..messages.recorder import FinishRecording, Miss, RecorderMessage, RecorderRef, Write
from ..records.recording_outcome import Recorded
from ..runtime.actor import AsyncioActor, handles

log = logging.getLogger(__name__)

#: Seconds that the file of a recording may take to be finished.
DEADLINE = 10.0
#: Seconds of frames that a recorder is given at once: a message for each would cost more than it.
BATCH = 0.1


class Recorder(AsyncioActor[RecorderMessage]):
    """Owns one recording, so that what goes wrong with it stays away from the call.

    It muxes into memory on the loop; the files themselves belong to the writer's thread.

    Args:
        folder: where the recording goes.
        name: what its file name is made of, besides the time.
        video: whether a video may come.
        wav: audio as stereo WAV.
        writer: the thread that writes for all recordings.
        call: told where its files go and what goes wrong; None: nobody is.
        number: which of the call's recordings it is.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        video: bool,
        wav: bool,
        writer: Writer,
        call: CallRef | None,
        number: int = 0,
    ) -> None:
        super().__init__()
        self._call = call
        self._number = number
        self._bases: tuple[Path, ...] = ()
        self._recording = Recording(
            folder,
            name,
            video=video,
            format="wav" if wav else "auto",
            writer=writer,
            on_failure=self._failed,
            on_keyframe_needed=self._needs_keyframe,
        )
        self._recorded: tuple[Recorded, ...] | None = None

    def on_start(self) -> None:
        """Tell the call where the file goes."""
        self._tell_place()

    @handles(Write)
    def _write(self, message: Write) -> None:
        for direction, frame in message.frames:
            self._recording.write(direction, frame)
        self._tell_place()

    def _tell_place(self) -> None:
        if self._call is not None and self._recording.bases != self._bases:
            self._bases = self._recording.bases
            self._call.post(RecordingPlaced(self._number, tuple(map(str, self._bases))))

    def _failed(self) -> None:
        why, is_over = self._recording.failure, self._recording.ended
        if self._call is not None and why is not None:
            self._call.post(RecordingFailed(self._number, why, is_over))

    def _needs_keyframe(self, direction: Direction) -> None:
        if self._call is not None:
            self._call.post(KeyframeNeeded(direction))

    @handles(Miss)
    def _miss(self, message: Miss) -> None:
        self._recording.miss(message.direction)

    @handles(FinishRecording)
    async def _finish_files(self, _: FinishRecording) -> tuple[Recorded, ...]:
        return await self._close()

    async def on_end(self, error: BaseException | None) -> None:
        """Close the file, with what was recorded until then."""
        if error is not None and self._call is not None:
            why = f"the recording stopped by a fault of Callboard's own: {error!r}"
            self._call.post(RecordingFailed(self._number, why, is_over=True))
        await self._close()

    async def _close(self) -> tuple[Recorded, ...]:
        if self._recorded is None:
            words: str | None = None
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._recording.close()
            except TimeoutError:
                words = (
                    f"The disk did not take the rest within {DEADLINE:.0f} s: the next start "
                    f"finishes what there is of {self._recording.bases[-1]}."
                )
            *whole, last = self._recording.files or (None,)
            found = [(each, None) for each in whole] + [(last, words or self._recording.failure)]
            self._recorded = tuple(_recorded(finished, failure) for finished, failure in found)
        return self._recorded


def _recorded(finished: FinishedRecording | None, failure: str | None) -> Recorded:
    if finished is None:
        return Recorded.of(None, 0.0, 0, failure)
    return Recorded.of(str(finished.path), finished.seconds, finished.bytes, failure)


class _Take:
    """One recording of a call, as the call knows it.

    Attributes:
        recorder: its recorder.
        places: where its files go, without suffix.
        recorded: what became of it, once it has ended.
    """

    def __init__(self, recorder: RecorderRef) -> None:
        self.recorder = recorder
        self.places: tuple[str, ...] = ()
        self.recorded: tuple[Recorded, ...] | None = None


class Recorders:
    """A call's recordings, of which one goes on at a time.

    Args:
        context: where recordings go, and who writes them.
        name: what file names are made of, besides the time.
        call: told where files go and what goes wrong; None: nobody is.
    """

    def __init__(self, context: Context, name: str, call: CallRef | None = None) -> None:
        self._context = context
        self._call = call
        self._name = name
        self._frames: list[tuple[Direction, EncodedFrame]] = []
        self._takes: list[_Take] = []
        self._running: _Take | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """What became of each recording that has ended, in the order in which they began."""
        return tuple(each for take in self._takes for each in take.recorded or ())

    @property
    def so_far(self) -> tuple[Recorded, ...]:
        """The recordings that have ended, and the others by their names without suffix."""
        found: list[Recorded] = []
        for take in self._takes:
            going_on = (Recorded.of(place, 0.0, 0, None) for place in take.places)
            found += going_on if take.recorded is None else take.recorded
        return tuple(found)

    def start(self, *, video: bool, wav: bool) -> bool:
        """Start a recorder; False if one runs already."""
        if self._running is not None:
            return False
        recorder = Recorder.start(
            self._context.recordings,
            self._name,
            video=video,
            wav=wav,
            writer=self._context.writer,
            call=self._call,
            number=len(self._takes),
        )
        self._running = _Take(recorder)
        self._takes.append(self._running)
        return True

    def placed(self, number: int, places: tuple[str, ...]) -> None:
        """Take note of where the files of a recording go."""
        self._takes[number].places = places

    def write(self, direction: Direction, frame: EncodedFrame) -> None:
        """Give a frame to the recorder, if there is one."""
        if self._running is None:
            return
        self._frames.append((direction, frame))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH, self._give)

    def miss(self, direction: Direction) -> None:
        """Tell the recorder that nothing can be shown of the video that comes, if there is one."""
        if self._running is not None:
            self._running.recorder.post(Miss(direction))

    def stop(self, number: int | None = None) -> Coroutine[Any, Any, None]:
        """Stop the recording that goes on; another one may begin at once.

        Args:
            number: only if it is this one.

        Returns:
            What finishes its files.
        """
        if number is not None and self._running is not self._takes[number]:
            return self._finish([])
        self._give()
        take, self._running = self._running, None
        return self._finish([] if take is None else [take])

    async def finish(self) -> None:
        """Stop, and finish all files that are not yet."""
        self._give()
        self._running = None
        await self._finish([take for take in self._takes if take.recorded is None])

    async def _finish(self, takes: list[_Take]) -> None:
        await asyncio.gather(*(self._finish_one(take) for take in takes))

    async def _finish_one(self, take: _Take) -> None:
        try:
            recorded = await take.recorder.request(FinishRecording(), timeout=DEADLINE + 1)
        except Exception as error:
            if take.recorded is not None:
                return
            log.exception("a recorder failed")
            recorded = (Recorded.of(None, 0.0, 0, f"the recorder failed: {error!r}"),)
        take.recorded = recorded
        take.recorder.stop(block=False)

    def _give(self) -> None:
        """Give the recorder what has come since the last time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        frames, self._frames = self._frames, []
        if frames and self._running is not None:
            self._running.recorder.post(Write(tuple(frames)))

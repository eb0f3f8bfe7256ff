"""One recording of one call."""

import asyncio
import logging
from pathlib import Path

from ..media import Direction, EncodedFrame, Recording, Writer
from .context import Context, Ref
from .ending import Ending
from .messages.call import RecordingPlaced
from .messages.recorder import Finish, Recorded, Write
from .post import post
from .runtime import handles

log = logging.getLogger(__name__)

#: Seconds that the file of a recording may take to be finished.
DEADLINE = 10.0
#: Seconds of frames that a recorder is given at once: a message for each would cost more than it.
BATCH = 0.1


class Recorder(Ending):
    """Owns one open file, so that what goes wrong with it stays away from the call.

    It muxes into memory on the loop; the files themselves belong to the writer's thread.

    Args:
        folder: where the recording goes.
        name: what its file name is made of, besides the time.
        video: whether a video may come.
        wav: audio as stereo WAV.
        writer: the thread that writes for all recordings.
        call: told where the file goes; None: nobody is.
    """

    def __init__(
        self, folder: Path, name: str, *, video: bool, wav: bool, writer: Writer, call: Ref | None
    ) -> None:
        super().__init__()
        self._call = call
        self._base: Path | None = None
        self._recording = Recording(
            folder, name, video=video, format="wav" if wav else "auto", writer=writer
        )
        self._recorded: Recorded | None = None

    def on_start(self) -> None:
        """Tell the call where the file goes."""
        self._tell_place()

    @handles(Write)
    def _write(self, message: Write) -> None:
        for direction, frame in message.frames:
            self._recording.write(direction, frame)
        self._tell_place()

    def _tell_place(self) -> None:
        if self._call is not None and self._recording.base != self._base:
            self._base = self._recording.base
            post(self._call, RecordingPlaced(str(self._base)))

    @handles(Finish)
    async def _finish_file(self, _: Finish) -> Recorded:
        return await self._close()

    async def on_end(self, error: BaseException | None) -> None:
        """Close the file, with what was recorded until then."""
        await self._close()

    async def _close(self) -> Recorded:
        if self._recorded is None:
            done = await self._recording.close()
            self._recorded = Recorded.of(
                None if done is None else str(done.path),
                0.0 if done is None else done.seconds,
                0 if done is None else done.bytes,
                self._recording.failure,
            )
        return self._recorded


class Recorders:
    """A call's recorders: none, or one at a time.

    Args:
        context: where recordings go, and who writes them.
        name: what file names are made of, besides the time.
        call: told where files go; None: nobody is.

    Attributes:
        recorded: what became of each recording that has ended.
    """

    def __init__(self, context: Context, name: str, call: Ref | None = None) -> None:
        self._context = context
        self._call = call
        self._place: str | None = None
        self._name = name
        self._frames: list[tuple[Direction, EncodedFrame]] = []
        self._recorder: Ref | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.recorded: tuple[Recorded, ...] = ()

    def start(self, *, video: bool, wav: bool) -> bool:
        """Start a recorder; False if there is one already."""
        if self._recorder is not None:
            return False
        self._recorder = Recorder.start(
            self._context.recordings,
            self._name,
            video=video,
            wav=wav,
            writer=self._context.writer,
            call=self._call,
        )
        return True

    def placed(self, base: str) -> None:
        """Take note of where the file of the recording goes."""
        self._place = base

    @property
    def so_far(self) -> tuple[Recorded, ...]:
        """The recordings that have ended, and the one that goes on by its name without suffix."""
        if self._recorder is None or self._place is None:
            return self.recorded
        return (*self.recorded, Recorded.of(self._place, 0.0, 0, None))

    def write(self, direction: Direction, frame: EncodedFrame) -> None:
        """Give a frame to the recorder, if there is one."""
        if self._recorder is None:
            return
        self._frames.append((direction, frame))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH, self._give)

    async def finish(self) -> None:
        """Finish the recording, if there is one."""
        self._give()
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        try:
            recorded = await recorder.request(Finish(), timeout=DEADLINE)
        except asyncio.CancelledError:
            self._recorder = recorder  # whoever stops the call finishes it then
            raise
        except Exception as error:
            log.exception("a recorder failed")
            recorded = Recorded.of(None, 0.0, 0, f"the recorder failed: {error!r}")
        self.recorded = (*self.recorded, recorded)
        self._place = None
        recorder.stop(block=False)

    def _give(self) -> None:
        """Give the recorder what has come since the last time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        frames, self._frames = self._frames, []
        if frames and self._recorder is not None:
            post(self._recorder, Write(tuple(frames)))

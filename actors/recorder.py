"""One recording of one call."""

from pathlib import Path

from ..media import Recording, Writer
from .messages.recorder import Finish, Recorded, Write
from .runtime import AsyncioActor, handles


class Recorder(AsyncioActor):
    """Owns one open file, so that what goes wrong with it stays away from the call.

    It muxes into memory on the loop; the files themselves belong to the writer's thread.

    Args:
        folder: where the recording goes.
        name: what its file name is made of, besides the time.
        video: whether a video may come.
        wav: audio as stereo WAV.
        writer: the thread that writes for all recordings.
    """

    def __init__(self, folder: Path, name: str, *, video: bool, wav: bool, writer: Writer) -> None:
        super().__init__()
        self._recording = Recording(
            folder, name, video=video, format="wav" if wav else "auto", writer=writer
        )
        self._recorded: Recorded | None = None

    @handles(Write)
    def _write(self, message: Write) -> None:
        self._recording.write(message.direction, message.frame)

    @handles(Finish)
    async def _finish_file(self, _: Finish) -> Recorded:
        return await self._close()

    async def on_stop(self) -> None:
        """Close the file."""
        await self._close()

    async def on_failure(self, *_: object) -> None:
        """Keep what was recorded until then."""
        await self._close()

    async def _close(self) -> Recorded:
        if self._recorded is None:
            done = await self._recording.close()
            self._recorded = Recorded(
                None if done is None else str(done.path),
                0.0 if done is None else done.seconds,
                0 if done is None else done.bytes,
                self._recording.failure,
            )
        return self._recorded

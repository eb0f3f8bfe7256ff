"""The actor that owns one recording of a call."""

import asyncio
from pathlib import Path

from ...media import BOTH, Direction, Directions, FinishedRecording, Recording, Writer
from ..messages.call import CallRef, KeyframeNeeded, RecordingFailed, RecordingPlaced
from ..messages.recorder import Miss, RecorderMessage, Write
from ..records.recording_outcome import Recorded, RecordedDirection, RecordingOutcome
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture

#: Seconds that the file of a recording may take to be finished.
DEADLINE = 10.0


class Recorder(AsyncioActor[RecorderMessage]):
    """Owns one recording, so that what goes wrong with it stays away from the call.

    On the loop it only gathers frames; where they go in the file, and the file itself, are for the
    writer's thread. To end the recording, stop the actor.

    Args:
        base: where the recording goes, without suffix.
        outcome: settled with what became of it, at the actor's end at the latest.
        directions: what is recorded.
        video: whether a video may come.
        wav: audio as WAV.
        writer: the thread that writes for all recordings.
        call: told where its files go and what goes wrong; None: nobody is.
        number: which of the call's recordings it is.
    """

    def __init__(
        self,
        base: Path,
        outcome: AsyncioFuture[RecordingOutcome],
        *,
        directions: Directions,
        video: bool,
        wav: bool,
        writer: Writer,
        call: CallRef | None,
        number: int = 0,
    ) -> None:
        super().__init__()
        self._call = call
        self._number = number
        self._outcome = outcome
        self._direction = said(directions)
        self._recording = Recording(
            base,
            directions=directions,
            video=video,
            format="wav" if wav else "auto",
            writer=writer,
            on_failure=self._failed,
            on_keyframe_needed=self._needs_keyframe,
        )
        self._bases = self._recording.bases

    @handles(Write)
    def _write(self, message: Write) -> None:
        self._recording.write_all(message.frames)
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

    async def on_end(self, error: BaseException | None) -> None:
        """Close the file, with what was recorded until then, and say what became of it."""
        why: str | None = None
        if error is not None:
            why = f"The recording stopped by a fault of Callboard's own: {error!r}"
            if self._call is not None:
                self._call.post(RecordingFailed(self._number, why, is_over=True))
        settle(self._outcome, RecordingOutcome(await self._close(why)))

    async def _close(self, why: str | None) -> tuple[Recorded, ...]:
        try:
            async with asyncio.timeout(DEADLINE):
                await self._recording.close()
        except TimeoutError:
            why = (
                f"The disk did not take the rest within {DEADLINE:.0f} s: the next start "
                f"finishes what there is of {self._recording.bases[-1]}."
            )
        *whole, last = self._recording.files or (None,)
        why = why or self._recording.failure
        return (*(self._recorded(one, None) for one in whole), self._recorded(last, why))

    def _recorded(self, finished: FinishedRecording | None, failure: str | None) -> Recorded:
        if finished is None:
            return Recorded.of(None, 0.0, 0, failure, self._direction)
        path = str(finished.path)
        return Recorded.of(path, finished.seconds, finished.bytes, failure, self._direction)


def said(directions: Directions) -> RecordedDirection:
    """Return the word for what is recorded."""
    if directions == BOTH:
        return "both"
    return "sent" if directions == (Direction.SENT,) else "received"


def settle(future: AsyncioFuture[RecordingOutcome], outcome: RecordingOutcome) -> None:
    """Keep a promise, unless that is done."""
    if not future.done():
        future.set(outcome)

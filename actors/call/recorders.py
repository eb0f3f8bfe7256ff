"""The recorders of one call, and what they are given."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import floor
from pathlib import Path

from ...media import (
    BOTH,
    ConnectionMedia,
    Direction,
    Directions,
    EncodedFrame,
    FrameBatch,
    Kind,
    expected_suffix,
)
from ...media.loop_wide import LoopWide
from ..context import Context
from ..messages.call import CallRef, JoinedMedia, RecordingBegun
from ..messages.recorder import Miss, RecorderRef, Write
from ..records.recording_outcome import Recorded, RecordingOutcome
from ..runtime.future import AsyncioFuture
from .recorder import Recorder, said, settle

#: Seconds of frames that recorders are given at once, at most. It is what a kill can cost, which is
#: to be less than a second; what a recording takes of the processor goes by how many batches there
#: are more than by how many frames.
BATCH = 0.8
#: Seconds from one moment at which recorders are given frames to the next. All calls share these
#: moments, so that neither the loop nor the writer's thread wakes for each recording by itself.
MOMENT = 0.1
#: Calls that are served one after the other at a moment, and seconds until the next ones are: what
#: is sent in between must not wait for all.
TOGETHER, APART = 8, 0.01
TURNS = round(MOMENT / APART)
#: Seconds by which a moment is behind a tenth of a second, at which frames leave.
BEHIND = 0.001
#: Recordings of one call that may go on at the same time.
MOST = 16


class _Take:
    """One recording of a call, as the call knows it.

    Attributes:
        recorder: its recorder.
        directions: what is recorded.
        begun: what its bot is told.
        places: where its files go, without suffix.
    """

    __slots__ = ("begun", "directions", "places", "recorder")

    def __init__(
        self, recorder: RecorderRef, directions: Directions, begun: RecordingBegun, base: Path
    ) -> None:
        self.recorder = recorder
        self.directions = directions
        self.begun = begun
        self.places: tuple[str, ...] = (str(base),)

    @property
    def recorded(self) -> tuple[Recorded, ...] | None:
        """Its files, once it has ended."""
        return self.begun.ended.get().files if self.begun.ended.done() else None

    def give_up(self, why: str) -> None:
        """Say that there is no file, unless it has ended."""
        lost = Recorded.of(None, 0.0, 0, why, said(self.directions))
        settle(self.begun.ended, RecordingOutcome((lost,)))


class Moments(LoopWide):
    """Tells calls when their recorders are given frames."""

    def __init__(self) -> None:
        self._expected: dict[int, int] = {}

    def choose(self, now: float) -> float:
        """Choose the last moment within `BATCH` seconds that has a place.

        Args:
            now: in seconds of `loop.time()`.
        """
        latest = now + BATCH
        moment = floor(latest / MOMENT)
        due = self._place(moment)
        if due > latest + 1e-6:
            moment -= 1
            due = self._place(moment)
        for past in [each for each in self._expected if each < moment - 1]:
            del self._expected[past]
        self._expected[moment] = self._expected.get(moment, 0) + 1
        return due

    def _place(self, moment: int) -> float:
        turn = self._expected.get(moment, 0) // TOGETHER % TURNS
        return moment * MOMENT + BEHIND + turn * APART


class Recorders:
    """A call's recorders. Several may run at the same time; one timer serves them all.

    Args:
        context: where recordings go, and who writes them; or what a call gave to a room.
        name: what file names are made of, besides the time.
        call: told where files go and what goes wrong; None: nobody is.
    """

    def __init__(
        self, context: Context | JoinedMedia, name: str, call: CallRef | None = None
    ) -> None:
        self._context = context
        self._call = call
        self._name = name
        self._frames: list[tuple[Direction, EncodedFrame | FrameBatch]] = []
        self._takes: list[_Take] = []
        self._running: tuple[_Take, ...] = ()
        self._settle: Callable[[], None] = lambda: None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether anything is recorded now."""
        return bool(self._running)

    @property
    def begun(self) -> tuple[RecordingBegun, ...]:
        """All recordings, in the order in which they began."""
        return tuple(take.begun for take in self._takes)

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """What became of each recording that has ended, in the order in which they began."""
        return tuple(each for take in self._takes for each in take.recorded or ())

    @property
    def so_far(self) -> tuple[Recorded, ...]:
        """The recordings that have ended, and the others by their names without suffix."""
        found: list[Recorded] = []
        for take in self._takes:
            direction = said(take.directions)
            going_on = (Recorded.of(place, 0.0, 0, None, direction) for place in take.places)
            recorded = take.recorded
            found += going_on if recorded is None else recorded
        return tuple(found)

    def start(
        self,
        directions: Directions = BOTH,
        *,
        video: bool,
        wav: bool,
        codecs: Mapping[Kind, str] | None = None,
    ) -> RecordingBegun:
        """Start a recorder.

        Args:
            directions: what is recorded.
            video: whether video may come.
            wav: audio as WAV.
            codecs: what flows in these directions, as far as that is known.

        Raises:
            ValueError: too many run.
        """
        if len(self._running) >= MOST:
            raise ValueError(f"the call has {MOST} recordings at once already: stop one first")
        self._give()  # what came before this one is not for it
        base = self._context.writer.place(self._context.recordings, self._name)
        suffix = expected_suffix(codecs or {}, "wav" if wav else "auto")
        begun = RecordingBegun(len(self._takes), base.with_suffix(suffix), AsyncioFuture())
        recorder = Recorder.start(
            base,
            begun.ended,
            directions=directions,
            video=video,
            wav=wav,
            writer=self._context.writer,
            call=self._call,
            number=begun.number,
        )
        take = _Take(recorder, directions, begun, base)
        # A recorder that was killed could not say itself what became of it.
        recorder.ended.add_done_callback(lambda _: take.give_up("The recorder failed: see the log"))
        self._takes.append(take)
        self._running += (take,)
        return begun

    def listen(self, media: ConnectionMedia) -> None:
        """Take what a connection sends and receives.

        Args:
            media: The connection's.
        """
        media.add_patient_sink(self.write)
        self._settle = media.settle

    def placed(self, number: int, places: tuple[str, ...]) -> None:
        """Take note of where the files of a recording go."""
        self._takes[number].places = places

    def write(self, direction: Direction, frames: Sequence[EncodedFrame]) -> None:
        """Give frames to the recorders, if there are any."""
        if not self._running:
            return
        if isinstance(frames, FrameBatch):
            self._frames.append((direction, frames))
        else:
            self._frames += [(direction, frame) for frame in frames]
        if self._timer is None:
            self._wait()

    def miss(self, direction: Direction) -> None:
        """Tell the recorders that nothing can be shown of the video that comes."""
        for take in self._running:
            take.recorder.post(Miss(direction))

    def stop(self, number: int) -> None:
        """Stop a recording, if it goes on; its future is settled once the file is whole."""
        take = self._takes[number]
        if take in self._running:
            self._give()
            self._running = tuple(each for each in self._running if each is not take)
            if not self._running and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            take.recorder.stop(block=False)

    async def finish(self) -> None:
        """Stop all, and wait until the files are whole."""
        for take in self._running:
            self.stop(take.begun.number)
        for take in self._takes:
            await take.begun.ended

    def give_up(self) -> None:
        """Settle the recordings that could not be finished in time."""
        for take in self._takes:
            places = ", ".join(take.places)
            take.give_up(
                "The recording was not finished when its call ended: "
                f"the next start finishes what there is of {places}"
            )

    def _give(self) -> None:
        """Give the recorders what has come since the last time."""
        self._settle()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running:
            self._wait()
        if not self._frames:
            return
        frames, self._frames = tuple(self._frames), []
        for take in self._running:
            take.recorder.post(Write(frames))  # it takes what is of its directions

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(Moments.running().choose(loop.time()), self._give)

"""The recordings of a call, in whatever order they begin and end."""

import asyncio
import itertools
import shutil
from collections import Counter
from functools import cache
from heapq import heapify, heappop, heappush
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.actors.call.recorders import (
    BATCH,
    BEHIND,
    MOMENT,
    MOST,
    TOGETHER,
    TURNS,
    Moments,
    Recorders,
)
from callboard.actors.messages.call import (
    GetRecordings,
    Hangup,
    JingleReceived,
    KeyframeNeeded,
    Record,
    RecordingBegun,
    StopRecording,
)
from callboard.actors.runtime.tasks import Crash
from callboard.bots import Recording
from callboard.media import BOTH, Direction, Directions, Writer, inspect
from callboard.tests.actors.call.scene import PEER, Scene, connected
from callboard.tests.conftest import Run
from callboard.tests.media.calls import Timed, audio, in_order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("staged")

SENT, RECEIVED = Direction


@cache
def sound() -> list[Timed]:
    """A call's sound, made when it is needed."""
    return in_order(audio(SENT, 440), audio(RECEIVED, 1000))


@pytest.fixture(scope="module", autouse=True)
def _made() -> None:
    """Encode before a loop would have to wait for it."""
    sound()


class Studio:
    """A call that goes on, with a real writer; what happens to it is said in words."""

    def __init__(self, folder: Path, writer: Writer) -> None:
        self.scene = Scene(folder=folder, writer=writer)
        self.begun: list[RecordingBegun] = []
        self._frames = itertools.cycle(sound())

    @property
    def recorders(self) -> Recorders:
        """The call's own."""
        found: Recorders = self.scene.call._actor_weakref()._leg.recorders
        return found

    async def record(self, directions: Directions = BOTH, *, wav: bool = False) -> RecordingBegun:
        begun: RecordingBegun = await self.scene.call.ask(Record(directions, wav), block=False)
        self.begun.append(begun)
        return begun

    def plays(self, packets: int = 20) -> None:
        """Let sound be sent and received."""
        for direction, frame in itertools.islice(self._frames, packets):
            self.recorders.write(direction, (frame,))

    async def does(self, what: str, which: int) -> None:
        """Let something happen, to one of the recordings where it is about one."""
        match what:
            case "record" | "record wav":
                ways = (BOTH, (SENT,), (RECEIVED,))
                if sum(not one.ended.done() for one in self.begun) < MOST:
                    await self.record(ways[which % 3], wav=what == "record wav")
            case "plays":
                self.plays(which)
            case "disk fails":
                shutil.rmtree(self.scene.folder, ignore_errors=True)
            case _ if self.begun:
                number = which % len(self.begun)
                recorder = self.recorders._takes[number].recorder
                match what:
                    case "stop":
                        self.scene.call.tell(StopRecording(number))
                    case "stop and wait":
                        await Recording(self.scene.call, self.begun[number]).stop()
                    case "crash":
                        recorder.post(Crash(RuntimeError("a bug")))  # type: ignore[arg-type]
                    case "kill":
                        recorder.kill()

    def ends(self, how: str) -> None:
        """End the call."""
        match how:
            case "hangup":
                self.scene.call.tell(Hangup())
            case "stop":
                self.scene.call.stop(block=False)
            case "kill":
                self.scene.call.kill()
            case "crash":
                self.scene.call.tell(JingleReceived(PEER, "iq", None))  # type: ignore[arg-type]


HAPPENINGS = (
    "record", "record wav", "plays", "stop", "stop and wait", "crash", "kill", "disk fails"
)  # fmt: skip


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    happenings=st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 60)), max_size=12),
    end=st.sampled_from(["hangup", "stop", "kill", "crash"]),
)
def test_each_is_settled_and_in_the_record_whatever_happens(
    run: Run, happenings: list[tuple[str, int]], end: str
) -> None:
    async def main(folder: Path) -> None:
        with Writer() as writer:
            studio = Studio(folder / "recordings", writer)
            await connected(studio.scene)
            await studio.scene.settle()
            for what, which in happenings:
                await studio.does(what, which)
            studio.ends(end)
            await studio.scene.end()
            outcomes = [one.ended.get() for one in studio.begun if one.ended.done()]
            assert len(outcomes) == len(studio.begun)
            (record,) = studio.scene.records
            assert record.recordings == tuple(each for one in outcomes for each in one.files)
            for outcome in outcomes:
                assert outcome.path is not None or outcome.failure is not None
            if "disk fails" not in dict(happenings):
                paths = [path for one in outcomes for path in one.paths]
                assert len(set(paths)) == len(paths)
                for path in paths:
                    assert inspect(path).seconds > 0

    with TemporaryDirectory() as folder:
        run(lambda: main(Path(folder)))


def test_each_has_what_comes_while_it_goes_on_and_no_frame_more(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            studio = Studio(tmp_path, writer)
            await connected(studio.scene)
            await studio.scene.settle()
            whole = await studio.record(wav=True)
            studio.plays(40)
            ours = await studio.record((SENT,), wav=True)
            studio.plays(40)
            first = await Recording(studio.scene.call, whole).stop()
            studio.plays(40)
            second = await Recording(studio.scene.call, ours).stop()
            # 20 ms of each direction in turn: 80 packets are 0.8 s.
            assert [first.seconds, second.seconds] == pytest.approx([0.8, 0.8])
            assert first.path == whole.path
            assert second.path == ours.path
            assert [each.direction for each in first.files + second.files] == ["both", "sent"]
            assert await studio.scene.call.ask(GetRecordings(), block=False) == (whole, ours)
            studio.ends("hangup")
            await studio.scene.end()

    run(main)


def test_the_journal_has_each_under_its_own_name_before_the_first_frame(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        with Writer() as writer:
            studio = Studio(tmp_path, writer)
            await connected(studio.scene)
            await studio.scene.settle()
            begun = [await studio.record() for _ in range(3)]
            noted = studio.scene.logged[-1].record.recordings
            assert [Path(one.path or "") for one in noted] == [one.path for one in begun]
            assert len({one.path for one in begun}) == 3
            studio.ends("hangup")
            await studio.scene.end()

    run(main)


def test_a_call_has_so_many_at_once_and_no_more(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            studio = Studio(tmp_path, writer)
            await connected(studio.scene)
            await studio.scene.settle()
            for _ in range(MOST):
                await studio.record()
            with pytest.raises(ValueError, match="16 recordings at once already: stop one first"):
                await studio.record()
            await Recording(studio.scene.call, studio.begun[3]).stop()
            await studio.record()
            studio.ends("hangup")
            await studio.scene.end()

    run(main)


def test_a_recorder_that_crashes_leaves_its_file_and_says_why(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            studio = Studio(tmp_path, writer)
            await connected(studio.scene)
            await studio.scene.settle()
            begun = await studio.record(wav=True)
            studio.plays(40)
            studio.recorders._give()
            recorder = studio.recorders._takes[0].recorder
            recorder.post(Crash(RuntimeError("a bug")))  # type: ignore[arg-type]
            outcome = await begun.ended
            assert outcome.path is not None
            assert inspect(outcome.path).seconds == pytest.approx(0.4)
            assert "stopped by a fault of Callboard's own: RuntimeError" in str(outcome.failure)
            studio.ends("hangup")
            await studio.scene.end()
            (record,) = studio.scene.records
            assert record.recordings == outcome.files

    run(main)


def test_only_a_direction_that_is_recorded_is_asked_for_key_frames(
    run: Run, tmp_path: Path
) -> None:
    told: list[Any] = []

    async def main() -> None:
        with Writer() as writer:
            studio = Studio(tmp_path, writer)
            await connected(studio.scene)
            await studio.scene.settle()
            media = studio.scene.call._actor_weakref()._leg.connection
            told.append(len(media.done))
            await studio.record((SENT,))
            told.extend(media.done)
            studio.ends("hangup")
            await studio.scene.end()

    run(main)
    before = told.pop(0)
    assert [each for each in told[before:] if each != "settle"] == ["send_keyframe"]
    assert KeyframeNeeded(RECEIVED) not in told


def test_all_calls_share_the_moments_at_which_they_are_written(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with Writer() as writer:
            context: Any = SimpleNamespace(recordings=tmp_path, writer=writer)
            due = []
            for number in range(4):
                several = Recorders(context, f"call {number}")
                several.start(video=False, wav=False)
                direction, frame = sound()[0]
                several.write(direction, (frame,))
                assert several._timer is not None
                due.append(several._timer.when())
                assert due[-1] - loop.time() <= BATCH
                await several.finish()
                await asyncio.sleep(MOMENT / 10)
            assert [round((each - BEHIND) / MOMENT, 3) % 1 for each in due] == [0] * len(due)

    run(main, loop="asyncio")  # uvloop rounds to milliseconds


@given(
    st.lists(st.floats(0, 0.7), min_size=1, max_size=5 * TURNS * TOGETHER),
    st.lists(st.floats(0, 0.004), min_size=1, max_size=20),
)
def test_few_calls_are_written_at_one_time(begins: list[float], late: list[float]) -> None:
    moments = Moments()
    waiting = [(1000 + begun, number) for number, begun in enumerate(begins)]
    heapify(waiting)
    lateness = cycle(late)
    served: Counter[float] = Counter()
    for _ in range(6 * len(begins)):
        now, number = heappop(waiting)
        due = moments.choose(now)
        assert now < due <= now + BATCH + 1e-6
        served[round(due, 3)] += 1
        heappush(waiting, (due + next(lateness), number))
    # Who came to a moment from another one may find the places of those that stay.
    assert max(served.values()) <= 2 * TOGETHER
    assert all(at * 1000 % 10 == pytest.approx(1000 * BEHIND, abs=1e-3) for at in served)


def test_a_call_is_written_at_the_same_turn_again() -> None:
    moments, apart = Moments(), []
    due = [1000.0 + at / 1000 for at in range(5 * TOGETHER)]
    for _ in range(5):
        before, due = due, [moments.choose(now) for now in due]
        apart.append({round(then - now, 3) for now, then in zip(before, due, strict=True)})
    assert apart[2:] == [{BATCH}] * 3

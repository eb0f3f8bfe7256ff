"""What is recorded in batches gives the file that frame by frame gives, octet by octet."""

import asyncio
import random
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from callboard.media import (
    BOTH,
    Direction,
    Directions,
    EncodedFrame,
    FrameBatch,
    Recording,
    SoundBatch,
    Writer,
)
from callboard.media.compiled.part import is_on
from callboard.media.frames import opus_packet
from callboard.media.frames.codec import Unwrapper
from callboard.media.frames.packed_sound import PackedSound
from callboard.media.frames.picture_batch import PictureBatch
from callboard.media.recording import matroska, matroska_track, ogg, recording
from callboard.media.recording.ebml import elements
from callboard.media.recording.recording_file import RecordingFile
from callboard.media.recording.track_timeline import TrackTimeline
from callboard.tests.harness.virtual_time import VirtualTimeLoop
from callboard.tests.media.calls import film, tone
from hypothesis import given, settings
from hypothesis import strategies as st

SENT, RECEIVED = Direction
CUES = b"\x1c\x53\xbb\x6b"
ROUND = 0.5
"""Seconds of frames that are given at one time."""

RECORD = struct.Struct("=dIII4B")
"""`struct flow_record`"""

Together = Callable[[list[EncodedFrame]], FrameBatch]

Round = list[tuple[Direction, list[EncodedFrame]]]
"""What comes in such a time: runs of frames."""


def stream(chance: random.Random, unusual: float, seconds: float) -> Iterator[EncodedFrame]:
    """Make one direction's sound: gaps, late frames, bursts, jumps, other lengths, other codecs."""
    codec, clock, at = "opus", chance.randrange(1 << 31), chance.random() / 5
    stalls_until = 0.0
    while at < seconds:
        ptime, held = 20, 0.0
        if chance.random() < unusual:
            at += chance.choice((0.02, 0.1, 1.5, 4.0))
            clock += chance.choice((0, 960, 48_000, -960, 1 << 30))
            held = chance.choice((0.0, 0.05, 0.4))
            ptime = chance.choice((20, 10, 40, 60))
            stalls_until = at + chance.choice((0.0, 0.0, 0.7, 1.2))
        if chance.random() < unusual / 20:
            codec = chance.choice(("PCMU", "opus"))
        rate = 48_000 if codec == "opus" else 8000
        # No tone: long packets make long tables of segments.
        data = chance.choice(tone(440, 1, codec="opus", ptime=ptime) if ptime != 20 else PACKETS)
        if codec != "opus":
            data = bytes(160)
        arrival = max(at + held, stalls_until) + chance.random() / 100
        yield EncodedFrame("audio", codec, data, clock * rate // 48_000, rate, arrival, True)
        at += ptime / 1000
        clock += ptime * 48


PACKETS = [bytes((0xF8,)) + bytes((size & 255,)) * size for size in (0, 1, 80, 250, 251, 252, 1275)]


FILMS = {codec: film(8, codec=codec) for codec in ("VP8", "H264")}


def pictures(
    chance: random.Random, unusual: float, begin: float, seconds: float
) -> Iterator[EncodedFrame]:
    """Make one direction's pictures, from a moment on: with gaps, jumps, floods and empty ones."""
    codec, clock, at = chance.choice(("VP8", "H264")), chance.randrange(1 << 31), begin
    for number in range(int((seconds - begin) * 15)):
        data, key = FILMS[codec][number]
        if chance.random() < unusual:
            at += chance.choice((-0.3, 0.0, 0.2, 1.5))
            clock += chance.choice((0, 9000, -9000, 1 << 30))
            data = chance.choice((b"", data))
        if chance.random() < unusual / 20:
            codec = chance.choice(("VP8", "H264"))
        if at >= begin:
            yield EncodedFrame("video", codec, data, clock, 90_000, at, key)
        at += (1 + chance.random() / 50) / 15
        clock += 6000


def parted(chance: random.Random, due: list[EncodedFrame]) -> Iterator[list[EncodedFrame]]:
    """Part frames into runs of one codec."""
    while due:
        many = min(len(due), chance.choice((1, 3, 30)))
        many = next((at for at in range(many) if due[at].codec != due[0].codec), many)
        yield due[:many]
        due = due[many:]


def rounds(
    chance: random.Random, unusual: float, seconds: float, *, video: bool = False
) -> list[Round]:
    """Make a call as it is gathered: sound in runs, each of one direction and codec."""
    found: list[Round] = []
    streams = [(way, list(stream(chance, unusual, seconds))) for way in BOTH]
    for number in range(int(seconds / ROUND) + 2):
        runs: Round = []
        for way, frames in streams:
            due = [one for one in frames if number <= one.arrival / ROUND < number + 1]
            runs += [(way, run) for run in parted(chance, due)]
        found.append(runs)
    for way in BOTH if video else ():
        seen = list(pictures(chance, unusual, chance.choice((0.1, 3.3)), seconds))
        for number, runs in enumerate(found):
            due = [one for one in seen if number <= one.arrival / ROUND < number + 1]
            runs += [(way, run) for run in parted(chance, due)]
    return found


def pack(frames: list[EncodedFrame]) -> FrameBatch:
    """Put frames together; sound as C does."""
    if frames[0].kind == "video":
        return batch(frames)

    def unwrap(timestamps: list[int]) -> list[int]:
        return [frames[0].timestamp + each for each in Unwrapper().map_all(timestamps)]

    records = b"".join(
        RECORD.pack(one.arrival, one.timestamp & 0xFFFFFFFF, len(one.data), 1, 0, 1, 0, 0)
        + one.data
        for one in frames
    )
    return PackedSound(frames[0].codec, frames[0].clock_rate, records, unwrap)


def batch(frames: list[EncodedFrame]) -> FrameBatch:
    """Put frames together."""
    columns = (
        frames[0].codec,
        frames[0].clock_rate,
        [one.data for one in frames],
        [one.timestamp for one in frames],
        [one.arrival for one in frames],
    )
    if frames[0].kind == "audio":
        return SoundBatch(*columns)
    return PictureBatch(*columns, [one.keyframe for one in frames])


def recorded(
    folder: Path,
    call: list[Round],
    directions: Directions,
    *,
    video: bool,
    together: Together | None,
) -> list[tuple[str, bytes]]:
    """Record a call; give its files."""

    async def main() -> list[tuple[str, bytes]]:
        with Writer() as writer:
            one = Recording(folder / "call", directions=directions, video=video, writer=writer)
            for number, runs in enumerate(call, 1):
                await asyncio.sleep(ROUND * number - asyncio.get_running_loop().time())
                one.write_all(
                    [(way, together(run)) for way, run in runs]
                    if together
                    else [(way, frame) for way, run in runs for frame in run]
                )
            await one.close()
            return [(each.path.suffix, each.path.read_bytes()) for each in one.files]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(main())
    for each in folder.iterdir():
        each.unlink()
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count writes of batches; let no file differ by its time or by chance."""
    counted = [0]
    record_runs = RecordingFile.record_runs

    def counting(file: RecordingFile, *arguments: object) -> None:
        counted[0] += 1
        record_runs(file, *arguments)  # type: ignore[arg-type]

    now = datetime(2026, 11, 30, tzinfo=UTC)
    monkeypatch.setattr(RecordingFile, "record_runs", counting)
    monkeypatch.setattr(recording, "datetime", SimpleNamespace(now=lambda _: now))
    monkeypatch.setattr(matroska_track, "secrets", SimpleNamespace(randbits=lambda _: 1))
    return counted


def frame_by_frame(patch: pytest.MonkeyPatch) -> None:
    """Let nothing be done for several frames at one time."""
    patch.setattr(RecordingFile, "takes_run", lambda *_: False)
    patch.setattr(TrackTimeline, "place_even", lambda *_: None)
    patch.setattr(TrackTimeline, "_place_steady", lambda *_: None)
    patch.setattr(SoundBatch, "are_one_frame", False)
    patch.setattr(
        ogg, "delimited_frames", lambda packets: list(map(opus_packet.delimited, packets))
    )


def test_batches_and_frames_give_the_same_file(tmp_path: Path, quick: list[int]) -> None:
    @settings(deadline=None, max_examples=60)
    @given(
        st.integers(0, 1 << 32).map(random.Random),
        st.sampled_from([0.0, 0.002, 0.02, 0.1]),
        st.sampled_from([BOTH, BOTH, (SENT,), (RECEIVED,)]),
        st.booleans(),
        st.booleans(),
    )
    def same(
        chance: random.Random, unusual: float, directions: Directions, video: bool, seen: bool
    ) -> None:
        call = rounds(chance, unusual, 8, video=seen)
        ours = recorded(tmp_path, call, directions, video=video, together=batch)
        alone = recorded(tmp_path, call, directions, video=video, together=None)
        if is_on():
            packed = recorded(tmp_path, call, directions, video=video, together=pack)
            assert packed == alone
        with pytest.MonkeyPatch.context() as patch:
            frame_by_frame(patch)
            before = quick[0]
            theirs = recorded(tmp_path, call, directions, video=video, together=batch)
            assert quick[0] == before
        assert ours == alone == theirs
        assert ours

    same()
    assert quick[0] > 0


@pytest.mark.parametrize("video", [False, True])
@pytest.mark.parametrize("seen", [False, True])
def test_usual_frames_are_recorded_in_batches(
    tmp_path: Path, quick: list[int], video: bool, seen: bool
) -> None:
    call = rounds(random.Random(2), 0.0, 8, video=seen)
    recorded(tmp_path, call, BOTH, video=video, together=batch)
    # The first rounds say what comes.
    assert quick[0] >= len([runs for runs in call if runs]) - 2


def test_times_in_a_matroska_file_never_repeat() -> None:
    frames = [
        EncodedFrame("audio", "opus", PACKETS[3], 960 * number, 48_000, 0.02 * number, True)
        for number in range(8)
    ]
    seconds = [0.0, 0.02, 0.0202, 0.0204, 0.04, 0.06, 0.0601, 0.0602]
    started = datetime(2026, 11, 30, tzinfo=UTC)
    together, alone = matroska.Matroska(started), matroska.Matroska(started)
    for one in (together, alone):
        one.write(SENT, frames[0], seconds[0])
    together.write_run(SENT, batch(frames[1:]), seconds[1:], is_even=False)
    for frame, at in zip(frames[1:], seconds[1:], strict=True):
        alone.write(SENT, frame, at)
    (_, (_, ours)), (_, (_, theirs)) = together.take(1.0), alone.take(1.0)
    assert ours == theirs


def test_a_player_may_start_at_each_picture_that_allows_it(tmp_path: Path) -> None:
    call = rounds(random.Random(2), 0.0, 8, video=True)
    ((suffix, data),) = recorded(tmp_path, call, BOTH, video=True, together=batch)
    assert suffix == ".mkv"
    frames = [one for runs in call for _, run in runs for one in run]
    pictures = [one for one in frames if one.kind == "video" and one.keyframe]
    sounds = 2 * 2  # of each side one at the beginning, and one after five seconds
    file = tmp_path / "kept"
    file.write_bytes(data)
    with file.open("rb") as opened:
        (cues,) = elements(opened.fileno(), data.rindex(CUES), len(data))
        points = list(elements(opened.fileno(), cues.start, cues.end))
    assert len(points) == len(pictures) + sounds

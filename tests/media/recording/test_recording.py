"""Recordings of real encoded calls, as a player finds them."""

import asyncio
import stat
import threading
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.media import Direction, EncodedFrame, FinishedRecording, Recording, Writer, inspect
from callboard.tests.harness.virtual_time import VirtualTimeLoop
from callboard.tests.media.calls import (
    CLOCK,
    Timed,
    at,
    audio,
    both,
    feed,
    in_order,
    pitch,
    samples,
    video,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SENT, RECEIVED = Direction


def record(
    folder: Path,
    frames: list[Timed],
    *,
    video: bool = False,
    wav: bool = False,
    limit: int = 2**23,
    started: float | None = CLOCK,
) -> tuple[FinishedRecording | None, str | None]:
    """Record a call, and return the file and what went wrong."""

    async def main() -> tuple[FinishedRecording | None, str | None]:
        with Writer() as writer:
            recording = Recording(
                writer.place(folder, "Alice@example.org → desk"),
                video=video,
                format="wav" if wav else "auto",
                writer=writer,
                started=started,
                limit=limit,
            )
            feed(recording, frames)
            return await recording.close(), recording.failure

    return asyncio.run(main())


def whole(
    folder: Path, frames: list[Timed], *, video: bool = False, wav: bool = False
) -> FinishedRecording:
    """Record a call that leaves nothing to complain about."""
    finished, failure = record(folder, frames, video=video, wav=wav)
    assert failure is None
    assert finished is not None
    return finished


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_player_finds_both_directions_of_audio_and_video(tmp_path: Path, codec: str) -> None:
    finished = whole(tmp_path, both(codec=codec), video=True)
    assert finished.path.suffix == ".mkv"
    assert finished.seconds == pytest.approx(5, abs=0.1)
    assert finished.bytes == finished.path.stat().st_size
    found = inspect(finished.path)
    assert found.declared == pytest.approx(5, abs=0.1)
    for direction in Direction:
        assert found.has("audio", direction)
        assert found.has("video", direction)
    for track in found.tracks:
        assert track.frames == (75 if track.kind == "video" else 250)
        assert track.size == ((160, 120) if track.kind == "video" else None)
    titles = [track.title for track in found.tracks if track.kind == "audio"]
    assert pitch(samples(finished.path, titles.index("sent"))[0]) == pytest.approx(440, abs=2)
    assert pitch(samples(finished.path, titles.index("received"))[0]) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("wav", [False, True])
def test_audio_alone_has_us_on_the_left_and_them_on_the_right(tmp_path: Path, wav: bool) -> None:
    theirs = audio(RECEIVED, 1000, 3, start=2)
    finished = whole(tmp_path, in_order(audio(SENT, 440), theirs), wav=wav)
    assert finished.path.suffix == (".wav" if wav else ".ogg")
    assert finished.seconds == pytest.approx(5, abs=0.1)
    assert inspect(finished.path).tracks[0].directions == (SENT, RECEIVED)
    left, right = samples(finished.path)
    assert pitch(left) == pytest.approx(440, abs=2)
    assert pitch(right[100_000:]) == pytest.approx(1000, abs=2)
    assert np.abs(right[:94_000]).max() < 0.01
    assert np.abs(right[100_000:]).max() > 0.2


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("wav", [False, True])
def test_g711_is_recorded(tmp_path: Path, codec: str, wav: bool) -> None:
    frames = in_order(audio(SENT, 440, 3, codec=codec), audio(RECEIVED, 1000, 3, codec=codec))
    finished = whole(tmp_path, frames, wav=wav)
    assert finished.path.suffix == (".wav" if wav else ".mka")
    assert finished.seconds == pytest.approx(3, abs=0.1)
    found = inspect(finished.path)
    assert found.has("audio", SENT)
    assert found.has("audio", RECEIVED)
    ours, theirs = (
        samples(finished.path)
        if wav
        else (samples(finished.path, 1)[0], samples(finished.path, 0)[0])
    )
    assert pitch(ours) == pytest.approx(440, abs=2)
    assert pitch(theirs) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("ptime", [10, 40, 60])
def test_opus_packets_of_any_length_fit_into_ogg(tmp_path: Path, ptime: int) -> None:
    frames = in_order(audio(SENT, 440), audio(RECEIVED, 1000, 4.8, ptime=ptime))
    finished = whole(tmp_path, frames)
    left, right = samples(finished.path)
    assert pitch(left) == pytest.approx(440, abs=2)
    assert pitch(right[10_000:220_000]) == pytest.approx(1000, abs=2)
    loud = np.abs(right[10_000:220_000]).reshape(-1, 1000).max(axis=1)
    assert loud.min() > 0.15


@pytest.mark.parametrize("wav", [False, True])
def test_a_hold_is_time_passing(tmp_path: Path, wav: bool) -> None:
    frames = in_order(
        audio(SENT, 440, 1),
        audio(SENT, 440, 1, start=21),
        audio(RECEIVED, 1000, 1, start=21),
    )
    finished = whole(tmp_path, frames, wav=wav)
    assert finished.seconds == pytest.approx(22, abs=0.1)
    left, right = samples(finished.path)
    assert np.abs(left[60_000:1_000_000]).max() < 0.01
    assert pitch(left[1_010_000:1_050_000]) == pytest.approx(440, abs=5)
    assert pitch(right[1_010_000:1_050_000]) == pytest.approx(1000, abs=5)


@pytest.mark.parametrize("wav", [False, True])
def test_lost_packets_are_silence_in_their_place(tmp_path: Path, wav: bool) -> None:
    ours = [timed for number, timed in enumerate(audio(SENT, 440)) if number % 50 not in {7, 8, 9}]
    finished = whole(tmp_path, in_order(ours, audio(RECEIVED, 1000)), wav=wav)
    left, right = samples(finished.path)
    for second in range(5):
        middle = slice(second * 48000 + 8 * 960 - 100, second * 48000 + 9 * 960 - 500)
        assert np.abs(left[middle]).max() < 0.02
        assert np.abs(right[middle]).max() > 0.2


@pytest.mark.parametrize("wav", [False, True])
@pytest.mark.parametrize(
    ("begin", "until"), [(0, 0.3), (0, 0.9), (2, 2.5), (2, 3.5)], ids=lambda second: f"{second}s"
)
def test_nothing_is_left_out_of_what_comes_in_a_burst(
    tmp_path: Path, begin: float, until: float, wav: bool
) -> None:
    """The network or a busy machine held it up: it has its own time, not that of its arrival."""
    held = [
        (way, frame._replace(arrival=max(frame.arrival, CLOCK + until)))
        if frame.arrival >= CLOCK + begin
        else (way, frame)
        for way, frame in audio(RECEIVED, 1000)
    ]
    finished = whole(tmp_path, in_order(audio(SENT, 440), held), wav=wav)
    assert finished.seconds == pytest.approx(5, abs=0.1)
    for side in samples(finished.path):
        levels = np.sqrt((side[4800:235200].reshape(-1, 960) ** 2).mean(axis=1))
        assert levels.min() > 0.8 * levels.max()


def test_a_recording_begins_when_its_late_first_frame_was_due(tmp_path: Path) -> None:
    held = [
        (way, frame._replace(arrival=max(frame.arrival, CLOCK + 0.5)))
        for way, frame in audio(RECEIVED, 1000, 2)
    ]
    finished, failure = record(tmp_path, held, started=None)
    assert failure is None
    assert finished is not None
    assert finished.seconds == pytest.approx(2, abs=0.1)


def test_paused_video_holds_nothing_back(tmp_path: Path) -> None:
    seen = [(way, frame) for way, frame in video(SENT) if not 1 < frame.arrival - CLOCK < 4]
    finished = whole(tmp_path, in_order(audio(SENT, 440), seen), video=True)
    with av.open(str(finished.path)) as container:
        times = [packet.pts for packet in container.demux() if packet.pts is not None]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 40
    found = inspect(finished.path)
    assert [track.seconds for track in found.tracks] == pytest.approx([4.93, 5], abs=0.05)


def test_video_that_was_negotiated_but_never_comes_costs_nothing(tmp_path: Path) -> None:
    finished = whole(tmp_path, audio(SENT, 440), video=True)
    assert [track.kind for track in inspect(finished.path).tracks] == ["audio"]


def test_video_begins_at_a_key_frame(tmp_path: Path) -> None:
    frames = video(RECEIVED)
    asked: list[Direction] = []

    async def main() -> None:
        with Writer() as writer:
            recording = Recording(
                writer.place(tmp_path, "late"),
                video=True,
                writer=writer,
                started=CLOCK,
                on_keyframe_needed=asked.append,
            )
            feed(recording, frames[1:14])
            assert asked == [RECEIVED]
            feed(recording, frames[31:44])  # nothing of which can be shown either
            assert asked == [RECEIVED] * 2
            feed(recording, frames[45:])
            assert asked == [RECEIVED] * 2
            assert recording.failure is None
            finished = await recording.close()
        assert finished is not None
        assert inspect(finished.path).tracks[0].frames == 30

    asyncio.run(main())


def test_video_of_which_nothing_can_be_shown_is_said_to_be_missing(tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            recording = Recording(
                writer.place(tmp_path, "blind"), video=True, writer=writer, started=CLOCK
            )
            feed(recording, audio(SENT, 440, 1))
            assert recording.failure is None
            recording.miss(RECEIVED)
            assert "The received video is not in the recording" in str(recording.failure)
            assert await recording.close() is not None

    asyncio.run(main())


def test_a_picture_may_change_its_size(tmp_path: Path) -> None:
    frames = [*video(SENT, 2), *video(SENT, 2, size=(320, 240), start=2)]
    found = inspect(whole(tmp_path, frames, video=True).path)
    assert found.tracks[0].frames == 60
    assert found.tracks[0].size == (320, 240)


def test_a_codec_may_change_in_mid_call(tmp_path: Path) -> None:
    frames = [*audio(SENT, 440, 2), *audio(SENT, 440, 2, codec="PCMU", start=2)]
    found = inspect(whole(tmp_path, frames, video=True).path)
    assert [(track.codec, track.frames) for track in found.tracks] == [
        ("opus", 100),
        ("pcm_mulaw", 100),
    ]


def test_a_finished_file_can_be_sought(tmp_path: Path) -> None:
    finished = whole(tmp_path, both(), video=True)
    with av.open(str(finished.path)) as container:
        stream = container.streams.video[0]
        container.seek(3000, stream=stream)
        packet = next(packet for packet in container.demux(stream) if packet.pts is not None)
        assert packet.is_keyframe
        assert packet.pts == pytest.approx(3000, abs=20)


def test_names_are_ours_and_files_are_private(tmp_path: Path) -> None:
    async def main() -> list[FinishedRecording | None]:
        with Writer() as writer:
            calls = [
                Recording(
                    writer.place(tmp_path, "../../etc/Bob@x/ü"),
                    video=False,
                    writer=writer,
                    started=CLOCK,
                )
                for _ in range(3)
            ]
            for call in calls:
                feed(call, audio(SENT, 440, 1))
            return [await call.close() for call in calls]

    paths = {finished.path for finished in asyncio.run(main()) if finished}
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path}
    for path in paths:
        assert set(path.stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert "etc-bob-x" in path.stem
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_long_names_are_cut(tmp_path: Path) -> None:
    async def main() -> FinishedRecording | None:
        with Writer() as writer:
            recording = Recording(writer.place(tmp_path, "x" * 5000), video=False, writer=writer)
            feed(recording, audio(SENT, 440, 1))
            return await recording.close()

    finished = asyncio.run(main())
    assert finished is not None
    assert len(finished.path.name + ".part") <= 80


def test_what_a_slow_disk_cannot_take_is_left_out_and_said(tmp_path: Path) -> None:
    frames = both(3)

    async def main() -> None:
        released = threading.Event()
        with Writer() as writer:
            writer.submit(released.wait)
            recording = Recording(
                writer.place(tmp_path, "slow"), video=True, writer=writer, limit=50_000
            )
            feed(recording, frames)
            failure = recording.failure
            released.set()
            finished = await recording.close()
        assert failure is not None
        assert "frames are missing" in failure
        assert finished is not None
        assert 0 < inspect(finished.path).seconds < 3

    asyncio.run(main())


def test_a_call_without_media_has_no_file(tmp_path: Path) -> None:
    finished, failure = record(tmp_path, [])
    assert finished is None
    assert failure is not None
    assert "no audio and no video" in failure
    assert not list(tmp_path.iterdir())


def test_closing_the_writer_finishes_what_nobody_closed(tmp_path: Path) -> None:
    frames = audio(SENT, 440)

    async def main() -> None:
        writer = Writer()
        recording = Recording(
            writer.place(tmp_path, "forgotten"), video=False, writer=writer, started=CLOCK
        )
        feed(recording, frames)
        recording._flush()
        await asyncio.to_thread(writer.close)
        recording.write(*frames[0])
        assert await recording.close() is not None

    asyncio.run(main())
    (path,) = tmp_path.iterdir()
    assert inspect(path).seconds == pytest.approx(5, abs=0.1)


def test_frames_reach_the_file_while_the_call_runs(tmp_path: Path) -> None:
    frames = audio(SENT, 440)

    async def main() -> None:
        with Writer() as writer:
            loop = asyncio.get_running_loop()
            recording = Recording(writer.place(tmp_path, "running"), video=True, writer=writer)
            feed(recording, at(loop.time(), frames))
            recording._flush()
            flushed = asyncio.Event()
            writer.submit(lambda: loop.call_soon_threadsafe(flushed.set))
            await flushed.wait()
            (part,) = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
            assert part.name.endswith(".mkv.part")
            found = await asyncio.to_thread(inspect, part)
            assert found.seconds == pytest.approx(5, abs=0.1)
            assert found.declared is None
            await recording.close()

    asyncio.run(main())


def test_sound_that_is_gathered_has_no_holes_where_one_side_is_ahead(tmp_path: Path) -> None:
    frames = in_order(audio(SENT, 440), audio(RECEIVED, 1000, start=0.03))

    async def main() -> FinishedRecording | None:
        began = asyncio.get_running_loop().time()
        waiting = at(began, frames)
        with Writer() as writer:
            recording = Recording(
                writer.place(tmp_path, "call"), video=False, writer=writer, started=began
            )
            for number in range(1, 11):
                await asyncio.sleep(0.502)  # each time a little late, as on a busy machine
                until = began + number / 2
                recording.write_all(
                    [one for one in waiting if until - 0.5 <= one[1].arrival < until]
                )
            return await recording.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        finished = runner.run(main())
    assert finished is not None
    assert finished.path.suffix == ".ogg"
    for side in samples(finished.path):
        levels = np.sqrt((side[9600:220800].reshape(-1, 960) ** 2).mean(axis=1))
        assert levels.min() > 0.8 * levels.max()


odd_frames = st.builds(
    EncodedFrame,
    kind=st.sampled_from(["audio", "video"]),
    codec=st.sampled_from(["opus", "VP8", "H264", "PCMU", "PCMA", "G722"]),
    data=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=50).map(lambda data: b"\0\0\0\1\x67" + data + b"\0\0\1\x68" + data),
        st.binary(max_size=50).map(lambda data: b"\x10\0\0\x9d\x01\x2a" + data),
    ),
    timestamp=st.integers(-(2**40), 2**40),
    clock_rate=st.sampled_from([0, 8000, 48000, 90000]),
    arrival=st.floats(CLOCK, CLOCK + 30),
    keyframe=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    frames=st.lists(st.tuples(st.sampled_from(Direction), odd_frames), max_size=40),
    way=st.sampled_from(["video", "audio", "wav"]),
)
def test_nothing_that_comes_raises(
    tmp_path_factory: pytest.TempPathFactory, frames: list[Timed], way: str
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    finished, failure = record(folder, frames, video=way == "video", wav=way == "wav")
    assert finished or failure
    assert not failure or "Callboard's own" not in failure
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_what_ogg_can_not_take_goes_on_in_another_file(tmp_path: Path, codec: str) -> None:
    theirs = [*audio(RECEIVED, 1000, 3), *audio(RECEIVED, 700, 3, codec=codec, start=3)]
    frames = in_order(theirs, audio(SENT, 440, 6))

    async def main() -> tuple[FinishedRecording, ...]:
        with Writer() as writer:
            recording = Recording(
                writer.place(tmp_path, "call"), video=False, writer=writer, started=CLOCK
            )
            for second in range(6):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
            await recording.close()
            assert recording.failure is None
            assert recording.bases == tuple(each.path.with_suffix("") for each in recording.files)
            return recording.files

    first, second = asyncio.run(main())
    assert (first.path.suffix, second.path.suffix) == (".ogg", ".mka")
    for file in (first, second):
        assert file.seconds == pytest.approx(3, abs=0.1)
        assert inspect(file.path).declared == pytest.approx(3, abs=0.1)
    assert pitch(samples(first.path)[1]) == pytest.approx(1000, abs=2)
    assert pitch(samples(second.path)[0]) == pytest.approx(700, abs=2)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_that_change_their_size_are_all_there(tmp_path: Path, codec: str) -> None:
    large = [
        (way, frame._replace(timestamp=frame.timestamp + 270000))
        for way, frame in video(RECEIVED, 3, codec=codec, size=(320, 240), start=3)
    ]
    frames = [*video(RECEIVED, 3, codec=codec), *large]
    finished = whole(tmp_path, in_order(frames, audio(SENT, 440, 6)), video=True)
    with av.open(str(finished.path)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
        assert sizes == [(160, 120)] * 45 + [(320, 240)] * 45
        container.seek(4_500_000)  # where the first sizes' parameter sets would not do
        picture = next(container.decode(video=0))
        assert (picture.width, picture.height) == (320, 240)

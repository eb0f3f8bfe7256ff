"""What a killed process leaves: playable as it is, and whole after the next start."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from callboard.media import (
    Direction,
    FinishedRecording,
    Recording,
    Writer,
    inspect,
    recover_recordings,
)
from callboard.tests.media.calls import CLOCK, Timed, audio, both, feed, in_order, samples

SENT, RECEIVED = Direction

LIVE_CALLS = textwrap.dedent("""
    # Three recordings; the received video stops after a second. Prints the time, which is staged,
    # and waits to be killed just before the frames of another half second are written.
    import asyncio, signal, sys, threading
    from pathlib import Path
    from callboard.media import Direction, Recording, Writer
    from callboard.tests.harness.virtual_time import VirtualTimeLoop
    from callboard.tests.media.calls import CLOCK, at, audio, both, in_order

    async def main():
        loop, folder = asyncio.get_running_loop(), Path(sys.argv[1])
        sound = in_order(audio(Direction.SENT, 440, 20), audio(Direction.RECEIVED, 1000, 20))
        picture = [
            (way, frame) for way, frame in both(20)
            if frame.kind == "audio" or way is Direction.SENT or frame.arrival < CLOCK + 1
        ]
        with Writer() as writer:
            calls = [
                (Recording(writer.place(folder, "a"), video=True, writer=writer), picture),
                (Recording(writer.place(folder, "b"), video=False, writer=writer), sound),
                (
                    Recording(writer.place(folder, "c"), video=False, format="wav", writer=writer),
                    sound,
                ),
            ]
            start = loop.time()
            calls = [(recording, at(start, frames)) for recording, frames in calls]
            while True:
                now = loop.time()
                for recording, frames in calls:
                    while frames and frames[0][1].arrival <= now:
                        recording.write(*frames.pop(0))
                written = threading.Event()
                writer.submit(written.set)
                written.wait()
                print(now - start, flush=True)
                if now - start > 3.45:
                    signal.pause()
                await asyncio.sleep(0.02)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
""")


def test_a_kill_costs_a_second_at_most(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LIVE_CALLS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if float(line) > 3.45:
                break
        before = {path.name for path in tmp_path.iterdir()}
        assert recover_recordings(tmp_path) == []
        assert {path.name for path in tmp_path.iterdir()} == before
        os.kill(child.pid, signal.SIGKILL)
        killed = float(line)
    parts = sorted(tmp_path.iterdir())
    assert [path.suffixes[0] for path in parts] == [".mkv", ".ogg", ".wav"]
    as_left = [inspect(part).seconds for part in parts]
    assert min(as_left) > killed - 1
    finished = recover_recordings(tmp_path)
    assert sorted(tmp_path.iterdir()) == [whole.path for whole in finished]
    for whole, seconds in zip(finished, as_left, strict=True):
        found = inspect(whole.path)
        assert found.seconds == pytest.approx(seconds, abs=0.05)
        assert found.declared == pytest.approx(whole.seconds, abs=0.05)
        assert whole.bytes == whole.path.stat().st_size
        assert found.has("audio", SENT)
        assert found.has("audio", RECEIVED)
    kinds = {track.title: track.seconds for track in inspect(finished[0].path).tracks if track.size}
    assert kinds["received"] < 1.1
    assert kinds["sent"] > killed - 1.1
    assert recover_recordings(tmp_path) == []


def left(folder: Path, way: str) -> Path:
    """An unfinished file of 5 s, as it was on the disk 5 s into the call."""
    frames: list[Timed] = (
        both() if way == ".mkv" else in_order(audio(SENT, 440), audio(RECEIVED, 1000))
    )
    elsewhere = folder / "elsewhere"

    def copy() -> None:
        (part,) = elsewhere.iterdir()
        (folder / part.name).write_bytes(part.read_bytes())

    async def main() -> FinishedRecording | None:
        with Writer() as writer:
            recording = Recording(
                writer.place(elsewhere, "left"),
                video=way == ".mkv",
                format="wav" if way == ".wav" else "auto",
                writer=writer,
                started=CLOCK,
            )
            for second in range(5):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
            writer.submit(copy)
            return await recording.close()

    asyncio.run(main())
    (part,) = folder.glob("*.part")
    return part


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
def test_a_torn_end_is_cut_off(tmp_path: Path, way: str) -> None:
    part = left(tmp_path, way)
    data = part.read_bytes()
    for share in (0.3, 0.55, 0.8, 0.97, 1):
        length = int(len(data) * share)
        part.write_bytes(data[:length])
        (whole,) = recover_recordings(tmp_path)
        assert whole.path.suffix == way
        found = inspect(whole.path)
        assert found.declared == pytest.approx(found.seconds, abs=0.05)
        assert 5 * share - 1.1 < found.seconds <= 5
        assert samples(whole.path).shape[1] > 48000 * (5 * share - 1.2)


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
def test_an_empty_file_is_removed_and_a_torn_header_is_left(tmp_path: Path, way: str) -> None:
    part = left(tmp_path, way)
    data = part.read_bytes()
    part.write_bytes(b"")
    assert recover_recordings(tmp_path) == []
    assert not part.exists()
    part.write_bytes(data[:40])
    assert recover_recordings(tmp_path) == []
    assert part.read_bytes() == data[:40]


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
def test_damage_anywhere_is_survived(tmp_path: Path, way: str) -> None:
    part = left(tmp_path, way)
    data = part.read_bytes()
    chance = random.Random(7)
    for turn in range(150):
        torn = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            torn[chance.randrange(600 if turn % 2 else len(torn))] = chance.randrange(256)
        part.write_bytes(torn)
        for whole in recover_recordings(tmp_path):
            assert whole.seconds > 0
            whole.path.unlink()


def test_finishing_twice_changes_nothing(tmp_path: Path) -> None:
    part = left(tmp_path, ".mkv")
    (whole,) = recover_recordings(tmp_path)
    data = whole.path.read_bytes()
    whole.path.rename(part)
    (again,) = recover_recordings(tmp_path)
    assert again.path.read_bytes() == data
    assert again.seconds == whole.seconds


def test_a_name_that_is_taken_is_not_taken_away(tmp_path: Path) -> None:
    part = left(tmp_path, ".ogg")
    taken = part.with_name(part.name.removesuffix(".part"))
    taken.write_bytes(b"mine")
    (whole,) = recover_recordings(tmp_path)
    assert taken.read_bytes() == b"mine"
    assert whole.path == taken.with_name(taken.stem + "-2.ogg")


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    part = left(tmp_path, ".ogg")
    data = part.read_bytes()
    foreign = {
        "film.mkv.part": b"x" * 9000,
        "20261122t101010z-film.mkv.part": b"x" * 9000,
        "20261122t101010z-film.ogg.part": b"OggS" * 100,
        "20261122t101010z-film.wav.part": b"RIFF" * 100,
        "20261122t101010z-film.mp3.part": b"x",
        "Holiday.ogg.part": data,
    }
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "20261122t101010z-folder.mkv.part").mkdir()
    (tmp_path / "20261122t101010z-link.ogg.part").symlink_to(tmp_path / "Holiday.ogg.part")
    os.mkfifo(tmp_path / "20261122t101010z-pipe.ogg.part")
    (whole,) = recover_recordings(tmp_path)
    assert whole.path.name == part.name.removesuffix(".part")
    for name, content in foreign.items():
        assert (tmp_path / name).read_bytes() == content


def test_a_missing_folder_has_nothing_to_recover(tmp_path: Path) -> None:
    assert recover_recordings(tmp_path / "none") == []

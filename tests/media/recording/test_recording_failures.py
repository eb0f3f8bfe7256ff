"""Disks that are full, folders that can't be written: the call hears of it and goes on."""

import asyncio
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from callboard.media import Direction, FinishedRecording, Recording, Writer, inspect
from callboard.tests.conftest import Run
from callboard.tests.media.calls import CLOCK, Timed, audio, both, feed, in_order, video

SENT, RECEIVED = Direction


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root and a kernel that lets it")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def call(way: str) -> list[Timed]:
    """What goes into a file of this kind."""
    if way == ".mkv":
        return both()
    return in_order(audio(SENT, 440), audio(RECEIVED, 1000))


def record(
    folder: Path, way: str, *, before_close: object = None
) -> tuple[FinishedRecording | None, str]:
    """Record a call second by second."""
    frames = call(way)

    async def main() -> tuple[FinishedRecording | None, str]:
        with Writer() as writer:
            recording = Recording(
                writer.place(folder, "call"),
                video=way == ".mkv",
                format="wav" if way == ".wav" else "auto",
                writer=writer,
                started=CLOCK,
            )
            for second in range(5):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
            if callable(before_close):
                writer.submit(before_close)
            return await recording.close(), recording.failure or ""

    return asyncio.run(main())


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
def test_a_full_disk_keeps_what_fitted(tmp_path: Path, way: str) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=320k" if way == ".wav" else "size=64k"):
        finished, failure = record(disk, way)
        assert failure.startswith("The recording stops after ")
        assert "full" in failure
        assert "free some space" in failure
        assert finished is not None
        assert list(disk.iterdir()) == [finished.path]
        found = inspect(finished.path)
        assert found.declared == pytest.approx(found.seconds, abs=0.05)
        assert 0.9 < found.seconds < 4.5


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
def test_a_disk_that_is_full_from_the_beginning_has_no_file(tmp_path: Path, way: str) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=4k"):
        (disk / "filler").write_bytes(bytes(4096))
        finished, failure = record(disk, way)
        assert finished is None
        assert failure.startswith("There is no recording: the disk of ")
        assert [path.name for path in disk.iterdir()] == ["filler"]


def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=64k,ro"):
        finished, failure = record(disk, ".mkv")
    assert finished is None
    assert failure.startswith(f"There is no recording: {disk} can't be written to; ")


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    place = tmp_path / "recordings"
    place.write_bytes(b"")
    for folder in (place, place / "inner"):
        finished, failure = record(folder, ".mkv")
        assert finished is None
        assert failure.startswith(f"There is no recording: {folder} is no folder")


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    finished, failure = record(tmp_path / "a" / "b", ".ogg")
    assert finished is not None
    assert not failure


def test_a_file_that_was_removed_in_mid_call_is_said(tmp_path: Path) -> None:
    def remove() -> None:
        for path in tmp_path.iterdir():
            path.unlink()

    finished, failure = record(tmp_path, ".ogg", before_close=remove)
    assert finished is None
    assert "was removed" in failure


LIMITED = textwrap.dedent("""
    # A limit on file sizes stands for a full disk where nothing can be mounted.
    import resource, sys
    from pathlib import Path
    from callboard.tests.media.recording.test_recording_failures import record
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    finished, failure = record(Path(sys.argv[1]), sys.argv[2])
    print(finished.path, failure, sep="\\n")
""")


@pytest.mark.parametrize("way", [".mkv", ".ogg"])
def test_a_limit_on_file_sizes_keeps_what_fitted(tmp_path: Path, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), way],
        check=True,
        capture_output=True,
        text=True,
    )
    path, failure = done.stdout.splitlines()
    assert "limit on file sizes" in failure
    found = inspect(Path(path))
    assert found.declared == pytest.approx(found.seconds, abs=0.05)
    assert 0.9 < found.seconds < 4.5


def remove_file(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def move_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


TROUBLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "its file removed": (remove_file, "was removed"),
    "its folder removed": (shutil.rmtree, "was removed"),
    "its folder moved": (move_folder, "was removed"),
    "the disk filled": (lambda folder: (folder / "filler").write_bytes(bytes(48 * 1024)), "full"),
}


@pytest.mark.parametrize("way", [".mkv", ".ogg", ".wav"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_goes_wrong_is_told_while_the_call_goes_on(
    run: Run, tmp_path: Path, trouble: str, way: str
) -> None:
    make, words = TROUBLES[trouble]
    disk, frames = tmp_path / "disk", call(way)

    async def main() -> None:
        told = asyncio.Event()
        folder = disk / "recordings"
        with Writer() as writer:
            recording = Recording(
                writer.place(folder, "call"),
                video=way == ".mkv",
                format="wav" if way == ".wav" else "auto",
                writer=writer,
                started=CLOCK,
                on_failure=told.set,
            )
            feed(recording, [f for f in frames if f[1].arrival < CLOCK + 1])
            recording._flush()
            writer.submit(lambda: make(folder))
            for second in range(1, 5):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
            await told.wait()
            assert recording.ended
            assert words in (recording.failure or "")
            finished = await recording.close()
            assert (finished is not None) == (trouble == "the disk filled")
            assert not list(disk.rglob("*.part")) or trouble == "its folder moved"

    with mounted(disk, "size=256k" if way == ".wav" else "size=96k"):
        run(main)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_video_without_a_key_frame_is_told(run: Run, tmp_path: Path, codec: str) -> None:
    frames = [f for f in video(RECEIVED, 8, codec=codec) if not f[1].keyframe]
    frames = in_order(audio(SENT, 440, 8), frames)

    async def main() -> None:
        told = asyncio.Event()
        with Writer() as writer:
            recording = Recording(
                writer.place(tmp_path, "call"),
                video=True,
                writer=writer,
                started=CLOCK,
                on_failure=told.set,
            )
            feed(recording, frames)
            await told.wait()
            assert not recording.ended
            assert "no key frame" in (recording.failure or "")
            assert await recording.close() is not None

    run(main)

"""Recordings of calls in which video comes late, goes, or never comes: one file has all of it."""

import asyncio
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
from callboard.tests.media.calls import CLOCK, Timed, audio, feed, in_order, pitch, samples, video

SENT, RECEIVED = Direction


def sound(seconds: float = 4, *, codec: str = "opus") -> list[Timed]:
    return in_order(
        audio(SENT, 440, seconds, codec=codec), audio(RECEIVED, 1000, seconds, codec=codec)
    )


def record(folder: Path, frames: list[Timed]) -> tuple[FinishedRecording, list[list[str]]]:
    """Record second by second; also gives the names in the folder after each second."""
    names: list[list[str]] = []

    def look() -> None:
        names.append(sorted(path.name.split(".", 1)[1] for path in folder.iterdir()))

    async def main() -> FinishedRecording | None:
        with Writer() as writer:
            recording = Recording(
                writer.place(folder, "late"), video=True, writer=writer, started=CLOCK
            )
            last = int(frames[-1][1].arrival - CLOCK) + 1
            for second in range(last):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
                writer.submit(look)
            return await recording.close()

    finished = asyncio.run(main())
    assert finished is not None
    assert list(folder.iterdir()) == [finished.path]
    return finished, names


def test_video_in_mid_call_is_in_the_file_that_has_the_beginning(tmp_path: Path) -> None:
    late = [*video(SENT, 2, start=1.5), *video(RECEIVED, 1, start=2.5, codec="H264")]
    finished, names = record(tmp_path, in_order(sound(), late))
    assert names == [["mkv.part", "ogg.part"], ["mkv.part"], ["mkv.part"], ["mkv.part"]]
    assert finished.path.suffix == ".mkv"
    found = inspect(finished.path)
    assert found.seconds == pytest.approx(4, abs=0.05)
    assert found.declared == pytest.approx(4, abs=0.05)
    assert {(t.kind, t.codec, t.title) for t in found.tracks} == {
        ("audio", "opus", "sent"),
        ("audio", "opus", "received"),
        ("video", "vp8", "sent"),
        ("video", "h264", "received"),
    }
    frames = {(t.kind, t.title): t.frames for t in found.tracks}
    assert frames["video", "sent"] == 30
    assert frames["video", "received"] == 15
    for track, title in enumerate(t.title for t in found.tracks if t.kind == "audio"):
        wave = samples(finished.path, track)[0]
        assert len(wave) == pytest.approx(4 * 48000, abs=2000)
        assert abs(pitch(wave) - (440 if title == "sent" else 1000)) < 5


def test_without_video_it_is_one_stereo_file(tmp_path: Path) -> None:
    finished, names = record(tmp_path, sound())
    assert names == [["mkv.part", "ogg.part"]] * 4
    assert finished.path.suffix == ".ogg"
    assert inspect(finished.path).seconds == pytest.approx(4, abs=0.05)
    left, right = samples(finished.path)
    assert abs(pitch(left) - 440) < 5
    assert abs(pitch(right) - 1000) < 5


def test_g711_alone_is_matroska_without_video(tmp_path: Path) -> None:
    finished, names = record(tmp_path, sound(codec="PCMU"))
    assert names[0] == ["mkv.part"]
    assert finished.path.suffix == ".mka"
    assert {track.codec for track in inspect(finished.path).tracks} == {"pcm_mulaw"}


def test_a_codec_that_changes_in_mid_call_loses_nothing(tmp_path: Path) -> None:
    later = audio(RECEIVED, 700, 2, codec="PCMA", start=2)
    frames = in_order(audio(SENT, 440, 4), audio(RECEIVED, 1000, 2), later)
    finished, _ = record(tmp_path, frames)
    assert finished.path.suffix == ".mka"
    tracks = inspect(finished.path).tracks
    assert {(t.codec, t.title) for t in tracks} == {
        ("opus", "sent"),
        ("opus", "received"),
        ("pcm_alaw", "received"),
    }


def test_a_name_is_taken_by_either_file(tmp_path: Path) -> None:
    first, _ = record(tmp_path / "one", sound(1))
    for suffix in (".ogg", ".mkv", ".ogg.part"):
        folder = tmp_path / suffix[1:]
        folder.mkdir()
        taken = folder / f"{first.path.stem}{suffix}"

        async def main(folder: Path = folder, taken: Path = taken) -> FinishedRecording | None:
            with Writer() as writer:
                recording = Recording(
                    writer.place(folder, "late"), video=True, writer=writer, started=CLOCK
                )
                taken.with_name(f"{recording._file._stem}{suffix}").write_bytes(b"mine")  # noqa: B023
                feed(recording, sound(1))
                return await recording.close()

        finished = asyncio.run(main())
        assert finished is not None
        assert finished.path.stem.endswith("-2")
        assert [p.read_bytes() for p in folder.iterdir() if p != finished.path] == [b"mine"]


def killed(folder: Path, frames: list[Timed]) -> list[Path]:
    """What a kill after the last frame leaves."""
    elsewhere = folder / "elsewhere"

    def copy() -> None:
        for part in elsewhere.iterdir():
            (folder / part.name).write_bytes(part.read_bytes())

    async def main() -> None:
        with Writer() as writer:
            recording = Recording(
                writer.place(elsewhere, "late"), video=True, writer=writer, started=CLOCK
            )
            for second in range(4):
                feed(recording, [f for f in frames if second <= f[1].arrival - CLOCK < second + 1])
                recording._flush()
            writer.submit(copy)
            await recording.close()

    asyncio.run(main())
    return sorted(folder.glob("*.part"))


def left(folder: Path) -> list[str]:
    return [path.name.split(".", 1)[1] for path in sorted(folder.iterdir()) if path.is_file()]


def test_a_kill_before_video_leaves_a_stereo_file(tmp_path: Path) -> None:
    parts = killed(tmp_path, sound())
    assert [path.suffixes[0] for path in parts] == [".mkv", ".ogg"]
    for part in parts:
        assert inspect(part).seconds > 3
    (whole,) = recover_recordings(tmp_path)
    assert left(tmp_path) == ["ogg"]
    assert inspect(whole.path).seconds > 3
    assert recover_recordings(tmp_path) == []


def test_a_kill_after_video_leaves_all_of_it(tmp_path: Path) -> None:
    parts = killed(tmp_path, in_order(sound(), video(RECEIVED, 2, start=1.5)))
    assert [path.suffixes[0] for path in parts] == [".mkv"]
    (whole,) = recover_recordings(tmp_path)
    assert left(tmp_path) == ["mkv"]
    assert {track.kind for track in inspect(whole.path).tracks} == {"audio", "video"}
    assert inspect(whole.path).seconds > 3


def test_a_kill_between_the_first_picture_and_the_end_of_the_stereo_file(tmp_path: Path) -> None:
    (ogg,) = [p for p in killed(tmp_path, sound()) if p.suffixes[0] == ".ogg"]
    stereo = ogg.read_bytes()
    for path in tmp_path.glob("*.part"):
        path.unlink()
    for path in (tmp_path / "elsewhere").iterdir():
        path.unlink()
    (mkv,) = killed(tmp_path, in_order(sound(), video(RECEIVED, 2, start=1.5)))
    mkv.with_name(mkv.name.replace(".mkv", ".ogg")).write_bytes(stereo)
    recover_recordings(tmp_path)
    assert left(tmp_path) == ["mkv"]


def test_of_a_damaged_pair_the_better_one_is_saved(tmp_path: Path) -> None:
    mkv, ogg = killed(tmp_path, sound())
    torn = mkv.read_bytes()[:40]
    mkv.write_bytes(torn)
    (whole,) = recover_recordings(tmp_path)
    assert whole.path.suffix == ".ogg"
    assert mkv.read_bytes() == torn
    mkv.unlink()
    whole.path.unlink()

    for path in (tmp_path / "elsewhere").iterdir():
        path.unlink()
    mkv, ogg = killed(tmp_path, sound())
    ogg.write_bytes(b"OggS")
    (whole,) = recover_recordings(tmp_path)
    assert whole.path.suffix == ".mka"
    assert {track.title for track in inspect(whole.path).tracks} == {"sent", "received"}

"""A file is open only while a leg reads it, at whatever moment the leg goes."""

import asyncio
import os
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import FileSource, Kind, Playback, Source, Tone
from callboard.media.codecs.sound import SoundDecoder
from callboard.media.sources.playlist import Playlist
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.codecs.test_sound import pitch, tone

really_open: Any = av.open

#: Seconds of the files: much more than is encoded ahead.
SECONDS = 8


def write_wav(file: Path) -> None:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(tone(440, 16_000, SECONDS, 1).tobytes())


def write_packets(file: Path) -> None:
    """Opus in frames of 20 ms, or VP8."""
    kind: Kind = "audio" if file.suffix == ".ogg" else "video"
    with av.open(str(file), "w") as out:
        if kind == "audio":
            stream = out.add_stream("libopus", rate=48_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone(440, 48_000, SECONDS, 1).T, "s16", "mono")
            frame.sample_rate = 48_000
            out.mux([*stream.encode(frame), *stream.encode(None)])
            return
        pictures = out.add_stream("libvpx", rate=10, width=64, height=32, pix_fmt="yuv420p")
        pictures.codec_context.thread_count = 1
        for number in range(SECONDS * 10):
            light = np.full((48, 64), number % 200, np.uint8)
            picture = av.VideoFrame.from_ndarray(light, "yuv420p")
            picture.pts = number
            out.mux(pictures.encode(picture))
        out.mux(pictures.encode(None))


FILES: dict[str, tuple[Kind, str]] = {
    "sound.wav": ("audio", "opus"),
    "telephone.wav": ("audio", "PCMU"),
    "packets.ogg": ("audio", "opus"),
    "pictures.webm": ("video", "VP8"),
}


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = tmp_path / request.param
    (write_wav if path.suffix == ".wav" else write_packets)(path)
    return path


def times_open(file: Path) -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            count += link.readlink() == file
        except FileNotFoundError:  # the listing's own
            continue
    return count


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- nobody tells when a file is closed
            await asyncio.sleep(0.005)


def playing(source: Source, file: Path) -> Playback:
    kind, codec = FILES[file.name]
    playback = Playback(kind, source)
    playback.prepare(codec)
    return playback


async def read(playback: Playback, count: int | None = None) -> list[Unit]:
    """So many units, or all to the end."""
    units: list[Unit] = []
    while not playback.is_over and (count is None or len(units) < count):
        if (unit := playback.read()) is not None:
            units.append(unit)
        else:
            await asyncio.sleep(0.002)
    assert playback.failure is None
    return units


async def sought(playback: Playback, seconds: float, count: int) -> None:
    playback.seek(seconds)
    await read(playback, count)


async def is_open(file: Path) -> None:
    await until(lambda: times_open(file) > 0)


Use = Callable[[Playback, Path], Awaitable[object]]
MOMENTS: dict[str, Use] = {
    "before anything was read": lambda *_: asyncio.sleep(0),
    "once it is open": lambda _, file: is_open(file),
    "in the middle": lambda playback, _: read(playback, 12),
    "after it was sought": lambda playback, _: sought(playback, 5, 5),
    "as it is sought": lambda playback, _: sought(playback, 6, 0),
    "at its end": lambda playback, _: read(playback),
}
SOURCES: dict[str, Callable[[FileSource], Source]] = {
    "alone": lambda file: file,
    "in a loop": lambda file: FileSource(file.path, loop=True),
    "again and again": lambda file: Playlist((file,), None),
    "twice": lambda file: Playlist((file, file)),
}


@pytest.mark.parametrize("how", SOURCES)
def test_it_is_closed_when_the_last_leg_has_gone(run: Run, file: Path, how: str) -> None:
    async def main() -> None:
        for number, (name, use) in enumerate(MOMENTS.items()):
            if name == "at its end" and how != "alone":
                continue
            os.utime(file, (number, number))  # what is encoded already would do
            source = SOURCES[how](FileSource(file))
            source.check()
            one, other = playing(source, file), playing(source, file)
            await use(one, file)
            one.stop()
            await read(other, 3)
            other.stop()
            await until(lambda: times_open(file) == 0)

    run(main)


@pytest.mark.parametrize("start", [0.0, 3.0])
def test_it_is_opened_once(file: Path, monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    kind, codec = FILES[file.name]
    opened: list[str] = []

    def count(name: str) -> Any:
        opened.append(name)
        return really_open(name)

    monkeypatch.setattr(av, "open", count)
    assert len(list(FileSource(file).encode_from(start, kind, codec))) > 10
    assert opened == [str(file)]


def test_it_is_closed_while_the_next_one_waits_for_its_turn(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    write_wav(file)

    async def main() -> None:
        playback = playing(Playlist((Tone(seconds=3), FileSource(file))), file)
        await is_open(file)
        playback.stop()
        await until(lambda: times_open(file) == 0)

    run(main)


def test_a_later_leg_goes_on_where_others_left(run: Run, file: Path) -> None:
    async def main() -> None:
        kind, codec = FILES[file.name]
        whole = await read(playing(FileSource(file), file))
        os.utime(file, (1, 1))  # what is encoded already would do
        for count in (3, 40, 20):
            left = playing(FileSource(file), file)
            await read(left, count)
            left.stop()
            await until(lambda: times_open(file) == 0)
        units = await read(playing(FileSource(file), file))
        lasts = [sum(unit.duration for unit in some) for some in (whole, units)]
        rate = {"opus": 48_000, "PCMU": 8000, "VP8": 90_000}[codec]
        assert abs(lasts[0] - lasts[1]) <= 0.1 * rate
        if kind == "audio":
            decoder = SoundDecoder(codec, 1)
            heard = np.concatenate([decoder.decode(unit.data) for unit in units])[:, 0]
            second = decoder.rate
            for at in range(0, len(heard) - second + 1, second):
                assert pitch(heard[at : at + second], decoder.rate) == pytest.approx(440, abs=3)
                assert np.abs(heard[at : at + second].astype(int)).max() > 5_000

    run(main)

"""What benchmarks play: a file with sound, or with sound and pictures."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from callboard.benchmarks.trial import TrialError
from callboard.media import Echo, FileSource, Kind, Source
from callboard.media.sources.unit import Unit

#: Packets of sound a second, and pictures and their bits a second.
PACKETS, PICTURES, BIT_RATE = 50, 30, 1_500_000


class Encoded(Source):
    """A file's sound and pictures as they are, again and again.

    Args:
        file: Matroska with Opus and VP8, each frame as it is to be sent.
    """

    kinds = frozenset(("audio", "video"))

    def __init__(self, file: str) -> None:
        self._file = file

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoded) and other._file == self._file

    def __hash__(self) -> int:
        return hash(self._file)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Yield the frames of the file."""
        if codec not in ("opus", "VP8"):
            raise TrialError(f"{codec} was negotiated, and the file has Opus and VP8")
        duration = 960 if kind == "audio" else 90_000 // PICTURES
        with av.open(self._file) as container:
            stream = container.streams.audio[0] if kind == "audio" else container.streams.video[0]
            for packet in container.demux(stream):
                if packet.size:
                    yield Unit(bytes(packet), duration, packet.is_keyframe)


def sources(kind: str, file: str) -> tuple[Source, Source | None]:
    """Return the sound that a leg plays, and the pictures if the file has some."""
    if kind == "echo":
        return Echo(), None
    if file.endswith(".mkv"):
        return Encoded(file), Encoded(file)
    return FileSource(Path(file), loop=True), None


def make_file(path: Path, seconds: int = 10) -> None:
    """Write what is played: a chirp with some noise, Opus in Ogg, 48 kHz mono."""
    random = np.random.default_rng(1)
    moments = np.arange(seconds * 48000) / 48000
    sound = 0.3 * np.sin(2 * np.pi * (200 + 100 * moments) * moments)
    sound += 0.02 * random.standard_normal(len(moments))
    samples = (sound * 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        for start in range(0, len(samples), 960):
            block = samples[start : start + 960].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_pictures(path: Path, seconds: float = 4) -> None:
    """Write what an HD leg plays: 720p30 VP8 of 1.5 Mbit/s, and Opus, in Matroska."""
    random = np.random.default_rng(1)
    noise = random.integers(0, 40, (720, 1280), np.uint8)
    sound = (random.standard_normal((round(seconds * PACKETS), 1, 960)) * 600).astype(np.int16)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=PICTURES)
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        video.bit_rate = BIT_RATE
        video.codec_context.gop_size = PICTURES
        video.codec_context.thread_count = 1
        video.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "minrate": str(BIT_RATE),
            "maxrate": str(BIT_RATE),
            "bufsize": str(BIT_RATE // 2),
        }
        audio = container.add_stream("libopus", rate=48000, layout="mono")
        for number in range(round(seconds * PICTURES)):
            picture = np.full((1080, 1280), 128, np.uint8)
            picture[:720] = np.roll(noise, (number, 3 * number), (0, 1)) + 100
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number, block in enumerate(sound):
            samples = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            samples.sample_rate, samples.pts = 48000, 960 * number
            container.mux(audio.encode(samples))
        container.mux(audio.encode(None))

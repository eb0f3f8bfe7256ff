"""Encoded frames of calls, made by real encoders, for the tests of the recordings."""

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from callboard.media import Direction, EncodedFrame
from callboard.media.recording.recording import Recording

CLOCK = 1_000_000.0
"""The loop's time at which the calls begin, seconds."""

Timed = tuple[Direction, EncodedFrame]


@cache
def tone(
    frequency: int, seconds: float = 5, *, codec: str = "opus", ptime: int = 20
) -> tuple[bytes, ...]:
    """Packets of a tone."""
    name, rate = {
        "opus": ("libopus", 48000),
        "PCMU": ("pcm_mulaw", 8000),
        "PCMA": ("pcm_alaw", 8000),
    }[codec]
    encoder = cast(AudioCodecContext, av.CodecContext.create(name, "w"))
    encoder.sample_rate = rate
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.time_base = Fraction(1, rate)
    if codec == "opus":
        encoder.options = {"frame_duration": str(ptime), "application": "voip"}
    size = rate * ptime // 1000
    packets: list[bytes] = []
    for start in range(0, int(rate * seconds), size):
        wave = 8000 * np.sin(2 * np.pi * frequency * (np.arange(size) + start) / rate)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate = rate
        frame.pts = start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


@cache
def film(
    seconds: float = 5, *, codec: str = "VP8", size: tuple[int, int] = (160, 120)
) -> tuple[tuple[bytes, bool], ...]:
    """A moving picture: 15 frames a second, and whether each is a key frame (one a second)."""
    name, pixels = ("libvpx", "yuv420p") if codec == "VP8" else ("libx264", "yuv420p")
    encoder = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    encoder.width, encoder.height = size
    encoder.pix_fmt = pixels
    encoder.time_base = Fraction(1, 15)
    encoder.framerate = Fraction(15)
    encoder.gop_size = 15
    encoder.bit_rate = 200_000
    encoder.max_b_frames = 0
    encoder.thread_count = 1
    if codec == "VP8":
        encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    else:
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    frames: list[tuple[bytes, bool]] = []
    for number in range(int(15 * seconds)):
        picture = np.full((size[1], size[0], 3), 40, np.uint8)
        picture[:, (number * 4) % (size[0] - 16) :][:, :16] = 220
        shown = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)
        shown.pts = number
        frames += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(shown)]
    return tuple(frames)


def audio(
    direction: Direction,
    frequency: int,
    seconds: float = 5,
    *,
    codec: str = "opus",
    ptime: int = 20,
    start: float = 0.0,
) -> list[Timed]:
    """One direction's audio, from ``start`` seconds of the call on."""
    rate = 48000 if codec == "opus" else 8000
    return [
        (
            direction,
            EncodedFrame(
                "audio",
                codec,
                data,
                2**31 + number * rate * ptime // 1000,
                rate,
                CLOCK + start + number * ptime / 1000,
                True,
            ),
        )
        for number, data in enumerate(tone(frequency, seconds, codec=codec, ptime=ptime))
    ]


def video(
    direction: Direction,
    seconds: float = 5,
    *,
    codec: str = "VP8",
    size: tuple[int, int] = (160, 120),
    start: float = 0.0,
) -> list[Timed]:
    """One direction's video."""
    return [
        (
            direction,
            EncodedFrame(
                "video", codec, data, 7000 + number * 6000, 90000, CLOCK + start + number / 15, key
            ),
        )
        for number, (data, key) in enumerate(film(seconds, codec=codec, size=size))
    ]


def both(seconds: float = 5, *, codec: str = "VP8") -> list[Timed]:
    """A whole call: audio and video both ways, the tones 440 Hz (ours) and 1000 Hz (theirs)."""
    return in_order(
        audio(Direction.SENT, 440, seconds),
        audio(Direction.RECEIVED, 1000, seconds),
        video(Direction.SENT, seconds, codec=codec),
        video(Direction.RECEIVED, seconds, codec=codec),
    )


def in_order(*streams: Iterable[Timed]) -> list[Timed]:
    """Streams together, in order of arrival."""
    return sorted(
        (timed for stream in streams for timed in stream), key=lambda timed: timed[1].arrival
    )


def at(moment: float, frames: Iterable[Timed]) -> list[Timed]:
    """A call that begins at another moment of the loop's clock."""
    return [(way, frame._replace(arrival=frame.arrival - CLOCK + moment)) for way, frame in frames]


def feed(recording: Recording, frames: Iterable[Timed]) -> None:
    """Write frames as fast as they can be written; their arrival says when they came."""
    for direction, frame in frames:
        recording.write(direction, frame)


def samples(path: Path, track: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The audio of a file's track as (channels, samples) at 48 kHz, full scale 1, gaps closed."""
    resampler = av.AudioResampler("fltp", rate=48000)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[track]):
            frame.pts = None
            parts += [part.to_ndarray() for part in resampler.resample(frame)]
    return np.concatenate(parts, axis=1).astype(np.float64)


def pitch(wave: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(wave))
    return float(np.argmax(spectrum)) * 48000 / len(wave)

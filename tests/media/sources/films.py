"""Films of a clock, in any way in which they can be encoded."""

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.video.frame import PictureType
from callboard.media import ClockPattern, read_clock
from callboard.media.frames.h264 import nal_units
from callboard.media.sources.unit import Unit
from callboard.tests.media.legs import luma, video_decoder

VP8 = {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0"}
H264 = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "level": "31"}


@dataclass(frozen=True)
class Film:
    """How a film is made.

    Attributes:
        name: Of the file; its suffix says in which container.
        codec: FFmpeg's name of the encoder.
        options: For it.
        fps: Pictures a second.
        group: Pictures from a key frame to the next one.
        seconds: How long it is.
        size: Width and height; of several, each for an equal part of the film.
        bit_rate: Bits a second.
        pixel: How wide a pixel is.
        start: When the first picture is shown, where sound begins at 0.
        hidden: The number of a frame that is not shown, as encoders of VP8 make them for reference.
    """

    name: str = "film.webm"
    codec: str = "libvpx"
    options: tuple[tuple[str, str], ...] = field(default=tuple(VP8.items()))
    fps: int = 10
    group: int = 10
    seconds: int = 4
    size: tuple[tuple[int, int], ...] = ((160, 120),)
    bit_rate: int = 200_000
    pixel: Fraction | None = None
    start: int = 0
    hidden: int | None = None

    def write(self, folder: Path) -> Path:
        """Write it."""
        path = folder / self.name
        data = _written(self, path.suffix)
        path.write_bytes(data)
        return path


@lru_cache(maxsize=64)
def _written(film: Film, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film{suffix}"
        with av.open(str(path), "w") as container:
            _draw(film, container)
        data = path.read_bytes()
    if film.hidden is not None:
        frame = packets(data, suffix)[film.hidden]
        data = data.replace(frame, bytes((frame[0] & ~0x10,)) + frame[1:])  # RFC 6386 §9.1
    return data


def packets(file: bytes, suffix: str) -> list[bytes]:
    """Return the frames of a file."""
    with av.open(io.BytesIO(file), "r", format={".webm": "matroska"}[suffix]) as container:
        return [bytes(packet) for packet in container.demux(video=0)]


def _draw(film: Film, container: Any) -> None:
    video: Any = container.add_stream(film.codec, rate=film.fps, options=dict(film.options))
    video.width, video.height = film.size[0]
    video.pix_fmt, video.bit_rate = "yuv420p", film.bit_rate
    encoder = video.codec_context
    encoder.thread_count = 1
    encoder.gop_size = film.group
    if film.pixel is not None:
        encoder.sample_aspect_ratio = film.pixel
    if film.start:
        _tone(container, film.start + film.seconds)
    count = film.fps * film.seconds // len(film.size)
    for part, size in enumerate(film.size):
        if part:
            encoder = _another(film, size)
        for number in range(part * count, (part + 1) * count):
            picture = _picture(size, number, film.fps)
            picture.pts = number + film.start * film.fps
            picture.time_base = Fraction(1, film.fps)
            if number % film.group == 0:
                picture.pict_type = PictureType.I
            _mux(container, video, encoder.encode(picture))
        _mux(container, video, encoder.encode(None))


def _another(film: Film, size: tuple[int, int]) -> Any:
    encoder: Any = av.CodecContext.create(film.codec, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", film.bit_rate
    encoder.time_base, encoder.framerate = Fraction(1, film.fps), film.fps
    encoder.gop_size, encoder.options = film.group, dict(film.options)
    encoder.thread_count = 1
    return encoder


def _mux(container: Any, stream: Any, frames: list[Any]) -> None:
    for frame in frames:
        frame.stream = stream
        container.mux(frame)


def _tone(container: Any, seconds: int) -> None:
    sound = container.add_stream("libopus", rate=48000, layout="mono")
    frame = av.AudioFrame("s16", "mono", 48000)
    for number in range(seconds):
        frame.sample_rate, frame.pts = 48000, number * 48000
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))


@lru_cache(maxsize=512)
def _planes(size: tuple[int, int], number: int, fps: int) -> Any:
    pattern = ClockPattern(*size, fps=min(fps, 30))
    return next(pattern._pictures(number)).to_ndarray()


def _picture(size: tuple[int, int], number: int, fps: int) -> av.VideoFrame:
    scale = 1 if fps <= 30 else fps // 30
    even = (size[0] & ~1, size[1] & ~1)
    planes = _planes(even, number // scale, fps)
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    return picture if size == even else picture.reformat(*size)


def parts(path: Path) -> set[bytes]:
    """Return what of the file's frames goes out unchanged: whole frames, of H.264 the slices."""
    found: set[bytes] = set()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        is_h264 = stream.codec_context.name == "h264"
        extra = stream.codec_context.extradata or b""
        for packet in container.demux(stream):
            data = bytes(packet)
            if not is_h264:
                found.add(data)
            elif extra[:1] != b"\1":
                found.update(nal_units(data))
            else:
                at = 0
                while at < len(data):
                    length = int.from_bytes(data[at : at + 4])
                    found.add(data[at + 4 : at + 4 + length].rstrip(b"\0"))
                    at += 4 + length
    return found


def is_of(unit: Unit, codec: str, file: set[bytes]) -> bool:
    """Tell whether a frame is the file's own."""
    if codec == "VP8":
        return unit.data in file
    return all(each in file for each in nal_units(unit.data) if each[0] & 31 in (1, 5))


def clocks(units: Sequence[Unit], codec: str) -> list[tuple[float, float | None]]:
    """Decode: when each picture is shown, in seconds, and the clock in it."""
    decoder, at, found = video_decoder(codec), 0, []
    for unit in units:
        pictures = decoder.decode(av.Packet(unit.data))
        found += [(at / 90000, read_clock(luma(_even(picture)))) for picture in pictures]
        at += unit.duration
    return found


def _even(picture: av.VideoFrame) -> av.VideoFrame:
    return picture.reformat(picture.width & ~1, picture.height & ~1)

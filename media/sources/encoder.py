"""From raw audio and pictures to the encoded frames that RTP carries. Blocking; uses no loop."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from ..codecs.picture import BIT_RATE, picture_encoder
from ..codecs.sound import FRAME_SECONDS, sound_encoder
from ..frames.codec import CLOCK_RATES, is_keyframe
from ..frames.quiet import G711_QUIET
from .effort import Effort
from .unit import Unit

KEYFRAME_SECONDS = 1.0


def encode_audio(
    frames: Iterable[av.AudioFrame], codec: str, *, channels: int = 1
) -> Iterator[Unit]:
    """Encode audio into frames of 20 ms.

    Args:
        frames: Raw audio of any format, rate and layout.
        codec: "opus", "PCMU" or "PCMA".
        channels: 1 or 2; G.711 is always 1.

    Yields:
        The encoded frames. What is left at the end is filled up with silence.
    """
    context = sound_encoder(codec, channels)
    rate, layout = context.sample_rate, context.layout.name
    samples = int(rate * FRAME_SECONDS)
    resampler = av.AudioResampler(format="s16", layout=layout, rate=rate, frame_size=samples)
    duration = int(CLOCK_RATES[codec] * FRAME_SECONDS)

    def encoded(frame: av.AudioFrame | None) -> Iterator[Unit]:
        for packet in context.encode(frame):
            if packet.size:
                yield Unit(bytes(packet), duration)

    pts = 0
    for frame in frames:
        for whole in resampler.resample(frame):
            pts += whole.samples
            yield from encoded(whole)
    for rest in resampler.resample(None):
        if codec == "opus" or rest.samples == samples:
            yield from encoded(rest)
        else:
            for unit in encoded(rest):
                yield Unit(unit.data.ljust(samples, G711_QUIET[codec]), duration)
    yield from encoded(None)


def encode_video(
    frames: Iterable[av.VideoFrame],
    codec: str,
    *,
    fps: Fraction,
    bit_rate: int = BIT_RATE,
    effort: Effort | None = None,
    stills: bool = False,
) -> Iterator[Unit]:
    """Encode pictures, with a key frame each second.

    Args:
        frames: Raw pictures of even width and height in pixels, with increasing pts.
        codec: "VP8" or "H264".
        fps: Pictures per second, about; each one stands until the next one's pts.
        bit_rate: Bits per second.
        effort: Told how long the pictures take to be made and encoded.
        stills: Whether each picture stands for a second.

    Yields:
        One encoded frame for each picture.
    """
    if effort is not None:
        frames = effort.making(frames)
    clock_rate = CLOCK_RATES[codec]
    context: VideoCodecContext | None = None
    previous: tuple[bytes, bool, int] | None = None
    last_key = 0
    number = -1
    for frame in frames:
        if frame.pts is None or frame.time_base is None:
            raise ValueError("a picture has no time.")
        at = int(frame.pts * frame.time_base * clock_rate)
        picture = frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")
        size = (picture.width, picture.height)
        is_other = context is None or size != (context.width, context.height)
        if context is None or is_other:
            context = picture_encoder(codec, size, fps=fps, bit_rate=bit_rate, stills=stills)
        key = is_other or at - last_key >= KEYFRAME_SECONDS * clock_rate
        picture.pict_type = PictureType.I if key else PictureType.NONE
        picture.time_base = 1 / fps
        number = max(number + 1, round(at * fps / clock_rate))  # what is early waits for its turn
        picture.pts = number
        data = b"".join(bytes(packet) for packet in context.encode(picture))
        if effort is not None:
            effort.made(at / clock_rate)
        if not data:
            continue
        if previous is not None:
            yield Unit(previous[0], max(1, at - previous[2]), previous[1])
        previous = (data, is_keyframe(codec, data), at)
        if previous[1]:
            last_key = at
    if previous is not None:
        yield Unit(previous[0], int(clock_rate / fps), previous[1])

"""The sound of a file, encoded for a call."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..frames.codec import CLOCK_RATES
from ..frames.opus_packet import SILENCE, OpusError, parse
from ..frames.quiet import G711_QUIET
from .encoder import encode_audio
from .file_reader import FileReader
from .unit import Unit

USUAL = 960
"""Samples of 48 kHz in the Opus packets that every client takes (RFC 7587 §4.2)."""
OPUS_RATE = 48000
QUIET = Unit(SILENCE, USUAL)

_G711 = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}
G711_RATE = 8000
G711_FRAME = 160
"""Samples, each an octet, of a frame (RFC 3551 §4.2, §4.5.14)."""

SLIP = 0.08
"""Seconds by which sound may be off its time before silence is put in, or some of it left out."""

Samples = NDArray[np.int16]


def is_opus(reader: FileReader, codec: str) -> bool:
    """Tell whether the sound can go out as it is: Opus in frames of 20 ms or less.

    Args:
        reader: The file. It stays where it is.
        codec: The RTP encoding name.
    """
    stream = reader.streams["audio"]
    if not isinstance(stream, av.AudioStream) or codec != "opus":
        return False
    # More than two channels are several Opus streams in each packet (RFC 7845 §5.1.1).
    if stream.codec_context.codec.canonical_name != "opus" or stream.layout.nb_channels > 2:
        return False
    first = reader.peek("audio")
    return first is not None and _fits(first)


def opus(reader: FileReader, codec: str, *, start: float = 0.0) -> Iterator[Unit]:
    """Take the packets of an Opus track over.

    Args:
        reader: The file, at its beginning or somewhere before `start`.
        codec: "opus".
        start: Where in the time of playing to begin, in seconds.

    Yields:
        The packets, with silence where there are none.
    """
    del codec
    done = round(start * OPUS_RATE)
    for packet in filter(bytes, reader.packets("audio")):
        if packet.pts is not None and packet.time_base:
            ahead = round(float(packet.pts * packet.time_base) * OPUS_RATE) - done
            if ahead < -SLIP * OPUS_RATE:
                continue
            if ahead > SLIP * OPUS_RATE:
                yield from [QUIET] * (ahead // USUAL)
                done += ahead // USUAL * USUAL
        unit = take_over(packet)
        done += unit.duration
        yield unit


def is_g711(reader: FileReader, codec: str) -> bool:
    """Tell whether the sound can go out as it is: G.711 of 8 kHz, of one channel.

    Args:
        reader: The file. It stays where it is.
        codec: The RTP encoding name.
    """
    stream = reader.streams["audio"]
    return (
        isinstance(stream, av.AudioStream)
        and stream.codec_context.codec.canonical_name == _G711.get(codec)
        and stream.rate == G711_RATE
        and stream.layout.nb_channels == 1
    )


def g711(reader: FileReader, codec: str, *, start: float = 0.0) -> Iterator[Unit]:
    """Cut a track of G.711 into frames of 20 ms.

    Args:
        reader: The file, at its beginning or somewhere before `start`.
        codec: "PCMU" or "PCMA".
        start: Where in the time of playing to begin, in seconds.

    Yields:
        The frames, with silence where there is nothing. What is left at the end is filled up.
    """
    quiet = G711_QUIET[codec]
    done = round(start * G711_RATE)
    rest = bytearray()
    for packet in filter(bytes, reader.packets("audio")):
        sound = bytes(packet)
        if packet.pts is not None and packet.time_base:
            ahead = round(float(packet.pts * packet.time_base) * G711_RATE) - done
            if ahead > SLIP * G711_RATE:
                for part in _parts(ahead, G711_RATE):
                    rest += quiet * part
                    yield from _cut(rest)
                done += ahead
            elif ahead < 0:
                sound = sound[max(0, -ahead - int(SLIP * G711_RATE)) :] if done else sound
        rest += sound
        done += len(sound)
        yield from _cut(rest)
    if rest:
        yield Unit(bytes(rest.ljust(G711_FRAME, quiet)), G711_FRAME)


def _parts(count: int, most: int) -> Iterator[int]:
    """Divide a number, so that a long silence takes little room."""
    while count > 0:
        yield min(count, most)
        count -= most


def _cut(rest: bytearray) -> Iterator[Unit]:
    """Take whole frames from the beginning."""
    while len(rest) >= G711_FRAME:
        yield Unit(bytes(rest[:G711_FRAME]), G711_FRAME)
        del rest[:G711_FRAME]


AS_IT_IS = ((is_opus, opus), (is_g711, g711))
"""What goes out without being encoded: how to tell, and how to take it."""


def encoded_anew(reader: FileReader, codec: str, *, start: float = 0.0) -> Iterator[Unit]:
    """Decode a track and encode it; one of several channels becomes stereo where Opus is sent.

    Args:
        reader: The file, at its beginning or somewhere before `start`.
        codec: The RTP encoding name.
        start: Where in the time of playing to begin, in seconds.

    Yields:
        The encoded frames.
    """
    stream = reader.streams["audio"]
    assert isinstance(stream, av.AudioStream)  # noqa: S101
    is_stereo = codec == "opus" and stream.layout.nb_channels != 1
    sound = _Sound(CLOCK_RATES[codec], 2 if is_stereo else 1, start)
    yield from encode_audio(sound.frames(reader), codec, channels=sound.channels)


def take_over(packet: "av.Packet[Any]") -> Unit:
    """Take an Opus packet over; one that does not fit, among others that do, is silence.

    Args:
        packet: The packet.
    """
    return Unit(bytes(packet), parse(bytes(packet)).samples) if _fits(packet) else QUIET


def _fits(packet: "av.Packet[Any]") -> bool:
    """Tell whether an Opus packet is one that a call may carry: a frame of 20 ms, or a part."""
    try:
        parsed = parse(bytes(packet))
    except OpusError:
        return False
    return len(parsed.frames) == 1 and parsed.samples <= USUAL


class _Sound:
    """Samples of one rate and number of channels, each at its time."""

    def __init__(self, rate: int, channels: int, start: float) -> None:
        self.channels = channels
        self._rate = rate
        self._layout = "stereo" if channels == 2 else "mono"
        self._done = round(start * rate)
        self._resampler: av.AudioResampler | None = None
        self._setup: tuple[str, str, int] | None = None

    def frames(self, reader: FileReader) -> Iterator[av.AudioFrame]:
        """Decode a track, with silence where it has gaps, and without what overlaps."""
        for frame in reader.frames("audio"):
            if not isinstance(frame, av.AudioFrame):
                continue
            ahead = 0 if frame.time is None else round(frame.time * self._rate) - self._done
            if ahead > SLIP * self._rate:
                yield from self._silence(ahead)
            yield from self._cut(self._resampled(frame), max(0, -ahead - int(SLIP * self._rate)))
        yield from self._cut(self._rest(), 0)

    def _resampled(self, frame: av.AudioFrame) -> Iterator[Samples]:
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self._setup:  # also in mid-file, where files were put together
            yield from self._rest()
            self._setup = setup
            self._resampler = av.AudioResampler("s16", self._layout, self._rate)
        assert self._resampler is not None  # noqa: S101
        frame.pts = None
        try:
            yield from map(self._samples, self._resampler.resample(frame))
        except (av.FFmpegError, ValueError):
            self._setup = None

    def _rest(self) -> Iterator[Samples]:
        resampler, self._resampler = self._resampler, None
        if resampler is not None and self._setup is not None:
            yield from map(self._samples, resampler.resample(None))

    def _samples(self, frame: av.AudioFrame) -> Samples:
        return frame.to_ndarray().astype(np.int16, copy=False).reshape(-1, self.channels)

    def _cut(self, blocks: Iterator[Samples], skipped: int) -> Iterator[av.AudioFrame]:
        for block in blocks:
            kept = block[skipped:]
            skipped -= len(block) - len(kept)
            if len(kept):
                yield self._frame(kept)

    def _silence(self, samples: int) -> Iterator[av.AudioFrame]:
        while samples > 0:
            part = min(samples, self._rate)
            samples -= part
            yield self._frame(np.zeros((part, self.channels), np.int16))

    def _frame(self, samples: Samples) -> av.AudioFrame:
        self._done += len(samples)
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "s16", self._layout)
        frame.sample_rate = self._rate
        return frame

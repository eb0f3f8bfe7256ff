"""Encoders and decoders of sound, one frame of 20 ms at a time. Blocking; they use no loop."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from ..frames.codec import CLOCK_RATES

Samples = NDArray[np.int16]
"""Sound of shape (samples, channels)."""

FRAME_SECONDS = Fraction(20, 1000)
"""How long an RTP frame of sound lasts (RFC 7587 §4.2, RFC 3551 §4.2)."""


@dataclass(frozen=True)
class SoundCodec:
    """How a codec is used here.

    Attributes:
        name: FFmpeg's name of it.
        rate: Samples a second, in Hz.
        options: FFmpeg's options for its encoder.
        bit_rates: Bits a second for one channel and for two; None where the codec has one rate.
    """

    name: str
    rate: int
    options: Mapping[str, str] = field(default_factory=dict)
    bit_rates: tuple[int, int] | None = None


SOUND_CODECS = {
    "opus": SoundCodec(
        "libopus", 48000, {"application": "audio", "frame_duration": "20"}, (64_000, 96_000)
    ),
    "PCMU": SoundCodec("pcm_mulaw", 8000),
    "PCMA": SoundCodec("pcm_alaw", 8000),
}
"""By RTP encoding name."""


def sound_encoder(codec: str, channels: int = 1) -> AudioCodecContext:
    """Make FFmpeg's encoder of a codec.

    Args:
        codec: The RTP encoding name.
        channels: 1 or 2; G.711 always has 1.
    """
    known = SOUND_CODECS[codec]
    is_stereo = channels == 2 and known.bit_rates is not None
    context = cast(AudioCodecContext, av.CodecContext.create(known.name, "w"))
    context.format = "s16"
    context.layout = "stereo" if is_stereo else "mono"
    context.sample_rate = known.rate
    context.time_base = Fraction(1, known.rate)
    if known.bit_rates is not None:
        context.bit_rate = known.bit_rates[is_stereo]
    context.options = dict(known.options)
    return context


def to_frame(sound: Samples, rate: int) -> av.AudioFrame:
    """Make FFmpeg's frame of sound. PyAV's own way takes twice as long, 50 times a second.

    Args:
        sound: Of shape (samples, channels), 1 or 2 channels.
        rate: Samples a second, in Hz.
    """
    layout = "stereo" if sound.shape[1] == 2 else "mono"
    frame = av.AudioFrame(format="s16", layout=layout, samples=len(sound))
    plane: Any = frame.planes[0]
    plane.update(np.ascontiguousarray(sound))
    frame.sample_rate = rate
    return frame


def to_samples(frame: av.AudioFrame) -> Samples:
    """Give the sound of FFmpeg's frame without a copy. PyAV's own way takes six times as long.

    Args:
        frame: Of 16-bit samples, all channels in one plane.

    Returns:
        The sound, of shape (samples, channels).
    """
    channels = frame.layout.nb_channels
    plane: Any = frame.planes[0]
    flat: Samples = np.frombuffer(plane, np.int16, frame.samples * channels)
    return flat.reshape(-1, channels)


class SoundEncoder:
    """Encodes one stream.

    Attributes:
        rate: Samples a second that it takes, in Hz.
        channels: How many it takes: 1 or 2.
        samples: How many make a frame.
        duration: How long a frame lasts, in ticks of the codec's RTP clock.
    """

    def __init__(self, codec: str, channels: int = 1) -> None:
        """Begin a stream.

        Args:
            codec: The RTP encoding name.
            channels: 1 or 2; G.711 always has 1.
        """
        self._context = sound_encoder(codec, channels)
        self.channels = self._context.layout.nb_channels
        self.rate = SOUND_CODECS[codec].rate
        self.samples = int(self.rate * FRAME_SECONDS)
        self.duration = int(CLOCK_RATES[codec] * FRAME_SECONDS)
        self._time = 0

    def encode(self, sound: Samples) -> bytes:
        """Encode a frame.

        Args:
            sound: `samples` samples of `channels` channels, of shape (samples, channels).

        Returns:
            The encoded frame.
        """
        frame = to_frame(sound, self.rate)
        frame.pts = self._time
        self._time += self.samples
        packets = self._context.encode(frame)
        if len(packets) == 1:
            return bytes(packets[0])
        return b"".join(bytes(packet) for packet in packets)


class SoundDecoder:
    """Decodes one stream.

    Attributes:
        rate: Samples a second that it gives, in Hz.
        channels: How many it gives.
    """

    def __init__(self, codec: str, channels: int = 1) -> None:
        """Begin a stream.

        Args:
            codec: The RTP encoding name.
            channels: 1 or 2 that Opus is to give, whatever is sent (RFC 7587 §3.4); G.711 has 1.
        """
        known = SOUND_CODECS[codec]
        self.channels = channels if codec == "opus" else 1
        self.rate = known.rate
        self._context = cast(AudioCodecContext, av.CodecContext.create(known.name, "r"))
        self._context.sample_rate = known.rate
        self._context.layout = "stereo" if self.channels == 2 else "mono"
        self._is_opus = codec == "opus"
        self._lost = b""

    def decode(self, data: bytes) -> Samples:
        """Decode a frame.

        Args:
            data: What one RTP packet carried, of any duration.

        Returns:
            The sound, of shape (samples, channels); nothing of a frame that can't be decoded.
        """
        parts: list[Samples] = []
        if data:  # FFmpeg would take nothing for the end of the stream
            with suppress(av.error.FFmpegError):
                parts = [to_samples(frame) for frame in self._context.decode(av.Packet(data))]
                if self._is_opus:
                    self._lost = bytes((data[0] & ~3,))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.int16)

    def conceal(self) -> Samples:
        """Make a lost frame up from those before it.

        FFmpeg has no call for it, but libopus does so when a packet ends after its first octet
        (RFC 6716 §3.2.1: a frame of no octets was lost or not sent).

        Returns:
            As much sound as a frame of the last packet has; none for other codecs than Opus.
        """
        return self.decode(self._lost)

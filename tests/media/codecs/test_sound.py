"""Sound that is encoded and decoded frame by frame."""

import numpy as np
import pytest
from callboard.media.codecs.sound import SOUND_CODECS, Samples, SoundDecoder, SoundEncoder
from callboard.media.frames.codec import CODECS


def tone(frequency: int, rate: int, seconds: float, channels: int) -> Samples:
    time = np.arange(round(rate * seconds)) / rate
    wave = (np.sin(2 * np.pi * frequency * time) * 10_000).astype(np.int16)
    return np.repeat(wave[:, None], channels, axis=1)


def pitch(wave: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.argmax(spectrum) * rate / len(wave))


@pytest.mark.parametrize("codec", CODECS["audio"])
@pytest.mark.parametrize("sent", [1, 2])
@pytest.mark.parametrize("heard", [1, 2])
def test_what_goes_in_comes_out(codec: str, sent: int, heard: int) -> None:
    encoder, decoder = SoundEncoder(codec, sent), SoundDecoder(codec, heard)
    wave = tone(440, encoder.rate, 1, encoder.channels)
    packets = [
        encoder.encode(wave[at : at + encoder.samples])
        for at in range(0, len(wave), encoder.samples)
    ]
    assert all(packets), "a frame gives a packet at once"
    out = np.concatenate([decoder.decode(packet) for packet in packets])
    assert out.shape == (len(wave), decoder.channels)
    for channel in range(decoder.channels):
        assert pitch(out[:, channel], decoder.rate) == pytest.approx(440, abs=2)
    assert encoder.duration == encoder.samples


@pytest.mark.parametrize("codec", [*SOUND_CODECS])
@pytest.mark.parametrize("data", [b"", b"\xff", b"\xfc" + b"\x00" * 7, bytes(range(256)) * 20])
def test_what_is_no_sound_is_none(codec: str, data: bytes) -> None:
    decoder = SoundDecoder(codec, 2)
    out = decoder.decode(data)
    assert out.dtype == np.int16
    assert out.shape[1] == decoder.channels
    encoder = SoundEncoder(codec)
    wave = tone(440, encoder.rate, 0.2, 1)
    after = [
        decoder.decode(encoder.encode(wave[at : at + encoder.samples]))
        for at in range(0, len(wave), encoder.samples)
    ]
    assert np.abs(after[-1].astype(np.int32)).max() > 5_000, "the stream goes on"

"""G.711 of a file goes out as it is, in frames of 20 ms."""

import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import FileSource
from callboard.media.codecs.sound import SoundDecoder
from callboard.media.sources.unit import Unit

LAWS = {"PCMA": "pcm_alaw", "PCMU": "pcm_mulaw"}


def write(path: Path, law: str, seconds: float, rate: int = 8000, layout: str = "mono") -> bytes:
    """Write a tone; return its octets."""
    count = round(seconds * rate)
    channels = av.AudioLayout(layout).nb_channels
    tone = (8000 * np.sin(np.arange(count) * 2 * np.pi * 440 / rate)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(law, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, channels)[None, :], "s16", layout)
        frame.sample_rate = rate
        packets = [*stream.encode(frame), *stream.encode(None)]
        octets = b"".join(map(bytes, packets))
        container.mux(packets)
    return octets


@pytest.mark.parametrize("codec", LAWS)
@pytest.mark.parametrize("name", ["call.wav", "call.caf", "call.au", "call.mov"])
@pytest.mark.parametrize("seconds", [0.003, 0.5, 1.234])
def test_it_goes_out_as_it_is(tmp_path: Path, codec: str, name: str, seconds: float) -> None:
    octets = write(tmp_path / name, LAWS[codec], seconds)
    units = list(FileSource(tmp_path / name).encode("audio", codec))
    quiet = {"PCMA": b"\xd5", "PCMU": b"\xff"}[codec]
    assert b"".join(unit.data for unit in units) == octets.ljust(160 * len(units), quiet)
    assert len(units) == -(-len(octets) // 160)
    assert {(len(unit.data), unit.duration) for unit in units} == {(160, 160)}


@pytest.mark.parametrize("codec", LAWS)
def test_it_is_taken_up_where_it_was_left(tmp_path: Path, codec: str) -> None:
    octets = write(tmp_path / "call.wav", LAWS[codec], 3)
    for start in (0.02, 1.0, 2.98, 5.0):
        units = list(FileSource(tmp_path / "call.wav").encode_from(start, "audio", codec))
        assert b"".join(unit.data for unit in units) == octets[round(start * 8000) :]


UNFIT = {
    "the other law": ("pcm_alaw", 8000, "mono", "PCMU"),
    "two channels": ("pcm_alaw", 8000, "stereo", "PCMA"),
    "another rate": ("pcm_mulaw", 16000, "mono", "PCMU"),
    "Opus is spoken": ("pcm_mulaw", 8000, "mono", "opus"),
    "linear": ("pcm_s16le", 8000, "mono", "PCMA"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_encoded(tmp_path: Path, name: str) -> None:
    law, rate, layout, codec = UNFIT[name]
    write(tmp_path / "call.wav", law, 1, rate, layout)
    units = list(FileSource(tmp_path / "call.wav").encode("audio", codec))
    assert loudest(units, codec) == pytest.approx(8000, rel=0.2)
    assert sum(unit.duration for unit in units) >= {"opus": 48000}.get(codec, 8000)


def loudest(units: list[Unit], codec: str) -> int:
    decoder = SoundDecoder(codec)
    return int(max(np.abs(decoder.decode(unit.data)).max(initial=0) for unit in units[5:-5]))


def test_what_another_program_wrote(tmp_path: Path) -> None:
    path = tmp_path / "linear.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    units = list(FileSource(path).encode("audio", "PCMA"))
    assert {unit.data for unit in units} == {b"\xd5" * 160}

"""Files as sources."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.media import ClockPattern, FileSource, SourceError, read_clock
from callboard.media.sources import file_sound
from callboard.tests.media.legs import luma, video_decoder


def film(path: Path, *, fps: int, size: tuple[int, int], count: int) -> Path:
    """Write a file of the clock pattern, with a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        video.width, video.height = size
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=44100)
        pictures = ClockPattern(*size, fps=30)._pictures()
        for number, picture in zip(range(count), pictures, strict=False):
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        wave_ = np.sin(np.arange(44100) * 2 * np.pi * 440 / 44100).astype(np.float32) * 0.3
        frame = av.AudioFrame.from_ndarray(np.stack([wave_, wave_]), "fltp", "stereo")
        frame.sample_rate = 44100
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_video_is_scaled_down_and_thinned_out(tmp_path: Path, codec: str) -> None:
    path = film(tmp_path / "big.mp4", fps=60, size=(1440, 960), count=40)
    units = list(FileSource(path).encode("video", codec))
    assert len(units) == 20
    assert {unit.duration for unit in units} == {3000}
    assert units[0].keyframe
    decoder = video_decoder(codec)
    frames = [f for unit in units for f in decoder.decode(av.Packet(unit.data))]
    assert (frames[0].width, frames[0].height) == (1080, 720)
    clocks = [read_clock(luma(frame)) for frame in frames]
    assert clocks == pytest.approx([number / 15 for number in range(len(clocks))], abs=0.0011)


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA"])
def test_audio_of_any_rate(tmp_path: Path, codec: str) -> None:
    path = film(tmp_path / "sound.mp4", fps=30, size=(160, 120), count=2)
    units = list(FileSource(path).encode("audio", codec))
    assert 50 <= len(units) <= 53
    assert len({unit.duration for unit in units}) == 1


def spoken(path: Path, frame_duration: str) -> list[bytes]:
    """Write Opus in Ogg; gives its packets."""
    with av.open(str(path), "w", format="ogg") as container:
        options = {"frame_duration": frame_duration}
        stream = container.add_stream("libopus", rate=48000, layout="mono", options=options)
        wave_ = (np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave_.reshape(1, -1), "s16", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize("frame_duration", ["10", "20"])
def test_opus_is_played_as_it_is(tmp_path: Path, frame_duration: str) -> None:
    packets = spoken(tmp_path / "speech.ogg", frame_duration)
    units = list(FileSource(tmp_path / "speech.ogg").encode("audio", "opus"))
    assert [unit.data for unit in units] == packets
    assert {unit.duration for unit in units} == {48 * int(frame_duration)}


@pytest.mark.parametrize(("frame_duration", "codec"), [("60", "opus"), ("20", "PCMU")])
def test_opus_that_the_call_can_not_carry_is_encoded_anew(
    tmp_path: Path, frame_duration: str, codec: str
) -> None:
    packets = spoken(tmp_path / "speech.ogg", frame_duration)
    units = list(FileSource(tmp_path / "speech.ogg").encode("audio", codec))
    assert not {unit.data for unit in units} & set(packets)
    assert 49 <= len(units) <= 52
    assert {unit.duration for unit in units} == {960 if codec == "opus" else 160}


def test_an_odd_opus_packet_among_others_is_silence(tmp_path: Path) -> None:
    spoken(tmp_path / "speech.ogg", "20")
    units = list(FileSource(tmp_path / "speech.ogg").encode("audio", "opus"))
    spoken(tmp_path / "long.ogg", "60")
    with av.open(str(tmp_path / "long.ogg")) as container:
        long = [file_sound.take_over(packet) for packet in container.demux(audio=0) if packet.size]
    assert {unit.duration for unit in long} == {960}
    assert {unit.data for unit in long} == {b"\xf8\xff\xfe"}
    assert not {unit.data for unit in units} & {unit.data for unit in long}


def test_a_stream_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "beep.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    assert len(list(FileSource(path).encode("audio", "PCMU"))) == 50
    with pytest.raises(ValueError, match="no video"):
        list(FileSource(path).encode("video", "VP8"))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        FileSource(tmp_path / "missing.ogg")


def test_a_replaced_file_is_played_anew_and_looping_shares(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    once, again = FileSource(path), FileSource(path, loop=True)
    assert once.key("audio", "opus") == again.key("audio", "opus")
    assert (once.repeats, again.repeats) == (False, True)
    path.write_bytes(b"other")
    assert FileSource(path).key("audio", "opus") != once.key("audio", "opus")

"""Who hears what of a mix."""

import numpy as np
import pytest
from callboard.media.codecs.sound import Samples, SoundDecoder
from callboard.media.frames.codec import CODECS
from callboard.media.joining.mix import (
    BLOCK,
    RATE,
    SILENT,
    Limiter,
    Mix,
    Voice,
    chime,
    levels,
    limit,
)
from callboard.tests.media.codecs.test_sound import tone
from numpy.typing import NDArray

TONES = {"alice": 400, "bob": 700, "carol": 1000}


def strength(wave: Samples, rate: int, frequency: int) -> float:
    """The amplitude of one frequency in a wave."""
    flat = wave[:, 0].astype(np.float64)
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(flat)) / rate)
    return float(2 * abs(flat @ turns) / len(flat))


def blocks(frequency: int, seconds: float = 1) -> list[Samples]:
    wave = tone(frequency, RATE, seconds, 1) // 2
    return [wave[at : at + BLOCK] for at in range(0, len(wave), BLOCK)]


@pytest.mark.parametrize("codec", CODECS["audio"])
def test_each_hears_the_others_and_not_itself(codec: str) -> None:
    mix = Mix()
    said = {name: blocks(frequency) for name, frequency in TONES.items()}
    heard: dict[object, list[bytes]] = {name: [] for name in (*TONES, codec)}
    for at in range(50):
        voices = [Voice(name, said[name][at], codec, alone=True) for name in TONES]
        voices.append(Voice("dave", None, codec, alone=False))
        mixed = mix.mix(voices)
        for name, data in (*mixed.own.items(), *mixed.shared.items()):
            heard[name].append(data)
        assert set(mixed.levels) == set(TONES)
    for name, packets in heard.items():
        decoder = SoundDecoder(codec)
        wave = np.concatenate([decoder.decode(packet) for packet in packets])[decoder.rate // 5 :]
        for other, frequency in TONES.items():
            found = strength(wave, decoder.rate, frequency)
            assert (found < 100) if name == other else (found > 3000), (name, other)


def test_who_only_listens_shares_one_encoding() -> None:
    mix = Mix()
    voices = [Voice("alice", blocks(400)[0], "opus", alone=True)]
    voices += [Voice(number, None, "opus", alone=False) for number in range(9)]
    voices += [Voice("old", None, "PCMU", alone=False), Voice("mute", None, None, alone=False)]
    mixed = mix.mix(voices, wanted=("PCMA",))
    assert set(mixed.own) == {"alice"}
    assert set(mixed.shared) == {"opus", "PCMU", "PCMA"}


def test_many_loud_voices_are_turned_down_and_not_cut() -> None:
    limiter = Limiter()
    loud = np.tile((np.sin(2 * np.pi * 50 * np.arange(960) / 48000) * 90_000).astype(np.int32), 20)

    def turned_down(block: NDArray[np.int32]) -> Samples:
        limited: Samples = limit(block.astype(np.float32)[None], [limiter])[0]
        return limited

    out = np.concatenate([turned_down(loud[at : at + BLOCK]) for at in range(0, len(loud), BLOCK)])
    assert np.abs(out.astype(np.int32)).max() <= 32_768
    flat = out[BLOCK:].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(flat * np.hanning(len(flat))))
    peak = int(np.argmax(spectrum))
    beside = np.delete(spectrum, range(max(0, peak - 4), peak + 5)).max()
    assert beside < spectrum[peak] / 300, "a sine stays one"
    quiet = np.full(BLOCK, 1000, np.int32)
    gains = [float(turned_down(quiet)[-1]) / 1000 for _ in range(20)]
    assert gains[0] < 0.6
    assert gains[-1] == 1
    assert gains == sorted(gains)


@pytest.mark.parametrize("speaks", [True, False])
def test_what_is_too_loud_together_is_heard_as_it_is(speaks: bool) -> None:
    mix, decoder = Mix(), SoundDecoder("opus")
    heard: list[Samples] = []
    for block in blocks(400):
        voices = [Voice(number, 2 * block, None, alone=False) for number in range(12)]
        voices.append(Voice("dave", 0 * block if speaks else None, "opus", alone=speaks))
        mixed = mix.mix(voices)
        heard.append(decoder.decode(mixed.own["dave"] if speaks else mixed.shared["opus"]))
    wave = np.concatenate(heard)[decoder.rate // 5 :]
    tones = [strength(wave, decoder.rate, 400 * times) for times in (1, 3, 5)]
    assert tones[0] > 20_000
    assert max(tones[1:]) < tones[0] / 50, "what is cut off has overtones"


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (np.full((960, 1), 32_767, np.int16), 0),
        (tone(440, 48_000, 0.02, 1), -13.3),
        (np.zeros((960, 1), np.int16), SILENT),
    ],
)
def test_levels_are_in_dbov(sound: Samples, expected: float) -> None:
    assert levels(sound.T.astype(np.float32)) == [pytest.approx(expected, abs=0.3)]


def test_a_chime_is_heard_by_all() -> None:
    sound = chime(660, 880)
    assert len(sound) % BLOCK == 0
    assert strength(sound[: BLOCK * 6], RATE, 660) > 2000
    mixed = Mix().mix([Voice("alice", None, "PCMU", alone=False)], sound[BLOCK : 2 * BLOCK])
    heard = SoundDecoder("PCMU").decode(mixed.shared["PCMU"])
    assert levels(heard.T.astype(np.float32))[0] > -40

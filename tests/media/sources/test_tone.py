"""A tone, with an end and without one."""

import numpy as np
import pytest
from callboard.media import Silence, Tone
from callboard.media.codecs.sound import SoundDecoder
from callboard.tests.media.codecs.test_sound import pitch


@pytest.mark.parametrize(
    "arguments",
    [
        {"frequency": 10},
        {"frequency": 4000},
        {"level": 2.0},
        *({"seconds": seconds} for seconds in (0, 0.019, -1, 3601, float("nan"), float("inf"))),
    ],
)
def test_tones_that_cannot_be_played(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="outside"):
        Tone(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA"])
@pytest.mark.parametrize("seconds", [0.02, 0.3, 0.51])
def test_a_tone_with_an_end_lasts_so_long_and_does_not_click(codec: str, seconds: float) -> None:
    tone = Tone(800, 0.5, seconds)
    assert not tone.repeats
    assert tone != Tone(800, 0.5)
    units = list(tone.encode("audio", codec))
    decoder = SoundDecoder(codec, 1)
    wave = np.concatenate([decoder.decode(unit.data) for unit in units])[:, 0].astype(np.int32)
    assert seconds <= len(wave) / decoder.rate <= seconds + 0.041  # the last frame, and Opus's own
    loud = np.flatnonzero(np.abs(wave) > 2_000)
    assert (loud[-1] - loud[0]) / decoder.rate == pytest.approx(seconds, abs=0.012)
    if seconds > 0.1:
        assert pitch(wave[loud[0] : loud[-1]].astype(np.int16), decoder.rate) == pytest.approx(
            800, abs=4
        )
    # A sine of 800 Hz goes no faster than this from one sample to the next; a click does.
    steepest = 0.5 * 32767 * 2 * np.pi * 800 / decoder.rate
    assert np.abs(np.diff(wave)).max() < 1.2 * steepest


def test_only_a_tone_without_an_end_repeats() -> None:
    assert Tone().repeats
    assert not Tone(seconds=1).repeats
    assert Silence().repeats

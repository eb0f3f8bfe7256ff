"""The voices that espeak-ng has, and that a text is said in the one that is asked for."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from callboard.bots.speaking import Utterance, espeak_ng
from callboard.media import SourceError, SpokenText
from callboard.media.codecs.sound import SoundDecoder
from callboard.media.sources.espeak import EspeakSpeech, check_installed
from callboard.tests.media.espeak import needs_espeak

pytestmark = needs_espeak


@pytest.mark.parametrize(
    "voice", [None, "en", "en-us", "DE", "en+f3", "de-AT", "German", "gmw/en-US", "zh", "cmn"]
)
def test_a_voice_goes_by_its_language_its_name_or_its_file(voice: str | None) -> None:
    check_installed(voice)


@pytest.mark.parametrize("voice", ["elvish", "xx", "5", "M", "+f3", "-"])
def test_a_voice_that_is_not_there_is_named(voice: str) -> None:
    with pytest.raises(SourceError, match=f"has no voice {voice!r}".replace("+", r"\+")):
        check_installed(voice)


TEXT = "one two three four"
Says = Callable[[str | None, int | None], bytes]


def frames_of(speech: Iterator[object]) -> bytes:
    assert isinstance(speech, EspeakSpeech)
    try:
        return b"".join(frame.to_ndarray().tobytes() for frame in speech)
    finally:
        speech.close()
        speech.reap()


def from_a_bot(voice: str | None, rate: int | None) -> bytes:
    said = espeak_ng().speak(Utterance(TEXT, voice, rate))
    assert isinstance(said, Iterator)
    return frames_of(said)


def from_a_file(voice: str | None, rate: int | None) -> bytes:
    decoder = SoundDecoder("PCMU")
    units = SpokenText(TEXT, voice, rate).encode("audio", "PCMU")
    return np.concatenate([decoder.decode(unit.data) for unit in units]).tobytes()


@pytest.mark.parametrize(
    "says",
    [lambda voice, rate: frames_of(EspeakSpeech(TEXT, voice, rate)), from_a_bot, from_a_file],
    ids=["the synthesizer", "a bot's say", "a source"],
)
def test_a_text_is_said_in_the_voice_and_as_fast_as_is_wanted(says: Says) -> None:
    usual, fast, german = says(None, None), says(None, 350), says("de", None)
    assert 0 < len(fast) < 0.8 * len(usual)
    assert says("en", None) == usual
    assert german not in {usual, b""}

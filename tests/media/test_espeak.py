"""The voices that espeak-ng has."""

import pytest
from callboard.media import SourceError
from callboard.media.sources.espeak import check_installed
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

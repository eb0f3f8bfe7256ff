"""A source that says a text."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from ..errors import SourceError
from ..frames.frame import Kind
from .encoder import encode_audio
from .espeak import (
    PROGRAM,
    EspeakSpeech,
    check_installed,
    check_rate,
    check_text,
    check_voice,
)
from .source import Source, check_type
from .unit import Unit

_PATIENCE = 10.0
"""Seconds in which espeak-ng must tell whether it has a voice."""


@dataclass(frozen=True)
class SpokenText(Source):
    """A text that espeak-ng says, encoded once for all who hear it.

    What is said once, and differs from call to call, is better said by `Call.say`.

    Attributes:
        text: What to say, in up to 10,000 characters.
        voice: A name from ``espeak-ng --voices``, like ``de``; None: its usual one.
        rate: Words a minute, 80 to 450; None: its usual 175.

    Raises:
        TypeError: One is of the wrong type.
        ValueError: One can't be used.
    """

    text: str
    voice: str | None = None
    rate: int | None = None
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})
    repeats = False

    def __post_init__(self) -> None:
        check_type("text", self.text, str, "text")
        check_text(self.text)
        if self.voice is not None:
            check_type("voice", self.voice, str, "a voice's name, like en-us")
            check_voice(self.voice)
        if self.rate is not None:
            check_type("rate", self.rate, int, "words a minute, like 175")
            check_rate(self.rate)

    def __str__(self) -> str:
        return "say:" + (self.text if len(self.text) <= 40 else f"{self.text[:39]}…")

    def check(self) -> None:
        """Find out whether there is something that speaks, and with this voice.

        Raises:
            SourceError: espeak-ng is not installed, or has no such voice.
        """
        check_installed()
        if self.voice is not None and not _has_voice(self.voice):
            raise SourceError(
                f"{PROGRAM} has no voice {self.voice!r}: give one of '{PROGRAM} --voices', "
                "like en-us"
            )

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Have the text said, and encode it.

        Args:
            kind: "audio".
            codec: The RTP encoding name.

        Yields:
            The encoded frames.
        """
        del kind
        speech = EspeakSpeech(self.text, self.voice, self.rate)
        try:
            yield from encode_audio(speech, codec)
        finally:
            speech.close()
            speech.reap()


@lru_cache(maxsize=64)
def _has_voice(voice: str) -> bool:
    """Ask espeak-ng to say nothing with a voice."""
    try:
        done = subprocess.run(  # noqa: S603 -- the name was checked
            [PROGRAM, "-q", "--stdin", "-v", voice],
            input=b"",
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True  # it will say what is wrong when it is to speak
    return done.returncode == 0

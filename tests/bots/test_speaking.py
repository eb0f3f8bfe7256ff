"""What speaks for a bot."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from callboard.bots import Feed, Synthesizer, Utterance
from callboard.bots.speaking import speak
from callboard.tests.conftest import Run


class Voice:
    """Speaks for ever, and tells whether it was closed."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = asyncio.Event()
        self.failure = failure
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            while True:
                self.begun.set()
                yield np.zeros(16_000, np.int16)
        finally:
            self.is_closed = True
            if self.failure is not None:
                raise self.failure


@pytest.mark.parametrize("failure", [None, OSError("the line is gone")])
@pytest.mark.parametrize("form", ["a generator", "an iterable"])
def test_an_asynchronous_voice_is_closed_when_its_playback_ends_early(
    run: Run, form: str, failure: Exception | None
) -> None:
    async def main() -> None:
        voice = Voice(failure)
        said = voice if form == "an iterable" else aiter(voice)  # kept: not for the collector
        synthesizer = Synthesizer(lambda _: said)
        speaking = asyncio.create_task(speak(synthesizer, Utterance("Hello"), Feed(16_000)))
        await voice.begun.wait()
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        assert voice.is_closed

    run(main)

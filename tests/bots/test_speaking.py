"""What speaks for a bot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from callboard.bots import Feed, SourceError, Synthesizer, Utterance
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


async def plain(_: Utterance) -> bytes:
    return b"\0\0"


def gives_a_coroutine(said: Utterance) -> Any:
    return plain(said)


class Called:
    async def __call__(self, _: Utterance) -> bytes:
        return b"\0\0"


@pytest.mark.parametrize("speaks", [plain, partial(plain), Called()])
def test_a_voice_that_never_yields_is_refused_when_it_is_made(speaks: Any) -> None:
    with pytest.raises(TypeError, match="speak is async and has no 'yield'"):
        Synthesizer(speaks)


def broken(_: Utterance) -> Iterator[bytes]:
    yield b"\0\0"
    raise KeyError("no such word")


async def broken_later(_: Utterance) -> AsyncIterator[bytes]:
    yield b"\0\0"
    raise KeyError("no such word")


@pytest.mark.parametrize(
    ("speaks", "words"),
    [
        (lambda _: None, "speak returned NoneType: let it yield"),
        (lambda _: 5, "speak returned int: let it yield"),
        (lambda _: "Hello", "speak returned str: let it yield"),
        (gives_a_coroutine, "speak returned coroutine: let it yield"),
        (lambda _: ["Hello"], "str"),
        (lambda _: [None], "NoneType"),
        (broken, "KeyError.*no such word"),
        (broken_later, "KeyError.*no such word"),
        (lambda _: 1 // 0, "ZeroDivisionError"),
    ],
)
def test_a_voice_that_says_nothing_is_told_with_its_line(run: Run, speaks: Any, words: str) -> None:
    async def main() -> None:
        where = r" at test_speaking\.py:\d+$"
        with pytest.raises(SourceError, match=f"^The text can't be said: .*{words}.*{where}"):
            await speak(Synthesizer(speaks), Utterance("Hello"), Feed(16_000))

    run(main)


class Closing(Feed):
    """Tells when all was written."""

    def __init__(self) -> None:
        super().__init__(16_000)
        self.is_closed = asyncio.Event()

    def close(self) -> None:
        super().close()
        self.is_closed.set()


@pytest.mark.parametrize("sound", [bytes(320), bytearray(320), np.zeros(160, np.int16)])
def test_sound_that_comes_in_one_piece_is_said(run: Run, sound: Any) -> None:
    async def main() -> None:
        feed = Closing()
        speaking = asyncio.create_task(speak(Synthesizer(lambda _: sound), Utterance("Hi"), feed))
        await feed.is_closed.wait()
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking

    run(main)

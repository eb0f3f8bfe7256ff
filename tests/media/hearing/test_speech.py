"""Where speech begins and ends, and what was said."""

import asyncio
import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.media import SpeechBegan, SpeechEnded, SpeechError, SpeechOptions
from callboard.media.codecs.sound import Samples
from callboard.media.hearing import voice_detector
from callboard.media.hearing.ear import Ear
from callboard.media.hearing.speech import (
    CHUNK,
    RATE,
    Speech,
    SpeechFinder,
    hear_speech,
    read_speech,
)
from callboard.media.hearing.voice_detector import VoiceDetector, check_speech
from callboard.tests.conftest import Run
from callboard.tests.media.espeak import needs_espeak, spoken
from callboard.tests.media.hearing.sound import frames, packets, tone
from hypothesis import given
from hypothesis import strategies as st

BLOCK = RATE // 50
SENTENCE = "I would like to talk to somebody about my order."


def numbered(chunks: int) -> Samples:
    """Sound whose samples say in which chunk they are."""
    return np.repeat(np.arange(chunks, dtype=np.int16), CHUNK)[:, None]


def find(sure: list[float], options: SpeechOptions, *, is_over: bool = False) -> list[Speech]:
    """Let a detector be so sure in one chunk after the other."""
    chunks: Iterator[float] = iter(sure)
    finder = SpeechFinder(options, lambda _: next(chunks))
    sound = numbered(len(sure))
    happened = []
    for at in range(0, len(sound), BLOCK):
        happened += finder.hear(sound[at : at + BLOCK], at * 3)
    return [*happened, *finder.end()] if is_over else happened


def chunks_of(speech: Speech) -> list[int]:
    """Tell which chunks somebody's words have."""
    assert isinstance(speech, SpeechEnded)
    return sorted(set(speech.pcm.tolist()))


SECOND = round(RATE / CHUNK)
OPTIONS = SpeechOptions(min_silence=10 * CHUNK / RATE, pre_roll=5 * CHUNK / RATE)


def test_what_was_said_has_what_came_before_it() -> None:
    began, ended = find([0.0] * 20 + [0.9] * 30 + [0.0] * 20, OPTIONS)
    assert isinstance(began, SpeechBegan)
    assert isinstance(ended, SpeechEnded)
    assert began.began == ended.began == pytest.approx(20 * CHUNK / RATE)
    assert ended.ended == pytest.approx(50 * CHUNK / RATE)
    assert chunks_of(ended) == [*range(15, 60)]
    assert len(ended.pcm) == 45 * CHUNK


def test_a_pause_is_not_the_end() -> None:
    sure = [0.9] * 5 + [0.0] * 9 + [0.9] * 5 + [0.0] * 10
    assert [type(each) for each in find(sure, OPTIONS)] == [SpeechBegan, SpeechEnded]
    sure[14] = 0.0
    assert len(find(sure + [0.0] * 10, OPTIONS)) == 4


def test_once_somebody_speaks_less_is_enough() -> None:
    assert len(find([0.45] * 20, OPTIONS)) == 0
    assert len(find([0.9] + [0.45] * 50, OPTIONS)) == 1


@pytest.mark.parametrize(("least", "chunks"), [(0.0, 1), (0.03, 1), (0.064, 2), (0.1, 3)])
def test_a_click_is_shorter_than_speech(least: float, chunks: int) -> None:
    options = SpeechOptions(min_speech=least)
    too_short = [0.0] * 10 + [0.9] * (chunks - 1) + [0.0] * 30
    assert find(too_short, options) == []
    (began,) = find([0.0] * 10 + [0.9] * chunks, options)
    assert isinstance(began, SpeechBegan)
    assert began.began == pytest.approx(10 * CHUNK / RATE)


def loud(blocks: list[int]) -> Samples:
    """Noise of 20 ms after 20 ms, each so loud."""
    random = np.random.default_rng(1)
    wave = random.standard_normal((len(blocks), BLOCK)) * np.array(blocks)[:, None]
    sound: Samples = np.clip(wave, -32768, 32767).astype(np.int16).reshape(-1, 1)
    return sound


def looks(sound: Samples, options: SpeechOptions) -> tuple[list[tuple[int, Speech]], int]:
    """Let a detector take what is loud for speech; give what happened after which block."""
    looked = 0

    def probability(chunk: Any) -> float:
        nonlocal looked
        looked += 1
        return float(np.mean(np.abs(chunk.astype(np.int32)) > 1000) > 0.1)

    finder = SpeechFinder(options, probability)
    happened = [
        (at // BLOCK, each)
        for at in range(0, len(sound), BLOCK)
        for each in finder.hear(sound[at : at + BLOCK], at * 3)
    ]
    return [*happened, *((len(sound) // BLOCK, each) for each in finder.end())], looked


@pytest.mark.parametrize("before", range(40, 48))
def test_what_is_louder_is_looked_at_at_once(before: int) -> None:
    happened, looked = looks(loud([100] * before + [3000] * 10), OPTIONS)
    block, began = happened[0]
    assert block == before, "not when the next 32 ms are full"
    assert isinstance(began, SpeechBegan)
    assert abs(began.began - before * 0.02) < CHUNK / RATE
    assert looked <= (before + 10) * BLOCK // CHUNK + 1


@pytest.mark.parametrize("level", [0, 20, 300, 5000])
def test_steady_noise_is_looked_at_once(level: int) -> None:
    options = SpeechOptions(threshold=0.99, min_speech=5.0)
    _, looked = looks(loud([level] * 160), options)
    assert looked == 160 * BLOCK // CHUNK


@given(st.lists(st.sampled_from([0, 50, 300, 900, 5000]), max_size=80), st.integers(0, 9))
def test_whatever_is_looked_at_early_nothing_is_said_twice(blocks: list[int], before: int) -> None:
    options = SpeechOptions(longest=1.0, min_silence=0.1, pre_roll=before * CHUNK / RATE)
    sound = loud(blocks) if blocks else np.zeros((0, 1), np.int16)
    happened, _ = looks(sound, options)
    kinds = [type(each) for _, each in happened]
    assert kinds == [SpeechBegan, SpeechEnded] * (len(kinds) // 2)
    heard, at = sound.tobytes(), 0
    for _, each in happened:
        if isinstance(each, SpeechEnded):
            assert 0 <= each.began < each.ended <= len(sound) / RATE + 1e-6
            at = heard.find(each.pcm.tobytes(), at) + each.pcm.nbytes
            assert at >= each.pcm.nbytes, "it was heard so, after what was said before"


def test_speech_without_an_end_is_cut_and_nothing_is_lost() -> None:
    happened = find([0.9] * 100, SpeechOptions(longest=1.0), is_over=True)
    assert [type(each) for each in happened] == [SpeechBegan, SpeechEnded] * 4
    said = [chunk for each in happened[1::2] for chunk in chunks_of(each)]
    assert said == [*range(100)]
    assert len(chunks_of(happened[1])) == SECOND


def test_what_is_being_said_at_the_end_is_told() -> None:
    began, ended = find([0.9] * 10, OPTIONS, is_over=True)
    assert isinstance(began, SpeechBegan)
    assert chunks_of(ended) == [*range(10)]
    assert find([0.0] * 10, OPTIONS, is_over=True) == []


@given(st.lists(st.sampled_from([0.0, 0.4, 0.9]), max_size=120), st.integers(0, 9))
def test_it_begins_and_ends_in_turns(sure: list[float], before: int) -> None:
    options = SpeechOptions(longest=1.0, min_silence=0.1, pre_roll=before * CHUNK / RATE)
    happened = find(sure, options, is_over=True)
    assert [type(each) for each in happened] == [SpeechBegan, SpeechEnded] * (len(happened) // 2)
    times = [
        at
        for each in happened
        for at in ([each.began] if isinstance(each, SpeechBegan) else [each.began, each.ended])
    ]
    assert all(0 <= at <= len(sure) * CHUNK / RATE + 1e-6 for at in times)
    said = [chunk for each in happened[1::2] for chunk in chunks_of(each)]
    assert len(said) == len(set(said)), "nothing is said twice"
    loud = {at for at, each in enumerate(sure) if each == 0.9}
    assert loud <= set(said)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("threshold", 0.0, "threshold must be from 0.01 to 0.99"),
        ("threshold", 1.5, "threshold must be from 0.01 to 0.99"),
        ("threshold", float("nan"), "threshold must be"),
        ("min_speech", -1.0, "min_speech must be from 0 to 5 seconds"),
        ("min_silence", 0.0, "min_silence must be from 0.05 to 10 seconds"),
        ("pre_roll", 6.0, "pre_roll must be from 0 to 5 seconds"),
        ("longest", 0.5, "longest must be from 1 to 300 seconds"),
        ("longest", float("inf"), "longest must be"),
    ],
)
def test_options_have_bounds(name: str, value: float, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        SpeechOptions(**{name: value})


def test_without_the_extra_a_sentence_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_detector, "EXTRA", "callboard_has_no_such_module")
    check_speech.cache_clear()

    async def main() -> None:
        ear = Ear()
        with pytest.raises(SpeechError, match=r"run pip install 'callboard\[speech\]'"):
            read_speech(ear, SpeechOptions(), limit=10)
        assert ear._lane is None

    try:
        run(main)
    finally:
        check_speech.cache_clear()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="there is no list of threads here")
def test_the_detector_works_on_the_thread_that_calls_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenMP keeps threads for each that calls it, and counts only those of its own."""
    monkeypatch.setenv(voice_detector.THREAD_LIMIT, "7")
    loud = np.resize(np.array([9000, -9000], np.int16), CHUNK)

    def threads() -> set[str]:
        return {each.name for each in Path("/proc/self/task").iterdir()}

    def look() -> set[str]:
        before = threads()
        VoiceDetector().probability(loud)
        return threads() - before

    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(look).result() == set()
    assert os.environ[voice_detector.THREAD_LIMIT] == "7"


def test_silence_is_not_looked_at() -> None:
    detector: Any = VoiceDetector()
    detector._detector = None
    quiet = np.full(CHUNK, VoiceDetector.SILENT, np.int16)
    assert detector.probability(quiet) == detector.probability(-quiet) == 0.0


def noisy(parts: list[Samples | float], level: float, seed: int = 1) -> Samples:
    """Put sound and seconds of silence one after the other, and noise over all of it."""
    joined = np.concatenate(
        [np.zeros((round(each * 48000), 1)) if isinstance(each, float) else each for each in parts]
    )
    noise = np.random.default_rng(seed).standard_normal(joined.shape) * level
    return np.clip(joined + noise, -32768, 32767).astype(np.int16)


def listen(ear: Ear, sound: Samples) -> None:
    """Let sound come in as Opus, all at once but on its own clock."""
    for frame in frames("opus", packets("opus", sound)):
        ear.take(frame)


@needs_espeak
@pytest.mark.parametrize("level", [0.0, 100.0, 400.0])
def test_speech_is_found_once_in_noise(run: Run, level: float) -> None:
    said = spoken(SENTENCE, rate=48000)
    sound = noisy([1.5, said, 1.5], level)

    async def main() -> list[Speech]:
        ear = Ear()
        ear.BACKLOG = 10_000  # all comes at once here
        reader = read_speech(ear, SpeechOptions(), limit=50)
        listen(ear, sound)
        found = [await anext(reader), await anext(reader)]
        ear.end()
        assert [each async for each in reader] == []
        return found

    began, ended = run(main)
    assert isinstance(began, SpeechBegan)
    assert isinstance(ended, SpeechEnded)
    assert began.began == pytest.approx(1.5, abs=0.15)
    assert ended.ended == pytest.approx(1.5 + len(said) / 48000, abs=0.4)
    length = len(ended.pcm) / RATE
    assert length == pytest.approx(0.3 + ended.ended - ended.began + 0.5, abs=0.1)
    heard = ended.pcm.astype(np.float64)
    original = spoken(SENTENCE)[:, 0].astype(np.float64)
    match = np.correlate(heard, original, "valid")
    norm = np.linalg.norm(original) * np.linalg.norm(heard)
    assert match.max() / norm > 0.6, "it is what was said, from its beginning to its end"


@pytest.mark.parametrize("sound", ["noise", "tone", "silence"])
def test_what_is_not_speech_is_not_found(run: Run, sound: str) -> None:
    made = {
        "noise": noisy([4.0], 1000.0),
        "tone": np.concatenate([np.zeros((48000, 1), np.int16), tone(440, 48000, 3.0)]),
        "silence": np.zeros((4 * 48000, 1), np.int16),
    }[sound]

    async def main() -> None:
        ear = Ear()
        ear.BACKLOG = 10_000  # all comes at once here
        found: list[Speech] = []
        ended = asyncio.Event()
        hear_speech(ear, SpeechOptions(), found.append, ended.set)
        listen(ear, made)
        ear.end()
        await ended.wait()
        assert found == []

    run(main)


@needs_espeak
def test_who_hangs_up_has_been_heard(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        ear.BACKLOG = 10_000  # all comes at once here
        reader = read_speech(ear, SpeechOptions(), limit=50)
        listen(ear, noisy([0.5, spoken(SENTENCE, rate=48000)], 100.0))
        ear.end()
        found = [each async for each in reader]
        assert [type(each) for each in found] == [SpeechBegan, SpeechEnded]
        assert ear._lane is None

    run(main)


def test_a_listener_without_sound_ends_too(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        reader = read_speech(ear, SpeechOptions(), limit=50)
        ear.end()
        assert [each async for each in reader] == []

    run(main)


def test_closed_and_forgotten_readers_leave_no_detector(run: Run) -> None:
    def detectors() -> set[int]:
        gc.collect()
        return {id(each) for each in gc.get_objects() if isinstance(each, VoiceDetector)}

    async def main() -> None:
        before = detectors()  # of earlier tests, if a frame of theirs is still referred to
        ear = Ear()
        coming = iter(frames("opus", packets("opus", tone(440, 48000, 1.0))))
        heard = asyncio.Event()
        ear.hear(48000, 1, lambda *_: 1, lambda _: heard.set())
        for _ in range(20):
            closed = read_speech(ear, SpeechOptions(), limit=50)
            ear.take(next(coming))
            await heard.wait()
            heard.clear()
            await closed.aclose()
        assert len(ear._hearings) == 1
        ear.end()
        assert len(detectors() - before) <= 1  # a thread refers to what it did last

    run(main)

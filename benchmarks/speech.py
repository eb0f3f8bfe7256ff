"""Which detector finds speech: Silero's, which is used, beside WebRTC's."""

import shutil
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.trial import main, trial
from callboard.media import SpeechBegan, SpeechEnded, SpeechOptions
from callboard.media.hearing.speech import Speech, SpeechFinder
from callboard.media.hearing.voice_detector import VoiceDetector
from callboard.tests.media.espeak import spoken
from numpy.typing import NDArray

RATE, CHUNK = VoiceDetector.RATE, VoiceDetector.SAMPLES
TEXTS = (
    "Hello, I would like to talk to somebody about my order.",
    "No, wait a moment please.",
    "Stop.",
    "Yes.",
    "Four seven one one.",
    "What are your opening hours on Saturday?",
    "Thank you, goodbye.",
)
VOICES = ("en-us", "en-gb", "en-us+f3", "de", "fr+f2")
LOUD = 3000.0
"""Root mean square of the speech."""
PAUSE = 2.0
"""Seconds between two utterances."""
NOISES = {
    "no noise": ("none", 99),
    "white noise, 20 dB": ("white", 20),
    "pink noise, 10 dB": ("pink", 10),
    "pink noise, 5 dB": ("pink", 5),
    "swelling noise, 5 dB": ("swelling", 5),
    "clicks, 10 dB": ("clicks", 10),
}
"""Kind, and by how many dB the speech is louder."""
LEAST = {"silero": 0.03, "webrtc": 0.1}
"""Seconds of speech that count: for each detector what served it best."""


def noise(kind: str, length: int) -> NDArray[np.float64]:
    """Make noise whose root mean square is 1."""
    random = np.random.default_rng(7)
    made = random.standard_normal(length)
    if kind in {"pink", "swelling"}:
        spectrum = np.fft.rfft(made)
        made = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), length)
    if kind == "swelling":
        seconds = np.arange(length) / RATE
        made *= 1 + 0.8 * np.sin(0.9 * seconds) * np.sin(2.6 * seconds)
    if kind == "clicks":
        made *= 0.1
        for at in random.integers(0, length - 160, 2 * length // RATE):
            made[at : at + 160] += random.standard_normal(160) * np.exp(-np.arange(160) / 40) * 8
    return np.zeros(length) if kind == "none" else made / np.sqrt(np.mean(made**2))


def scene(kind: str, louder: float, count: int) -> tuple[NDArray[np.int16], list[float]]:
    """Put utterances one after the other; gives sound, and when each begins in seconds."""
    silence = np.zeros(round(PAUSE * RATE))
    parts, begins, length = [silence], [], len(silence)
    for voice, text in list(product(VOICES, TEXTS))[:count]:
        said = spoken(text, voice)[:, 0].astype(np.float64)
        begins.append(length / RATE)
        parts += [said * LOUD / np.sqrt(np.mean(said**2)), silence]
        length += len(said) + len(silence)
    joined = np.concatenate(parts) + noise(kind, length) * LOUD / 10 ** (louder / 20)
    return np.clip(joined, -32768, 32767).astype(np.int16), begins


def webrtc() -> Callable[[NDArray[np.int16]], float]:
    """Make WebRTC's detector at its strictest. It looks at 10 ms, the others at 32."""
    import webrtcvad  # type: ignore[import-not-found] # noqa: PLC0415 -- only for comparison

    detector = webrtcvad.Vad(3)
    frame = RATE // 100

    def probability(sound: NDArray[np.int16]) -> float:
        parts = [sound[at : at + frame].tobytes() for at in range(0, 3 * frame, frame)]
        return float(sum(detector.is_speech(part, RATE) for part in parts) >= 2)

    return probability


def finds(
    options: SpeechOptions, detector: str, sound: NDArray[np.int16]
) -> Iterator[tuple[float, Speech]]:
    """Yield what is found, and when it was known, in seconds: blocks of 20 ms come one by one."""
    probability = webrtc() if detector == "webrtc" else VoiceDetector().probability
    finder, block = SpeechFinder(options, probability), RATE // 50
    for at in range(0, len(sound) - block, block):
        for each in finder.hear(sound[at : at + block, None], at * 3):
            yield (at + block) / RATE, each


async def found(detector: str, noisy: str, count: int) -> dict[str, Any]:
    """Count what a detector finds, misses and takes for speech."""
    sound, begins = scene(*NOISES[noisy], count)
    options = SpeechOptions(min_speech=LEAST[detector], min_silence=0.5)
    began = time.process_time()
    heard = list(finds(options, detector, sound))
    cpu = time.process_time() - began
    starts = [at for at, each in heard if isinstance(each, SpeechBegan)]
    spans = [(each.began, each.ended) for _, each in heard if isinstance(each, SpeechEnded)]
    delays = []
    for begin in begins:
        if not any(start < begin - 0.1 and end > begin + 0.3 for start, end in spans):
            delays += [at - begin for at in starts if 0 <= at - begin < 0.6][:1]
    alarms = [at for at in starts if not any(-0.1 <= at - begin < 3.5 for begin in begins)]
    return {
        "found": 100 * len(delays) / len(begins),
        "alarms": len(alarms) / (PAUSE * (len(begins) + 1) / 60),
        "delay": percentile([1000 * each for each in delays], 0.95) if delays else None,
        "cpu": 1000 * cpu / (len(sound) / RATE),
    }


async def measure(quick: bool) -> Result:
    """Measure each noise with each detector."""
    result = Result(
        "Finding speech",
        "Utterances of espeak-ng in five voices and four languages with pauses of two seconds, in "
        "noise that is so many dB softer. Found: those whose beginning was told. A false alarm "
        "is one in a pause. The delay is from the first sound to `SpeechBegan`, with sound in "
        "blocks of 20 ms, at the 95th percentile. Ours is Silero's detector, beside it WebRTC's in "
        "its strictest mode, after 100 ms of speech: with less its false alarms double.",
    )
    if shutil.which("espeak-ng") is None:
        result.figures.append(Figure("utterances found, %", None))
        result.notes.append("Not measured: espeak-ng is not installed.")
        return result
    has_other = find_spec("webrtcvad") is not None
    if not has_other:
        result.notes.append("WebRTC's detector is left out: pip install webrtcvad-wheels.")
    rows = (
        ("found", "found, %", "high"),
        ("alarms", "false alarms a minute", "low"),
        ("delay", "delay p95, ms", "low"),
        ("cpu", "CPU a second of sound, ms", "low"),
    )
    for noisy in list(NOISES)[: 1 if quick else None]:
        count = 3 if quick else len(VOICES) * len(TEXTS)
        ours = await trial(found, detector="silero", noisy=noisy, count=count)
        other = {}
        if has_other:
            other = await trial(found, detector="webrtc", noisy=noisy, count=count)
        for name, what, better in rows:
            theirs = {"webrtc": other[name]} if other.get(name) is not None else {}
            result.figures.append(Figure(f"{noisy}: {what}", ours[name], theirs, better))
    return result


if __name__ == "__main__":
    main(measure, {"found": found})

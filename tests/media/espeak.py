"""Speech for the tests, made by espeak-ng."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.media.codecs.sound import Samples

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="Speech is not tested here: install espeak-ng and run 'script/setup test' again.",
)


def write_speech(file: Path, text: str, voice: str = "en-us") -> None:
    """Write a WAV file of somebody who says something."""
    command = ["espeak-ng", "-v", voice, "-w", str(file), text]
    subprocess.run(command, check=True, timeout=30)


@cache
def spoken(text: str, voice: str = "en-us", rate: int = 16000) -> Samples:
    """Let somebody say something: one channel, without silence before and after it."""
    made = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True, timeout=30
    ).stdout
    frame = av.AudioFrame.from_ndarray(
        np.frombuffer(made[44:], np.int16)[None], format="s16", layout="mono"
    )
    frame.sample_rate = int.from_bytes(made[24:28], "little")
    resampler = av.AudioResampler("s16", "mono", rate)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    sound = np.concatenate([part.to_ndarray()[0] for part in parts])
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > 300)
    return np.ascontiguousarray(sound[loud[0] : loud[-1] + 1, None])

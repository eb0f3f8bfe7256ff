"""Sound files for tests that play one."""

import wave
from pathlib import Path


def write_wav(path: Path, seconds: float = 0.1) -> None:
    """Write so many seconds of silence, with one channel of 8,000 samples a second."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(8000 * seconds)))

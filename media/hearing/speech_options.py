"""What counts as speech."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What counts as speech. All durations are in seconds.

    Attributes:
        threshold: How sure the detector must be, between 0 and 1. Less finds more, and more that is
            no speech.
        min_speech: How long somebody must speak before it counts, in steps of 32 ms.
        min_silence: How long it must be silent before the speech has ended.
        pre_roll: How much of what came before is put in front of the speech: its first sounds are
            often soft.
        longest: After how long speech is cut. What follows is the next speech.
    """

    threshold: float = 0.5
    min_speech: float = 0.03
    min_silence: float = 0.5
    pre_roll: float = 0.3
    longest: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        for name, least, most in (
            ("threshold", 0.01, 0.99),
            ("min_speech", 0.0, 5.0),
            ("min_silence", 0.05, 10.0),
            ("pre_roll", 0.0, 5.0),
            ("longest", 1.0, 300.0),
        ):
            if not least <= getattr(self, name) <= most:
                unit = "" if name == "threshold" else " seconds"
                raise ValueError(f"{name} must be from {least:g} to {most:g}{unit}")

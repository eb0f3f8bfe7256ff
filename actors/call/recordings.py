"""What a call records."""

import logging

from ..messages.call import KeyframeNeeded, Record, RecordingFailed, RecordingPlaced
from ..runtime.actor import handles
from .shared_parts import SharedParts
from .state import CallState

log = logging.getLogger(__name__)


class Recordings:
    """Begins and ends the recordings of a call, and follows how they go.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts

    @handles(Record)
    def record(self, message: Record) -> None:
        """Begin or end the recording of both directions."""
        if message.on:
            self.start(wav=message.wav)
        else:
            self._parts.owner.spawn(self._parts.leg.recorders.stop())

    def start(self, *, wav: bool) -> None:
        """Begin to record; video may come later, where the account's policy lets it.

        Args:
            wav: record audio as stereo WAV.
        """
        policy = self._parts.context.settings.calls
        video = "video" in self._parts.progress.media or policy.video
        self._parts.leg.record(video=video, wav=wav)

    # -- what recorders tell -----------------------------------------------------------------------

    @handles(RecordingPlaced)
    def placed(self, message: RecordingPlaced) -> None:
        """Note where the files of a recording go."""
        self._parts.leg.recorders.placed(message.number, message.bases)
        if self._parts.course.state is not CallState.ENDED:
            self._parts.progress.note()

    @handles(KeyframeNeeded)
    def keyframe_needed(self, message: KeyframeNeeded) -> None:
        """Get a recording the key frame that it waits for."""
        self._parts.leg.get_keyframe(message.direction)

    @handles(RecordingFailed)
    def failed(self, message: RecordingFailed) -> None:
        """Tell the bot what a recording lacks, and stop one that is over."""
        parts = self._parts
        log.warning("%s: %s", parts.owner, message.why)
        if message.is_over:
            parts.owner.spawn(parts.leg.recorders.stop(message.number))
        if parts.course.state is not CallState.ENDED:
            parts.runner.run(parts.bot.recording_failed(parts.owner.actor_ref, message.why))

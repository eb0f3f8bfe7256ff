"""What a call records."""

import logging

from ...media import BOTH, Directions
from ..messages.call import (
    GetRecordings,
    KeyframeNeeded,
    MixBegun,
    Record,
    RecordingBegun,
    RecordingFailed,
    RecordingPlaced,
    StopRecording,
)
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
    def record(self, message: Record) -> RecordingBegun:
        """Begin another recording.

        Raises:
            ValueError: too many go on at once.
        """
        return self.start(message.directions, wav=message.wav)

    def start(self, directions: Directions = BOTH, *, wav: bool) -> RecordingBegun:
        """Begin to record; video may come later, where the account's policy lets it.

        Args:
            directions: what is recorded.
            wav: record audio as WAV.

        Raises:
            ValueError: too many go on at once.
        """
        policy = self._parts.context.settings.calls
        video = "video" in self._parts.progress.media or policy.video
        begun = self._parts.leg.record(directions, video=video, wav=wav)
        self._parts.progress.note()
        self._parts.progress.report()
        return begun

    @handles(GetRecordings)
    def all(self, _: GetRecordings) -> tuple[RecordingBegun, ...]:
        """Return all recordings, in the order in which they began."""
        return self._parts.leg.recorders.begun

    @handles(StopRecording)
    def stop(self, message: StopRecording) -> None:
        """End a recording; whoever holds its future hears what became of it."""
        self._parts.leg.recorders.stop(message.number)
        self._parts.progress.report()

    @handles(MixBegun)
    def mix_begun(self, message: MixBegun) -> None:
        """Note for the record, also if the process dies, what the call's room records."""
        if self._parts.course.state is not CallState.ENDED:
            self._parts.leg.mixes.note(message)
            self._parts.progress.note()

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
            parts.leg.recorders.stop(message.number)
            parts.progress.report()
        if parts.course.state is not CallState.ENDED:
            parts.runner.run(parts.bot.recording_failed(parts.owner.actor_ref, message.why))

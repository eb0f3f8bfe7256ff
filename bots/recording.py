"""A recording of a call, as a bot sees it: a handle over the call's actor."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..actors import AsyncioFuture, messages
from ..actors.records.recording_outcome import RecordingOutcome

if TYPE_CHECKING:
    from ..actors.messages.call import CallRef, RecordingBegun


class Recording:
    """One recording of a call: what `Call.record` gives.

    It ends with its call at the latest. What goes wrong with it is no exception: its outcome says
    so in `RecordingOutcome.failure`.
    """

    def __init__(self, call: "CallRef", begun: "RecordingBegun") -> None:
        """Make a handle; bots are given theirs.

        Args:
            call: the call's actor.
            begun: the recording.
        """
        self._call = call
        self._begun = begun

    def __repr__(self) -> str:
        return f"<Recording {self.path}>"

    @property
    def path(self) -> Path:
        """Where its file will be; once the recording has ended, where it is.

        The name is known at once. The suffix is what the media of the call at the beginning lead
        to, and is missing if none were agreed then. It becomes another if video is added later, or
        never comes. If there is no file at the end, this is where it would have been.
        """
        return next(iter(self.paths))

    @property
    def paths(self) -> tuple[Path, ...]:
        """All its files, of which `path` is the first: several if the audio codec changed."""
        ended = self._begun.ended
        return (ended.get().paths if ended.done() else ()) or (self._begun.path,)

    @property
    def ended(self) -> AsyncioFuture[RecordingOutcome]:
        """What became of it, to be awaited: it comes when the files are whole. Never raises."""
        return self._begun.ended

    async def stop(self) -> RecordingOutcome:
        """End the recording while the call goes on, and return once its file is whole.

        Does nothing if it has ended already.

        Returns:
            The files, seconds, bytes, and what is missing.
        """
        if self._call.is_alive():
            self._call.tell(messages.call.StopRecording(self._begun.number))
        return await self._begun.ended

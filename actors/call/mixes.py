"""The recordings of rooms in which a call was, for its record."""

import asyncio
from dataclasses import replace

from ..messages.call import MixBegun
from ..records.recording_outcome import Recorded

#: Recordings of rooms that a record has at the most.
MOST = 100


class Mixes:
    """What rooms have recorded while a call was in them. The files belong to the rooms."""

    def __init__(self) -> None:
        self._mixes: tuple[MixBegun, ...] = ()

    def note(self, mix: MixBegun) -> None:
        """Take note of one; a call that comes back to a room has its recording once."""
        others = (each for each in self._mixes if each.recording is not mix.recording)
        self._mixes = (*others, mix)[-MOST:]

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """What is known of each: one that goes on has its length until now, and no size."""
        return tuple(found for mix in self._mixes for found in _found(mix))

    @property
    def so_far(self) -> tuple[Recorded, ...]:
        """Those that have ended, and the others by their names without suffix."""
        return tuple(
            one
            if mix.recording.ended.done()
            else replace(one, path=str(mix.recording.path.with_suffix("")), seconds=0.0)
            for mix in self._mixes
            for one in _found(mix)
        )

    async def finish(self) -> None:
        """Wait until the call has left the room that it is in, if that records."""
        for mix in self._mixes:
            await mix.left


def _found(mix: MixBegun) -> tuple[Recorded, ...]:
    ended = mix.recording.ended
    if ended.done():
        return ended.get().of_mix().files
    seconds = asyncio.get_running_loop().time() - mix.at
    return (Recorded.of(str(mix.recording.path), seconds, 0, None, "mix"),)

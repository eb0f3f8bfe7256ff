"""What a call plays, as a bot sees it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..actors import messages
from ..media import CallOver, Kind
from . import argument_checks

if TYPE_CHECKING:
    from ..actors.messages.call import Started

Ask = Callable[[Any], Awaitable[Any]]


class Playback:
    """Something that a call plays, from its beginning to its end.

    It ends when all of it was played, when something else is played in its place, or when it is
    stopped; and with the call.
    """

    def __init__(self, ask: Ask, started: "Started") -> None:
        """Make a handle; `Call.play` returns one.

        Args:
            ask: asks something of the call's actor.
            started: what the call has begun to play.
        """
        self._ask = ask
        self._started = started

    def __repr__(self) -> str:
        state = "ended" if self.is_over else f"at {self.position:.1f} s"
        return f"<Playback of {self._started.playback.source} {state}>"

    @property
    def kind(self) -> Kind:
        """Which kind of media it is: audio or video."""
        return self._started.playback.kind

    @property
    def repeats(self) -> bool:
        """Whether it goes on until it is stopped or replaced, as a tone, a loop or an echo does."""
        return not self._started.playback.source.has_end

    @property
    def position(self) -> float:
        """Where it is now, in seconds since the beginning of the item that is played.

        Each item of a list begins at 0, and so does each repetition. Time in which the call is
        muted or on hold does not count. Once it has ended, this is where it was.
        """
        return self._started.playback.position

    @property
    def is_over(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._started.ended.done() or self._started.playback.is_over

    @property
    def ended(self) -> Awaitable[None]:
        """Its end, to be awaited, any number of times.

        ``await playback.ended`` returns when it was played, stopped or replaced. It raises
        `SourceError` if it could not be played to its end, and `CallOver` if the call ended first.
        """
        return self._started.ended

    async def stop(self) -> None:
        """Stop playing: silence or black follows at once. Does nothing once it has ended."""
        try:
            await self._ask(messages.call.StopPlayback(self._started.playback))
        except CallOver:
            return

    async def seek(self, seconds: float) -> None:
        """Go to another moment of the item that is played. Does nothing once it has ended.

        Past the end of the item, what follows it begins. Video goes on at a key frame, up to a
        second before that moment.

        Args:
            seconds: since its beginning, up to 24 hours.

        Raises:
            CallOver: the call is over.
            SourceError: it can't be read any more.
            TypeError: it is not a number.
            ValueError: it is out of range, or what is played is live.
        """
        wanted = argument_checks.number("seconds", seconds)
        await self._ask(messages.call.SeekPlayback(self._started.playback, wanted))

    async def gain(self, decibels: float) -> None:
        """Make it louder or softer, in this call alone. Does nothing once it has ended.

        Args:
            decibels: -100 to 20. 0 plays it as it is, 6 makes it about twice as loud as a signal.

        Raises:
            CallOver: the call is over.
            TypeError: it is not a number.
            ValueError: it is out of range; or it is video, or an echo.
        """
        wanted = argument_checks.number("decibels", decibels)
        await self._ask(messages.call.SetGain(self._started.playback, wanted))

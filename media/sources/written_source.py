"""What sources have in common that a program writes while they are played."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from ..errors import CallOver, SourceError
from ..frames.frame import Kind
from .source import LiveSource
from .unit import SourceReader


class WrittenReader(SourceReader, Protocol):
    """The leg that plays what is written.

    Attributes:
        closed: Whether the leg has stopped to play it.
    """

    closed: bool

    def wake(self) -> None:
        """Look at what has been written."""


R = TypeVar("R", bound=WrittenReader)


class WrittenSource(LiveSource, Generic[R]):
    """A source that belongs to the one call that plays it, and to who writes."""

    def __init__(self) -> None:
        self._closed = False
        self._last_words: Callable[[], Awaitable[str]] | None = None
        self._reader: R | None = None
        self._room = asyncio.Event()

    def close(self) -> None:
        """End the playback once everything is sent. Nothing more can be written."""
        self._closed = True
        self._room.set()

    def call_over(self, last_words: Callable[[], Awaitable[str]]) -> None:
        """Tell who writes that the call is over."""
        self._last_words = last_words
        self._room.set()

    def open(self, kind: Kind, codec: str) -> R:
        """Begin to play what is written.

        Args:
            kind: One of its kinds.
            codec: The RTP encoding name.

        Raises:
            SourceError: It is played already, or was.
        """
        del kind
        if self._reader is not None:
            name = type(self).__name__
            raise SourceError(f"A feed is played once, in one call: make another {name}.")
        self._reader = self._read(codec)
        self._reader.wake()
        return self._reader

    @abstractmethod
    def _read(self, codec: str) -> R:
        """Make the reader."""

    async def _wait_for_room(self) -> None:
        """Wait until something has been taken, or nothing more can be written.

        Raises:
            CallOver, SourceError: See `_check_open`.
        """
        self._room.clear()
        await self._room.wait()
        await self._check_open()

    async def _check_open(self) -> None:
        """Go on if more can be written.

        Raises:
            CallOver: The call that plays it is over.
            SourceError: The feed is closed, or not played any more.
        """
        if self._closed:
            raise SourceError("The feed is closed: make another one to write more.")
        if self._last_words is not None:
            raise CallOver(await self._last_words())
        if self._reader is not None and self._reader.closed:
            raise SourceError("The feed is not played any more: play another one.")

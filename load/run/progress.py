"""The phases and shards of a run as they go."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..plan.phase import Phase
from .messages import Assignment, ToShard


class PhaseRun:
    """A phase as it goes.

    Args:
        phase: what the plan says.
        title: what it is called, unlike any other.

    Attributes:
        phase, title: the same.
        began, ended: seconds since the run began; None: not yet.
    """

    def __init__(self, phase: Phase, title: str) -> None:
        self.phase = phase
        self.title = title
        self.began: float | None = None
        self.ended: float | None = None
        self._open: set[int] = set()
        self._has_begun = asyncio.Event()
        self._is_over = asyncio.Event()

    def begin(self, shards: Iterable[int], at: float) -> None:
        """Note that the phase begins on these shards."""
        self._open = set(shards)
        self.began = at
        self._has_begun.set()
        self._settle(at)

    def end(self, shard: int, at: float) -> None:
        """Note that the phase has ended on a shard; it is over when it has on all."""
        self._open.discard(shard)
        self._settle(at)

    async def begun(self) -> None:
        """Return when the phase has begun."""
        await self._has_begun.wait()

    async def over(self) -> None:
        """Return when the phase is over."""
        await self._is_over.wait()

    def _settle(self, at: float) -> None:
        if self.began is not None and not self._open and self.ended is None:
            self.ended = at
            self._is_over.set()


class Carrier(Protocol):
    """What starts a shard somewhere and carries messages both ways."""

    async def start(self, assignment: Assignment) -> None:
        """Start the shard."""

    def tell(self, message: ToShard) -> None:
        """Send it a message."""

    def kill(self) -> None:
        """End it at once."""

    async def ended(self) -> None:
        """Return when it has ended."""


@dataclass(slots=True)
class ShardRun:
    """A shard as it goes.

    Attributes:
        number: which one, from 0.
        carrier: reaches it.
        host: the name of its machine, once it is ready.
        pid: its process there.
        lost: why it died, or "".
        online, calls: how many accounts were online then, and how many calls they had begun.
    """

    number: int
    carrier: Carrier
    host: str = ""
    pid: int = 0
    lost: str = ""
    online: int = 0
    calls: int = 0

"""The part of a running instance that tells receivers what happens."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Self

from ...actors.runtime.side_loop import SideLoop
from ...config.webhook import WebhookSettings
from ..instance.reported import Reported
from ..models.status import PartSummary
from .hooks import Hook, Hooks
from .receiver import MOST_PENDING, Receiver

log = logging.getLogger(__name__)

#: Seconds in which what waits at the end is tried once more.
FLUSH = 5.0
#: Seconds in which the thread must have ended.
CLOSING = 3.0


class Webhooks:
    """Tells receivers what happens, from a thread of its own, until it is closed.

    The actors' loop finds out what is to be told, and hands it over; nothing there waits.

    Args:
        settings: the receivers.

    Attributes:
        receivers: one for each.
    """

    def __init__(self, settings: Sequence[WebhookSettings]) -> None:
        self.receivers: tuple[Receiver, ...] = ()
        self._settings = settings
        self._hooks = Hooks()
        # Handed over, not yet taken: bounded even if the thread should hang.
        self._handed: deque[Hook] = deque(maxlen=MOST_PENDING)
        self._side = SideLoop("webhooks")

    @classmethod
    async def started(cls, settings: Sequence[WebhookSettings]) -> Self:
        """Start to tell; what certificates are checked with is read from files.

        Args:
            settings: the receivers.

        Raises:
            OSError: such a file can't be read.
        """
        found = cls(settings)
        try:
            await asyncio.wrap_future(found._side.start(found._open()))
        except BaseException:
            await asyncio.to_thread(found._side.close, CLOSING)
            raise
        return found

    async def _open(self) -> None:
        names: list[str] = []
        found = []
        for one in self._settings:
            target = one.target
            names.append(target.authority)
            count = names.count(target.authority)
            name = target.authority if count == 1 else f"{target.authority} ({count})"
            found.append(Receiver(name, one, one.trust() if target.scheme == "https" else None))
        self.receivers = tuple(found)

    def hear(self, event: Reported) -> None:
        """Hand over what is to be told."""
        for hook in self._hooks.found(event):
            self._handed.append(hook)
            self._side.call(self._take)

    def _take(self) -> None:
        while self._handed:
            hook = self._handed.popleft()
            for receiver in self.receivers:
                receiver.take(hook)

    def parts(self) -> Iterator[tuple[str, Callable[[], PartSummary]]]:
        """Give each receiver's line in the status: its name, and what says how it stands."""
        for one in self.receivers:
            yield f"webhook {one.name}", partial(_summary, one)

    async def close(self, seconds: float = FLUSH) -> None:
        """Send what waits, if that can be done soon, and end the thread.

        Args:
            seconds: how long receivers get.
        """
        try:
            finishing = self._side.start(self._finish(seconds))
            async with asyncio.timeout(seconds + CLOSING):
                await asyncio.wrap_future(finishing)
        except TimeoutError:
            log.warning("webhooks: some events may not have been delivered before the end")
        await asyncio.to_thread(self._side.close, CLOSING)

    async def _finish(self, seconds: float) -> None:
        self._take()
        await asyncio.gather(*(one.finish(seconds) for one in self.receivers))


def _summary(receiver: Receiver) -> PartSummary:
    outcomes = receiver.outcomes
    counts = [f"{outcomes['delivered']} delivered", f"{receiver.pending} waiting"]
    counts += [
        f"{outcomes[one]} {one}" for one in ("refused", "expired", "dropped") if outcomes[one]
    ]
    said = ", ".join(counts)
    return PartSummary(
        name=f"webhook {receiver.name}",
        state="failed" if receiver.failure else "running",
        detail=f"{said}; it {receiver.failure}" if receiver.failure else said,
    )

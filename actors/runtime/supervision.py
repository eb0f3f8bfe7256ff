"""Supervision as in OTP: who starts an actor again, how often, and who ends in which order.

A supervisor owns its children. It learns of a child's end, however it came, by a message
(``ChildDied``), and acts on the child's restart policy:

========= =========================== ============================
policy    ended by stop()             failed or was killed
========= =========================== ============================
permanent started again               started again
transient forgotten                   started again
temporary forgotten                   forgotten
========= =========================== ============================
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct, field
from pykka import ActorDeadError

from .actor import AsyncioActor, AsyncioActorRef, handles
from .backoff import Backoff, Tries
from .future import AsyncioFuture
from .messages import (
    Child,
    ChildDied,
    Drain,
    DrainOver,
    GraceOver,
    Ref,
    Restart,
    RestartChild,
    StartChild,
    StopChild,
    SupervisorMessage,
    WhichChildren,
)
from .tasks import Timer

if TYPE_CHECKING:
    from typing import Never  # for the default

    from typing_extensions import TypeVar

    M = TypeVar("M", default=Never)
else:
    from typing import TypeVar

    M = TypeVar("M")

__all__ = ["Intensity", "Supervisor", "TooManyRestartsError", "stop_all"]

logger = logging.getLogger(__name__)


_BACKOFF = Backoff()


class Intensity(Struct, frozen=True):
    """How many restarts, of all children together, are more than bad luck.

    Args:
        restarts: that a supervisor bears within the period; one more and it fails.
        period: in seconds.
    """

    restarts: int = 5
    period: float = 30.0


_INTENSITY = Intensity()


class TooManyRestartsError(Exception):
    """Children died more often than the supervisor's intensity bears."""


class _Entry(Struct):
    """A child as it stands."""

    child: Child
    ref: Ref | None = None
    since: float = 0.0
    tries: Tries = field(default_factory=Tries)
    is_stopping: bool = False
    timer: Timer | None = None


class Supervisor(AsyncioActor[SupervisorMessage | M], Generic[M]):
    """Starts children in order, starts them again by their policy, stops them in reverse order.

    A child's ``on_start`` is awaited before the next child starts, so a child must not wait for its
    supervisor there. When restarts are more than ``intensity`` bears, the supervisor fails with
    `TooManyRestartsError`: its children are stopped, and its own supervisor learns of it.

    The parameter is the union of what a subclass takes besides `SupervisorMessage`.

    Args:
        children: what to start with.
        intensity: how many restarts are too many; None never gives up.
        backoff: how long to wait before a restart.
        patient: whether a child that can't be made at first is tried again; else that fails the
            start.
        chance: draws evenly from 0 to 1.
    """

    def __init__(
        self,
        children: Iterable[Child] = (),
        *,
        intensity: Intensity | None = _INTENSITY,
        backoff: Backoff = _BACKOFF,
        patient: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__()
        self._entries = {child.name: _Entry(child) for child in children}
        self._intensity = intensity
        self._backoff = backoff
        self._is_patient = patient
        self._chance = chance
        self._restarts: deque[float] = deque()
        self._is_draining = False

    async def on_start(self) -> None:
        """Start the children, each after the one before has started."""
        try:
            for entry in tuple(self._entries.values()):
                if self._is_patient:
                    self._try_to_start(entry)
                else:
                    self._start_child(entry)
                if entry.ref is not None:
                    with suppress(Exception):  # who fails in on_start has died, and is treated so
                        await entry.ref.started
        except BaseException:
            await self._stop_children()
            raise

    async def on_end(self, error: BaseException | None) -> None:
        """Stop the children, the last started first, each before the next."""
        await self._stop_children()

    @handles(StartChild)
    def start_child(self, message: StartChild) -> Ref:
        """Start one more child."""
        name = message.child.name
        if name in self._entries:
            msg = f"{self} already has a child {name!r}"
            raise ValueError(msg)
        if self._is_draining:
            msg = f"{self} drains and does not start {name!r}"
            raise ValueError(msg)
        entry = _Entry(message.child)
        ref = self._start_child(entry)
        self._entries[name] = entry
        return ref

    @handles(StopChild)
    def stop_child(self, message: StopChild) -> AsyncioFuture[BaseException | None]:
        """Stop a child, which stays known until it has ended."""
        entry = self._entries.get(message.name)
        if entry is None or entry.ref is None:
            self._forget(message.name)
            ended: AsyncioFuture[BaseException | None] = AsyncioFuture()
            ended.set(None)
            return ended
        entry.is_stopping = True
        if message.message is None:
            entry.ref.stop(block=False)
        else:
            entry.ref.post(message.message)
        self.after(message.seconds + entry.child.grace, GraceOver(entry.ref))
        return entry.ref.ended

    @handles(WhichChildren)
    def which_children(self, _: WhichChildren) -> dict[Hashable, Ref | None]:
        """Give the children."""
        return {name: entry.ref for name, entry in self._entries.items()}

    @handles(Drain)
    def drain(self, message: Drain) -> None:
        """Wait for the children to end."""
        self._is_draining = True
        for name, entry in reversed(tuple(self._entries.items())):
            if entry.ref is None:
                self._forget(name)
            elif message.message is not None:
                entry.ref.post(message.message)
        self.after(message.seconds, DrainOver())
        self._end_when_drained()

    @handles(DrainOver)
    def drain_is_over(self, _: DrainOver) -> None:
        """Stop the children that have not ended."""
        self.stop()

    @handles(GraceOver)
    def grace_is_over(self, message: GraceOver) -> None:
        """Kill a child that did not stop."""
        if not message.ref.ended.done():
            logger.warning("%s did not stop in time: it is killed", message.ref)
            message.ref.kill()

    @handles(ChildDied)
    def child_died(self, message: ChildDied) -> None:
        """Forget the child, or start it again after a while."""
        entry = self._entries.get(message.name)
        if entry is None or entry.ref is not message.ref:
            return
        entry.ref = None
        if entry.is_stopping or self._is_draining or not _is_wanted(entry.child, message.error):
            self._forget(message.name)
            self._end_when_drained()
            return
        self._plan_restart(entry, message.error)

    @handles(RestartChild)
    def restart_child(self, message: RestartChild) -> None:
        """Start a child again."""
        entry = self._entries.get(message.name)
        if entry is None or entry.ref is not None:
            return
        self._try_to_start(entry)

    def _try_to_start(self, entry: _Entry) -> None:
        """Start a child; one that can't even be made has died, and is treated so."""
        try:
            self._start_child(entry)
        except Exception as error:
            entry.since = self._now()
            self._plan_restart(entry, error)

    def _start_child(self, entry: _Entry) -> Ref:
        entry.timer = None
        ref = entry.child.start()
        entry.ref = ref
        entry.since = self._now()
        name, supervisor = entry.child.name, self.actor_ref

        def died(ended: AsyncioFuture[BaseException | None]) -> None:
            with suppress(ActorDeadError):
                supervisor.tell(ChildDied(name, ref, ended.get()))

        ref.ended.add_done_callback(died)
        return ref

    def _plan_restart(self, entry: _Entry, error: BaseException | None) -> None:
        name, now = entry.child.name, self._now()
        self._count_restart(now, name, error)
        delay = entry.tries.wait(self._backoff, now - entry.since, self._chance())
        logger.warning("child %s ended (%r): it starts again in %.1f s", name, error, delay)
        entry.timer = self.after(delay, RestartChild(name))

    def _count_restart(self, now: float, name: Hashable, error: BaseException | None) -> None:
        if self._intensity is None:
            return
        self._restarts.append(now)
        while now - self._restarts[0] > self._intensity.period:
            self._restarts.popleft()
        if len(self._restarts) > self._intensity.restarts:
            msg = (
                f"{len(self._restarts)} restarts within {self._intensity.period:g} s are more than "
                f"{self._intensity.restarts}: {self} gives up; child {name} was the last"
            )
            raise TooManyRestartsError(msg) from error

    def _forget(self, name: Hashable) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None and entry.timer is not None:
            entry.timer.cancel()

    def _end_when_drained(self) -> None:
        if self._is_draining and not self._entries:
            self.stop()

    async def _stop_children(self) -> None:
        for entry in reversed(tuple(self._entries.values())):
            if entry.ref is not None:
                await _stopped(entry.ref, entry.child.grace)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _is_wanted(child: Child, error: BaseException | None) -> bool:
    """Whether the policy starts a child again that has ended so."""
    if child.restart is Restart.TRANSIENT:
        return error is not None
    return child.restart is Restart.PERMANENT


async def stop_all(refs: Iterable[AsyncioActorRef[Any]], seconds: float) -> None:
    """Stop actors side by side, and return when they and their tasks are gone.

    Only for the end of the actor that started them: by then they tell it things, and ask nothing.

    Args:
        refs: the actors.
        seconds: that they have; those that are still there are killed.
    """
    actors = list(refs)
    for ref in actors:
        ref.stop(block=False)
    try:
        async with asyncio.timeout(seconds):
            for ref in actors:
                await ref.ended
    except TimeoutError:
        for ref in actors:
            if ref.is_alive():
                logger.warning("%s did not stop within %.0f s and is killed", ref, seconds)
                ref.kill()


async def _stopped(ref: Ref, grace: float) -> None:
    """Stop an actor, or kill it when it takes too long, and wait until it has ended."""
    ref.stop(block=False)
    try:
        async with asyncio.timeout(grace):
            await ref.ended
    except TimeoutError:
        logger.warning("%s did not stop in %g s: it is killed", ref, grace)
        ref.kill()
        await ref.ended

"""What a supervisor is told: children to start and stop, a drain; and what it tells itself."""

from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Any

from .ask import Ask
from .future import AsyncioFuture
from .message import message
from .ref import AsyncioActorRef

Ref = AsyncioActorRef[Any]


class Restart(StrEnum):
    """When a child is started again: see the table of this module."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


@message
class Child:
    """What a supervisor knows of a child before it starts.

    Args:
        name: unlike that of its siblings.
        start: starts the actor and gives its ref; called again for each restart.
        restart: its policy.
        grace: seconds from ``stop()`` until it is killed.
    """

    name: Hashable
    start: Callable[[], Ref]
    restart: Restart = Restart.PERMANENT
    grace: float = 10.0


@message
class StartChild(Ask["SupervisorMessage", Ref]):
    """Start one more child. Answer: its ref.

    An asker gets ``ValueError`` if the name is taken or the supervisor drains, and what ``start``
    raised.
    """

    child: Child


@message
class StopChild(Ask["SupervisorMessage", AsyncioFuture[BaseException | None]]):
    """Stop a child and forget it. Answer: a future that is done when it has ended.

    Args:
        name: of the child.
        message: what it is told in the place of being stopped, if it can end by itself.
        seconds: that it has for that, besides its grace; then it is killed.
    """

    name: Hashable
    message: object | None = None
    seconds: float = 0.0


@message
class WhichChildren(Ask["SupervisorMessage", dict[Hashable, Ref | None]]):
    """Answer: a dict of the refs by name, in start order; None for one that waits to restart."""


@message
class Drain:
    """Start nothing and nothing again; end when the children have, or stop them at the deadline.

    Args:
        seconds: until the deadline.
        message: what each child is told, the last started first; None for nothing.
    """

    seconds: float
    message: object | None = None


# What it tells itself.


@message
class ChildDied:
    """A child has ended, of which its supervisor tells itself.

    Args:
        name: of the child.
        ref: of the actor that ended; a restarted child has another one.
        error: what ended it, or None for ``stop()``.
    """

    name: Hashable
    ref: Ref
    error: BaseException | None


@message
class RestartChild:
    """A child has waited its turn, of which the supervisor tells itself."""

    name: Hashable


@message
class GraceOver:
    """A child has had its time to stop, of which the supervisor tells itself."""

    ref: Ref


@message
class DrainOver:
    """The deadline of a drain, of which the supervisor tells itself."""


SupervisorMessage = (
    StartChild
    | StopChild
    | WhichChildren
    | Drain
    | ChildDied
    | RestartChild
    | GraceOver
    | DrainOver
)

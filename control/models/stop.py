"""The end of an instance."""

from typing import ClassVar

from .base import Command, Result


class StopResult(Result):
    """The instance ends.

    Attributes:
        calls: how many calls still go on.
        seconds: how long they may.
    """

    calls: int
    seconds: float


class StopCommand(Command[StopResult]):
    """End the instance in order: no new calls, running ones have their time, everybody logs out.

    The connection is closed when it has ended.

    Attributes:
        now: give running calls no time.
    """

    name: ClassVar[str] = "stop"
    result = StopResult

    now: bool = False

"""What handles a command."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from ..instance.instance import Instance
from ..models.base import Command, Result


class Tell(Protocol):
    """Tells the client events before the result; each is a model, or JSON already."""

    def __call__(self, *told: BaseModel | bytes) -> None:
        """Tell them."""


#: Does what a command says. It runs in a task of its own, which is cancelled if its client leaves;
#: what it raises but `ControlError` is a bug.
Handle = Callable[[Any, Instance, Tell], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Handler:
    """A command that a running instance takes.

    Attributes:
        command: its model.
        handle: does it.
    """

    command: type[Command[Any]]
    handle: Handle


def table(*handlers: Handler) -> Mapping[str, Handler]:
    """Return handlers by the names of their commands."""
    return {one.command.name: one for one in handlers}

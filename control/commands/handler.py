"""What handles a command."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ..instance.instance import Instance
from ..models.base import Command, Result

#: Tells the client something before the answer.
Tell = Callable[[BaseModel], None]
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

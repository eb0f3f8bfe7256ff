"""What handles a command."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from pydantic import BaseModel

from .. import models
from ..models.base import Command, Result


class Tell(Protocol):
    """Tells the client events before the result; each is a model, or JSON already."""

    def __call__(self, *told: BaseModel | bytes) -> None:
        """Tell them."""


class Served(Protocol):
    """What commands are given to: an instance, or a load run.

    Attributes:
        socket: where its control socket is.
    """

    socket: Path | None

    def add_part(self, name: str, look: "Callable[[], models.status.PartSummary]") -> None:
        """Let the status have a line on a part."""

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that it works with."""


#: Does what a command says. It runs in a task of its own, which is cancelled if its client leaves;
#: what it raises but `ControlError` is a bug.
Handle = Callable[[Any, Any, Tell], Awaitable[Result]]


class Handler(Struct, frozen=True):
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

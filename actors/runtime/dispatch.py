"""Which method of an actor handles which message."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

__all__ = ["handler_table", "handles"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
R = TypeVar("R")
Self_ = TypeVar("Self_")

MARK = "_callboard_handles"


@overload
def handles(a: type[A], /) -> Callable[[Callable[[Self_, A], R]], Callable[[Self_, A], R]]: ...
@overload
def handles(
    a: type[A], b: type[B], /
) -> Callable[[Callable[[Self_, A | B], R]], Callable[[Self_, A | B], R]]: ...
@overload
def handles(
    a: type[A], b: type[B], c: type[C], /
) -> Callable[[Callable[[Self_, A | B | C], R]], Callable[[Self_, A | B | C], R]]: ...
@overload
def handles(
    a: type[A], b: type[B], c: type[C], d: type[D], /
) -> Callable[[Callable[[Self_, A | B | C | D], R]], Callable[[Self_, A | B | C | D], R]]: ...
@overload
def handles(
    a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /
) -> Callable[
    [Callable[[Self_, A | B | C | D | E], R]], Callable[[Self_, A | B | C | D | E], R]
]: ...
def handles(*messages: type) -> Callable[[Any], Any]:
    """Make a method, plain or ``async``, the handler of classes of messages and their subclasses.

    A subclass of the actor may override the method, or take the message over with another one.

    Args:
        messages: one to five classes; the method is checked to accept them all.

    Returns:
        The decorator.
    """

    def mark(method: Any) -> Any:
        setattr(method, MARK, messages)
        return method

    return mark


def handler_table(actor_class: type, parts: Mapping[str, type]) -> dict[type, str]:
    """Read an actor class's handlers.

    Args:
        actor_class: the class, whose bases are read too.
        parts: the classes of its parts by the attributes that hold them; theirs are read too.

    Returns:
        The name of the method for each class of messages; ``part.method`` for that of a part.

    Raises:
        TypeError: one class gives a message to two of its methods, or to two parts.
    """
    table = _read(actor_class)
    whose = dict.fromkeys(table, actor_class)
    for attribute, part in parts.items():
        for message, name in _read(part).items():
            if message in table:
                msg = (
                    f"{whose[message].__name__} and {part.__name__} both handle {message.__name__}"
                )
                raise TypeError(msg)
            table[message], whose[message] = f"{attribute}.{name}", part
    return table


def _read(found: type) -> dict[type, str]:
    table: dict[type, str] = {}
    for base in reversed(found.__mro__):
        own: dict[type, str] = {}
        for message, name in _marked(base):
            if message in own:
                msg = (
                    f"{base.__name__}: {own[message]}() and {name}() both handle {message.__name__}"
                )
                raise TypeError(msg)
            own[message] = name
        table.update(own)
    return table


def _marked(base: type) -> Iterator[tuple[type, str]]:
    for name, method in vars(base).items():
        for message in getattr(method, MARK, ()):
            yield message, name

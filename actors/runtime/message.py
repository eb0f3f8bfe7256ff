"""How the classes of messages are made."""

from dataclasses import dataclass, field, fields
from functools import cache
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(kind: type[T]) -> type[T]:
    """Make a class of messages: a frozen, slotted dataclass.

    It compares, hashes and shows itself as any dataclass does, but by methods that all messages
    share: `dataclass` would compile them for each class, which takes two fifths of its time.

    Example:
        >>> @message
        ... class Add:
        ...     number: int
    """
    made: Any = dataclass(frozen=True, slots=True, eq=False, repr=False)(kind)
    made.__eq__, made.__hash__, made.__repr__ = _equal, _hash, _shown
    return made  # type: ignore[no-any-return]


@cache
def _compared(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.compare)


def _values(one: Any) -> tuple[object, ...]:
    kind: Any = type(one)
    return tuple([getattr(one, name) for name in _compared(kind)])


def _equal(self: Any, other: Any) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


@recursive_repr()
def _shown(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"

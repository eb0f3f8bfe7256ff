"""How the classes of messages are made."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import FrozenInstanceError, dataclass, field, fields, make_dataclass
from functools import cache
from reprlib import recursive_repr
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")

#: Kinds of which nobody has made one yet.
_not_compiled: list[type] = []


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def message(kind: type[T]) -> type[T]:
    """Make a class of messages: a frozen, slotted dataclass.

    It compares, hashes, shows and copies itself as any dataclass does, but by methods that all
    messages share: `dataclass` would compile them for each class, which takes nine tenths of its
    time. How one is made is compiled when the first one is, as most kinds have none at a start.

    Example:
        >>> @message
        ... class Add:
        ...     number: int
    """
    made: Any = dataclass(init=False, slots=True, eq=False, repr=False)(kind)
    for name, method in _SHARED.items():
        setattr(made, name, method)
    _not_compiled.append(made)
    return made  # type: ignore[no-any-return]


def compile_all() -> None:
    """Compile how messages of each kind are made, so that the first of none takes longer. Blocks.

    Others may make messages meanwhile, in other threads.
    """
    while _not_compiled:
        with suppress(IndexError, ValueError):  # who has just made the first one
            _compile(_not_compiled[0])


def _compile(kind: Any) -> None:
    """Let Python fill in messages of a kind as `dataclass` would have it."""
    after = {"__post_init__": kind.__post_init__} if hasattr(kind, "__post_init__") else {}
    likewise = [(one.name, one.type, one) for one in fields(kind)]
    twin: Any = make_dataclass(
        kind.__name__, likewise, namespace=after, eq=False, repr=False, frozen=True
    )
    kind.__init__ = twin.__init__
    _not_compiled.remove(kind)


def _make_first(self: Any, *args: object, **values: object) -> None:
    """Fill in the first message of its kind, and compile what those that follow are filled by."""
    with suppress(ValueError):  # another thread has just made the first one
        _compile(type(self))
    self.__init__(*args, **values)


def _refuse_change(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_removal(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, one.name) for one in fields(self)]


def _take_state(self: Any, state: Sequence[object]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


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


#: The methods of all messages.
_SHARED = {
    "__init__": _make_first,
    "__setattr__": _refuse_change,
    "__delattr__": _refuse_removal,
    "__getstate__": _state,
    "__setstate__": _take_state,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
}

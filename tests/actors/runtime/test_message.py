"""Classes of messages: each is what `dataclass` would have made."""

import dataclasses
import importlib
import pickle
import pkgutil
from typing import Any

import pytest
from callboard.actors import messages
from callboard.actors.runtime import messages as of_supervisors
from callboard.actors.runtime.message import message

MODULES = [
    of_supervisors,
    *(
        importlib.import_module(f"{messages.__name__}.{one.name}")
        for one in pkgutil.iter_modules(messages.__path__)
    ),
]
#: Every class of messages.
KINDS: list[Any] = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def as_dataclass(kind: Any) -> Any:
    """Return what `dataclass` makes of the same fields."""
    fields: list[Any] = [
        (one.name, Any, dataclasses.field(repr=one.repr, compare=one.compare, kw_only=one.kw_only))
        for one in dataclasses.fields(kind)
    ]
    return dataclasses.make_dataclass(kind.__qualname__, fields, frozen=True, slots=True)


def filled(kind: Any, /, **changed: object) -> Any:
    """Return one whose fields have their names for values."""
    return kind(**{one.name: one.name for one in dataclasses.fields(kind)} | changed)


def test_all_are_found() -> None:
    assert len(KINDS) > 140
    assert {kind.__module__.rpartition(".")[2] for kind in KINDS} >= {*messages.LATE, "account"}


@every_kind
def test_it_is_frozen_and_slotted(kind: Any) -> None:
    one = filled(kind)
    assert not hasattr(one, "__dict__")
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, 1)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(one, field.name)


@every_kind
def test_it_shows_hashes_and_matches_as_a_dataclass(kind: Any) -> None:
    one, other = filled(kind), filled(as_dataclass(kind))
    assert (repr(one), hash(one)) == (repr(other), hash(other))
    assert kind.__match_args__ == type(other).__match_args__


@every_kind
def test_it_equals_what_has_the_same_in_each_field(kind: Any) -> None:
    one = filled(kind)
    assert one == filled(kind)
    assert one != filled(as_dataclass(kind))
    assert one != 1
    for field in dataclasses.fields(kind):
        assert (filled(kind, **{field.name: 1}) == one) == (not field.compare)


@every_kind
def test_it_can_be_copied(kind: Any) -> None:
    one = filled(kind)
    assert pickle.loads(pickle.dumps(one)) == one
    assert dataclasses.replace(one) == one


@pytest.mark.parametrize("name", ["__eq__", "__hash__", "__repr__"])
def test_none_has_methods_of_its_own_compiled(name: str) -> None:
    assert len({getattr(kind, name) for kind in KINDS}) == 1


def test_one_that_holds_itself_is_shown() -> None:
    held: list[object] = []
    one = _Holds(held)
    held.append(one)
    assert repr(one) == "_Holds(what=[...])"


@message
class _Holds:
    what: list[object]

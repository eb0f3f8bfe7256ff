"""Classes of messages: each is what `dataclass` would have made."""

import dataclasses
import importlib
import pickle
import pkgutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callboard.actors import messages
from callboard.actors.records import call_record, recording_outcome
from callboard.actors.runtime import messages as of_supervisors
from callboard.actors.runtime.message import compile_all, message
from callboard.actors.xmpp import contact

MODULES = [
    *(of_supervisors, call_record, recording_outcome, contact),
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


SHARED = ["__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__", "__getstate__"]


@pytest.mark.parametrize("name", SHARED)
def test_none_has_methods_of_its_own_compiled(name: str) -> None:
    assert len({getattr(kind, name) for kind in KINDS}) == 1


def new_kind() -> Any:
    """Return a kind of which there is no message yet."""

    @message
    class Kind:
        first: int
        second: str = "b"
        rest: list[int] = dataclasses.field(default_factory=list)
        last: int = dataclasses.field(default=9, kw_only=True)

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError("less than 0")

    return Kind


def as_dict(one: Any) -> dict[str, object]:
    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}


@pytest.mark.parametrize("is_first", [True, False])
def test_one_is_made_as_a_dataclass_is(is_first: bool) -> None:
    kind = new_kind()
    if not is_first:
        kind(1)
    made = kind(1, rest=[2], last=3)
    assert as_dict(made) == {"first": 1, "second": "b", "rest": [2], "last": 3}
    assert as_dict(kind(second="c", first=2)) == {"first": 2, "second": "c", "rest": [], "last": 9}
    assert kind(1).rest is not kind(1).rest


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("args", "values", "error"),
    [
        ((), {}, TypeError),
        ((1, "b", [], 3), {}, TypeError),
        ((1,), {"first": 1}, TypeError),
        ((1,), {"other": 1}, TypeError),
        ((-1,), {}, ValueError),
    ],
)
def test_none_is_made_of_what_does_not_fit(
    is_first: bool, args: tuple[Any, ...], values: dict[str, Any], error: type[Exception]
) -> None:
    kind = new_kind()
    if not is_first:
        kind(1)
    with pytest.raises(error):
        kind(*args, **values)
    assert kind(1).first == 1


def test_it_is_not_compiled_how_one_is_made_before_one_is_or_calls_may_come() -> None:
    kinds = [new_kind() for _ in range(3)]
    shared = kinds[0].__init__
    assert {one.__init__ for one in kinds} == {shared}
    kinds[0](1)
    assert [one.__init__ is shared for one in kinds] == [False, True, True]
    compile_all()
    assert shared not in {one.__init__ for one in kinds}
    assert shared not in {one.__init__ for one in KINDS}


def test_threads_may_make_the_first_ones_at_once() -> None:
    for _ in range(20):
        kinds = [new_kind() for _ in range(10)]
        start = threading.Barrier(3)

        def make(kinds: list[Any] = kinds, start: threading.Barrier = start) -> list[int]:
            start.wait()
            return [one(number).first for number, one in enumerate(kinds)]

        with ThreadPoolExecutor(3) as pool:
            made = [pool.submit(make) for _ in range(2)]
            start.wait()
            compile_all()
            assert [one.result() for one in made] == [list(range(10))] * 2


def test_one_that_holds_itself_is_shown() -> None:
    held: list[object] = []
    one = _Holds(held)
    held.append(one)
    assert repr(one) == "_Holds(what=[...])"


@message
class _Holds:
    what: list[object]

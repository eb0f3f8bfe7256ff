"""Actors that are made of parts, whose handlers are theirs."""

from dataclasses import dataclass

import pytest
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.actors.runtime.ask import Ask
from callboard.tests.conftest import Run


@dataclass(frozen=True, slots=True)
class Add(Ask["Message", int]):
    amount: int


@dataclass(frozen=True, slots=True)
class Say(Ask["Message", str]):
    pass


Message = Add | Say


class Sum:
    def __init__(self) -> None:
        self.total = 0

    @handles(Add)
    def add(self, message: Add) -> int:
        self.total += message.amount
        return self.total


class Doubled(Sum):
    def add(self, message: Add) -> int:
        return 2 * super().add(message)


class Counter(AsyncioActor[Message], parts={"_sum": Sum}):
    part: type[Sum] = Sum

    def __init__(self) -> None:
        super().__init__()
        self._sum = self.part()

    @handles(Say)
    async def say(self, _: Say) -> str:
        return f"it is {self._sum.total}"


class Double(Counter):
    part = Doubled


@pytest.mark.parametrize(("actor", "sums"), [(Counter, [2, 5]), (Double, [4, 10])])
def test_a_part_handles_messages_of_its_actor(
    run: Run, actor: type[Counter], sums: list[int]
) -> None:
    async def main() -> None:
        ref = actor.start()
        assert [await ref.request(Add(n), timeout=5) for n in (2, 3)] == sums
        assert await ref.request(Say(), timeout=5) == "it is 5"
        ref.stop(block=False)
        await ref.ended

    run(main)


def test_a_message_belongs_to_one_of_them() -> None:
    with pytest.raises(TypeError, match="Sum and Doubled both handle Add"):

        class _Twice(AsyncioActor[Message], parts={"_one": Sum, "_other": Doubled}):
            pass

    with pytest.raises(TypeError, match="_Both and Sum both handle Add"):

        class _Both(AsyncioActor[Message], parts={"_sum": Sum}):
            @handles(Add)
            def add(self, message: Add) -> int:
                return message.amount

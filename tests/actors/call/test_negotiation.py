"""One negotiation after the other, whatever becomes of each."""

import asyncio
from typing import Any, ClassVar

import pytest
from callboard.actors.call.negotiation import (
    DEADLINE,
    MAX_WAITING,
    NO_NETWORK,
    Negotiation,
    Negotiations,
)
from callboard.actors.messages.call import Negotiated, NegotiationFailed
from callboard.actors.runtime.actor import AsyncioActor
from callboard.jingle import Reason
from callboard.media import IncompatibleMediaError, MediaError, NetworkError
from callboard.tests.conftest import Run


class Owner(AsyncioActor[Any]):
    """Has negotiations, and does what a call does with what comes of them."""

    def __init__(self) -> None:
        super().__init__()
        connection: Any = None
        self.negotiations = Negotiations(self, lambda: connection, "desk@localhost")
        self.ended: NegotiationFailed | None = None

    def on_receive(self, message: Any) -> None:
        """Go on."""
        if isinstance(message, Negotiated):
            self.negotiations.negotiated(message)
        elif not self.negotiations.failed(message):
            self.ended = message


class Purpose(Negotiation):
    """Does what it is told to, and notes what happened."""

    log: ClassVar[list[str]]

    def __init__(self, name: str, *, error: Exception | None = None) -> None:
        self.name = name
        self.error = error
        self.gate = asyncio.Event()

    async def work(self, _: Any) -> str:
        self.log.append(f"{self.name} begins")
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.name

    def done(self, sdp: str) -> None:
        self.log.append(f"{sdp} is done")

    def failed(self, failure: NegotiationFailed) -> None:
        self.log.append(f"{self.name} failed: {failure.reason}, {failure.text}")


class Latest(Purpose):
    latest_counts = True


class Needed(Purpose):
    is_needed = True


class Kept(Purpose):
    holds_others_up = True


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Begin with nothing noted."""
    found: list[str] = []
    monkeypatch.setattr(Purpose, "log", found, raising=False)
    return found


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def started() -> tuple[Any, Owner]:
    ref = Owner.start()
    await settle()
    owner = ref._actor_weakref()
    assert isinstance(owner, Owner)
    return ref, owner


async def stop(ref: Any) -> None:
    ref.stop(block=False)
    await ref.ended


def test_one_begins_when_the_one_before_is_over(run: Run, log: list[str]) -> None:
    async def main() -> None:
        ref, owner = await started()
        purposes = [Purpose("one"), Purpose("two", error=MediaError("no")), Purpose("three")]
        for one in reversed(purposes):
            one.gate.set()
        purposes[0].gate.clear()
        for one in purposes:
            assert owner.negotiations.begin(one)
        await settle()
        assert log == ["one begins"]
        assert owner.negotiations.is_under_way(purposes[0])
        purposes[0].gate.set()
        await settle()
        assert log[1:] == [
            *("one is done", "two begins", "two failed: failed-application, no"),
            *("three begins", "three is done"),
        ]
        await stop(ref)

    run(main, loop="virtual")


def test_only_the_last_of_those_that_wait_counts_where_it_has_all_in_it(
    run: Run, log: list[str]
) -> None:
    async def main() -> None:
        ref, owner = await started()
        first = Latest("first")
        purposes = [first, Latest("second"), Purpose("other"), Latest("third")]
        for one in purposes:
            one.gate.set()
            owner.negotiations.begin(one)
        await settle()
        assert [line for line in log if "begins" in line] == [
            *("first begins", "other begins", "third begins")
        ]
        await stop(ref)

    run(main, loop="virtual")


def test_no_more_wait_than_may(run: Run, log: list[str]) -> None:
    async def main() -> None:
        ref, owner = await started()
        begun = [owner.negotiations.begin(Purpose(str(number))) for number in range(100)]
        assert sum(begun) == MAX_WAITING + 1
        assert begun == sorted(begun, reverse=True)
        assert len([line for line in log if "wait already" in line]) == 100 - sum(begun)
        assert owner.negotiations.begin(Needed("what the call can't do without"))
        await stop(ref)

    run(main, loop="virtual")


def test_one_that_holds_the_others_up_does_so_until_released(run: Run, log: list[str]) -> None:
    async def main() -> None:
        ref, owner = await started()
        kept, further, last = Kept("kept"), Purpose("further"), Purpose("last")
        for one in (kept, further, last):
            one.gate.set()
        owner.negotiations.begin(kept)
        owner.negotiations.begin(last)
        await settle()
        assert log == ["kept begins", "kept is done"]
        owner.negotiations.go_on_with(further)
        await settle()
        assert log[2:] == ["further begins", "further is done", "last begins", "last is done"]
        owner.negotiations.begin(kept)
        owner.negotiations.begin(last)
        await settle()
        owner.negotiations.release()
        await settle()
        assert log[-2:] == ["last begins", "last is done"]
        await stop(ref)

    run(main, loop="virtual")


def test_what_comes_of_one_that_is_over_changes_nothing(run: Run, log: list[str]) -> None:
    async def main() -> None:
        ref, owner = await started()
        slow, other = Purpose("slow"), Purpose("other")
        owner.negotiations.begin(slow)
        await settle()
        owner.negotiations.release()
        owner.negotiations.begin(other)
        slow.gate.set()
        await settle()
        assert log == ["slow begins", "other begins"]
        assert owner.negotiations.is_under_way(other)
        await stop(ref)

    run(main, loop="virtual")


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (MediaError("no answer"), Reason.FAILED_APPLICATION, "no answer"),
        (IncompatibleMediaError("no codec"), Reason.INCOMPATIBLE_PARAMETERS, "no codec"),
        (NetworkError("bind 10.0.0.1"), Reason.CONNECTIVITY_ERROR, NO_NETWORK),
        (KeyError("a bug"), Reason.FAILED_APPLICATION, "'a bug'"),
    ],
)
def test_a_failure_has_its_reason_and_ends_the_call_only_where_that_can_not_do_without(
    run: Run, log: list[str], error: Exception, reason: Reason, text: str
) -> None:
    async def main() -> None:
        ref, owner = await started()
        harmless, needed = Purpose("a", error=error), Needed("b", error=error)
        for one in (harmless, needed):
            one.gate.set()
        owner.negotiations.begin(harmless)
        await settle()
        assert owner.ended is None
        assert log[-1] == f"a failed: {reason}, {text}"
        owner.negotiations.begin(needed)
        await settle()
        assert owner.ended is not None
        assert (owner.ended.reason, owner.ended.text) == (reason, text)
        await stop(ref)

    run(main, loop="virtual")


def test_one_that_takes_too_long_fails(run: Run, log: list[str]) -> None:
    async def main() -> None:
        ref, owner = await started()
        owner.negotiations.begin(Purpose("slow"))
        await asyncio.sleep(DEADLINE + 1)
        await settle()
        assert "not negotiated within" in log[-1]
        await stop(ref)

    run(main, loop="virtual")

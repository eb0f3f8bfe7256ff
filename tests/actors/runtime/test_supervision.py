"""Supervision, on a loop on which minutes pass in a moment."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from callboard.actors.runtime.actor import AsyncioActor, AsyncioActorRef
from callboard.actors.runtime.backoff import Backoff
from callboard.actors.runtime.messages import (
    Child,
    Drain,
    Restart,
    StartChild,
    StopChild,
    WhichChildren,
)
from callboard.actors.runtime.supervision import Intensity, Supervisor, TooManyRestartsError
from callboard.tests.conftest import Run
from pykka import ActorRegistry

Ref = AsyncioActorRef[Any]


class Actress(AsyncioActor):
    """Plays until she is told to ``fail``, to ``stop`` or to ``hang``."""

    def __init__(self, name: str, diary: list[str], stumble: Callable[[], bool]) -> None:
        super().__init__()
        self._name = name
        self._diary = diary
        self._stumble = stumble

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        if self._stumble():
            raise RuntimeError("stumbled")
        self._diary.append(f"+{self._name}")

    def on_stop(self) -> None:
        self._diary.append(f"-{self._name}")

    def on_receive(self, message: str) -> Any:
        match message:
            case "fail":
                raise RuntimeError("missed a cue")
            case "stop":
                self.stop()
            case "hang":
                return asyncio.Event().wait()
        return None


class Cast:
    """Child specifications that keep one diary, with the times of all starts."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.starts: list[float] = []
        self.refs: list[Ref] = []
        self.stumbles = 0

    def child(self, name: str, restart: Restart = Restart.PERMANENT, grace: float = 10.0) -> Child:
        return Child(name, lambda: self._start(name), restart, grace)

    def _start(self, name: str) -> Ref:
        self.starts.append(asyncio.get_running_loop().time())
        self.refs.append(Actress.start(name, self.diary, self._stumble))
        return self.refs[-1]

    def _stumble(self) -> bool:
        self.stumbles -= 1
        return self.stumbles >= 0


def play(run: Run, main: Callable[[Cast], Coroutine[Any, Any, None]]) -> None:
    """Run a test in virtual time, after which no actor may be left."""

    async def whole() -> None:
        await main(Cast())
        assert ActorRegistry.get_all() == []

    run(whole, loop="virtual")


async def ended(ref: Ref) -> BaseException | None:
    """Stop an actor and wait until it has ended."""
    ref.stop(block=False)
    return await ref.ended


def test_children_start_in_order_and_stop_in_reverse(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child(name) for name in "abc"])
        await top.started
        assert list(await top.request(WhichChildren(), timeout=1)) == ["a", "b", "c"]
        assert await ended(top) is None
        assert cast.diary == ["+a", "+b", "+c", "-c", "-b", "-a"]

    play(run, main)


@pytest.mark.parametrize(
    ("restart", "end", "is_back"),
    [
        (Restart.PERMANENT, "stop", True),
        (Restart.PERMANENT, "fail", True),
        (Restart.PERMANENT, "kill", True),
        (Restart.TRANSIENT, "stop", False),
        (Restart.TRANSIENT, "fail", True),
        (Restart.TRANSIENT, "kill", True),
        (Restart.TEMPORARY, "stop", False),
        (Restart.TEMPORARY, "fail", False),
        (Restart.TEMPORARY, "kill", False),
    ],
)
def test_policy_decides_who_comes_back(run: Run, restart: Restart, end: str, is_back: bool) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a", restart), cast.child("b")])
        await top.started
        first = cast.refs[0]
        if end == "kill":
            first.kill()
        else:
            first.tell(end)
        await first.ended
        await asyncio.sleep(2)
        children = await top.request(WhichChildren(), timeout=1)
        assert list(children) == (["a", "b"] if is_back else ["b"])
        if is_back:
            again = children["a"]
            assert again is not None
            assert again.is_alive()
            assert again is not first
        assert children["b"] is cast.refs[1]
        await ended(top)

    play(run, main)


def test_waits_double_up_to_the_cap_and_begin_anew_after_a_stable_life(run: Run) -> None:
    async def main(cast: Cast) -> None:
        backoff = Backoff(base=1, cap=10, stable=60)
        top = Supervisor.start(
            [cast.child("a")], intensity=None, backoff=backoff, chance=lambda: 1.0
        )
        await top.started
        waits = []
        for life in (0, 0, 0, 0, 0, 0, 50, 60, 0):
            await asyncio.sleep(life)
            ref = cast.refs[-1]
            died = asyncio.get_running_loop().time()
            ref.tell("fail")
            await asyncio.sleep(11)
            waits.append(round(cast.starts[-1] - died))
            # What is left of the eleven seconds was life as well.
            assert cast.refs[-1].is_alive()
        assert waits == [1, 2, 4, 8, 10, 10, 10, 1, 2]
        await ended(top)

    play(run, main)


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_jitter_is_full(chance: float) -> None:
    backoff = Backoff(base=2, cap=60)
    assert [backoff.delay(deaths, chance) for deaths in (0, 1, 2, 10, 10_000)] == [
        chance * bound for bound in (2, 4, 8, 60, 60)
    ]


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_a_share_of_each_wait_can_be_left_out_of_the_jitter(chance: float, share: float) -> None:
    backoff = Backoff(base=2, cap=60, least=0.5)
    assert [backoff.delay(failures, chance) for failures in (0, 1, 10)] == [
        share * bound for bound in (2, 4, 60)
    ]


def test_failure_in_on_start_is_a_death(run: Run) -> None:
    async def main(cast: Cast) -> None:
        cast.stumbles = 3
        top = Supervisor.start([cast.child("a"), cast.child("b")])
        await top.started
        await asyncio.sleep(60)
        assert cast.diary.count("+a") == cast.diary.count("+b") == 1
        assert len(cast.starts) == 5
        await ended(top)

    play(run, main)


def test_start_that_raises_fails_the_start_but_only_delays_a_restart(run: Run) -> None:
    async def main(cast: Cast) -> None:
        troubles = [True]

        def start() -> Ref:
            if troubles and troubles.pop():
                raise OSError("no stage")
            return cast.child("a").start()

        top = Supervisor.start([cast.child("b"), Child("a", start)])
        with pytest.raises(OSError, match="no stage"):
            await top.started
        await top.ended
        assert cast.diary == ["+b", "-b"]

        top = Supervisor.start([Child("a", start)])
        await top.started
        troubles += [True, True]
        cast.refs[-1].tell("fail")
        await asyncio.sleep(60)
        assert cast.refs[-1].is_alive()
        with pytest.raises(ValueError, match="already has a child 'a'"):
            await top.request(StartChild(cast.child("a")), timeout=1)
        troubles += [True]
        with pytest.raises(OSError, match="no stage"):
            await top.request(StartChild(Child("c", start)), timeout=1)
        assert list(await top.request(WhichChildren(), timeout=1)) == ["a"]
        await ended(top)

    play(run, main)


def test_too_many_restarts_end_the_supervisor_and_all_children(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start(
            [cast.child("a"), cast.child("b")],
            intensity=Intensity(restarts=2, period=30),
            backoff=Backoff(base=0),
        )
        await top.started
        for _ in range(3):
            assert top.is_alive()
            newest = (await top.request(WhichChildren(), timeout=1))["a"]
            assert newest is not None
            newest.tell("fail")
            await asyncio.sleep(1)
        error = await top.ended
        assert isinstance(error, TooManyRestartsError)
        assert "3 restarts within 30 s are more than 2" in str(error)
        assert "child a was the last" in str(error)
        assert str(error.__cause__) == "missed a cue"
        assert cast.diary[-1] == "-b"

    play(run, main)


def test_restarts_that_are_long_ago_do_not_count(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a")], intensity=Intensity(restarts=1, period=30))
        await top.started
        for _ in range(5):
            cast.refs[-1].tell("fail")
            await asyncio.sleep(62)
        assert cast.refs[-1].is_alive()
        await ended(top)

    play(run, main)


def test_children_come_and_go(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start()
        ref = await top.request(StartChild(cast.child("a")), timeout=1)
        gone = await top.request(StopChild("a"), timeout=1)
        assert await gone is None
        assert ref is cast.refs[0]
        assert await top.request(WhichChildren(), timeout=1) == {}
        assert (await top.request(StopChild("nobody"), timeout=1)).done()
        assert len(cast.starts) == 1
        await ended(top)

    play(run, main)


def test_child_that_waits_for_its_restart_can_be_stopped(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a")], chance=lambda: 1.0)
        await top.started
        cast.refs[0].tell("fail")
        await asyncio.sleep(0.5)
        assert await top.request(WhichChildren(), timeout=1) == {"a": None}
        assert (await top.request(StopChild("a"), timeout=1)).done()
        await asyncio.sleep(60)
        assert len(cast.starts) == 1
        await ended(top)

    play(run, main)


def test_child_that_hangs_is_killed_when_its_grace_is_over(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a", grace=5), cast.child("b", grace=7)])
        await top.started
        for ref in cast.refs:
            ref.tell("hang")
        clock = asyncio.get_running_loop().time
        before = clock()
        gone = await top.request(StopChild("a"), timeout=1)
        assert isinstance(await gone, asyncio.CancelledError)
        assert clock() - before == pytest.approx(5)
        before = clock()
        assert await ended(top) is None
        assert clock() - before == pytest.approx(7)

    play(run, main)


def test_drain_ends_when_the_children_have(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child(name) for name in "abc"])
        await top.started
        cast.refs[0].tell("fail")
        await asyncio.sleep(0)
        top.tell(Drain(60, "stop"))
        before = asyncio.get_running_loop().time()
        assert await top.ended is None
        assert asyncio.get_running_loop().time() == before
        assert cast.diary == ["+a", "+b", "+c", "-c", "-b"]

    play(run, main)


def test_drain_has_a_deadline_and_starts_nothing(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a"), cast.child("b")])
        await top.started
        top.tell(Drain(60))
        with pytest.raises(ValueError, match="drains and does not start 'c'"):
            await top.request(StartChild(cast.child("c")), timeout=1)
        cast.refs[0].tell("fail")
        await asyncio.sleep(59)
        assert list(await top.request(WhichChildren(), timeout=1)) == ["b"]
        await asyncio.sleep(1.1)
        assert await top.ended is None
        assert cast.diary == ["+a", "+b", "-b"]
        assert len(cast.starts) == 2

    play(run, main)


def test_supervisors_are_children_too(run: Run) -> None:
    async def main(cast: Cast) -> None:
        def inner() -> Ref:
            return Supervisor.start([cast.child("a")], intensity=Intensity(0), chance=lambda: 0.0)

        top = Supervisor.start([Child("inner", inner)])
        await top.started
        cast.refs[0].tell("fail")
        await asyncio.sleep(10)
        assert cast.diary == ["+a", "+a"]
        await ended(top)
        assert cast.diary == ["+a", "+a", "-a"]

    play(run, main)


def test_killed_supervisor_takes_its_children_along(run: Run) -> None:
    async def main(cast: Cast) -> None:
        top = Supervisor.start([cast.child("a"), cast.child("b")])
        await top.started
        top.kill()
        await top.ended
        assert cast.diary == ["+a", "+b", "-b", "-a"]

    play(run, main)


def test_supervisor_killed_while_it_starts_leaves_nothing(run: Run) -> None:
    async def main(cast: Cast) -> None:
        def second() -> Ref:
            top.kill()
            return cast.child("b").start()

        top = Supervisor.start([cast.child("a"), Child("b", second)])
        await top.ended
        assert cast.diary == ["+a", "+b", "-b", "-a"]

    play(run, main)


@pytest.mark.parametrize("obeys", [True, False])
def test_a_child_that_may_end_by_itself_is_told_and_killed_only_in_the_end(
    run: Run, obeys: bool
) -> None:
    async def main() -> None:
        cast = Cast()
        top = Supervisor.start([cast.child("a"), cast.child("b")], intensity=None)
        await top.started
        ended = await top.request(StopChild("a", "fail" if obeys else "hello", 60), timeout=1)
        await asyncio.sleep(50)
        assert ended.done() == obeys
        await asyncio.sleep(30)
        assert ended.done()
        assert list(await top.request(WhichChildren(), timeout=1)) == ["b"]
        top.stop(block=False)
        await top.ended

    run(main(), loop="virtual")

"""What blocks hurts itself alone."""

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from callboard.media import Kind, Source, SourceError
from callboard.media.sources import clip, reader_threads
from callboard.media.sources.clip import ClipReader, Clips
from callboard.media.sources.reader_threads import ReaderThreads
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.sources.test_clip import Numbers, drain


@dataclass(frozen=True, eq=False)
class Blocked(Source):
    """Gives nothing until it is let go."""

    gate: threading.Event
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        self.gate.wait()
        yield Unit(b"at last", 960)


async def check_last_words(blocked: list[ClipReader]) -> None:
    """Each of the sources that were blocked has given what it had."""
    for reader in blocked:
        assert [unit.data for unit in await drain(reader)] == [b"at last"]


def test_sources_that_block_leave_the_others_their_turn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "READERS", ReaderThreads(limit=2, patience=0.05))
    gate = threading.Event()

    async def main() -> None:
        clips = Clips.running()
        blocked = [clips.open(Blocked(gate), "audio", "opus") for _ in range(7)]
        assert len(await drain(clips.open(Numbers(60), "audio", "opus"))) == 60
        assert [reader.read() for reader in blocked] == [None] * 7
        gate.set()
        await check_last_words(blocked)

    try:
        run(main)
    finally:
        gate.set()


@pytest.mark.parametrize("is_playing", [True, False])
def test_nine_sources_that_block_leave_no_gap_in_another(run: Run, is_playing: bool) -> None:
    gate = threading.Event()

    async def main() -> None:
        clips = Clips.running()
        good = clips.open(Numbers(200), "audio", "opus")
        if is_playing:
            assert [unit.data for unit in await drain(good, 1)] == [b"\0"]
        blocked = [clips.open(Blocked(gate), "audio", "opus") for _ in range(9)]
        numbers, gaps = [], 0
        while not good.ended:  # as a leg plays it: a frame each 20 ms
            unit = good.read()
            if unit is not None:
                numbers.append(unit.data[0])
            elif numbers and not good.clip.ended:
                gaps += 1
            await asyncio.sleep(0.02)
        assert numbers == list(range(int(is_playing), 200))
        assert gaps == 0
        assert [reader.read() for reader in blocked] == [None] * 9
        gate.set()
        await check_last_words(blocked)

    try:
        run(main)
    finally:
        gate.set()


@dataclass(frozen=True, eq=False)
class Slow(Source):
    """Waits to be let go before its first frame, or in mid-batch; tells when it is closed."""

    first: bool
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        try:
            for number in range(1000):
                if number == (0 if self.first else 10):
                    self.begun.set()
                    self.gate.wait()
                yield Unit(b"sound", 960)
        finally:
            self.closed.set()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("leaves", [True, False])
def test_a_source_is_closed_though_the_loop_has_gone_amid_a_batch(
    run: Run, first: bool, leaves: bool
) -> None:
    source = Slow(first)

    async def main() -> None:
        reader = Clips.running().open(source, "audio", "opus")
        assert await asyncio.to_thread(source.begun.wait, 30)
        if leaves:
            reader.close()

    try:
        run(main)
        assert not source.closed.is_set()
    finally:
        source.gate.set()
    assert source.closed.wait(30)


def test_a_source_that_is_left_amid_a_batch_is_closed_and_opened_again(run: Run) -> None:
    source = Slow(first=False)

    async def main() -> None:
        clips = Clips.running()
        clips.open(source, "audio", "opus").close()
        reader = clips.open(source, "audio", "opus")
        reader.close()
        source.gate.set()
        assert len(await drain(clips.open(source, "audio", "opus"))) == 1000

    run(main)
    assert source.closed.wait(30)


@pytest.mark.parametrize("when", ["before its turn", "while it runs", "after the loop has gone"])
def test_what_nobody_can_be_told_frees_what_it_holds(run: Run, when: str) -> None:
    gate, begun, freed = threading.Event(), threading.Event(), threading.Event()
    pool = ReaderThreads(limit=1, patience=60)

    def hold() -> bool:
        begun.set()
        return gate.wait()

    async def main() -> None:
        if when == "before its turn":
            pool.run(hold)
            pool.run(lambda: True, abandoned=freed.set).cancel()
        else:
            job = pool.run(hold, abandoned=freed.set)
        assert await asyncio.to_thread(begun.wait, 30)
        if when == "while it runs":
            job.cancel()
            gate.set()
            assert await asyncio.to_thread(freed.wait, 30)

    try:
        run(main)
    finally:
        gate.set()
    assert freed.wait(30)


def test_a_job_that_takes_its_time_is_not_taken_for_one_that_never_ends(run: Run) -> None:
    gate, begun = threading.Event(), threading.Semaphore(0)
    pool = ReaderThreads(limit=2, patience=0.01, most=3)

    def take_time() -> bool:
        begun.release()
        return gate.wait()

    async def main() -> None:
        slow = [pool.run(take_time) for _ in range(3)]
        for _ in slow:
            assert await asyncio.to_thread(begun.acquire, timeout=30)
        last = pool.run(lambda: 7)
        gate.set()
        assert all(await asyncio.gather(*slow))
        assert await last == 7

    try:
        run(main)
    finally:
        gate.set()


def test_only_so_many_jobs_run_at_once(run: Run) -> None:
    gate = threading.Event()
    pool = ReaderThreads(limit=2, patience=60, stuck=60)

    async def main() -> None:
        jobs = [pool.run(gate.wait) for _ in range(8)]
        assert pool._threads == 2
        gate.set()
        assert all(await asyncio.gather(*jobs))

    try:
        run(main)
    finally:
        gate.set()


def test_only_so_many_may_block(run: Run) -> None:
    gate = threading.Event()
    pool = ReaderThreads(limit=2, patience=0.01, stuck=0.02, most=4)

    async def main() -> None:
        blocked = [pool.run(gate.wait) for _ in range(4)]
        with pytest.raises(SourceError, match="4 sources block"):
            await asks_for_ever(pool)
        gate.set()
        assert all(await asyncio.gather(*blocked))
        assert await pool.run(lambda: 7) == 7

    try:
        run(main)
    finally:
        gate.set()


async def asks_for_ever(pool: ReaderThreads) -> None:
    while True:
        await asyncio.wait([pool.run(int)], timeout=0.01)


@pytest.mark.parametrize(
    "error", [ValueError("no"), StopIteration(), SystemExit(3), KeyboardInterrupt()]
)
def test_what_a_job_raises_comes_back_as_an_exception(run: Run, error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def main() -> None:
        with pytest.raises(Exception, match=r"no|it raised") as raised:
            await reader_threads.READERS.run(fail)
        assert isinstance(raised.value, ValueError)

    run(main)


def test_a_job_that_was_cancelled_before_it_began_does_not_run(run: Run) -> None:
    gate, ran = threading.Event(), threading.Event()
    pool = ReaderThreads(limit=1)

    async def main() -> None:
        first, second = pool.run(gate.wait), pool.run(ran.set)
        second.cancel()
        gate.set()
        assert await first
        assert await pool.run(ran.is_set) is False

    run(main)


@dataclass(frozen=True)
class Odd(Source):
    """Gives a frame, and then something else."""

    what: object
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        yield Unit(b"good", 960)
        if isinstance(self.what, type) and issubclass(self.what, BaseException):
            raise self.what
        yield self.what  # type: ignore[misc]


@pytest.mark.parametrize(
    "what",
    [
        ZeroDivisionError,
        SystemExit,
        None,
        "text",
        Unit(b"", 960),
        Unit(b"x", 0),
        Unit(b"x", -960),
        Unit(b"x", float("nan")),  # type: ignore[arg-type]
        Unit(b"x", "long"),  # type: ignore[arg-type]
        Unit(None, 960),  # type: ignore[arg-type]
        Unit("text", 960),  # type: ignore[arg-type]
    ],
)
def test_a_source_that_gives_nonsense_is_said_and_nothing_else_stops(
    run: Run, what: object
) -> None:
    async def main() -> None:
        clips = Clips.running()
        reader = clips.open(Odd(what), "audio", "opus")
        units = await drain(reader)
        assert {unit.data for unit in units} <= {b"good"}
        assert reader.clip.failure is not None
        assert "can't be played" in reader.clip.failure
        assert len(await drain(clips.open(Numbers(30), "audio", "opus"))) == 30

    run(main)


def test_the_process_ends_while_a_source_blocks() -> None:
    program = """
        import asyncio, threading
        from callboard.media import Source
        from callboard.media.sources.clip import ClipReader, Clips

        class Blocked(Source):
            kinds = frozenset({"audio"})
            def encode(self, kind, codec):
                begun.set()
                threading.Event().wait()

        begun = threading.Event()

        async def main():
            Clips.running().open(Blocked(), "audio", "opus")
            while not begun.is_set():
                await asyncio.sleep(0.01)

        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=60)
    assert done.returncode == 0

"""Ctrl-C while a command's loop runs, wherever it is just then."""

import asyncio
import os
import signal
import threading

import pytest
from callboard.cli.main_loop import run_loop


class PressedWhenTakenBack:
    """A lock with which Ctrl-C is pressed just before it is taken for the second time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def acquire(self, blocking: bool = True) -> bool:
        self._taken += blocking
        if self._taken == 2:
            signal.raise_signal(signal.SIGINT)
        return self._lock.acquire(blocking)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def test_it_ends_as_interrupted_also_where_a_lock_is_taken_back() -> None:
    async def waits() -> None:
        condition = threading.Condition(PressedWhenTakenBack())  # type: ignore[arg-type]
        with condition:
            condition.wait(0.001)  # as the start of each thread does
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        run_loop(waits())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_ends_what_keeps_the_loop() -> None:
    reached: list[str] = []

    async def keeps_it() -> None:
        signal.raise_signal(signal.SIGINT)
        reached.append("after the first")
        signal.raise_signal(signal.SIGINT)
        reached.append("after the second")

    with pytest.raises(KeyboardInterrupt):
        run_loop(keeps_it())
    assert reached == ["after the first"]


def test_one_while_what_is_left_ends_is_no_callbacks(caplog: pytest.LogCaptureFixture) -> None:
    async def stays() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            signal.raise_signal(signal.SIGINT)

    async def leaves_one() -> None:
        left.append(asyncio.create_task(stays()))
        await asyncio.sleep(0)

    left: list[asyncio.Task[None]] = []
    with pytest.raises(KeyboardInterrupt):
        run_loop(leaves_one())
    assert "the loop goes on" not in caplog.text
    assert isinstance(left[0].exception(), KeyboardInterrupt)


def test_where_it_is_ignored_it_is_ignored() -> None:
    async def briefly() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.01)
        return "done"

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_loop(briefly()) == "done"
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_a_bot_raises_is_not_taken_for_it() -> None:
    async def survives() -> str:
        asyncio.get_running_loop().call_soon(raise_it)
        await asyncio.sleep(0.01)
        return "done"

    def raise_it() -> None:
        raise KeyboardInterrupt

    assert run_loop(survives()) == "done"

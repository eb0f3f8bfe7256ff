"""Ctrl-C while a command's loop runs, wherever it is just then."""

import asyncio
import os
import random
import signal
import threading
import time

import pytest
from callboard.cli.main_loop import run_loop


async def never_ends() -> None:
    condition = threading.Condition()
    while True:
        with condition:
            condition.wait(0.0001)  # as the start of each thread does
        await asyncio.sleep(0)


def press(times: int, first: float) -> threading.Thread:
    def pressing() -> None:
        time.sleep(first)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=pressing)
    thread.start()
    return thread


def test_it_ends_as_interrupted_also_while_a_lock_is_waited_for() -> None:
    generator = random.Random(3)
    for _ in range(300):
        thread = press(1, generator.uniform(0.0, 0.004))
        with pytest.raises(KeyboardInterrupt):
            run_loop(never_ends())
        thread.join()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_ends_what_keeps_the_loop() -> None:
    stuck = threading.Event()

    async def keeps_it() -> None:
        stuck.wait()

    def pressing() -> None:
        while not stuck.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Timer(0.05, pressing)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        try:
            run_loop(keeps_it())
        finally:
            stuck.set()
            thread.join()


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

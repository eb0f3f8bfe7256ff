"""Bots that would end the process, or keep it alive: others go on, and it ends in order."""

import signal
from pathlib import Path

import pytest
from callboard.tests.cli.command import records, running

#: What each bot does once it is online.
MODULE = """\
import asyncio, sys, threading, time
from callboard.bots import Bot
def leave(called):
    called.set()
    sys.exit(5)
def interrupt(called):
    called.set()
    raise KeyboardInterrupt

def stop(called):
    called.set()
    asyncio.get_running_loop().stop()

class Callbacks(Bot):
    async def on_start(self):
        loop, called = asyncio.get_running_loop(), asyncio.Event()
        asyncio.create_task(asyncio.sleep(0)).add_done_callback(lambda _: leave(called))
        for callback in (leave, interrupt, stop, None):
            await called.wait()
            called.clear()
            for _ in range(3):  # uvloop ends a turn later, of which it tells the last error only
                await asyncio.sleep(0)
            if callback is not None:
                loop.call_soon(callback, called)
        self.log.info("callbacks were called")

class Thrown:
    def __del__(self):
        sys.exit(5)

class Garbage(Bot):
    async def count(self):
        try:
            while True:
                yield 1
        finally:
            sys.exit(5)

    async def on_start(self):
        Thrown()
        async for _ in self.count():
            break

class Threads(Bot):
    async def on_start(self):
        threading.Thread(target=time.sleep, args=(3600,), name="sleeper").start()
        asyncio.create_task(asyncio.to_thread(time.sleep, 3600))

class Stubborn(Bot):
    async def on_start(self):
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

class Deaf(Bot):
    async def on_start(self):
        while True:
            try:
                await asyncio.sleep(3600)
            except BaseException:
                pass

class DeafTask(Bot):
    async def on_start(self):
        asyncio.create_task(Deaf.on_start(self))

class DeafToFutures(Bot):
    async def on_start(self):
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except:
                continue

class DeafGenerator(Bot):
    async def ticks(self):
        while True:
            try:
                await asyncio.sleep(3600)
                yield 1
            except BaseException:
                pass

    async def on_start(self):
        async for _ in self.ticks():
            pass
"""
FILE = """\
server: embedded
drain: 0
accounts:
  - {{jid: desk@localhost, bot: recorder}}
  - jid: alice@localhost
    bot: caller
    options: {{to: desk@localhost, video: none, seconds: 3600}}
  - {{jid: bob@localhost, bot: "unruly:{bot}"}}
"""
BOTS = (
    "Callbacks",
    "Garbage",
    "Threads",
    "Stubborn",
    "Deaf",
    "DeafTask",
    "DeafToFutures",
    "DeafGenerator",
)


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_others_go_on_and_a_signal_ends_it(tmp_path: Path, bot: str, number: int) -> None:
    (tmp_path / "unruly.py").write_text(MODULE)
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(bot=bot))
    with running("run", file) as run:
        run.connected("alice@localhost")
        run.connected("desk@localhost")
        if bot == "Callbacks":
            run.until(lambda e: e.get("message") == "callbacks were called")
            said = " ".join(e.get("message", "") for e in run.events)
            whose = "bot Callbacks of bob@localhost: a callback of its own raised"
            assert said.count(f"{whose} SystemExit(5) at unruly.py:5") == 2
            assert f"{whose} KeyboardInterrupt() at unruly.py:8" in said
            assert "stopped the event loop" in said
        assert run.stop(number) == 0
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert {record["state"] for record in found.values()} == {"completed"}
    assert found["desk@localhost"]["recordings"][0]["seconds"] > 0
    if bot == "Threads":
        assert "sleeper" in run.events[-1]["message"]

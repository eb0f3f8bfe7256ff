"""Bots that block the loop: they are named, once, and can't keep the process from its end."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from callboard.actors.bot.containment import Author
from callboard.actors.bot.loop_watch import _who
from callboard.tests.cli.command import Running, running

MODULE = """\
import asyncio, time
from callboard.bots import Bot

def nap(seconds):
    time.sleep(seconds)  # line 5

class Sleeper(Bot):
    async def on_start(self):
        nap(3)
        self.log.info("awake")

class Inner(Bot):
    async def on_start(self):
        async def dream():
            nap(3)
        await asyncio.create_task(dream())
        self.log.info("awake")

class Callback(Bot):
    async def on_start(self):
        asyncio.get_running_loop().call_soon(nap, 3)
        await asyncio.sleep(0.1)
        self.log.info("awake")

class Patient(Bot):
    async def on_start(self):
        while True:
            await self.send("alice@localhost", "are you online?")
            await asyncio.sleep(0.2)

class Endless(Patient):
    async def on_message(self, message):
        nap(3600)

class Busy(Patient):
    async def on_message(self, message):
        while True:
            pass

class Online(Bot):
    async def on_message(self, message):
        await message.reply("yes")
"""
FILE = """\
server: embedded
drain: 0
accounts:
  - {{jid: bob@localhost, bot: "sleepy:{bot}"}}
  - {{jid: alice@localhost, bot: "sleepy:Online"}}
"""


def warnings(run: Running) -> list[str]:
    """What the watch has said."""
    logged = [event for event in run.events if event["event"] == "Log"]
    assert all(event["logger"].startswith("callboard.") for event in logged)
    return [one["message"] for one in logged if "keeps all accounts waiting" in one["message"]]


def deployment(folder: Path, bot: str) -> Path:
    """A file with this bot and another one."""
    (folder / "sleepy.py").write_text(MODULE)
    file = folder / "accounts.yaml"
    file.write_text(FILE.format(bot=bot))
    return file


def is_warning(event: dict[str, Any]) -> bool:
    return "keeps all accounts waiting" in event.get("message", "")


@pytest.mark.parametrize(
    ("bot", "who"),
    [
        ("Sleeper", "bot Sleeper of bob@localhost"),
        ("Inner", "bot Inner of bob@localhost"),
        ("Callback", "a bot's callback"),
    ],
)
def test_who_blocks_is_named_once_with_the_line(tmp_path: Path, bot: str, who: str) -> None:
    with running("run", deployment(tmp_path, bot)) as run:
        run.until(lambda e: e.get("message") == "awake")
        assert run.stop() == 0
    (said,) = warnings(run)
    assert said.startswith(f"{who} keeps all accounts waiting, for ")
    assert f"{tmp_path}/sleepy.py:5 in nap (time.sleep(seconds)" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("bot", ["Endless", "Busy"])
def test_a_signal_ends_what_blocks(tmp_path: Path, bot: str, number: int) -> None:
    with running("run", deployment(tmp_path, bot)) as run:
        run.until(is_warning)
        assert run.stop(number) == 0
    failed = next(event for event in run.events if event["event"] == "BotFailed")
    assert (failed["account"], failed["bot"]) == ("bob@localhost", bot)
    states = [event["state"] for event in run.events if event["event"] == "AccountChanged"]
    assert states[-2:] == ["closed", "closed"]


def frame(module: str) -> FrameType:
    """What runs code of a module."""
    namespace: dict[str, Any] = {"__name__": module}
    exec("import sys\nframe = sys._getframe()", namespace)
    made: FrameType = namespace["frame"]
    return made


BOT = Author("Operator", "you@localhost")


@pytest.mark.parametrize(
    ("author", "modules", "who"),
    [
        (BOT, ["time", "frontdesk"], "bot Operator of you@localhost"),
        (BOT, ["importlib._bootstrap", "frontdesk"], "bot Operator of you@localhost"),
        (BOT, [], "bot Operator of you@localhost"),
        (BOT, ["callboard.bots.operator"], "Callboard itself for bot Operator of you@localhost"),
        (
            BOT,
            ["importlib._bootstrap", "callboard.media", "callboard.bots.operator"],
            "the import of a module for bot Operator of you@localhost",
        ),
        (None, ["frontdesk"], "a bot's callback"),
        (None, ["importlib._bootstrap_external"], "the import of a module"),
        (None, ["callboard.actors.account"], "Callboard itself"),
    ],
)
def test_a_bot_is_blamed_for_its_own_code_alone(
    author: Author | None, modules: list[str], who: str
) -> None:
    frames = [frame(one) for one in modules]
    users = [one for one in frames if one.f_globals["__name__"] == "frontdesk"]
    assert _who(author, frames, users) == who

"""What a bot raises is logged as its author needs it."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import BotFailed
from callboard.bots import Bot, Call, Message, bot
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage, staged

#: What a handler asks for, and what the log has of it: the functions of the traceback and the end.
ASKED = {
    "a file that is not there": (
        ["on_message", "play"],
        "SourceError: 'missing.wav' is not a file",
    ),
    "a peer that is none": (["on_message"], "ValueError: '@' has nothing before"),
    "no text": (["on_message"], "TypeError: "),
    "its own fault": (["on_message", "own_fault"], "ZeroDivisionError: "),
    "a library's": (
        ["on_message", "loads", "decode", "raw_decode"],
        "json.decoder.JSONDecodeError",
    ),
    "one for another": (["on_message", "play", "on_message"], "RuntimeError: no song"),
    "one after another": (["on_message", "play", "on_message"], "ZeroDivisionError: "),
    "its end": (["on_message"], "BotExit: it raised SystemExit"),
}


class Player(Bot):
    """Does what is wrong in one way or another."""

    async def on_message(self, message: Message) -> None:  # noqa: C901 - one case after another
        match message.body:
            case "a file that is not there":
                await self.play()
            case "a peer that is none":
                await self.call("@")
            case "no text":
                await self.send(ALICE, 1)  # type: ignore[arg-type]
            case "its own fault":
                self.own_fault()
            case "a library's":
                json.loads("{")
            case "one for another":
                try:
                    await self.play()
                except ValueError as error:
                    raise RuntimeError("no song") from error
            case "one after another":
                try:
                    await self.play()
                except ValueError:
                    1 / len("")
            case "its end":
                raise SystemExit(1)

    async def play(self) -> Call:
        return await self.call(ALICE, audio="missing.wav")

    def own_fault(self) -> float:
        return 1 / len("")


def functions(text: str) -> list[str]:
    """The functions of a traceback, the outermost first."""
    return re.findall(r"^  File .*, line \d+, in (\w+)$", text, re.MULTILINE)


async def told(stage: Stage, body: str, caplog: pytest.LogCaptureFixture) -> str:
    """Let bob's bot fail; return what the log has of it."""
    caplog.clear()
    before = len(stage.all(BotFailed))
    await stage.puppets[ALICE].send(BOB, body)
    await stage.until(BotFailed, lambda _: len(stage.all(BotFailed)) > before)
    [record] = [one for one in caplog.records if one.exc_info]
    return logging.Formatter().format(record)


def test_an_author_sees_the_lines_that_are_theirs(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "player"}]
        async with staged(tmp_path, accounts, {"player": Player}) as stage:
            for body, (own, end) in ASKED.items():
                text = await told(stage, body, caplog)
                assert functions(text) == own, text
                assert end in text.splitlines()[-1], text

    run(main)


def test_a_fault_inside_callboard_is_told_whole(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot, "SetPresence", None)

    class Writer(Bot):
        async def on_message(self, message: Message) -> None:
            await self.set_presence(status=message.body)

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "writer"}]
        async with staged(tmp_path, accounts, {"writer": Writer}) as stage:
            text = await told(stage, "go on", caplog)
            assert "_step" in functions(text)
            assert functions(text)[-2:] == ["on_message", "set_presence"]
            assert text.splitlines()[-1] == "TypeError: 'NoneType' object is not callable"

    run(main)

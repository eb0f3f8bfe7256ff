"""Keys that a peer presses: told once, kept nowhere, and waiting until they are read."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.call.digit_queue import MOST_WAITING, DigitQueue
from callboard.actors.call.digits import AT_ONCE, SAME
from callboard.actors.messages.account import ReplyIq
from callboard.actors.messages.call import (
    CallOver,
    Hangup,
    JingleReceived,
    ListenToDigits,
    Press,
)
from callboard.actors.messages.exchange import DigitPressed
from callboard.bots import Call
from callboard.media import Closed, DigitBegan, DigitEnded
from callboard.tests.actors.call.scene import PEER, Media, Scene, connected
from callboard.tests.conftest import Run

pytestmark = pytest.mark.usefixtures("staged")


class Bell:
    """A bot that notes keys."""

    def __init__(self, scene: Scene) -> None:
        self.digits = ""
        scene.bot.digit = self.digit

    async def digit(self, call: Any, digit: str) -> None:
        self.digits += digit


def dtmf(code: str, **attributes: str) -> Element:
    """A session-info that tells of a key (XEP-0181)."""
    jingle = Element("{urn:xmpp:jingle:1}jingle", action="session-info", sid="sid")
    SubElement(jingle, "{urn:xmpp:jingle:dtmf:0}dtmf", {"code": code, **attributes})
    return jingle


async def on_the_phone(**calls: Any) -> tuple[Scene, Bell]:
    """A call that goes on."""
    scene = Scene()
    scene.calls = calls
    bell = Bell(scene)
    await connected(scene)
    await scene.settle()
    return scene, bell


def press_in_rtp(digit: str) -> None:
    Media.last.tell(DigitBegan(digit, 0.0))
    Media.last.tell(DigitEnded(digit, 0.1, 0.1))


async def press(scene: Scene, script: str) -> None:
    """Press keys: r1 in RTP, s1 in a stanza, - waits for a second, + as long as is too late."""
    at = 0
    while at < len(script):
        match script[at]:
            case "r":
                press_in_rtp(script[at + 1])
                at += 2
            case "s":
                scene.receives(dtmf(script[at + 1]))
                at += 2
            case wait:
                await scene.settle()
                await asyncio.sleep(1.0 if wait == "-" else SAME + 1.0)
                at += 1
        await scene.settle()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("r1r2r#", "12#"),
        ("s1s2s#", "12#"),
        ("r1s1r2s2", "12"),
        ("r1r1s1s1", "11"),
        ("s1r1-s1r1", "11"),
        ("r1-s1", "1"),
        ("r1+s1", "11"),
        ("r1s2", "12"),
        ("r1r1r1", "111"),
        ("s1s1s1", "111"),
        ("r1s1s1", "11"),
    ],
)
def test_a_press_that_is_told_twice_is_one(run: Run, script: str, told: str) -> None:
    async def main() -> None:
        scene, bell = await on_the_phone()
        await press(scene, script)
        assert bell.digits == told
        queue = await scene.call.ask(ListenToDigits(), block=False)
        scene.call.tell(Hangup())
        await scene.end()
        assert "".join([digit async for digit in queue]) == told

    run(main, loop="virtual")


@pytest.mark.parametrize("keep", [False, True])
def test_keys_are_kept_only_if_that_is_wanted(
    run: Run, keep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        with caplog.at_level(logging.DEBUG):
            scene, bell = await on_the_phone(keep_digits=keep)
            await press(scene, "r*s#")
            scene.call.tell(Hangup())
            await scene.end()
        assert bell.digits == "*#"
        told = [each.digit for each in scene.statuses if isinstance(each, DigitPressed)]
        assert told == (["*", "#"] if keep else [None, None])
        [record] = scene.records
        assert record.digits == ("*#" if keep else None)
        lines = [each.getMessage() for each in caplog.records]
        assert len([line for line in lines if {"*", "#"} & {*line}]) == (2 if keep else 0)

    run(main, loop="virtual")


def test_who_reads_afresh_gets_no_key_from_before(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        scene, _ = await on_the_phone()
        call = await Call.of(scene.call, tmp_path)
        await press(scene, "r1s2r3")
        assert await call.read_digits(1, timeout=0) == "1"
        assert await call.read_digits(timeout=0, fresh=True) == ""
        await press(scene, "s4")
        assert await call.read_digits(1) == "4"
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_a_flood_of_stanzas_with_keys_is_cut_off(run: Run) -> None:
    async def main() -> None:
        scene, bell = await on_the_phone()
        for _ in range(200):
            scene.receives(dtmf("5"))
        for _ in range(20):
            await scene.settle()
        assert AT_ONCE <= len(bell.digits) < 100
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize("code", ["", "E", "12", "10", "-1", "#\0", "x" * 1000])
def test_a_stanza_with_what_is_no_key_is_refused(run: Run, code: str) -> None:
    async def main() -> None:
        scene, bell = await on_the_phone()
        scene.call.tell(JingleReceived(PEER, "wrong", dtmf(code)))
        await scene.settle()
        assert not bell.digits
        [reply] = [one for one in scene.told if isinstance(one, ReplyIq) and one.id == "wrong"]
        assert reply.error is not None
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_a_key_that_is_let_go_is_no_press(run: Run) -> None:
    async def main() -> None:
        scene, bell = await on_the_phone()
        scene.receives(dtmf("5", action="button-down"))
        scene.receives(dtmf("5", action="button-up"))
        await scene.settle()
        assert bell.digits == "5"
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_keys_that_nobody_reads_take_no_room() -> None:
    queue = DigitQueue()
    for number in range(1000):
        queue.put(str(number % 10))
    assert len(queue._digits) == MOST_WAITING


@pytest.mark.parametrize(
    ("closes", "why"), [(False, "sends no audio"), (True, r"the call is over \(gone")]
)
def test_a_press_that_was_cut_off_says_what_ended_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, closes: bool, why: str
) -> None:
    async def main() -> None:
        scene, _ = await on_the_phone()
        sent = asyncio.get_running_loop().create_future()
        pressed = [SimpleNamespace(sent=sent)]
        monkeypatch.setattr(Media, "press", lambda *_: pressed, raising=False)
        promised = await scene.call.request(Press("7", 0.1), timeout=5)
        Media.last.closed = closes
        sent.set_result(False)
        if closes:
            Media.last.tell(Closed(by_peer=True))
        with pytest.raises(CallOver, match=why):
            await promised
        scene.call.post(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_keys_to_press_are_not_shown() -> None:
    assert "7" not in repr(Press("7", 0.1))

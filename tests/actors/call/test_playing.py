"""What a call says of what it plays when that ends early, whoever waits for it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.call import CallOver, Hangup
from callboard.actors.messages.exchange import BotFailed
from callboard.bots import Call, Source, Synthesizer, Utterance
from callboard.bots.playback import Playback as BotsPlayback
from callboard.media import Kind, Playback, PlaybackStuck
from callboard.media.sources.unit import Unit
from callboard.tests.actors.call.scene import Media, Scene, connected
from callboard.tests.actors.joining.test_room_in_any_order import Connection
from callboard.tests.conftest import Run


class Broken(Source):
    """Raises as it is encoded."""

    kinds = frozenset({"audio"})
    repeats = False

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        raise ZeroDivisionError("by nothing")


def raises(_: Utterance) -> Iterator[bytes]:
    yield bytes(320)
    raise KeyError("no such word")


async def raises_later(_: Utterance) -> AsyncIterator[bytes]:
    yield bytes(320)
    raise KeyError("no such word")


async def never_comes() -> None:
    raise LookupError("nobody knows when")


WAYS: dict[str, tuple[Callable[[Call], Coroutine[Any, Any, BotsPlayback]], str]] = {
    "a voice": (lambda call: call.say("Hi", synthesizer=Synthesizer(raises), wait=False), "KeyErr"),
    "a voice on the loop": (
        lambda call: call.say("Hi", synthesizer=Synthesizer(raises_later), wait=False),
        "KeyError",
    ),
    "what it waits for": (
        lambda call: call.play("tone", until=never_comes(), wait=False),
        "LookupError",
    ),
    "what a voice waits for": (
        lambda call: call.say(
            "Hi",
            synthesizer=Synthesizer(lambda _: iter(bytes, b"")),
            until=never_comes(),
            wait=False,
        ),
        "LookupError",
    ),
    "a source": (lambda call: call.play(Broken(), wait=False), "ZeroDivisionError"),
    "a list": (lambda call: call.play([Broken(), "tone"], wait=False), "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", WAYS)
def test_the_log_says_whose_playback_ended_early_and_at_which_line(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any, name: str
) -> None:
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Connection)
    begin, error = WAYS[name]

    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        call = await Call.of(scene.call, tmp_path)
        playback = await begin(call)
        with pytest.raises(Exception, match=r"\w"):
            await playback.ended
        scene.call.post(Hangup())
        await scene.end()

    with caplog.at_level(logging.WARNING, "callboard"):
        run(main)
    [line] = [one.getMessage() for one in caplog.records if "ended early" in one.getMessage()]
    assert line.startswith("desk@localhost \u2190 alice@localhost: what it played ended early: ")
    assert error in line
    assert "test_playing.py:" in line


def test_the_log_says_which_source_of_which_call_blocks(
    run: Run, staged: None, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        Media.last.tell(PlaybackStuck(Playback("audio", Broken()), 5.0))
        await scene.settle()
        scene.call.post(Hangup())
        await scene.end()

    with caplog.at_level(logging.WARNING, "callboard"):
        run(main)
    [line] = [one.getMessage() for one in caplog.records if "it blocks" in one.getMessage()]
    assert line.startswith(
        "desk@localhost \u2190 alice@localhost: nothing is sent of its audio, as "
    )
    assert "Broken" in line
    assert "nothing for 5 s" in line


ENDS: dict[str, Callable[[Call, BotsPlayback], Coroutine[Any, Any, Any]]] = {
    "stopped": lambda _, playback: playback.stop(),
    "replaced": lambda call, _: call.play("silence"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_nobody_listens_for_speech_once_what_was_played_is_over(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Call, BotsPlayback], Coroutine[Any, Any, Any]],
) -> None:
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Connection)

    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        call = await Call.of(scene.call, tmp_path)
        ear = Media.last.media.received._ear
        playback = await call.play("tone", until="speech", wait=False)
        assert len(ear._hearings) == 1
        await end(call, playback)
        await playback.ended
        await scene.settle()
        assert not ear._hearings
        scene.call.post(Hangup())
        await scene.end()

    run(main)


@pytest.mark.parametrize("raised", [CallOver("too late"), ValueError("wrong")])
def test_what_a_bot_does_too_late_is_no_failure_of_it(
    run: Run, staged: None, raised: Exception
) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        waits = asyncio.Event()

        async def media(*_: Any) -> None:
            waits.set()
            await parts.waiters.over
            raise raised

        parts = scene.call._actor_weakref()._playing._parts
        parts.runner.run(media())
        await waits.wait()
        scene.call.post(Hangup())
        await scene.end()
        failed = [one for one in scene.statuses if isinstance(one, BotFailed)]
        assert bool(failed) is isinstance(raised, ValueError)

    run(main)

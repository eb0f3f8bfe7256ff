"""A bot's handle on a call: what it asks the actor for, and what it raises when that is over."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from callboard.actors import AsyncioFuture
from callboard.actors.messages.call import (
    AddMedia,
    Answer,
    CallOver,
    GetStatus,
    Hangup,
    Hold,
    Listen,
    Mute,
    Pause,
    Play,
    Record,
    RemoveMedia,
    RestartIce,
    SendData,
    Wait,
)
from callboard.bots import Call, ClockPattern, Echo, Reason, Silence, SourceError, Tone
from callboard.media import MediaClosedError
from callboard.tests.bots.staged import RECORD, RINGING, Staged, broken, settled, staged_call
from callboard.tests.conftest import Run

Use = Callable[[Call], Awaitable[Any]]

#: A method, and the message that it is.
ASKED: dict[str, tuple[Use, object]] = {
    "record": (lambda call: call.record(wav=True), Record(True, True)),
    "record off": (lambda call: call.record(on=False), Record(False)),
    "mute": (lambda call: call.mute("audio"), Mute("audio", True)),
    "unmute": (lambda call: call.mute("video", on=False), Mute("video", False)),
    "hold": (lambda call: call.hold(), Hold(True)),
    "unhold": (lambda call: call.hold(on=False), Hold(False)),
    "send": (lambda call: call.send(b"octets"), SendData(b"octets")),
    "restart": (lambda call: call.restart_ice(), RestartIce()),
    "status": (lambda call: call.status(), GetStatus()),
}
#: The same of those that wait for more than the actor's answer.
PROMISED: dict[str, tuple[Use, object]] = {
    "answer": (lambda call: call.answer(), Answer(Silence(), None)),
    "answer all": (
        lambda call: call.answer(audio="tone:300", video="pattern", record=True, wav=True),
        Answer(Tone(300), ClockPattern(), True, True),
    ),
    "connected": (lambda call: call.connected(), Wait("connected")),
    "play": (lambda call: call.play("tone"), Play("audio", Tone())),
    "play nothing": (lambda call: call.play(None, kind="video"), Play("video", Silence())),
    "pause": (lambda call: call.pause(), Pause("video", True)),
    "go on": (lambda call: call.pause("audio", on=False), Pause("audio", False)),
    "add": (lambda call: call.add("video", "echo"), AddMedia("video", Echo())),
    "remove": (lambda call: call.remove("video"), RemoveMedia("video")),
}
FRAMES: tuple[Use, object] = (lambda call: anext(call.frames("video")), Listen("video"))
EVERY = {**ASKED, **PROMISED, "frames": FRAMES}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_done_once_the_actor_has_answered(
    run: Run, tmp_path: Path, name: str
) -> None:
    use, message = ASKED[name]
    actor, call = staged_call(tmp_path)
    answer = run(lambda: _said(use, call))
    assert actor.heard == [message]
    assert answer == (RINGING if name == "status" else None)


@pytest.mark.parametrize("name", PROMISED)
def test_what_takes_time_is_waited_for(run: Run, tmp_path: Path, name: str) -> None:
    use, message = PROMISED[name]
    actor, call = staged_call(tmp_path, {type(message): settled(None)})
    run(lambda: _said(use, call))
    assert actor.heard == [message]

    refused = CallOver("the peer refuses")
    actor, call = staged_call(tmp_path, {type(message): broken(refused)})
    with pytest.raises(CallOver, match="the peer refuses"):
        run(lambda: _said(use, call))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("gone", ["actor", "media"])
@pytest.mark.parametrize("recorded", [True, False])
def test_what_comes_too_late_says_why_the_call_is_over(
    run: Run, tmp_path: Path, name: str, gone: str, recorded: bool
) -> None:
    use, message = EVERY[name]
    answers = {type(message): MediaClosedError("closed")} if gone == "media" else {}
    record = settled(RECORD) if recorded else None
    actor, call = staged_call(tmp_path, answers, record=record)
    actor.has_ended = gone == "actor"
    why = RECORD.why if recorded else ""
    words = f"the call is over ({why})" if why else "the call is over"
    with pytest.raises(CallOver, match=f"^{re.escape(words)}$"):
        run(lambda: _said(use, call))


def test_hanging_up_is_no_question_and_harmless_afterwards(run: Run, tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path)

    async def main() -> None:
        await call.hangup()
        await call.hangup(Reason.BUSY)
        await call.decline()
        actor.has_ended = True
        await call.hangup()

    run(main)
    assert actor.heard == [Hangup(), Hangup(Reason.BUSY), Hangup(Reason.DECLINE)]


def test_the_end_gives_the_record(run: Run, tmp_path: Path) -> None:
    record: AsyncioFuture[Any] = AsyncioFuture()
    actor, call = staged_call(tmp_path, record=record)
    actor.has_ended = True

    async def main() -> Any:
        record.set(RECORD)
        return await call.ended()

    assert run(main) is RECORD


def test_frames_are_given_until_there_are_no_more(run: Run, tmp_path: Path) -> None:
    async def frames() -> AsyncIterator[int]:
        for one in range(3):
            yield one

    async def main() -> list[int]:
        _, call = staged_call(tmp_path, {Listen: frames()})
        return [frame async for frame in call.frames("audio")]

    assert run(main) == [0, 1, 2]


def test_frames_of_what_is_no_kind_are_refused_at_once(tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path)
    with pytest.raises(ValueError, match="kind is 'smell': give 'audio' or 'video'"):
        call.frames("smell")  # type: ignore[arg-type] # that is what is tested
    assert not actor.heard


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda call: call.play("nowhere.ogg"), SourceError, "'nowhere.ogg' is not a file"),
        (lambda call: call.play("tone", kind="video"), SourceError, "'tone' has no video"),
        (lambda call: call.answer(audio="pattern"), SourceError, "'pattern' has no audio"),
        (lambda call: call.add("video", None), ValueError, "give a source"),
        (lambda call: call.send(5), TypeError, "data is int: give text or bytes"),
        (lambda call: call.hangup("because"), ValueError, "reason is 'because': give one of"),
    ],
)
def test_a_wrong_argument_never_gets_to_the_actor(
    run: Run, tmp_path: Path, use: Use, error: type[Exception], words: str
) -> None:
    actor, call = staged_call(tmp_path)
    with pytest.raises(error, match=words):
        run(lambda: _said(use, call))
    assert not actor.heard


def test_a_handle_asks_how_the_call_stands(run: Run, tmp_path: Path) -> None:
    async def main() -> Call:
        actor: Any = Staged({Wait: settled(RECORD), GetStatus: RINGING})
        known = await Call.of(actor, tmp_path, RINGING)
        assert actor.heard == [Wait("ended")]
        assert repr(known) == "<Call sid in alice@localhost/phone>"
        return await Call.of(actor, tmp_path)

    call = run(main)
    assert (call.id, call.peer, call.direction, call.media) == (
        "sid",
        "alice@localhost/phone",
        "in",
        ("audio",),
    )


def test_there_is_no_handle_on_a_call_that_is_over(run: Run, tmp_path: Path) -> None:
    actor: Any = Staged()
    actor.has_ended = True
    with pytest.raises(CallOver, match=r"^the call is over$"):
        run(lambda: Call.of(actor, tmp_path))


async def _said(use: Use, call: Call) -> Any:
    return await use(call)

"""A bot's handle on a call: what it asks the actor for, and what it raises when that is over."""

import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from callboard.actors import AsyncioFuture
from callboard.actors.call.digit_queue import DigitQueue
from callboard.actors.messages.call import (
    AddMedia,
    Answer,
    CallOver,
    Decline,
    GetRecordings,
    GetStatus,
    Hangup,
    Hold,
    Listen,
    ListenForSpeech,
    ListenToDigits,
    Mute,
    Pause,
    Play,
    Press,
    Record,
    RecordingBegun,
    RemoveMedia,
    RestartIce,
    SendData,
    Started,
    StopRecording,
    Wait,
)
from callboard.actors.records.recording_outcome import Recorded, RecordingOutcome
from callboard.bots import (
    Call,
    ClockPattern,
    Echo,
    Feed,
    Reason,
    Recording,
    Silence,
    Source,
    SourceError,
    Speaks,
    Synthesizer,
    Tone,
)
from callboard.media import Direction, Kind, MediaClosedError, Playlist, ReaderQueue, SpeechOptions
from callboard.media import Playback as MediaPlayback
from callboard.media.sources.unit import Unit
from callboard.tests.bots.staged import RECORD, RINGING, Staged, broken, settled, staged_call
from callboard.tests.conftest import Run

Use = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Once(Source):
    """Something that has an end."""

    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        yield Unit(b"sound", 960)


#: A method, and the message that it is.
ASKED: dict[str, tuple[Use, object]] = {
    "mute": (lambda call: call.mute("audio"), Mute("audio", True)),
    "unmute": (lambda call: call.mute("video", on=False), Mute("video", False)),
    "hold": (lambda call: call.hold(), Hold(True)),
    "music": (
        lambda call: call.hold(play=Once()),
        Hold(True, Playlist((Once(),), None)),
    ),
    "music without an end": (lambda call: call.hold(play="tone"), Hold(True, Tone())),
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
    "pause": (lambda call: call.pause(), Pause("video", True)),
    "go on": (lambda call: call.pause("audio", on=False), Pause("audio", False)),
    "add": (lambda call: call.add("video", "echo"), AddMedia("video", Echo())),
    "remove": (lambda call: call.remove("video"), RemoveMedia("video")),
}
#: What to play, and the message that it is.
PLAYED: dict[str, tuple[Use, Play]] = {
    "tone": (lambda call: call.play("tone"), Play("audio", Tone())),
    "nothing": (lambda call: call.play(None, kind="video"), Play("video", Silence())),
    "a loop": (
        lambda call: call.play(Once(), loop=True, wait=False),
        Play("audio", Playlist((Once(),), None)),
    ),
    "thrice": (
        lambda call: call.play(Once(), loop=3),
        Play("audio", Playlist((Once(),), 3)),
    ),
    "a list": (
        lambda call: call.play([Once(), "tone:300"]),
        Play("audio", Playlist((Once(), Tone(300)))),
    ),
    "until they speak": (
        lambda call: call.play(Once(), until="speech"),
        Play("audio", Once(), None, SpeechOptions()),
    ),
    "until they speak for long": (
        lambda call: call.play(Once(), until=Speaks(threshold=0.8, min_speech="200ms")),
        Play("audio", Once(), None, SpeechOptions(threshold=0.8, min_speech=0.2)),
    ),
    "once": (lambda call: call.play(Once()), Play("audio", Once())),
}
READ: dict[str, tuple[Use, object]] = {
    "frames": (lambda call: anext(call.frames("video")), Listen("video")),
    "frames of a rate": (
        lambda call: anext(call.frames(rate=16000, layout="mono", limit=2)),
        Listen("audio", 16000, "mono", 2),
    ),
    "speech": (lambda call: anext(call.speech()), ListenForSpeech(SpeechOptions())),
    "speech as wanted": (
        lambda call: anext(
            call.speech(
                threshold=0.7, min_speech=0.1, min_silence="1s", pre_roll="0s", longest="1m"
            )
        ),
        ListenForSpeech(SpeechOptions(0.7, 0.1, 1.0, 0.0, 60.0)),
    ),
}
RECORDED: dict[str, tuple[Use, object]] = {
    "record": (lambda call: call.record(), Record()),
    "record ours": (lambda call: call.record("sent", wav=True), Record((Direction.SENT,), True)),
    "record theirs": (lambda call: call.record("received"), Record((Direction.RECEIVED,))),
    "recordings": (lambda call: call.recordings(), GetRecordings()),
}
DIGITS: dict[str, tuple[Use, object]] = {
    "digits": (lambda call: anext(call.digits()), ListenToDigits()),
    "read digits": (lambda call: call.read_digits(1, fresh=True), ListenToDigits(fresh=True)),
}
EVERY = {**ASKED, **PROMISED, **PLAYED, **READ, **RECORDED, **DIGITS}


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


@pytest.mark.parametrize("name", PLAYED)
def test_what_has_an_end_is_waited_for(run: Run, tmp_path: Path, name: str) -> None:
    use, message = PLAYED[name]
    over = CallOver("the peer hung up")
    started = Started(MediaPlayback(message.kind, message.source), broken(over))
    actor, call = staged_call(tmp_path, {Play: started})
    if message.source.repeats:
        playback = run(lambda: _said(use, call))
        assert (playback.kind, playback.position) == (message.kind, 0.0)
    else:
        with pytest.raises(CallOver, match="the peer hung up"):
            run(lambda: _said(use, call))
    assert actor.heard == [message]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("gone", ["actor", "media"])
def test_what_comes_too_late_says_whose_call_it_was_and_why_it_is_over(
    run: Run, tmp_path: Path, name: str, gone: str
) -> None:
    use, message = EVERY[name]
    answers = {type(message): MediaClosedError("closed")} if gone == "media" else {}
    actor, call = staged_call(tmp_path, answers)
    actor.has_ended = gone == "actor"
    with pytest.raises(CallOver, match=f"^{re.escape(actor.last_words)}$"):
        run(lambda: _said(use, call))


#: What plays until something comes.
UNTIL: dict[str, Callable[[Call, Awaitable[Any]], Awaitable[Any]]] = {
    "play": lambda call, until: call.play("tone", until=until),
    "say": lambda call, until: call.say(
        "words", until=until, synthesizer=Synthesizer(lambda _: bytes(320))
    ),
}


@pytest.mark.parametrize("name", UNTIL)
def test_what_was_to_end_a_playback_ends_if_nothing_is_played(
    run: Run, tmp_path: Path, name: str
) -> None:
    async def main() -> None:
        actor, call = staged_call(tmp_path)
        actor.has_ended = True
        until = asyncio.sleep(3600)
        with pytest.raises(CallOver):
            await UNTIL[name](call, until)
        await asyncio.sleep(0)  # its end is on its way
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others or await asyncio.wait(others)
        assert inspect.getcoroutinestate(until) == inspect.CORO_CLOSED

    run(main)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_is_a_thing_with_a_path_an_end_and_a_stop(
    run: Run, tmp_path: Path, name: str
) -> None:
    use, message = RECORDED[name]
    ended: AsyncioFuture[RecordingOutcome] = AsyncioFuture()
    begun = RecordingBegun(3, tmp_path / "call.ogg", ended)
    answer = (begun,) if name == "recordings" else begun
    actor, call = staged_call(tmp_path, {type(message): answer})
    files = [Recorded.of(f"/there/call.{each}", 1.25, 10, None) for each in ("ogg", "mka")]

    async def main() -> None:
        given = await use(call)
        (recording,) = given if isinstance(given, list) else (given,)
        assert actor.heard == [message]
        assert recording.path == tmp_path / "call.ogg"
        assert "call.ogg" in repr(recording)
        stopping = asyncio.create_task(recording.stop())
        await asyncio.sleep(0)
        assert actor.heard == [message, StopRecording(3)]
        ended.set(RecordingOutcome(tuple(files)))
        outcome = await stopping
        assert (outcome.seconds, outcome.bytes, outcome.failure) == (2.5, 20, None)
        assert outcome.path == recording.path == Path("/there/call.ogg")
        assert outcome.paths == recording.paths == (outcome.path, Path("/there/call.mka"))
        actor.has_ended = True
        assert await recording.stop() is await recording.ended is outcome

    run(main)


def test_a_recording_without_a_file_keeps_its_path_and_says_why(tmp_path: Path) -> None:
    lost = RecordingOutcome((Recorded.of(None, 0.0, 0, "The disk is full."),))
    recording = Recording(Staged(), RecordingBegun(0, tmp_path / "call", settled(lost)))  # type: ignore[arg-type]
    assert recording.path == tmp_path / "call"
    assert (lost.path, lost.paths, lost.failure) == (None, (), "The disk is full.")


def test_hanging_up_is_no_question_and_harmless_afterwards(run: Run, tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path)

    async def main() -> None:
        await call.hangup()
        await call.hangup(Reason.BUSY)
        actor.has_ended = True
        await call.hangup()

    run(main)
    assert actor.heard == [Hangup(), Hangup(Reason.BUSY)]


def test_declining_is_refused_where_there_is_nothing_to_decline(run: Run, tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path)

    async def main() -> None:
        await call.decline()
        await call.decline(Reason.BUSY)
        for wrong in ("no time", "", "BUSY"):
            with pytest.raises(ValueError, match=f"^reason is '{wrong}': give one of "):
                await call.decline(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^reason is int: give a Reason"):
            await call.decline(486)  # type: ignore[arg-type]
        actor.answers[Decline] = ValueError("it has been answered already")
        with pytest.raises(ValueError, match="answered already"):
            await call.decline()
        actor.answers[Decline] = CallOver("the call is over")
        await call.decline()
        actor.has_ended = True
        await call.decline()

    run(main)
    assert actor.heard[:2] == [Decline(), Decline(Reason.BUSY)]
    assert len(actor.heard) == 4


def test_the_end_gives_the_record(run: Run, tmp_path: Path) -> None:
    record: AsyncioFuture[Any] = AsyncioFuture()
    actor, call = staged_call(tmp_path, record=record)
    actor.has_ended = True

    async def main() -> Any:
        record.set(RECORD)
        return await call.ended()

    assert run(main) is RECORD


@pytest.mark.parametrize("name", READ)
def test_what_is_heard_is_read(run: Run, tmp_path: Path, name: str) -> None:
    use, message = READ[name]

    async def main() -> None:
        reader: ReaderQueue[int] = ReaderQueue(10, lambda _: 0)
        reader.put(7)
        actor, call = staged_call(tmp_path, {type(message): reader})
        assert await use(call) == 7
        assert actor.heard == [message]

    run(main)


def test_reading_ends_with_the_call_or_before(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        reader: ReaderQueue[int] = ReaderQueue(10, lambda _: 0)
        _, call = staged_call(tmp_path, {Listen: reader})
        for one in range(3):
            reader.put(one)
        reader.finish()
        assert [frame async for frame in call.frames()] == [0, 1, 2]

        closed: list[bool] = []
        reader = ReaderQueue(10, lambda _: 0)
        reader.on_close = lambda: closed.append(True)
        _, call = staged_call(tmp_path, {Listen: reader})
        reader.put(7)
        async with aclosing(cast(AsyncGenerator[int], call.frames())) as frames:
            async for frame in frames:
                assert frame == 7
                break
        assert closed == [True]

    run(main)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda call: call.frames(rate="16000"), TypeError, "rate is str: give a whole number"),
        (lambda call: call.frames(rate=True), TypeError, "rate is bool"),
        (lambda call: call.frames(rate=1000), ValueError, "no sound of 1000 Hz: give 8000 to"),
        (lambda call: call.frames(layout=1), TypeError, "layout is int: give 'mono'"),
        (lambda call: call.frames(layout="5.1"), ValueError, "no layout '5.1': give 'mono'"),
        (lambda call: call.speech(threshold="1"), TypeError, "threshold is str: give a number"),
        (lambda call: call.speech(threshold=3), ValueError, "threshold must be from 0.01"),
        (lambda call: call.speech(min_speech="soon"), ValueError, "min_speech is 'soon': give a"),
        (lambda call: call.speech(pre_roll=None), TypeError, "pre_roll is NoneType: give a"),
        (lambda call: call.speech(min_silence="1h"), ValueError, "min_silence must be from 0.05"),
        (lambda call: call.speech(longest="10ms"), ValueError, "longest must be from 1 to 300"),
    ],
)
def test_what_can_not_be_heard_is_refused_where_it_is_said(
    tmp_path: Path, use: Callable[[Any], object], error: type[Exception], words: str
) -> None:
    actor, call = staged_call(tmp_path)
    with pytest.raises(error, match=words):
        use(call)
    assert not actor.heard


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
        (lambda call: call.play([]), SourceError, "The list is empty"),
        (lambda call: call.play(["tone", "tone:300"]), SourceError, "has no end: put it last"),
        (lambda call: call.play(["echo", "tone"]), SourceError, "has no end: play it alone"),
        (lambda call: call.play(["tone", 5]), TypeError, "int can't be played"),
        (lambda call: call.play(Feed(), loop=True), SourceError, "it can't be repeated"),
        (lambda call: call.play("tone", loop=0), ValueError, "loop is 0: give True, False or"),
        (lambda call: call.play("tone", loop="often"), TypeError, "loop is str: give True"),
        (
            lambda call: call.play("tone", until="later"),
            ValueError,
            "until is 'later': give 'speech'",
        ),
        (lambda call: call.play("tone", until=5), TypeError, "until is int: give 'speech'"),
        (lambda call: call.play("tone", wait="yes"), TypeError, "wait is str: give True or False"),
        (lambda call: call.say(" "), ValueError, "text is empty"),
        (lambda call: call.say("a" * 10_001), ValueError, "text has 10,001 characters"),
        (lambda call: call.say("a\0b"), ValueError, "text has a NUL"),
        (lambda call: call.say(b"Hello"), TypeError, "text is bytes: give text"),
        (lambda call: call.say("Hello", voice="-w/tmp/x"), ValueError, "voice is '-w/tmp/x'"),
        (lambda call: call.say("Hello", voice="../../etc/x"), ValueError, "voice is"),
        (lambda call: call.say("Hello", voice=5), TypeError, "voice is int"),
        (lambda call: call.say("Hello", rate=5), ValueError, "rate is 5: give 80 to 450"),
        (lambda call: call.say("Hello", rate=1.5), TypeError, "rate is float"),
        (lambda call: call.say("Hello", synthesizer=print), TypeError, "give a Synthesizer"),
        (lambda call: call.hold(play="nowhere.ogg"), SourceError, "'nowhere.ogg' is not a file"),
        (lambda call: call.hold(play="pattern"), SourceError, "'pattern' has no audio"),
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
    with pytest.raises(CallOver, match=f"^{re.escape(actor.last_words)}$"):
        run(lambda: Call.of(actor, tmp_path))


async def _said(use: Use, call: Call) -> Any:
    return await use(call)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda call: call.press("12#"), Press("12#", 0.1)),
        (lambda call: call.press("a,*", duration=2), Press("A,*", 2.0)),
    ],
)
def test_keys_are_pressed_once_the_call_is_connected(
    run: Run, tmp_path: Path, use: Use, message: Press
) -> None:
    actor, call = staged_call(tmp_path, {Press: settled(None)})
    run(lambda: _said(use, call))
    assert actor.heard == [Wait("connected"), message]

    ended = CallOver("the call is over (decline)")
    actor, call = staged_call(tmp_path, {Wait: broken(ended)})
    with pytest.raises(CallOver, match="decline"):
        run(lambda: _said(use, call))
    assert actor.heard == [Wait("connected")]


WRONG_KEYS: dict[str, tuple[Use, str]] = {
    "none": (lambda call: call.press(""), "no key in it"),
    "only a pause": (lambda call: call.press(","), "no key in it"),
    "a letter": (lambda call: call.press("12e"), "'e' in it, which is no key"),
    "too short": (lambda call: call.press("1", duration="39ms"), "40ms to 60s"),
    "too long": (lambda call: call.press("1", duration=61), "40ms to 60s"),
    "no duration": (lambda call: call.press("1", duration="soon"), "duration like 2s"),
    "no count": (lambda call: call.read_digits(0), "count is 0"),
    "no end": (lambda call: call.read_digits(end="E"), "'E' in it, which is no key"),
    "no timeout": (lambda call: call.read_digits(timeout="5x"), "duration like 2s"),
    "for ever": (lambda call: call.read_digits(), "give count, end or timeout"),
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_what_is_no_key_is_refused_where_it_is_said(run: Run, tmp_path: Path, name: str) -> None:
    use, words = WRONG_KEYS[name]
    actor, call = staged_call(tmp_path)
    with pytest.raises(ValueError, match=words):
        run(lambda: _said(use, call))
    assert not actor.heard


NO_TEXT: list[Use] = [
    lambda call: call.press(12),  # type: ignore[arg-type] # that is what is tested
    lambda call: call.press("1", duration=None),  # type: ignore[arg-type]
    lambda call: call.read_digits("4"),  # type: ignore[arg-type]
    lambda call: call.read_digits(True),
    lambda call: call.read_digits(end=1),  # type: ignore[arg-type]
    lambda call: call.read_digits(1, timeout=True),
    lambda call: call.read_digits(1, fresh="no"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("use", NO_TEXT)
def test_what_is_of_the_wrong_type_is_refused(run: Run, tmp_path: Path, use: Use) -> None:
    actor, call = staged_call(tmp_path)
    with pytest.raises(TypeError):
        run(lambda: _said(use, call))
    assert not actor.heard


@pytest.mark.parametrize(
    ("pressed", "arguments", "found", "left"),
    [
        ("1234", {"count": 4}, "1234", ""),
        ("12345", {"count": 4}, "1234", "5"),
        ("12#45", {"count": 4, "end": "#"}, "12", "45"),
        ("1*5", {"end": "#*"}, "1", "5"),
        ("#", {"end": "#"}, "", ""),
        ("12", {"count": 4, "timeout": "2s"}, "12", ""),
        ("", {"timeout": 1}, "", ""),
        ("12", {"count": 4, "timeout": "0s"}, "12", ""),
        ("", {"timeout": 0}, "", ""),
    ],
)
def test_keys_are_read_until_it_is_enough(
    run: Run, tmp_path: Path, pressed: str, arguments: dict[str, Any], found: str, left: str
) -> None:
    async def main() -> None:
        queue = DigitQueue()
        for digit in pressed:
            queue.put(digit)
        _, call = staged_call(tmp_path, {ListenToDigits: queue})
        assert await call.read_digits(**arguments) == found
        queue.end()
        assert "".join([digit async for digit in call.digits()]) == left

    run(main, loop="virtual")


def test_a_reader_that_gives_up_takes_no_key_along(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        queue = DigitQueue()
        _, call = staged_call(tmp_path, {ListenToDigits: queue})
        reading = asyncio.ensure_future(call.read_digits(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        queue.put("7")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await call.read_digits(1) == "7"

    run(main)


def test_who_reads_when_the_call_ends_is_told_why(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        queue = DigitQueue()
        queue.put("1")
        queue.end()
        _, call = staged_call(tmp_path, {ListenToDigits: queue}, record=settled(RECORD))
        with pytest.raises(CallOver, match=re.escape(RECORD.why)):
            await call.read_digits(4)

    run(main)

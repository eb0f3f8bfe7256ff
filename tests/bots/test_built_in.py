"""What the bots do that come with Callboard, each step as its call's actor hears of it."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from callboard.actors import AsyncioFuture
from callboard.actors.messages.account import Offline, PlaceCall, SendText
from callboard.actors.messages.call import (
    Answer,
    CallOver,
    Decline,
    GetStatus,
    GuestKind,
    Hangup,
    Play,
    Press,
    Record,
    Started,
    Wait,
)
from callboard.actors.records.call_record import CallRecord, Listener
from callboard.bots import (
    Address,
    Bot,
    Call,
    ClockPattern,
    Echo,
    Message,
    OptionsError,
    Silence,
    Source,
    Tone,
    bot,
)
from callboard.bots.caller import AGAIN, CallerBot
from callboard.bots.find import BUILT_IN
from callboard.bots.source import Playable, source
from callboard.media import Direction, Kind, Playback
from callboard.tests.bots.staged import (
    ACCOUNT,
    PEER,
    RECORD,
    RINGING,
    Staged,
    broken,
    settled,
    staged_call,
)
from callboard.tests.conftest import Run


@pytest.fixture
def sources_take_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time would pass while a thread looks at a source."""

    async def find(playable: Playable, folder: Path, kind: Kind) -> Source | None:
        return source(playable, folder, kind)

    monkeypatch.setattr(bot, "find_source", find)


def made(name: str, folder: Path, **options: Any) -> Bot:
    silent: Any = Staged()
    return BUILT_IN[name](silent, ACCOUNT, options, folder)


@pytest.mark.parametrize(
    ("media", "answer"),
    [
        (("audio",), Answer(Echo(), None)),
        (("video",), Answer(None, Echo())),
        (("audio", "video"), Answer(Echo(), Echo())),
    ],
)
def test_echo_sends_back_what_it_gets(
    run: Run, tmp_path: Path, media: tuple[str, ...], answer: Answer
) -> None:
    actor, call = staged_call(tmp_path, {Answer: settled(None)}, record=settled(RECORD))
    call.media = media
    account: Any = Staged()
    message = Message(Address(PEER), "Anybody there?", account)

    async def main() -> None:
        echo = made("echo", tmp_path)
        await echo.on_call(call)
        await echo.on_message(message)

    run(main)
    assert actor.heard == [answer]
    assert account.heard == [SendText(PEER, "Anybody there?", answers=message._number)]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, [Answer(Silence(), ClockPattern(), True, False)]),
        (
            {"audio": "tone:300", "video": "none", "wav": True, "greeting": "tone"},
            [Answer(Tone(300), None, True, True), Play("audio", Tone()), Play("audio", Tone(300))],
        ),
        (
            {"direction": "received", "wav": True, "greeting": "tone", "until": "digit"},
            [
                Answer(Silence(), ClockPattern()),
                Record((Direction.RECEIVED,), True),
                Play("audio", Tone(), cue="digit"),
                Play("audio", Silence()),
            ],
        ),
    ],
)
def test_recorder_answers_greets_and_records(
    run: Run, tmp_path: Path, options: dict[str, Any], steps: list[Any]
) -> None:
    started = Started(Playback("audio", Silence()), settled(None))
    answers = {Answer: settled(None), Play: started}
    actor, call = staged_call(tmp_path, answers, record=settled(RECORD))
    run(lambda: made("recorder", tmp_path, **options).on_call(call))
    assert actor.heard == steps


def test_silent_lets_it_ring(run: Run, tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path, record=settled(RECORD))
    run(lambda: made("silent", tmp_path).on_call(call))
    assert actor.heard == []


class Line:
    """The account of a caller, and the calls that it has placed.

    Args:
        outcomes: of each call in turn: "held", "deaf" to keys, "refused", or "offline" for none.
    """

    def __init__(self, *outcomes: str) -> None:
        self.outcomes = list(outcomes)
        self.placed: list[tuple[float, PlaceCall]] = []
        self.calls: list[Staged] = []

    async def request(self, message: PlaceCall, *, timeout: float) -> Any:
        assert timeout > 0
        self.placed.append((asyncio.get_running_loop().time(), message))
        outcome = self.outcomes.pop(0)
        if outcome == "offline":
            return broken(Offline("the account is offline"))
        call = _Call(outcome)
        self.calls.append(call)
        return settled(call)


class _Call(Staged):
    """A call that connects at once or is refused, and ends once it is hung up."""

    def __init__(self, outcome: str) -> None:
        super().__init__({GetStatus: RINGING, Press: settled(None)})
        self._outcome = outcome
        self._record: AsyncioFuture[Any] = AsyncioFuture()
        if outcome == "refused":
            self._record.set(RECORD)

    def tell(self, message: Any) -> None:
        super().tell(message)
        if isinstance(message, Hangup):
            self._record.set(RECORD)

    async def request(self, message: Any, *, timeout: float) -> Any:
        if message == Wait("ended"):
            return self._record
        if message == Wait("connected"):
            refused = self._outcome == "refused"
            return broken(CallOver("it is busy")) if refused else settled(None)
        if isinstance(message, Press) and self._outcome == "deaf":
            self.heard.append(message)
            raise ValueError("the peer takes no keys")
        return await super().request(message, timeout=timeout)


def pauses(line: Line) -> list[float]:
    """Seconds from each call to the next, by the loop's own (virtual) clock."""
    return [round(after - before, 6) for (before, _), (after, _) in pairwise(line.placed)]


def hung_up(call: Staged) -> bool:
    return any(isinstance(message, Hangup) for message in call.heard)


@pytest.mark.usefixtures("sources_take_no_thread")
def test_caller_calls_each_holds_it_and_hangs_up(run: Run, tmp_path: Path) -> None:
    async def main() -> Line:
        line: Any = Line("held", "refused", "held")
        options = {"to": [PEER, "b@localhost", "c@localhost"], "seconds": 7, "video": "none"}
        await CallerBot(line, ACCOUNT, options, tmp_path).on_start()
        found: Line = line
        return found

    line = run(main, loop="virtual")
    assert [order.to for _, order in line.placed] == [PEER, "b@localhost", "c@localhost"]
    assert all(order == PlaceCall(order.to, Tone(), None) for _, order in line.placed)
    assert [hung_up(call) for call in line.calls] == [True, False, True]
    assert pauses(line) == [7, 0]


@pytest.mark.usefixtures("sources_take_no_thread")
def test_caller_goes_on_for_ever_with_a_pause(run: Run, tmp_path: Path) -> None:
    async def main() -> Line:
        line: Any = Line(*["held"] * 50)
        options = {"to": PEER, "seconds": "10s", "every": "20s", "record": True}
        caller = CallerBot(line, ACCOUNT, options, tmp_path)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await caller.on_start()
        found: Line = line
        return found

    line = run(main, loop="virtual")
    assert pauses(line) == [10 + 20] * 3
    assert all(order.record and order.video == ClockPattern() for _, order in line.placed)


@pytest.mark.usefixtures("sources_take_no_thread")
def test_caller_waits_for_its_account(run: Run, tmp_path: Path) -> None:
    async def main() -> Line:
        line: Any = Line("offline", "offline", "held")
        await CallerBot(line, ACCOUNT, {"to": PEER, "seconds": 1}, tmp_path).on_start()
        found: Line = line
        return found

    line = run(main, loop="virtual")
    assert pauses(line) == [AGAIN, AGAIN]
    assert [hung_up(call) for call in line.calls] == [True]


@pytest.mark.usefixtures("sources_take_no_thread")
@pytest.mark.parametrize("outcome", ["held", "deaf"])
def test_caller_presses_keys_and_stays(run: Run, tmp_path: Path, outcome: str) -> None:
    async def main() -> tuple[Line, float]:
        line: Any = Line(outcome)
        await CallerBot(
            line, ACCOUNT, {"to": PEER, "press": ",1#", "seconds": 4}, tmp_path
        ).on_start()
        return line, asyncio.get_running_loop().time() - line.placed[0][0]

    line, seconds = run(main, loop="virtual")
    assert [one for one in line.calls[0].heard if isinstance(one, Press)] == [Press(",1#", 0.1)]
    assert seconds == pytest.approx(4)
    assert hung_up(line.calls[0])


def test_caller_takes_no_calls(run: Run, tmp_path: Path) -> None:
    actor, call = staged_call(tmp_path)
    assert isinstance(call, Call)
    run(lambda: made("caller", tmp_path, to=PEER).on_call(call))
    assert [type(message) for message in actor.heard] == [Decline]


def test_caller_does_not_call_again_and_again_without_a_pause(tmp_path: Path) -> None:
    for never in ("0s", 0, "0", 0.0):
        with pytest.raises(OptionsError, match=r"^every: it is 0, .*: give 1s or more"):
            made("caller", tmp_path, to=PEER, every=never)


def test_operator_hangs_up_what_was_answered_by_talking_at_the_last_moment(
    run: Run, tmp_path: Path
) -> None:
    talks = replace(RINGING, guests=(Listener("anna", GuestKind.TAKE_OVER.value, 1.0),))
    refusal = ValueError("the call is not ringing")
    answers = {Wait: AsyncioFuture(), GetStatus: talks, Decline: refusal}
    over = AsyncioFuture[CallRecord]()
    actor, call = staged_call(tmp_path, answers, record=over)
    operator: Any = made("operator", tmp_path, patience="20ms")

    async def main() -> None:
        task = asyncio.create_task(operator.on_call(call))
        while not operator._taken:  # noqa: ASYNC110 - a set tells nobody
            await asyncio.sleep(0)
        await operator.on_giveback(call, "anna")
        assert [type(one) for one in actor.heard].count(Hangup) == 1
        over.set(RECORD)
        await task
        assert not operator._taken

    run(main)

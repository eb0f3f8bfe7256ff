"""Whoever waits for something in a call is told, however and whenever the call ends."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.actors.call.state import CallState
from callboard.actors.call.too_late import TooLate
from callboard.actors.call.waiters import Waiters
from callboard.actors.messages.call import (
    AddMedia,
    Answer,
    CallOver,
    Hangup,
    JingleReceived,
    Pause,
    Play,
    RemoveMedia,
    Started,
    Wait,
)
from callboard.actors.records.call_record import CallRecord
from callboard.actors.runtime.future import AsyncioFuture
from callboard.jingle import Reason
from callboard.media import ClockPattern, Silence
from callboard.tests.actors.call.scene import PEER, Media, Scene, Way, in_each_state
from callboard.tests.conftest import Run

#: Something that is played once.
ONCE: Any = SimpleNamespace(repeats=False)
#: All that gives somebody a future.
ASKED: tuple[Any, ...] = (
    Wait("connected"),
    Wait("over"),
    Wait("ended"),
    Answer(Silence(), None),
    Play("audio", ONCE),
    Pause("audio", True),
    AddMedia("video", ClockPattern()),
    RemoveMedia("video"),
)


async def ask_for_everything(scene: Scene) -> list[AsyncioFuture[Any]]:
    """Ask for all that there is; return what was promised."""
    scene.call._actor_weakref()._progress.media = ("audio", "video")
    given = []
    for message in ASKED:
        if isinstance(message, AddMedia):
            scene.call._actor_weakref()._progress.media = ("audio",)
        try:
            answer = await scene.call.request(message, timeout=5)
            given.append(answer.ended if isinstance(answer, Started) else answer)
        except (CallOver, ValueError):
            continue
    await scene.settle()
    return given


def _hung_up(scene: Scene) -> None:
    scene.call.tell(Hangup())


def _stopped(scene: Scene) -> None:
    scene.call.stop(block=False)


def _killed(scene: Scene) -> None:
    scene.call.kill()


async def _killed_while_it_closes(scene: Scene) -> None:
    Media.hangs |= {"close"}
    scene.call.stop(block=False)
    await scene.settle()
    scene.call.kill()


def _broken(scene: Scene) -> None:
    scene.call.tell(JingleReceived(PEER, "iq", None))  # type: ignore[arg-type] # stands for a bug


def _overdue(_: Scene) -> None:
    """Nothing happens any more."""


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize(
    "end", [_hung_up, _stopped, _killed, _killed_while_it_closes, _broken, _overdue]
)
@in_each_state
def test_each_promise_is_kept_or_broken_in_each_state_at_each_end(
    run: Run,
    state: CallState,
    reach: Way,
    end: Callable[[Scene], Any],
) -> None:
    async def main() -> None:
        scene = Scene()
        await reach(scene)
        Media.hangs |= {"offer_more", "darken"}
        assert await scene.state() is state
        given = await ask_for_everything(scene)
        assert given
        ending = end(scene)
        if ending is not None:
            await ending
        await scene.end()
        assert [one for one in given if not one.done()] == []

    run(main, loop="virtual")


@pytest.mark.usefixtures("staged")
def test_who_waits_for_a_record_that_can_not_be_made_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        scene = Scene()
        scene.begin(outgoing=True)
        await scene.settle()
        ended = await scene.call.request(Wait("ended"), timeout=5)
        monkeypatch.setattr("callboard.actors.call.progress.Progress.record", fail)
        scene.call.tell(Hangup())
        await scene.end()
        words = r"^desk@localhost → alice@localhost: .* \(cancel\), and could not be recorded$"
        with pytest.raises(CallOver, match=words):
            ended.get(timeout=0)

    run(main, loop="virtual")


def waiters_of(call: str) -> Waiters:
    """Those of a call of this name."""
    ref: Any = SimpleNamespace()
    return Waiters(TooLate(ref, call))


def test_one_thing_ends_what_was_waited_for_before_under_its_name() -> None:
    waiters = waiters_of("desk → alice")
    first, other = waiters.add("play"), waiters.add("else")
    second = waiters.add("play")
    assert (first.done(), second.done(), other.done()) == (True, False, False)
    waiters.settle("play", ValueError("no such file"))
    with pytest.raises(ValueError, match="no such file"):
        second.get(timeout=0)
    waiters.settle("nothing that anybody waits for")


@pytest.mark.parametrize("connected", [False, True])
def test_after_the_end_nothing_is_promised_but_the_record(connected: bool) -> None:
    waiters = waiters_of("desk → alice")
    if connected:
        waiters.connected.set(None)
    added, ended = waiters.add("play"), waiters.ended
    waiters.call_over("busy")
    for future in (waiters.connected, added, waiters.add("else")):
        with pytest.raises(CallOver, match=r"^desk → alice: the call is over \(busy\)$"):
            future.get(timeout=0)
    assert not ended.done()
    record = CallRecord.refused("sid", "desk@localhost", PEER, Reason.BUSY, "")
    ended.set(record)
    waiters.no_record()
    assert waiters.ended.get(timeout=0) is record

"""A call whose peer, media or disk stops: in each state it ends in time, with one record.

The clock is virtual and the media are staged, as no real peer stops in each of these places.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.actors.call import timeline
from callboard.actors.call.negotiation import DEADLINE
from callboard.actors.call.state import ANSWERS, OVER, STAGES, CallEvent, CallState, diagram
from callboard.actors.messages.call import (
    AddMedia,
    GetStatus,
    Hangup,
    JingleReceived,
    RestartIce,
)
from callboard.actors.messages.conversation import CallEnded
from callboard.jingle import Reason
from callboard.media import (
    ClockPattern,
    MediaClosedError,
)
from callboard.tests.actors.call.scene import (
    PEER,
    Media,
    Scene,
    Way,
    connected,
    in_each_state,
    ringing,
)
from callboard.tests.conftest import Run

pytestmark = pytest.mark.usefixtures("staged")

#: What the states say that are over already.
HUNG_UP = (Reason.SUCCESS, "")


@in_each_state
def test_in_no_state_does_a_call_wait_for_ever(
    run: Run, monkeypatch: pytest.MonkeyPatch, state: CallState, reach: Way
) -> None:
    async def main() -> None:
        now = asyncio.get_running_loop().time
        monkeypatch.setattr(timeline, "time", SimpleNamespace(time=now, monotonic=now))
        scene = Scene()
        await reach(scene)
        assert await scene.state() is state
        took = await scene.end()
        (record,) = scene.records
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1
        if state in (CallState.CLOSING, CallState.ENDED):
            assert (record.reason, record.text) == HUNG_UP
            assert took <= 20
        else:
            assert record.reason is STAGES[state].reason
            # Making a description has a deadline of its own, within that of its state.
            assert took <= DEADLINE or record.text == STAGES[state].text
        # The record has the moment at which the call was over, whoever waits for the connection.
        lasted = 0.0 if state in (CallState.CLOSING, CallState.ENDED) else took
        assert record.ended - record.started == pytest.approx(lasted, abs=0.01)

    run(main, loop="virtual")


def test_each_state_leads_to_the_end() -> None:
    for state, stage in STAGES.items():
        assert stage.deadline or state is CallState.NEW
        assert stage.on or state is CallState.ENDED
        if state not in OVER:
            assert stage.on[CallEvent.OVER] is CallState.CLOSING
    assert set(STAGES) == set(CallState)


def test_each_state_can_be_reached() -> None:
    reached = {CallState.NEW}
    while following := {to for state in reached for to in STAGES[state].on.values()} - reached:
        reached |= following
    assert reached == set(CallState)


def test_the_diagram_in_the_docs_is_the_table() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"
    _, found, rest = page.read_text(encoding="utf-8").partition("<!-- states -->\n```mermaid\n")
    assert found, "docs/architecture.md lacks its marks"
    assert rest.partition("```\n<!-- /states -->")[0] == diagram(), "run script/docs"


def _terminated(scene: Scene) -> None:
    scene.call.tell(Hangup())


def _stopped(scene: Scene) -> None:
    scene.call.stop(block=False)


def _killed(scene: Scene) -> None:
    scene.call.kill()


async def _killed_twice(scene: Scene) -> None:
    scene.call.stop(block=False)
    await asyncio.sleep(1)  # it is closing now, and its conversation has waited long enough
    scene.call.kill()


def _broken(scene: Scene) -> None:
    scene.call.tell(JingleReceived(PEER, "iq", None))  # type: ignore[arg-type] # stands for a bug


@pytest.mark.parametrize("end", [_terminated, _stopped, _killed, _killed_twice, _broken])
@pytest.mark.parametrize(
    "fault",
    ["", "hangs close", "fails close", "fails statistics", "fails goodbye", "hangs recorder"],
)
@pytest.mark.parametrize("state", [connected, ringing], ids=["connected", "ringing"])
def test_whatever_hangs_or_fails_at_its_end_a_call_has_its_record(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    state: Way,
    fault: str,
    end: Callable[[Scene], Any],
) -> None:
    how, _, what = fault.partition(" ")

    def fail(*_: Any, **__: Any) -> None:
        raise MediaClosedError("a bug")

    async def hang(*_: Any) -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        scene = Scene()
        await state(scene)
        await scene.settle()
        if what == "goodbye":
            monkeypatch.setattr("callboard.actors.call.signalling.Signalling.goodbye", fail)
        elif what == "recorder":
            monkeypatch.setattr("callboard.actors.call.recorders.Recorders.finish", hang)
        elif how:
            setattr(Media, how, {what})
        ending = end(scene)
        if ending is not None:
            await ending
        await scene.end()
        assert len(scene.records) == 1
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1

    run(main, loop="virtual")


def test_a_bug_at_the_beginning_leaves_a_record_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("callboard.actors.call.signalling.Signalling.ring", fail)

    async def main() -> None:
        scene = Scene()
        scene.begin(outgoing=False)
        await scene.end()
        (record,) = scene.records
        assert (record.state, record.reason) == ("failed", Reason.GENERAL_ERROR)
        assert sum(isinstance(one, CallEnded) for one in scene.told) == 1

    run(main, loop="virtual")


def test_a_restart_of_ice_that_nobody_answers_is_given_up_and_the_call_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[float] = []

    def give_up(_: Media) -> None:
        given_up.append(asyncio.get_running_loop().time())

    monkeypatch.setattr(Media, "give_up_restart", give_up, raising=False)

    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        await scene.call.request(RestartIce(), timeout=5)
        await scene.settle()
        assert "transport-info" in scene.said()
        await asyncio.sleep(ANSWERS["restart"] + 1)
        assert len(given_up) == 1
        assert (await scene.call.request(GetStatus(), timeout=5)).phase == "connected"
        scene.call.tell(Hangup())
        await scene.end()
        (record,) = scene.records
        assert (record.state, record.reason) == ("completed", Reason.SUCCESS)

    run(main, loop="virtual")


def test_a_negotiation_that_hangs_keeps_no_later_one_waiting(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        Media.hangs = {"offer_more"}
        adding = await scene.call.request(AddMedia("video", ClockPattern()), timeout=5)
        await scene.call.request(RestartIce(), timeout=5)
        with pytest.raises(Exception, match="not negotiated within"):
            await adding
        await scene.settle()
        assert "transport-info" in scene.said()
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")

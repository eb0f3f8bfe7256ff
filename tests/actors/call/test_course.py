"""Where a call stands, by events and time."""

import asyncio
from typing import Any

import pytest
from callboard.actors.call.course import CallingIn, CallingOut, Course, Ended, Over
from callboard.actors.call.state import STAGES, CallEvent, CallState
from callboard.actors.messages.account import PlaceCall
from callboard.actors.messages.call import Overdue
from callboard.actors.runtime.actor import AsyncioActor
from callboard.config.account import CallPolicy
from callboard.jingle import Reason
from callboard.media import Silence
from callboard.tests.conftest import Run

ORDER = PlaceCall("alice@localhost", Silence(), None)
POLICY = CallPolicy.model_validate({"ring_timeout": "40s", "max_duration": None})


class Owner(AsyncioActor[Any]):
    """Has a course, and notes when which state was overdue."""

    def __init__(self) -> None:
        super().__init__()
        self.course = Course(self, POLICY, CallingOut(ORDER))
        self.began = asyncio.get_running_loop().time()
        self.overdue: list[tuple[int, Any]] = []

    def on_receive(self, message: Any) -> None:
        """Note it."""
        if isinstance(message, Overdue):
            seconds = asyncio.get_running_loop().time() - self.began
            self.overdue.append((round(seconds), message.what))


def owner_of(ref: Any) -> Owner:
    """Return the actor behind a reference."""
    found = ref._actor_weakref()
    assert isinstance(found, Owner)
    return found


@pytest.mark.parametrize("state", CallState)
def test_an_event_leads_where_the_table_says_and_nowhere_else(run: Run, state: CallState) -> None:
    async def main() -> None:
        ref = Owner.start()
        course = owner_of(ref).course
        for event in CallEvent:
            course.state = state
            phase, belongings = course.phase, Over(Reason.SUCCESS, "", ours=True)
            following = STAGES[state].on.get(event)
            assert course.take(event, belongings) is (following is not None)
            assert course.state is (following or state)
            assert (course.find(Over) is belongings) is (following is not None)
            stage = STAGES[course.state]
            assert course.phase == (phase if following is None else stage.phase or phase)
        ref.stop(block=False)
        await ref.ended

    run(main, loop="virtual")


def test_a_state_is_overdue_in_its_time_and_one_setting_is_one_clock(run: Run) -> None:
    async def main() -> None:
        ref = Owner.start()
        owner = owner_of(ref)
        owner.course.take(CallEvent.CALL)
        await asyncio.sleep(30)
        owner.course.take(CallEvent.RINGS)
        await asyncio.sleep(30)
        assert owner.overdue == [(40, CallState.ALERTING)]
        owner.course.take(CallEvent.TAKEN)
        await asyncio.sleep(100)
        assert owner.overdue[1:] == [(60 + 25, CallState.DESCRIBING)]
        ref.stop(block=False)
        await ref.ended

    run(main, loop="virtual")


def test_a_state_without_a_deadline_lasts_and_after_the_actor_s_end_no_clock_is_started(
    run: Run,
) -> None:
    async def main() -> None:
        ref = Owner.start()
        owner = owner_of(ref)
        owner.course.state = CallState.CONNECTING
        owner.course.take(CallEvent.CONNECTED)
        await asyncio.sleep(500)
        assert owner.overdue == []
        assert owner.course.is_connected
        ref.stop(block=False)
        await ref.ended
        assert owner.course.take(CallEvent.OVER)
        assert owner.course.is_over

    run(main, loop="virtual")


def test_what_belongs_to_a_state_stays_until_there_is_something_else(run: Run) -> None:
    async def main() -> None:
        ref = Owner.start()
        course = owner_of(ref).course
        calling = course.find(CallingOut)
        assert calling is not None
        course.take(CallEvent.CALL)
        course.take(CallEvent.TAKEN)
        assert course.find(CallingOut) is calling
        assert course.find(CallingIn) is None
        assert course.find(Ended) is None
        ref.stop(block=False)
        await ref.ended

    run(main, loop="virtual")

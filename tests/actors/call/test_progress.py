"""How a call goes, as it is told: by its state, once for each change, and no more after its end."""

from itertools import pairwise

import pytest
from callboard.actors.call.state import STAGES, CallState
from callboard.actors.messages.call import GuestKind, Hangup
from callboard.actors.messages.call_log import CallGoesOn
from callboard.actors.messages.exchange import CallStatus
from callboard.media import FirstMedia, IceConnected
from callboard.tests.actors.call.scene import Media, Scene, Way, connected, in_each_state, ringing
from callboard.tests.conftest import Run

pytestmark = pytest.mark.usefixtures("staged")

#: What is reported of a state that has the phase of the one before it.
INHERITED = {CallState.LEAVING: "connected"}


@in_each_state
def test_the_phase_is_that_of_the_state(run: Run, state: CallState, reach: Way) -> None:
    async def main() -> None:
        scene = Scene()
        await reach(scene)
        assert await scene.state() is state
        await scene.told_all()
        assert scene.statuses[-1].phase == (STAGES[state].phase or INHERITED[state])
        Media.hangs = set()
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_each_change_is_told_once_and_in_order(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.told_all()
        told = [status.phase for status in scene.statuses]
        order = ["proposed", "ringing", "connecting", "connected"]
        assert told == sorted(told, key=order.index)
        assert set(told) == set(order)
        steps = [set(status.steps) for status in scene.statuses]
        assert all(before < after for before, after in pairwise(steps))
        scene.call.tell(Hangup())
        await scene.end()
        assert scene.statuses[-1].phase == "ended"

    run(main, loop="virtual")


def test_nothing_is_a_step_after_the_end(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await connected(scene)
        await scene.settle()
        Media.hangs = {"close"}
        scene.call.tell(Hangup())
        await scene.settle()
        last = scene.statuses[-1]
        for event in (IceConnected(0.0), FirstMedia("audio", 0.0)):
            Media.last.tell(event)
        await scene.settle()
        assert scene.statuses[-1] is last
        await scene.end()
        (record,) = scene.records
        assert list(record.steps) == list(last.steps)
        assert record.steps["ended"] == last.steps["ended"]

    run(main, loop="virtual")


def test_a_kill_leaves_what_the_call_had_come_to(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await ringing(scene)
        await scene.told_all()
        notes = [one.record for one in scene.logged if isinstance(one, CallGoesOn)]
        assert [one.state for one in notes] == ["failed"]
        scene.call.tell(Hangup())
        await scene.end()
        (record,) = scene.records
        assert (record.uuid, record.state) == (notes[0].uuid, "declined")

    run(main, loop="virtual")


def test_a_status_has_who_and_what(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        scene.begin(outgoing=True)
        await scene.told_all()
        status: CallStatus = scene.statuses[0]
        assert (status.id, status.account, status.direction) == ("sid", "desk@localhost", "out")
        assert (status.media, status.held, status.muted) == (("audio",), False, ())
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_nobody_comes_and_goes_until_the_record_has_lost_what_they_did(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callboard.actors.call.progress.MOST_GUESTS", 4)
    visits = [
        ("heard it all", GuestKind.RECEIVED, 6.0),
        ("spoke", GuestKind.TAKE_OVER, 0.5),
        ("heard it", GuestKind.SENT, 3.0),
        *((f"came and went {number}", GuestKind.RECEIVED, 1.0) for number in range(10)),
    ]
    now = [0.0]

    async def main() -> None:
        scene = Scene()
        await connected(scene)
        progress = scene.call._actor_weakref()._progress
        monkeypatch.setattr(progress._timeline, "ago", lambda at: now[0] - at)
        for number, (name, kind, seconds) in enumerate(visits):
            progress.guest_comes(number, kind, name, kind.value)
            now[0] += seconds
            progress.guest_goes(number)
        scene.call.tell(Hangup())
        await scene.end()
        (record,) = scene.records
        told = [(one.name, one.role, one.seconds) for one in record.listeners]
        assert told == [
            *((name, kind.value, seconds) for name, kind, seconds in visits[:3]),
            ("came and went 9", "received", 1.0),
        ]

    run(main, loop="virtual")

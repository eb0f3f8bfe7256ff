"""What is said to the peer is said first: our own work waits until the stream has it."""

import asyncio
import time
from typing import Any

import pytest
from callboard.actors.call.state import CallState
from callboard.actors.messages.call import Answer, Decline, Hangup, PeerProceeds, PeerRetracts
from callboard.actors.messages.call_log import CallGoesOn
from callboard.actors.messages.conversation import SendCallMessage
from callboard.actors.records.call_record import CallRecord
from callboard.jingle import Accept, Proceed, Propose, Reason, Reject, Ringing, Role
from callboard.media import Connected, FirstMedia, IceConnected, Silence
from callboard.tests.actors.call.scene import (
    MORE,
    PEER,
    Media,
    Scene,
    Way,
    answering,
    awaiting,
    calling,
    calling_directly,
    connecting,
    connecting_outwards,
    ringing,
)
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

pytestmark = pytest.mark.usefixtures("staged")


async def answered(scene: Scene) -> None:
    await answering(scene)
    Media.hangs = set()


@pytest.mark.parametrize(
    ("reach", "work"), [(calling, "offer"), (awaiting, "get_ready"), (answered, "connect")]
)
def test_work_begins_when_the_stream_has_what_was_said(run: Run, reach: Way, work: str) -> None:
    """However many actors hand it on, and however long that takes."""

    async def main() -> None:
        scene = Scene(is_slow=True)
        await reach(scene)
        for _ in range(5):
            await scene.settle()
            assert work not in Media.last.done
        await scene.say()
        assert work in Media.last.done
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize(
    ("told", "rings", "said"),
    [
        (None, 0.0, [Ringing]),
        (Answer(Silence(), None), 0.0, [Proceed, Accept]),
        (Answer(Silence(), None), 1.0, [Ringing, Proceed, Accept]),
        (Decline(Reason.DECLINE), 0.0, [Reject]),
        (PeerRetracts(None), 0.0, []),
    ],
)
def test_a_call_that_is_taken_at_once_is_not_said_to_ring(
    run: Run, told: Any, rings: float, said: list[type]
) -> None:
    async def main() -> None:
        scene = Scene(calls={"after": f"{rings}s"})
        scene.begin(outgoing=False)
        if told is not None:
            scene.call.tell(told)
        await scene.settle()
        await asyncio.sleep(rings)
        await scene.settle()
        messages = [one.message for one in scene.told if isinstance(one, SendCallMessage)]
        assert [type(one) for one in messages] == said
        scene.call.post(Hangup())  # some are over
        await scene.end()
        (record,) = scene.records
        assert record.ringing is not None

    run(main, loop="virtual")


def test_who_says_nothing_before_its_offer_waits_for_nothing(run: Run) -> None:
    async def main() -> None:
        scene = Scene(is_slow=True)
        await calling_directly(scene)
        await scene.settle()
        assert "offer" in Media.last.done
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_a_call_whose_words_are_never_said_ends_as_any_other(run: Run) -> None:
    async def main() -> None:
        scene = Scene(is_slow=True)
        await calling(scene)
        assert await scene.state() is CallState.CALLING
        assert isinstance(scene.told[0].message, Propose)
        scene.call.tell(Hangup())
        await scene.end()
        assert "offer" not in Media.last.done
        assert [status.phase for status in scene.statuses] == ["proposed", "ended"]
        assert len(scene.records) == 1

    run(main, loop="virtual")


def test_who_looks_at_a_call_is_told_after_the_peer(run: Run) -> None:
    """Each report comes, in order, once the stream has what was said with it."""

    async def main() -> None:
        scene = Scene(is_slow=True)
        scene.begin(outgoing=False)
        scene.call.tell(Answer(Silence(), None))
        await scene.told_all()
        said = [one for one in scene.told if isinstance(one, SendCallMessage)]
        assert said
        assert not scene.statuses
        await scene.say()
        steps = [list(status.steps) for status in scene.statuses]
        assert steps[-1] == ["propose", "ringing", "proceed"]
        assert steps == sorted(steps, key=len)
        assert [status.phase for status in scene.statuses][-2:] == ["ringing", "connecting"]
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_what_nothing_is_said_of_waits_for_nothing_said(run: Run) -> None:
    async def main() -> None:
        Media.hangs = {"offer"}
        scene = Scene(is_slow=True)
        await calling(scene)
        await scene.settle()
        await scene.say()
        scene.call.tell(PeerProceeds(PEER))
        assert await scene.state() is CallState.DESCRIBING
        await scene.told_all()
        assert "proceed" in scene.statuses[-1].steps
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_of_a_call_of_ours_that_is_set_up_is_told_that_it_is_there(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await calling(scene)
        await scene.settle()
        assert [status.phase for status in scene.statuses] == ["proposed"]
        scene.call.tell(PeerProceeds(PEER))
        assert await scene.state() is CallState.OFFERED
        assert len(scene.statuses) == 1
        await scene.told_all()
        phases = [status.phase for status in scene.statuses]
        assert phases == ["proposed", "connecting", "connecting"]
        assert list(scene.statuses[-1].steps) == ["propose", "ringing", "proceed", "initiate"]
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_of_a_call_of_the_peer_s_is_told_that_it_is_there_or_taken(run: Run) -> None:
    """How it goes on is told once it is connected; the journal hears of it later."""

    async def main() -> None:
        scene = Scene()
        await awaiting(scene)
        await scene.settle()
        scene.hears("session-initiate", OFFER, Role.INITIATOR)
        assert await scene.state() is CallState.CONNECTING
        told = ["proposed", "ringing", "connecting"]
        assert [status.phase for status in scene.statuses] == told
        Media.last.tell(Connected(0.0))
        await scene.settle()
        phases = [status.phase for status in scene.statuses]
        assert phases == [*told, "connected"]
        Media.last.tell(FirstMedia("audio", 0.0))
        await scene.settle()
        assert "first-audio" in scene.statuses[-1].steps
        assert not scene.logged
        await scene.told_all()
        assert [one.record.connected is None for one in scene.logged] == [False]
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize("connects", [False, True])
def test_how_far_ice_has_come_is_told_after_what_follows_it(run: Run, connects: bool) -> None:
    async def main() -> None:
        scene = Scene()
        await connecting(scene)
        await scene.settle()
        begun = time.monotonic()
        Media.last.tell(IceConnected(0.0))
        ended = time.monotonic()
        await scene.settle()
        known = scene.call._actor_weakref()._progress._timeline
        assert "ice" not in known.steps()
        if connects:
            Media.last.tell(Connected(0.0))
            await scene.settle()
            assert list(known.steps())[-2:] == ["ice", "dtls"]
        else:
            await scene.told_all()
            assert list(known.steps())[-1] == "ice"
        assert begun <= known._origin + known.steps()["ice"] <= ended
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_a_call_that_is_over_before_it_was_noted_is_noted_and_told_whole(run: Run) -> None:
    async def main() -> None:
        Media.hangs = {"close"}
        scene = Scene()
        await ringing(scene)
        await scene.settle()
        assert not scene.logged
        scene.call.tell(Hangup())
        await scene.settle()
        phases = [status.phase for status in scene.statuses]
        assert phases == ["proposed", "ringing", "ended"]
        assert [type(one) for one in scene.logged] == [CallGoesOn]
        await scene.end()
        assert [type(one) for one in scene.logged] == [CallGoesOn, CallRecord]

    run(main, loop="virtual")


async def foreseeing(scene: Scene) -> None:
    """Let the peer's offer be one whose answer is known."""
    Media.foresees = True
    await awaiting(scene)
    await scene.settle()
    await scene.say()
    scene.hears("session-initiate", OFFER, Role.INITIATOR)
    await scene.settle()


def test_an_answer_that_is_known_is_said_before_it_is_made(run: Run) -> None:
    async def main() -> None:
        scene = Scene(is_slow=True)
        await foreseeing(scene)
        assert scene.said() == ["session-accept"]
        assert "answer" not in Media.last.done
        await scene.say()
        done = Media.last.done
        assert done.index("answer") < done.index("connect")
        assert scene.said() == ["session-accept"]
        assert await scene.state() is CallState.CONNECTING
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_who_has_accepted_is_checked_before_anything_else_is_done(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await connecting_outwards(scene)
        await scene.settle()
        done = Media.last.done
        assert done.count("foresee") == done.count("accept") == 1
        assert done.index("foresee") < done.index("accept")
        scene.hears("session-accept", OFFER, Role.RESPONDER)
        await scene.settle()
        assert done.count("foresee") == 1
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_what_comes_between_an_answer_and_its_making_waits_for_that(run: Run) -> None:
    async def main() -> None:
        Media.hangs = {"answer"}
        scene = Scene(is_slow=True)
        await foreseeing(scene)
        await scene.say()
        scene.hears("content-add", MORE, Role.INITIATOR)
        await scene.settle()
        assert Media.last.done.count("answer") == 1
        assert "connect" not in Media.last.done
        scene.call.tell(Hangup())
        await scene.end()
        assert scene.said()[-1] == "session-terminate"

    run(main, loop="virtual")


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_whose_answer_is_said_and_never_made_ends_as_any_other(
    run: Run, fails: bool
) -> None:
    async def main() -> None:
        Media.fails = {"answer"} if fails else set()
        scene = Scene(is_slow=True)
        await foreseeing(scene)
        if fails:
            await scene.say()
        else:
            scene.call.tell(Hangup())
        await scene.end()
        assert scene.said() == ["session-accept", "session-terminate"]
        (record,) = [one for one in scene.logged if isinstance(one, CallRecord)]
        assert record.state == ("failed" if fails else "cancelled")
        assert "connect" not in Media.last.done

    run(main, loop="virtual")

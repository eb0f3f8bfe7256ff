"""A call that we have taken gets its media ready before the offer comes, and only then."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from callboard.actors.call.state import CallState
from callboard.actors.messages.call import (
    Answer,
    Decline,
    DrainCall,
    HandledElsewhere,
    Hangup,
    PeerFinishes,
    PeerRetracts,
)
from callboard.jingle import Reason, Role
from callboard.media import Silence
from callboard.tests.actors.call.scene import (
    Media,
    Scene,
    Way,
    awaiting,
    in_each_state,
    ringing,
)
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

pytestmark = pytest.mark.usefixtures("staged")

Tell = Callable[[Scene], Any]


@in_each_state
def test_which_calls_get_ready(run: Run, state: CallState, reach: Way) -> None:
    """Only who was proposed a call and has taken it waits for an offer."""

    async def main() -> None:
        scene = Scene()
        await reach(scene)
        assert await scene.state() is state
        assert Media.last.done.count("get_ready") == (state is CallState.AWAITING)
        Media.hangs = set()
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize(
    ("media", "times"),
    [(("audio",), 1), (("audio", "video"), 1), (("video",), 0), (("video", "audio"), 0), ((), 0)],
)
def test_for_which_media(run: Run, media: tuple[str, ...], times: int) -> None:
    async def main() -> None:
        scene = Scene(media=media)
        await awaiting(scene)
        assert await scene.state() is CallState.AWAITING
        assert Media.last.done.count("get_ready") == times
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def declined(scene: Scene) -> None:
    scene.call.tell(Decline(Reason.DECLINE))


def elsewhere(scene: Scene) -> None:
    scene.call.tell(HandledElsewhere(answered=True))


def retracted(scene: Scene) -> None:
    scene.call.tell(PeerRetracts(None))


@pytest.mark.parametrize("end", [declined, elsewhere, retracted])
def test_a_call_that_nobody_takes_opens_nothing(run: Run, end: Tell) -> None:
    async def main() -> None:
        scene = Scene()
        await ringing(scene)
        await scene.settle()
        end(scene)
        await scene.end()
        assert Media.last.done.count("get_ready") == 0

    run(main, loop="virtual")


@pytest.mark.parametrize(
    "message",
    [Hangup(), DrainCall(), PeerRetracts(None), PeerFinishes(None), None],
    ids=lambda message: type(message).__name__,
)
def test_a_call_that_ends_meanwhile(run: Run, message: Any) -> None:
    """Without a message, the offer never comes."""

    async def main() -> None:
        Media.hangs = {"get_ready"}
        scene = Scene()
        await awaiting(scene)
        assert await scene.state() is CallState.AWAITING
        if message is not None:
            scene.call.tell(message)
        await scene.end()
        assert len(scene.records) == 1
        assert Media.last.done[-1] == "close"
        assert "answer" not in Media.last.done

    run(main, loop="virtual")


@pytest.mark.parametrize("is_slow", [False, True], ids=["fails", "hangs"])
def test_the_offer_is_answered_whatever_becomes_of_it(run: Run, is_slow: bool) -> None:
    async def main() -> None:
        Media.hangs, Media.fails = ({"get_ready"}, set()) if is_slow else (set(), {"get_ready"})
        scene = Scene()
        await awaiting(scene)
        await scene.settle()
        scene.hears("session-initiate", OFFER, Role.INITIATOR)
        if is_slow:
            assert await scene.state() is CallState.ANSWERING
            assert "answer" not in Media.last.done
            await asyncio.sleep(21)  # it has a deadline of its own
        assert await scene.state() is CallState.CONNECTING
        asked = [one for one in Media.last.done if one in ("get_ready", "answer")]
        assert asked == ["get_ready", "answer"]
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


def test_an_offer_that_is_there_needs_no_getting_ready(run: Run) -> None:
    """Some send it while we ring."""

    async def main() -> None:
        scene = Scene()
        await ringing(scene)
        scene.hears("session-initiate", OFFER, Role.INITIATOR)
        scene.call.tell(Answer(Silence(), None))
        assert await scene.state() is CallState.CONNECTING
        assert "get_ready" not in Media.last.done
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")

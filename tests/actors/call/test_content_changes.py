"""Contents and ICE that change while a call goes on, with a real session as the peer."""

import asyncio
from typing import Any

import pytest
from callboard.actors.call.state import ANSWERS
from callboard.actors.messages.call import (
    AddMedia,
    Answer,
    CallOver,
    GetStatus,
    Hangup,
    Pause,
    RemoveMedia,
    RestartIce,
)
from callboard.jingle import Reason, Role, Session
from callboard.media import ClockPattern, MediaError, Silence
from callboard.tests.actors.call.scene import (
    MORE,
    MORE_ANSWERED,
    OWN,
    PEER,
    Media,
    Scene,
    connected,
    peer_session,
)
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

pytestmark = pytest.mark.usefixtures("staged")


async def call_with_peer() -> tuple[Scene, Session]:
    """Return a connected call of the peer's, and the peer's session."""
    scene = Scene()
    await connected(scene)
    await scene.settle()
    return scene, peer_session(scene)


async def add(scene: Scene) -> Any:
    """Let the bot add video; return what it was promised."""
    promised = await scene.call.request(AddMedia("video", ClockPattern()), timeout=5)
    await scene.settle()
    return promised


async def kinds(scene: Scene) -> tuple[str, ...]:
    """Return the kinds that the call has."""
    await scene.settle()
    found: tuple[str, ...] = (await scene.call.request(GetStatus(), timeout=5)).media
    return found


async def end(scene: Scene) -> None:
    scene.call.tell(Hangup())
    await scene.end()
    assert scene.records[0].state == "completed"


def told(words: str) -> str:
    """What an error says, which names the call."""
    return f"^desk@localhost [←→] alice@localhost: .*{words}"


# -- what we add -----------------------------------------------------------------------------------


def test_what_we_add_is_there_when_the_peer_has_taken_it(run: Run) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        promised = await add(scene)
        peer.receive(scene.last("content-add"))
        scene.acknowledges("content-add")
        await scene.settle()
        assert not promised.done()
        with pytest.raises(CallOver, match=told("the peer has not answered the last content-add")):
            await add(scene)
        scene.receives(peer.accept_contents(MORE_ANSWERED))
        assert await kinds(scene) == ("audio", "video")
        assert promised.get(timeout=0) is None
        await asyncio.sleep(ANSWERS["add"] + 1)  # its clock has stopped
        assert "content-remove" not in scene.said()
        await end(scene)

    run(main, loop="virtual")


def _rejects(scene: Scene, peer: Session) -> None:
    scene.receives(peer.reject_contents(("1",), Reason.UNSUPPORTED_APPLICATIONS))


def _has_no_idea(scene: Scene, _: Session) -> None:
    scene.acknowledges("content-add", "feature-not-implemented")


async def _is_silent(_: Scene, __: Session) -> None:
    await asyncio.sleep(ANSWERS["add"] + 1)


def _can_not_be_followed(scene: Scene, peer: Session) -> None:
    Media.fails = {"accept"}
    scene.receives(peer.accept_contents(MORE_ANSWERED))


@pytest.mark.parametrize(
    ("refuse", "words"),
    [
        (_rejects, "did not take it: unsupported-applications"),
        (_has_no_idea, "did not take it: feature-not-implemented"),
        (_is_silent, "did not answer the content-add"),
        (_can_not_be_followed, "accept failed"),
    ],
)
def test_what_we_add_and_the_peer_does_not_take_is_stopped_and_another_can_follow(
    run: Run, refuse: Any, words: str
) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        promised = await add(scene)
        peer.receive(scene.last("content-add"))
        refusing = refuse(scene, peer)
        if refusing is not None:
            await refusing
        await scene.settle()
        with pytest.raises(CallOver, match=told(words)):
            promised.get(timeout=0)
        assert Media.last.done[-1] == "withdraw"
        again = await add(scene)
        assert Media.last.done[-1] == "offer_more"
        assert not again.done()
        await end(scene)

    run(main, loop="virtual")


def test_an_error_for_what_the_peer_has_taken_meanwhile_changes_nothing(run: Run) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        promised = await add(scene)
        peer.receive(scene.last("content-add"))
        Media.hangs = {"accept"}
        scene.receives(peer.accept_contents(MORE_ANSWERED))
        await scene.settle()
        scene.acknowledges("content-add", "bad-request")
        await scene.settle()
        assert not promised.done()
        assert "withdraw" not in Media.last.done
        await end(scene)

    run(main, loop="virtual")


def test_an_offer_that_can_not_be_made_is_told_to_who_asked_and_the_call_goes_on(run: Run) -> None:
    async def main() -> None:
        scene, _ = await call_with_peer()
        Media.fails = {"offer_more"}
        promised = await add(scene)
        with pytest.raises(CallOver, match=told("offer_more failed")):
            promised.get(timeout=0)
        assert "content-add" not in scene.said()
        await end(scene)

    run(main, loop="virtual")


# -- what the peer adds, removes and changes -------------------------------------------------------


def test_what_the_peer_adds_is_taken_or_refused_by_what_the_stack_makes_of_it(run: Run) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        Media.fails = {"answer"}
        scene.receives(peer.add_contents(MORE))
        await scene.settle()
        assert scene.said()[-1] == "content-reject"
        assert await kinds(scene) == ("audio",)
        Media.fails = set()
        peer.receive(scene.last("content-reject"))
        scene.receives(peer.add_contents(MORE.replace("mid:1", "mid:2").replace("0 1", "0 2")))
        assert await kinds(scene) == ("audio", "video")
        assert scene.said()[-1] == "content-accept"
        scene.receives(peer.remove_contents(("2",), Reason.SUCCESS))
        assert await kinds(scene) == ("audio",)
        assert Media.last.done[-1] == "withdraw"
        await end(scene)

    run(main, loop="virtual")


def test_of_two_that_wait_the_one_that_fails_is_refused(run: Run) -> None:
    third = MORE.replace("BUNDLE 0 1", "BUNDLE 0 1 2")
    third += MORE[MORE.index("m=video") :].replace("mid:1", "mid:2")

    async def main() -> None:
        scene, peer = await call_with_peer()
        gate = asyncio.Event()

        async def answer(_: Any, offer: str, **__: Any) -> str:
            await gate.wait()
            if offer.count("m=video") == 1:
                raise MediaError("no")
            return await Media._do(Media.last, "answer", third.replace("actpass", "active"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Media, "answer", answer)
            scene.receives(peer.add_contents(MORE))
            scene.receives(peer.add_contents(third))
            await scene.settle()
            gate.set()
            await scene.settle()
        refused = scene.last("content-reject")
        assert [one.get("name") for one in refused.iterfind("{urn:xmpp:jingle:1}content")] == ["1"]
        await end(scene)

    run(main, loop="virtual")


def test_who_sends_is_followed_also_while_the_answer_is_made(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        gate = asyncio.Event()
        offers: list[str] = []

        async def answer(_: Any, offer: str, **__: Any) -> str:
            offers.append(offer)
            await gate.wait()
            return OFFER.replace("actpass", "active")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Media, "answer", answer)
            scene.begin(outgoing=False, message=False)
            scene.call.tell(Answer(Silence(), None))
            await scene.settle()
            peer = Session(Role.INITIATOR, "sid", initiator=PEER, responder=OWN)
            peer.initiate(OFFER)
            scene.receives(peer.modify_content("0", sends=False))
            await scene.settle()
            gate.set()
            await scene.settle()
        assert ["a=recvonly" in one for one in offers] == [False, True]
        assert (await scene.call.request(GetStatus(), timeout=5)).muted == ("audio",)
        scene.call.tell(Hangup())
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize("condition", [None, "not-acceptable", ""])
def test_a_pause_is_one_when_the_peer_goes_along(run: Run, condition: str | None) -> None:
    async def main() -> None:
        scene, _ = await call_with_peer()
        promised = await scene.call.request(Pause("audio", True), timeout=5)
        await scene.settle()
        assert "pause" not in Media.last.done
        scene.acknowledges("content-modify", condition)
        await scene.settle()
        assert ("pause" in Media.last.done) is (condition is None)
        if condition is None:
            assert promised.get(timeout=0) is None
        else:
            with pytest.raises(CallOver, match=told(condition or "the peer did not answer")):
                promised.get(timeout=0)
        await end(scene)

    run(main, loop="virtual")


@pytest.mark.parametrize("condition", [None, "not-acceptable", ""])
def test_what_is_removed_is_dark_first_and_gone_when_the_peer_goes_along(
    run: Run, condition: str | None
) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        await add(scene)
        peer.receive(scene.last("content-add"))
        scene.receives(peer.accept_contents(MORE_ANSWERED))
        await scene.settle()
        promised = await scene.call.request(RemoveMedia("video"), timeout=5)
        await scene.settle()
        assert Media.last.done[-1] == "darken"
        with pytest.raises(CallOver, match=told("the peer has not answered the removal of video")):
            await scene.call.request(RemoveMedia("video"), timeout=5)
        scene.acknowledges("content-remove", condition)
        await scene.settle()
        assert promised.done()
        assert await kinds(scene) == (("audio",) if condition is None else ("audio", "video"))
        await end(scene)

    run(main, loop="virtual")


# -- ICE -------------------------------------------------------------------------------------------

FRESH = OFFER.replace("dead", "f00d")


def restart(peer: Session) -> Any:
    """Return the peer's new credentials."""
    return peer.restart(FRESH, answer=False)[0]


def test_a_restart_of_the_peer_s_is_answered_and_the_answer_to_ours_is_not(run: Run) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        scene.receives(restart(peer))
        await scene.settle()
        assert Media.last.done[-1] == "restart_ice"
        assert scene.said().count("transport-info") == 1
        await scene.call.request(RestartIce(), timeout=5)
        await scene.settle()
        ours = scene.said().count("transport-info")
        assert ours > 1
        scene.acknowledges("transport-info")
        scene.receives(peer.restart(FRESH.replace("f00d", "cafe"), answer=True)[0])
        await scene.settle()
        assert scene.said().count("transport-info") == ours
        assert Media.last.done[-2:] == ["restart_acknowledged", "restart_ice"]
        await asyncio.sleep(ANSWERS["restart"] + 1)
        assert "give_up_restart" not in Media.last.done
        await end(scene)

    run(main, loop="virtual")


def test_after_a_restart_that_could_not_begin_the_peer_s_own_is_answered(run: Run) -> None:
    async def main() -> None:
        scene, peer = await call_with_peer()
        Media.fails = {"renew_ice"}
        await scene.call.request(RestartIce(), timeout=5)
        await scene.settle()
        assert "transport-info" not in scene.said()
        scene.receives(restart(peer))
        await scene.settle()
        assert scene.said()[-1] == "transport-info"
        await end(scene)

    run(main, loop="virtual")

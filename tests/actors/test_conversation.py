"""A conversation without a server: which calls it lets in, and what becomes of those it places."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call_policy import refusal
from callboard.actors.context import Context
from callboard.actors.conversation import Conversation
from callboard.actors.messages.account import (
    ForgetCall,
    PlaceCall,
    ReplyIq,
    RouteCall,
    Send,
    SendIq,
)
from callboard.actors.messages.call import CallOver
from callboard.actors.messages.conversation import (
    CallMessageReceived,
    CallPeer,
    IdleCheck,
    SessionInitiated,
)
from callboard.actors.records.call_record import CallRecord
from callboard.actors.runtime.future import AsyncioFuture
from callboard.actors.xmpp.contact import Resource
from callboard.config.account import CallPolicy
from callboard.config.jid import bare
from callboard.jingle import (
    Accept,
    Finish,
    Proceed,
    Propose,
    Reason,
    Reject,
    Retract,
    Ringing,
    Role,
    to_jingle,
)
from callboard.media import Network, Silence
from callboard.tests.actors.call.scene import OWN, PEER, Ear, Puppet, make_context
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

ALICE, LAPTOP = "alice@localhost", "alice@localhost/laptop"


class Scene:
    """A conversation with alice, and what it told whom."""

    def __init__(self, **calls: Any) -> None:
        self.told: list[Any] = []
        self.logged: list[Any] = []
        account, exchange, log = (Ear.start(heard) for heard in (self.told, [], self.logged))
        self.ears = [account, exchange, log]
        context: Context = make_context(exchange, log, **calls)
        self.ref = Conversation.start(
            context,
            account=account,
            bot=Puppet(),
            own=OWN,
            peer=ALICE,
            resources={PEER: Resource("", "", 0, ""), LAPTOP: Resource("", "", 0, "")},
            network=Network(None, None, ()),
            last_word=self.told.append,
        )

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(50):
            await asyncio.sleep(0)

    def all(self, kind: type[Any]) -> list[Any]:
        """Return what the account was told, of one class."""
        return [one for one in self.told if isinstance(one, kind)]

    def said(self) -> list[str]:
        """Return the names of what was said by message, and of the Jingle actions."""
        words = [one.stanza[0].tag.rpartition("}")[2] for one in self.all(Send)]
        return words + [
            one.payload.get("action", "") for one in self.all(SendIq) if one.kind == "set"
        ]

    def hears(self, message: Any, sender: str = PEER, **more: Any) -> None:
        """Let somebody say something by message."""
        self.ref.tell(CallMessageReceived(sender, message, **more))

    def orders(self, **order: Any) -> AsyncioFuture[Any]:
        """Have a call placed."""
        placed: AsyncioFuture[Any] = AsyncioFuture()
        self.ref.tell(CallPeer(PlaceCall(ALICE, Silence(), None, **order), OWN, placed))
        return placed

    async def end_refuses(self, orders: list[AsyncioFuture[Any]]) -> None:
        """Wait for the end of the conversation, and see that it has refused what it was ordered."""
        await self.ref.ended
        for one in orders:
            words = f"^{bare(OWN)} → {ALICE}: the call never began: the account has ended$"
            with pytest.raises(CallOver, match=words):
                one.get(timeout=0)
        await self.end()

    async def end(self) -> None:
        """Stop everything."""
        if self.ref.is_alive():
            self.ref.stop(block=False)
        await self.ref.ended
        for ear in self.ears:
            ear.stop(block=False)
            await ear.ended


@pytest.mark.parametrize(
    ("calls", "more", "reason"),
    [
        ({}, {}, None),
        ({}, {"draining": True}, Reason.GONE),
        ({"from": "*@example.org"}, {}, Reason.DECLINE),
        ({"from": "*@example.org"}, {"draining": True}, Reason.GONE),
        ({"answer": "never"}, {}, Reason.DECLINE),
        ({"limit": 2}, {"calls": 2}, None),
        ({"limit": 2}, {"calls": 3}, Reason.BUSY),
        ({"audio": False}, {}, Reason.UNSUPPORTED_APPLICATIONS),
        ({"video": False}, {}, None),
    ],
)
@pytest.mark.parametrize("direct", [False, True], ids=["proposed", "direct"])
def test_the_policy_decides_which_calls_ring(
    run: Run, calls: dict[str, Any], more: dict[str, Any], reason: Reason | None, direct: bool
) -> None:
    policy = CallPolicy.model_validate(calls)
    options = {"calls": 1, "draining": False, **more}
    found = refusal(policy, PEER, ("audio",), **options)
    assert (None if found is None else found[0]) is reason

    async def main() -> None:
        scene = Scene(**calls)
        if direct:
            jingle = to_jingle(OFFER, role=Role.INITIATOR, sid="sid", action="session-initiate")
            scene.ref.tell(SessionInitiated(PEER, "iq", jingle, **options))
        else:
            scene.hears(Propose("sid", ("audio",)), **options)
        await scene.settle()
        if reason is None:
            assert scene.said() == (["session-info"] if direct else ["ringing"])
            assert [one.sid for one in scene.all(RouteCall)] == ["sid"]
        else:
            assert scene.said() == (["session-terminate"] if direct else ["reject"])
            (record,) = [one for one in scene.logged if isinstance(one, CallRecord)]
            assert record.reason is reason
            assert [one.sid for one in scene.all(ForgetCall)] == ["sid"]
        assert len(scene.all(ReplyIq)) == int(direct)
        await scene.end()

    run(main, loop="virtual")


def _stopped(scene: Scene) -> None:
    scene.ref.stop(block=False)


def _killed(scene: Scene) -> None:
    scene.ref.kill()


def _broken(scene: Scene) -> None:
    scene.hears(None)  # stands for a bug


pytestmark = pytest.mark.usefixtures("staged")

ENDS = pytest.mark.parametrize("end", [_stopped, _killed, _broken])


@ENDS
def test_an_order_that_waits_is_told_when_the_conversation_ends(
    run: Run, end: Callable[[Scene], None]
) -> None:
    async def main() -> None:
        scene = Scene()
        orders = [scene.orders(), scene.orders()]
        await scene.settle()
        assert len(scene.all(SendIq)) == 2  # its devices are asked what they can do
        assert not any(one.done() for one in orders)
        end(scene)
        await scene.end_refuses(orders)

    run(main, loop="virtual")


def test_an_order_that_can_not_be_placed_is_told_and_those_behind_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("callboard.actors.call.call.Call.start", fail)

    async def main() -> None:
        scene = Scene()
        orders = [scene.orders(), scene.orders()]
        await scene.end_refuses(orders)

    run(main, loop="virtual")


@ENDS
def test_the_calls_of_a_conversation_that_ends_say_goodbye_and_are_forgotten(
    run: Run, end: Callable[[Scene], None]
) -> None:
    async def main() -> None:
        scene = Scene()
        placed = scene.orders(message=True, sid="ours")
        scene.hears(Propose("theirs", ("audio",)))
        await asyncio.sleep(4)  # its devices have not said what they can do
        assert placed.done()
        assert sorted(one.sid for one in scene.all(RouteCall)) == ["ours", "theirs"]
        end(scene)
        await scene.ref.ended
        await scene.settle()
        assert sorted(one.sid for one in scene.all(ForgetCall)) == ["ours", "theirs"]
        records = [one for one in scene.logged if isinstance(one, CallRecord)]
        assert sorted(one.id for one in records) == ["ours", "theirs"]
        last = [one[0].tag.rpartition("}")[2] for one in scene.told if hasattr(one, "tag")]
        assert sorted(last) == ["reject", "retract"]
        await scene.end()

    run(main, loop="virtual")


def test_devices_that_do_not_answer_hold_a_call_up_for_three_seconds(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        placed = scene.orders()
        await asyncio.sleep(2.9)
        assert not placed.done()
        scene.ref.tell(IdleCheck(1))
        await asyncio.sleep(0.2)
        assert placed.done()
        assert scene.said()[0] == "propose"
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize(
    ("message", "sender", "own", "ends"),
    [
        (Retract("sid", None), PEER, False, True),
        (Retract("sid", None), LAPTOP, False, False),
        (Finish("sid", None), PEER, False, True),
        (Proceed("sid"), PEER, False, False),
        (Ringing("sid"), PEER, False, False),
        (Accept("sid"), "desk@localhost/other", True, True),
        (Reject("sid", None), "desk@localhost/other", True, True),
        (Reject("other", None), PEER, False, False),
    ],
)
def test_who_may_end_a_call_that_rings(
    run: Run, message: Any, sender: str, own: bool, ends: bool
) -> None:
    async def main() -> None:
        scene = Scene()
        scene.hears(Propose("sid", ("audio",)))
        await scene.settle()
        scene.hears(message, sender, own=own)
        await asyncio.sleep(1)
        assert bool(scene.all(ForgetCall)) is ends
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.parametrize(("sid", "stands"), [("a", "a"), ("z", "m")])
def test_of_two_proposals_at_once_the_lower_id_stands(run: Run, sid: str, stands: str) -> None:
    async def main() -> None:
        scene = Scene()
        scene.orders(message=True, sid="m")
        await asyncio.sleep(4)
        scene.hears(Propose(sid, ("audio",)))
        await asyncio.sleep(1)
        assert {one.sid for one in scene.all(ForgetCall)} == {"m", sid} - {stands}
        await scene.end()

    run(main, loop="virtual")


def test_a_call_s_answers_to_iqs_go_out_by_its_conversation(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        scene = Scene()
        reply = ReplyIq(PEER, "iq")
        scene.ref.tell(reply)
        await scene.settle()
        assert scene.told == [reply]
        await scene.end()

    run(main, loop="virtual")

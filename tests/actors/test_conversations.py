"""Which conversations stay, and which are put away."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from callboard.actors import conversations as module
from callboard.actors.conversations import Conversations
from callboard.actors.messages.account import PlaceCall
from callboard.actors.messages.call import CallOver
from callboard.actors.messages.conversation import CallEnded, IdleCheck
from callboard.actors.runtime.actor import AsyncioActor
from callboard.tests.conftest import Run

ONE, TWO, THREE = CallEnded("one"), CallEnded("two"), CallEnded("three")
ALICE, BOB, CAROL = "alice@x", "bob@x", "carol@x"


class Talk(AsyncioActor):
    """A conversation that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def on_receive(self, message: Any) -> None:
        self.heard.append(message)


class Room:
    """Conversations, with what each was told so far."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.started: list[str] = []
        self.conversations = Conversations(self._start, lambda peer: bool(self.calls[peer]))

    def _start(self, peer: str) -> Any:
        self.started.append(peer)
        return Talk.start()

    async def asked(self, peer: str) -> list[int]:
        """Return what the conversation was asked whether it is idle."""
        ref = self.conversations[peer]
        talk: Any = ref._actor_weakref()
        await asyncio.wait_for(ref.ask(ONE, block=False), 10)  # all before this is handled
        return [one.told for one in talk.heard if isinstance(one, IdleCheck)]

    async def close(self) -> None:
        for ref in self.conversations.refs():
            ref.stop(block=False)
            await ref.ended


def test_a_peer_has_one_conversation_until_it_is_idle(run: Run) -> None:
    async def main() -> None:
        room = Room()
        room.conversations.tell(ALICE, ONE)
        room.conversations.tell(ALICE, TWO)
        assert room.started == [ALICE]
        room.conversations.look_around()
        assert await room.asked(ALICE) == []  # it was told something since the last look
        assert room.conversations.look_around()
        assert await room.asked(ALICE) == [2]
        ref = room.conversations[ALICE]
        room.conversations.idle(ALICE, 2)
        await ref.ended
        assert ALICE not in room.conversations
        assert not room.conversations.look_around()
        room.conversations.tell(ALICE, THREE)
        assert room.started == [ALICE, ALICE]
        await room.close()

    run(main)


def test_one_that_was_told_something_meanwhile_or_has_a_call_stays(run: Run) -> None:
    async def main() -> None:
        room = Room()
        room.conversations.tell(ALICE, ONE)
        room.conversations.tell(ALICE, TWO)
        room.conversations.idle(ALICE, 1)
        assert room.conversations[ALICE].is_alive()
        room.conversations.tell_all(THREE)
        room.conversations.idle(ALICE, 2)
        room.calls[ALICE] = 1
        room.conversations.idle(ALICE, 3)
        room.conversations.look_around()
        room.conversations.look_around()
        assert await room.asked(ALICE) == []
        assert room.conversations[ALICE].is_alive()
        await room.close()

    run(main)


def test_a_newcomer_has_the_oldest_asked_and_a_busy_one_passed_over(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)

    async def main() -> None:
        room = Room()
        room.calls[ALICE] = 1
        for peer in (ALICE, BOB, CAROL):
            room.conversations.tell(peer, ONE)
        assert [await room.asked(peer) for peer in (ALICE, BOB, CAROL)] == [[], [1], []]
        room.conversations.idle(BOB, 1)
        assert BOB not in room.conversations
        assert len(room.conversations) == 2
        await room.close()

    run(main)


def test_there_is_an_end_to_them_and_one_that_died_is_begun_anew(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONVERSATIONS", 2)

    async def main() -> None:
        room = Room()
        assert room.conversations.tell(ALICE, ONE)
        assert room.conversations.tell(BOB, ONE)
        assert not room.conversations.tell(CAROL, ONE)
        room.conversations[ALICE].kill()
        await room.conversations[ALICE].ended
        assert room.conversations.tell(ALICE, TWO)
        assert room.started == [ALICE, BOB, ALICE]
        await room.close()

    run(main)


def test_a_call_that_is_to_be_placed_is_promised_whatever_becomes_of_its_conversation(
    run: Run,
) -> None:
    order = PlaceCall(ALICE, None, None)

    async def main() -> None:
        room = Room()
        kept = room.conversations.place(ALICE, order, "own@x/r")
        broken = room.conversations.place(ALICE, order, "own@x/r")
        other = room.conversations.place(BOB, order, "own@x/r")
        assert kept is not None
        assert broken is not None
        assert other is not None
        kept.set(None)
        room.conversations.break_off(room.conversations[ALICE])
        assert await kept is None
        with pytest.raises(CallOver, match=f"^own@x → {ALICE}: .*: its conversation has ended$"):
            await broken
        assert not other.done()
        room.conversations.break_off()
        with pytest.raises(CallOver):
            await other
        await room.close()

    run(main)

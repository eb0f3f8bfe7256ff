"""Where the stanzas of calls go: each session has one place, from its first word to its end."""

from typing import Any
from xml.etree.ElementTree import Element

from callboard.actors.call_routes import MAX_ENDED, MAX_WAITING, Routes
from callboard.actors.messages.call import DrainCall, JingleReceived
from callboard.actors.runtime.actor import AsyncioActor
from callboard.tests.conftest import Run

ALICE, BOB = "alice@x", "bob@x"


class Call(AsyncioActor):
    """Keeps what it is told."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        self._heard.append(message)


def received(number: int) -> JingleReceived:
    return JingleReceived("alice@x/desk", str(number), Element("jingle"))


def test_what_comes_before_the_call_waits_for_it_in_its_order(run: Run) -> None:
    heard: list[Any] = []

    async def main() -> None:
        routes = Routes()
        assert not routes.deliver(ALICE, "sid", received(0))
        routes.reserve(ALICE, "sid")
        early = [received(number) for number in range(MAX_WAITING)]
        assert all(routes.deliver(ALICE, "sid", one) for one in early)
        assert not routes.deliver(ALICE, "sid", received(-1))
        assert not routes.deliver(BOB, "sid", received(-1))
        call = Call.start(heard)
        routes.lead(ALICE, "sid", call)
        late = received(99)
        assert routes.deliver(ALICE, "sid", late)
        routes.tell(BOB, "sid", DrainCall())
        routes.tell_all(DrainCall())
        call.stop(block=False)
        await call.ended
        assert heard == [*early, late, DrainCall()]
        assert not routes.deliver(ALICE, "sid", late)

    run(main)


def test_a_session_is_counted_until_it_is_forgotten_and_known_for_a_while_after(run: Run) -> None:
    async def main() -> None:
        routes = Routes()
        call = Call.start([])
        for number in range(MAX_ENDED + 1):
            routes.reserve(ALICE, str(number))
            routes.reserve(ALICE, str(number))
            routes.lead(ALICE, str(number), call)
        assert len(routes) == MAX_ENDED + 1
        assert routes.peer_of("0") == ALICE
        assert routes.peer_of("none") is None
        for number in range(MAX_ENDED + 1):
            assert routes.any_with(ALICE)
            assert routes.forget(ALICE, str(number)) == []
        assert not routes.any_with(ALICE)
        assert not routes
        assert (ALICE, "0") not in routes  # the oldest
        assert (ALICE, "1") in routes
        assert not routes.deliver(ALICE, "1", received(0))
        call.stop(block=False)
        await call.ended

    run(main)


def test_what_waits_in_vain_comes_back() -> None:
    routes = Routes()
    routes.reserve(ALICE, "sid")
    one = received(1)
    assert routes.deliver(ALICE, "sid", one)
    assert routes.forget(ALICE, "sid") == [one]
    assert (ALICE, "sid") not in routes  # it never was a call
    assert routes.forget(ALICE, "sid") == []

"""What was asked, and what comes of it: one answer each, from whom was asked."""

import asyncio
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp.events import RequestAnswered
from callboard.actors.xmpp.requests import IQ_TIMEOUT, Requests
from callboard.actors.xmpp.stanza import CLIENT
from callboard.tests.conftest import Run

OWN = ("alice@x", "alice@x/desk", "x", "")
PING = Element("{urn:xmpp:ping}ping")


def answer(identifier: str, sender: str, kind: str = "result") -> Element:
    iq = Element(f"{{{CLIENT}}}iq", {"type": kind, "id": identifier})
    if sender:
        iq.set("from", sender)
    return iq


@pytest.mark.parametrize("kind", ["result", "error"])
@pytest.mark.parametrize(
    ("to", "sender", "counts"),
    [
        ("bob@x/desk", "bob@x/desk", True),
        ("bob@x/desk", "BOB@x/desk", True),
        ("bob@x/desk", "bob@x/phone", False),
        ("bob@x/desk", "bob@x", False),
        ("bob@x/desk", "mallory@x/desk", False),
        ("bob@x/desk", "", False),
        ("", "", True),
        ("", "alice@x", True),
        ("", "alice@x/desk", True),
        ("x", "x", True),
        ("", "mallory@x", False),
        ("x", "", True),
    ],
)
def test_nobody_answers_for_another(
    run: Run, to: str, sender: str, counts: bool, kind: str
) -> None:
    async def main() -> None:
        heard: list[RequestAnswered] = []
        requests = Requests(heard.append)
        asked = requests.add(to, "get", PING, "about")
        assert asked.get("to", "") == to
        iq = answer(asked.get("id", ""), sender, kind)
        requests.answered(iq, OWN)
        requests.answered(iq, OWN)  # said twice it still counts once
        assert heard == ([RequestAnswered("about", iq)] if counts else [])
        requests.forget()

    run(main)


def test_what_is_not_answered_is_told_once_in_time(run: Run) -> None:
    async def main() -> None:
        heard: list[RequestAnswered] = []
        requests = Requests(heard.append)
        late = requests.add("bob@x/a", "get", PING, "late")
        await asyncio.sleep(IQ_TIMEOUT - 1)
        requests.add("bob@x/b", "get", PING, "in time")
        assert not heard
        await asyncio.sleep(2)
        assert heard == [RequestAnswered("late", None)]
        requests.answered(answer(late.get("id", ""), "bob@x/a"), OWN)
        await asyncio.sleep(IQ_TIMEOUT)
        assert heard == [RequestAnswered("late", None), RequestAnswered("in time", None)]

    run(main(), loop="virtual")


def test_what_nobody_wants_to_know_costs_no_timer(run: Run) -> None:
    async def main() -> None:
        heard: list[RequestAnswered] = []
        requests = Requests(heard.append)
        asked = requests.add("", "get", PING, None)
        assert not requests._open
        requests.answered(answer(asked.get("id", ""), ""), OWN)
        requests.give_up(asked.get("id", ""))
        requests.give_all_up()
        assert not heard

    run(main)


def test_all_that_is_open_is_given_up_or_forgotten(run: Run) -> None:
    async def main() -> None:
        heard: list[RequestAnswered] = []
        requests = Requests(heard.append)
        for about in ("one", "two"):
            requests.add("bob@x/a", "set", PING, about)
        requests.give_all_up()
        assert heard == [RequestAnswered("one", None), RequestAnswered("two", None)]
        requests.add("bob@x/a", "set", PING, "three")
        requests.forget()
        await asyncio.sleep(2 * IQ_TIMEOUT)
        assert len(heard) == 2

    run(main(), loop="virtual")

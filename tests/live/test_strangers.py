"""What people that nobody knows cost: the same for each, and nothing that grows with their number.

Counts, not times: they hold on any machine.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp.events import StanzaReceived
from callboard.bots import Message, Presence
from callboard.jingle import Finish, Propose
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, PATIENCE, Stage, Told, staged
from callboard.tests.live.test_start import befriend
from pykka import ActorRegistry

CLIENT = "{jabber:client}"
CAROL = "carol@localhost/device"
SENDERS = 2_000
KEPT = 8
STRANGERS = 16


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard.actors.conversations.KEPT", KEPT)
    monkeypatch.setattr("callboard.actors.xmpp.roster.MAX_STRANGERS", STRANGERS)


def message(number: int, payload: Element) -> Element:
    sender = f"stranger-{number}@elsewhere.example/phone"
    stanza = Element(f"{CLIENT}message", {"from": sender, "to": ALICE, "id": f"m{number}"})
    stanza.append(payload)
    return stanza


def text(number: int) -> Element:
    body = Element(f"{CLIENT}body")
    body.text = str(number)
    return message(number, body)


def presence(number: int) -> Element:
    sender = f"stranger-{number}@elsewhere.example/phone"
    return Element(f"{CLIENT}presence", {"from": sender, "to": ALICE})


def finish(number: int) -> Element:
    return message(number, Finish(f"s{number}").to_element())


def proposal(number: int) -> Element:
    return message(number, Propose(f"s{number}", ("audio",)).to_element())


@contextmanager
def counted(account: Any) -> Iterator[list[Element]]:
    """Note what an account sends to strangers, in the place of sending it."""
    sent: list[Element] = []
    transmit = account._session.stream.transmit

    def note(stanza: Element, *, at_leisure: bool = False) -> None:
        if "stranger" in stanza.get("to", ""):
            sent.append(stanza)
        else:
            transmit(stanza, at_leisure=at_leisure)

    account._session.stream.transmit = note
    yield sent
    account._session.stream.transmit = transmit


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing tells when an actor has gone
            await asyncio.sleep(0)


async def flood(stage: Stage, account: Any, make: Callable[[int], Element]) -> None:
    for number in range(SENDERS):
        account.actor_ref.tell(StanzaReceived(make(number)))
        if number % 50 == 0:
            await asyncio.sleep(0)
    account.actor_ref.tell(StanzaReceived(text(SENDERS)))
    await stage.told(ALICE, Message, lambda m: m.body == str(SENDERS))


@pytest.mark.parametrize("make", [text, presence, finish, proposal])
def test_many_strangers_leave_next_to_nothing(
    run: Run, tmp_path: Path, make: Callable[[int], Element]
) -> None:
    async def main() -> None:
        desk = {"jid": ALICE, "calls": {"from": "carol@*"}, "subscriptions": {"accept": "*"}}
        async with staged(tmp_path, [desk], guests=["carol"]) as stage:
            account = await stage.account(ALICE)
            async with Device(stage, CAROL) as carol:
                await befriend(stage, carol)
                actors, tasks = len(ActorRegistry.get_all()), len(asyncio.all_tasks())
                with counted(account) as sent:
                    await flood(stage, account, make)
                    await until(lambda: len(account._conversations) <= KEPT)
                    await until(lambda: len(ActorRegistry.get_all()) <= actors + KEPT)
                    await until(lambda: len(asyncio.all_tasks()) <= tasks + KEPT)
                assert len(sent) == (SENDERS if make is proposal else 0)
                assert not account._routes
                await until(lambda: not account._bots._runner._lanes)
                assert len(list(account._contacts)) <= STRANGERS + 1
                told = [e.what for e in stage.all(Told)]
                if make is text:
                    bodies = [one.body for one in told if isinstance(one, Message)]
                    assert sorted(map(int, bodies)) == list(range(SENDERS + 1))
                stage.events.clear()
            # The contacts' own places are still theirs.
            await stage.told(ALICE, Presence, lambda p: p.jid == "carol@localhost")

    run(main)


def test_an_account_with_a_call_keeps_it_among_many_strangers(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        desk = {"jid": ALICE, "calls": {"limit": 1}}
        async with (
            staged(tmp_path, [desk], guests=["carol"]) as stage,
            Device(stage, CAROL) as carol,
        ):
            account = await stage.account(ALICE)
            carol.say(ALICE, Propose("held", ("audio",)))
            held = await stage.ringing(ALICE, "held")
            with counted(account) as sent:
                await flood(stage, account, proposal)
                await until(lambda: len(account._conversations) <= KEPT)
            assert len(sent) == SENDERS
            assert "carol@localhost" in account._conversations
            assert (await held.status()).phase == "ringing"
            await held.decline()
            await stage.record(ALICE, "held")

    run(main)


def test_what_a_bot_does_with_many_at_once_is_bounded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("callboard.actors.bot.runner.MAX_WAITING_IN_ALL", 100)

    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            account = await stage.account(ALICE)
            stuck = asyncio.Event()

            async def wait(_: Message) -> None:
                await stuck.wait()

            monkeypatch.setattr(stage.puppets[ALICE], "on_message", wait)
            for number in range(SENDERS):
                account.actor_ref.tell(StanzaReceived(text(number)))
            await until(account.actor_inbox.empty)
            assert len(account._bots._runner._lanes) <= 100
            stuck.set()
            await until(lambda: not account._bots._runner._lanes)

    run(main)
    slow = [one.getMessage() for one in caplog.records if "too slow" in one.getMessage()]
    assert slow == ["bot Puppet of alice@localhost is too slow: 1 events were dropped"]

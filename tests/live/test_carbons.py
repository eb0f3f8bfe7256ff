"""An account that a bot shares with a person's client: what comes as a copy (XEP-0280)."""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.events import StanzaReceived
from callboard.bots import Call, Invite, Message
from callboard.jingle import Proceed, Propose, Ringing
from callboard.jingle.call_messages.invite import Invite as Invitation
from callboard.jingle.call_messages.invite import JingleMethod
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Told, staged

CLIENT = "{jabber:client}"
PHONE, CAROL = "alice@localhost/phone", "carol@localhost/device"


async def outrank(phone: Device) -> None:
    """Let a person's client have a higher priority than the bot."""
    presence = Element(f"{CLIENT}presence")
    SubElement(presence, f"{CLIENT}priority").text = "10"
    phone.send(presence)
    await phone.until(
        lambda e: e.get("from") == phone.jid and e.findtext(f"{CLIENT}priority") == "10"
    )


@pytest.mark.parametrize("priority", [0, -1])
def test_a_bot_rings_beside_a_client_of_higher_priority(
    run: Run, tmp_path: Path, priority: int
) -> None:
    async def main() -> None:
        shared = {"jid": ALICE, "priority": priority}
        async with staged(tmp_path, [shared, BOB]) as stage, Device(stage, PHONE) as phone:
            await outrank(phone)
            out = await stage.puppets[BOB].call(ALICE, message=True)
            await phone.hears(Propose)
            came = await stage.ringing(ALICE, out.id)
            await came.answer()
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_bot_of_negative_priority_rings_also_when_it_is_alone(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [{"jid": ALICE, "priority": -1}, BOB]) as stage:
            out = await stage.puppets[BOB].call(ALICE, message=True)
            await (await stage.ringing(ALICE, out.id)).answer()
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_caller_hears_answers_to_its_bare_jid_beside_a_client_of_higher_priority(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, PHONE) as phone,
            Device(stage, CAROL) as carol,
        ):
            await outrank(phone)
            out = await stage.puppets[ALICE].call("carol@localhost", message=True)
            await carol.hears(Propose)
            carol.say(ALICE, Ringing(out.id))
            carol.say(ALICE, Proceed(out.id))
            jingle, sender = await carol.hears_jingle("session-initiate")
            assert jingle.get("sid") == out.id
            assert sender == (await stage.account(ALICE))._session.jid
            await out.hangup()
            await stage.states(ALICE)

    run(main)


def test_words_that_went_to_another_device_are_not_answered_here(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, PHONE) as phone,
            Device(stage, CAROL) as carol,
        ):
            await outrank(phone)
            carol.text(ALICE, "for the person")
            carol.text(PHONE, "for the phone")
            await phone.until(lambda e: e.findtext(f"{CLIENT}body") == "for the phone")
            carol.text((await stage.account(ALICE))._session.jid, "for the bot")
            await stage.told(ALICE, Message)
            heard = [e.what.body for e in stage.all(Told) if isinstance(e.what, Message)]
            assert heard == ["for the bot"]

    run(main)


def copy(kind: str, sender: str, message: Element) -> StanzaReceived:
    carbon = Element(f"{CLIENT}message", {"from": sender, "to": f"{ALICE}/bot"})
    wrapper = SubElement(carbon, f"{{urn:xmpp:carbons:2}}{kind}")
    SubElement(wrapper, "{urn:xmpp:forward:0}forwarded").append(message)
    return StanzaReceived(carbon)


def letter(payload: Element, *, sender: str = CAROL, to: str = ALICE) -> Element:
    message = Element(f"{CLIENT}message", {"from": sender, "to": to, "type": "chat", "id": "m"})
    message.append(payload)
    return message


FORGED = [
    ("received", "carol@localhost", {}),
    ("received", CAROL, {}),
    ("received", "localhost", {}),
    ("received", "alice@localhost.evil.example", {}),
    ("received", f"{ALICE}/phone", {}),
    ("received", ALICE, {"to": BOB}),
    ("sent", ALICE, {}),
    ("sent", CAROL, {"sender": f"{ALICE}/phone", "to": CAROL}),
]


@pytest.mark.parametrize(("kind", "sender", "inner"), FORGED)
def test_a_copy_counts_only_from_our_own_bare_jid_and_of_our_own_messages(
    run: Run, tmp_path: Path, kind: str, sender: str, inner: dict[str, str]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            account = await stage.account(ALICE)
            forged = letter(Propose("forged", ("audio",)).to_element(), **inner)
            account.actor_ref.tell(copy(kind, sender, forged))
            true = letter(Propose("true", ("audio",)).to_element())
            account.actor_ref.tell(copy("received", "Alice@LOCALHOST", true))
            came = await stage.ringing(ALICE)
            assert came.id == "true"
            assert len(account._routes) == 1
            await came.decline()
            await stage.states(ALICE)

    run(main)


def test_a_refused_call_that_comes_directly_and_as_a_copy_is_refused_once(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [{"jid": ALICE, "calls": {"answer": "never"}}]) as stage:
            account = await stage.account(ALICE)
            for sid in ("first", "last"):
                proposal = letter(Propose(sid, ("audio",)).to_element())
                account.actor_ref.tell(StanzaReceived(proposal))
                account.actor_ref.tell(copy("received", ALICE, proposal))
            await stage.record(ALICE, "last")
            assert [one["id"] for one in stage.records()] == ["first", "last"]

    run(main)


def test_what_comes_directly_and_as_a_copy_comes_once(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            account = await stage.account(ALICE)
            invite = Invitation((JingleMethod("joined", CAROL),))
            for payload in (Propose("once", ("audio",)).to_element(), invite.to_element()):
                for _ in range(2):
                    account.actor_ref.tell(StanzaReceived(letter(payload)))
                    account.actor_ref.tell(copy("received", ALICE, letter(payload)))
            body = Element(f"{CLIENT}body")
            body.text = "the end"
            account.actor_ref.tell(StanzaReceived(letter(body)))
            await stage.told(ALICE, Message)
            await stage.told(ALICE, Invite)
            came = await stage.ringing(ALICE)
            told = [e.what for e in stage.all(Told)]
            assert [one.id for one in told if isinstance(one, Call)] == ["once"]
            assert [one.sender for one in told if isinstance(one, Invite)] == [CAROL]
            await came.decline()
            await stage.states(ALICE)

    run(main)

"""One address, however it is spelled: by a bot, by a stanza, by the server."""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.events import StanzaReceived
from callboard.bots import Message, Presence
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Told, staged
from callboard.tests.live.test_calls import MESSAGE

CLIENT = "{jabber:client}"
JUERGEN = "jürgen@localhost/Büro 2"
#: The same in NFD, in capitals, and with a space that is not ASCII's.
SPELLED = "JU\u0308RGEN@LocalHost./Bu\u0308ro\u00a02"


@MESSAGE
def test_a_call_reaches_a_peer_however_its_address_is_spelled(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, JUERGEN]) as stage:
            out = await stage.puppets[ALICE].call(SPELLED, message=message)
            came = await stage.ringing("jürgen@localhost")
            await came.answer()
            await out.connected()
            assert out.peer == JUERGEN
            await out.hangup()
            assert await stage.states(ALICE, "jürgen@localhost") == ["completed", "completed"]

    run(main)


@MESSAGE
def test_a_call_between_full_addresses_in_capitals(run: Run, tmp_path: Path, message: bool) -> None:
    async def main() -> None:
        phone = {"jid": "Bob@LOCALHOST/phone"}
        async with staged(tmp_path, [ALICE, phone]) as stage:
            out = await stage.puppets[ALICE].call("BOB@localhost/phone", message=message)
            await (await stage.ringing(BOB)).answer()
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_resource_that_the_server_will_not_have_is_told_and_the_account_works(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, "bob@localhost/🎉"]) as stage:
            own = (await stage.account(BOB))._session.jid
            assert own != "bob@localhost/🎉"  # Prosody 0.12 knows Unicode 3.2
            assert f"the server gave it the address {own}, not bob@localhost/🎉" in caplog.text
            out = await stage.puppets[ALICE].call(own, message=False)
            await (await stage.ringing(BOB)).answer()
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def heard(kind: str, sender: str, *children: Element) -> StanzaReceived:
    """A stanza as a server that leaves addresses as they are would hand it over."""
    stanza = Element(f"{CLIENT}{kind}", {"from": sender, "to": ALICE, "id": "1"})
    stanza.extend(children)
    return StanzaReceived(stanza)


def body(text: str) -> Element:
    element = Element(f"{CLIENT}body")
    element.text = text
    return element


def test_spellings_of_one_peer_are_one_contact(run: Run, tmp_path: Path) -> None:
    spellings = [
        "eve@xn--bcher-kva.example/x",
        "EVE@BÜCHER.example/x",
        "eve@bu\u0308cher.example/x",
    ]

    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            account = await stage.account(ALICE)
            for spelling in spellings:
                account.actor_ref.tell(heard("presence", spelling))
                account.actor_ref.tell(heard("message", spelling, body(spelling)))
            await stage.told(ALICE, Message, lambda m: m.body == spellings[-1])
            texts = [e.what for e in stage.all(Told) if isinstance(e.what, Message)]
            assert [text.body for text in texts] == spellings
            assert {text.sender for text in texts} == {"eve@bücher.example/x"}
            assert (await stage.told(ALICE, Presence)).jid == "eve@bücher.example"
            (contact,) = await stage.puppets[ALICE].roster()
            assert list(contact.resources) == ["eve@bücher.example/x"]

    run(main)


NO_ADDRESSES = ("a b@x", "@", "a@", "a@x/", "a@x/\x00", "a@" + "x" * 5000)


def test_a_stanza_from_what_is_no_address_is_dropped(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            account = await stage.account(ALICE)
            for sender in NO_ADDRESSES:
                for kind in ("message", "presence", "iq"):
                    account.actor_ref.tell(heard(kind, sender, body(f"{kind} of {sender}")))
                push = Element("{jabber:iq:roster}query")
                for jid in (sender, "carol@localhost"):
                    SubElement(push, "{jabber:iq:roster}item", {"jid": jid})
                account.actor_ref.tell(StanzaReceived(_push(push)))
            await stage.puppets[BOB].send(ALICE, "taken")
            assert (await stage.told(ALICE, Message)).body == "taken"
            assert [each.jid for each in await stage.puppets[ALICE].roster()] == ["carol@localhost"]

    run(main)


def _push(query: Element) -> Element:
    stanza = Element(f"{CLIENT}iq", {"type": "set", "id": "push"})
    stanza.append(query)
    return stanza


def test_what_is_no_address_is_refused_where_the_bot_says_it(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            puppet = stage.puppets[ALICE]
            for to in ("no jid@x", "", "a@x/\x00", "a@@b"):
                for ask in (puppet.call(to), puppet.send(to, "words"), puppet.invite(to)):
                    with pytest.raises(ValueError, match=r"user name|domain|resource"):
                        await ask

    run(main)

"""Presence, subscriptions, the roster, and what accounts say that they can."""

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from callboard.bots import Presence
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Stage, staged

CLIENT = "{jabber:client}"
DISCO = "{http://jabber.org/protocol/disco#info}"
CAPS = "{http://jabber.org/protocol/caps}c"
DEVICE = "carol@localhost/device"
FRIENDS = {"subscriptions": {"accept": "*", "request": [BOB]}}


def presence_of(jid: str, *, show: str | None = None) -> Any:
    def is_it(stanza: Element) -> bool:
        sender = stanza.get("from", "").partition("/")[0]
        fits = show is None or stanza.findtext(f"{CLIENT}show") == show
        return (
            stanza.tag == f"{CLIENT}presence" and not stanza.get("type") and fits and sender == jid
        )

    return is_it


def kind_of(jid: str, kind: str) -> Any:
    return lambda e: e.tag == f"{CLIENT}presence" and e.get("type") == kind and e.get("from") == jid


async def subscribed(device: Device, stage: Stage, jid: str) -> Element:
    device.presence(jid, "subscribe")
    return await device.until(presence_of(jid))


def test_presence_is_what_the_settings_say_and_the_bot_changes_it(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        desk = {"jid": ALICE, "show": "dnd", "status": "Recording line", "priority": 7}
        async with (
            staged(tmp_path, [desk], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            first = await subscribed(device, stage, ALICE)
            assert first.findtext(f"{CLIENT}show") == "dnd"
            assert first.findtext(f"{CLIENT}status") == "Recording line"
            assert first.findtext(f"{CLIENT}priority") == "7"

            await stage.puppets[ALICE].set_presence("away", priority=-3)
            changed = await device.until(presence_of(ALICE, show="away"))
            assert changed.findtext(f"{CLIENT}status") == "Recording line"
            assert changed.findtext(f"{CLIENT}priority") == "-3"

            await stage.puppets[ALICE].set_presence("", "", 0)
            plain = await device.until(
                lambda e: presence_of(ALICE)(e) and e.find(f"{CLIENT}show") is None
            )
            assert [child.tag for child in plain if child.tag.startswith(CLIENT)] == []

    run(main)


@pytest.mark.parametrize(
    "wrong", [{"show": "asleep"}, {"priority": 128}, {"priority": -129}, {"status": "\0"}], ids=str
)
def test_a_presence_that_is_none_is_refused_and_the_account_lives(
    run: Run, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            with pytest.raises(ValueError, match=r"^(show is|priority is|'\\x00' can't)"):
                await stage.puppets[ALICE].set_presence(**wrong)
            await stage.puppets[ALICE].set_presence("chat")

    run(main)


def test_subscriptions_are_accepted_by_pattern_and_refused_otherwise(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        accounts: list[Any] = [
            {"jid": ALICE, "subscriptions": {"accept": "carol@*"}},
            {"jid": BOB, "subscriptions": {"accept": "*@elsewhere.test"}},
        ]
        async with (
            staged(tmp_path, accounts, guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            await subscribed(device, stage, ALICE)
            # It asks back: clients show their call button for mutual contacts.
            await device.until(kind_of(ALICE, "subscribe"))
            device.presence(BOB, "subscribe")
            await device.until(kind_of(BOB, "unsubscribed"))
            assert not any(map(presence_of(BOB), device.heard))

    run(main)


def test_listed_peers_are_asked_and_their_changes_reach_the_bot(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        accounts: list[Any] = [{"jid": ALICE, **FRIENDS}, {"jid": BOB, "status": "here"}]
        async with staged(tmp_path, accounts) as stage:
            seen = await stage.told(ALICE, Presence, lambda p: p.available)
            assert (seen.jid, seen.status) == (BOB, "here")
            await stage.puppets[BOB].set_presence("xa", "back soon")
            await stage.told(ALICE, Presence, lambda p: p.show == "xa" and p.status == "back soon")
            # It became mutual by itself.
            await stage.told(ALICE, Presence, lambda p: p.contact.subscription == "both")
            await stage.told(BOB, Presence, lambda p: p.jid == ALICE and p.available)

            (contact,) = await stage.puppets[ALICE].roster()
            assert (contact.jid, contact.subscription) == (BOB, "both")
            (resource,) = contact.resources.values()
            assert (resource.show, resource.status) == ("xa", "back soon")
            assert resource.capabilities.startswith("urn:callboard#")

    run(main)


def test_a_contact_that_leaves_is_told_to_the_bot(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE], guests=["carol"]) as stage:
            async with Device(stage, DEVICE) as device:
                device.presence(ALICE, "subscribe")
                await device.until(kind_of(ALICE, "subscribe"))
                device.presence(ALICE, "subscribed")
                await stage.told(ALICE, Presence, lambda p: p.available)
                stage.events.clear()
            gone = await stage.told(ALICE, Presence)
            assert (gone.jid, gone.available) == ("carol@localhost", False)

    run(main)


def iq(to: str, payload: Element) -> Element:
    stanza = Element(f"{CLIENT}iq", {"to": to, "type": "set", "id": "push"})
    stanza.append(payload)
    return stanza


def test_a_stranger_can_not_change_the_roster(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            push = Element("{jabber:iq:roster}query")
            push.append(
                Element("{jabber:iq:roster}item", {"jid": "eve@localhost", "subscription": "both"})
            )
            jid = (await stage.account(ALICE))._session.jid
            device.send(iq(jid, push))  # to be ignored: RFC 6121 §2.1.6
            ping = await device.request(jid, "get", Element("{urn:xmpp:ping}ping"))
            assert ping.get("type") == "result"
            assert await stage.puppets[ALICE].roster() == ()

    run(main)


CALL_BUTTON = {
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle-message:0",
}
VIDEO = "urn:xmpp:jingle:apps:rtp:video"


@pytest.mark.parametrize("video", [True, False], ids=["video", "audio-only"])
def test_capabilities_show_the_call_buttons_and_their_hash_is_right(
    run: Run, tmp_path: Path, video: bool
) -> None:
    async def main() -> None:
        desk = {"jid": ALICE, "calls": {"video": video}}
        async with (
            staged(tmp_path, [desk], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            presence = await subscribed(device, stage, ALICE)
            caps = presence.find(CAPS)
            assert caps is not None
            assert caps.get("hash") == "sha-1"
            node = f"{caps.get('node')}#{caps.get('ver')}"
            sender = presence.get("from", "")
            answer = await device.request(sender, "get", Element(f"{DISCO}query", {"node": node}))
            query = answer.find(f"{DISCO}query")
            assert query is not None
            assert query.get("node") == node
            features = [each.get("var", "") for each in query.findall(f"{DISCO}feature")]
            # Conversations and Dino want all but the message; Movim wants that too.
            assert set(features) >= CALL_BUTTON
            assert (VIDEO in features) is video
            assert "urn:ietf:rfc:3264" in features
            assert caps.get("ver") == verification(query)

    run(main)


def verification(query: Element) -> str:
    """Compute the verification string of XEP-0115 §5.1 from a disco#info answer, step by step."""
    text = ""
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    identities = sorted(
        (each.get("category", ""), each.get("type", ""), each.get(lang, ""), each.get("name", ""))
        for each in query.findall(f"{DISCO}identity")
    )
    for identity in identities:
        text += "/".join(identity) + "<"
    for feature in sorted(each.get("var", "") for each in query.findall(f"{DISCO}feature")):
        text += feature + "<"
    return b64encode(hashlib.sha1(text.encode()).digest()).decode()

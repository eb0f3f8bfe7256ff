"""How a bot begins, and that what lasts in one of its methods keeps no other one waiting."""

import asyncio
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

from callboard.actors.xmpp.events import StanzaReceived
from callboard.bots import Invite, Message, Presence
from callboard.jingle.call_messages.invite import Invite as Invitation
from callboard.jingle.call_messages.invite import JingleMethod
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Puppet, Stage, Told, staged
from callboard.tests.live.test_presence import kind_of

CLIENT = "{jabber:client}"
CAROL = "carol@localhost/device"


async def befriend(stage: Stage, device: Device) -> None:
    """Let a device and alice's bot see each other's presence."""
    device.presence(ALICE, "subscribe")
    await device.until(kind_of(ALICE, "subscribe"))
    device.presence(ALICE, "subscribed")
    jid = device.jid.partition("/")[0]
    await stage.told(
        ALICE,
        Presence,
        lambda p: p.jid == jid and p.available and p.contact.subscription == "both",
    )


def test_the_bot_starts_then_hears_of_each_contact_that_is_there_once(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol", "dave", "erin"]) as stage,
            Device(stage, CAROL) as carol,
            Device(stage, "dave@localhost/device") as dave,
        ):
            await befriend(stage, carol)
            await befriend(stage, dave)
            async with Device(stage, "erin@localhost/device") as erin:
                await befriend(stage, erin)
                stage.events.clear()
            await stage.told(
                ALICE, Presence, lambda p: p.jid.startswith("erin") and not p.available
            )
            stage.events.clear()
            (await stage.account(ALICE)).actor_ref.kill()  # its supervisor starts it again
            await stage.online(ALICE)
            # The server has sent all it knows before it answers what came after.
            await stage.told(ALICE, Presence, lambda p: p.jid.startswith("carol"))
            await stage.told(ALICE, Presence, lambda p: p.jid.startswith("dave"))
            carol.text((await stage.account(ALICE))._session.jid, "after all presences")
            await stage.told(ALICE, Message)
            told = [e.what for e in stage.all(Told) if e.what != "stop"]
            assert told[0] == "start"
            seen = [(one.jid, one.available) for one in told if isinstance(one, Presence)]
            assert sorted(seen) == [("carol@localhost", True), ("dave@localhost", True)]
            roster = await stage.puppets[ALICE].roster()
            assert {one.jid.partition("@")[0] for one in roster} == {"carol", "dave", "erin"}

    run(main)


class Slow(Puppet):
    """Never comes back from its start, nor from what is of carol."""

    async def on_start(self) -> None:
        await super().on_start()
        await asyncio.Event().wait()

    async def on_presence(self, presence: Presence) -> None:
        await super().on_presence(presence)
        await self._stay(presence.jid)

    async def on_message(self, message: Message) -> None:
        await super().on_message(message)
        await self._stay(message.sender)

    async def on_invite(self, invite: Invite) -> None:
        await super().on_invite(invite)
        await self._stay(invite.sender)

    async def _stay(self, jid: str) -> None:
        if jid.startswith("carol"):
            await asyncio.Event().wait()


def heard(kind: str, sender: str, *children: Element) -> StanzaReceived:
    stanza = Element(f"{CLIENT}{kind}", {"from": sender, "to": ALICE, "id": "1"})
    stanza.extend(children)
    return StanzaReceived(stanza)


def test_what_lasts_in_one_method_or_with_one_peer_keeps_no_other_waiting(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        body = Element(f"{CLIENT}body")
        body.text = "words"
        invite = Invitation((JingleMethod("joined", BOB),)).to_element()
        slow = {"jid": ALICE, "bot": "slow"}
        async with staged(tmp_path, [slow], {"slow": Slow}) as stage:
            account = await stage.account(ALICE)
            for peer in ("carol@localhost/x", "dave@localhost/x"):
                account.actor_ref.tell(heard("presence", peer))
                account.actor_ref.tell(heard("message", peer, body))
                account.actor_ref.tell(heard("message", peer, invite))
            for name in ("carol", "dave"):
                await stage.until(Told, partial(_is_of, Presence, name))
                await stage.until(Told, partial(_is_of, Message, name))
                await stage.until(Told, partial(_is_of, Invite, name))

    run(main)


def _is_of(kind: type, name: str, told: Told) -> bool:
    return isinstance(told.what, kind) and name in repr(told.what)


def test_what_one_peer_says_keeps_its_order(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            account = await stage.account(ALICE)
            for number in range(50):
                for peer in ("carol@localhost/x", "dave@localhost/y"):
                    body = Element(f"{CLIENT}body")
                    body.text = str(number)
                    account.actor_ref.tell(heard("message", peer, body))
            for peer in ("carol@localhost/x", "dave@localhost/y"):
                await stage.until(Told, partial(_is_of, Message, f"{peer!r}, body='49'"))
                said = [
                    e.what.body
                    for e in stage.all(Told)
                    if isinstance(e.what, Message) and e.what.sender == peer
                ]
                assert said == [str(number) for number in range(50)]

    run(main)

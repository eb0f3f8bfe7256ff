"""Invites to calls (XEP-0482)."""

from pathlib import Path
from xml.etree.ElementTree import Element

from callboard.actors.stanza import CLIENT
from callboard.bots import Bot, Call, Invite
from callboard.jingle import namespaces as ns
from callboard.jingle.invite import Invite as JingleInvite
from callboard.jingle.invite import InviteAnswer, JingleMethod, parse_invite
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, staged


class Host(Bot):
    """Invites, and takes the call that comes of it."""

    sid = ""

    async def on_start(self) -> None:
        type(self).sid = await self.invite(BOB, video=True)

    async def on_call(self, call: Call) -> None:
        assert call.id == self.sid
        await call.answer(audio="tone", video="pattern")
        await call.hangup()


class Guest(Bot):
    """Takes an invite."""

    async def on_invite(self, invite: Invite) -> None:
        assert invite.video
        assert invite.sender.startswith(ALICE)
        call = await invite.accept(audio="tone", video="pattern")
        await call.ended()


class Refuser(Bot):
    """Takes no invite."""

    async def on_invite(self, invite: Invite) -> None:
        await invite.reject()


def test_an_invite_that_is_accepted_leads_to_the_call_that_it_names(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        guest = {"jid": BOB, "bot": "guest"}
        host = {"jid": ALICE, "bot": "host"}
        async with staged(tmp_path, [guest, host], {"guest": Guest, "host": Host}) as stage:
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            assert (await stage.record(BOB)).id == Host.sid

    run(main)


def test_an_invite_and_its_refusal_are_what_others_read(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            staged(
                tmp_path, [ALICE, {"jid": BOB, "bot": "refuser"}], {"refuser": Refuser}
            ) as stage,
            Device(stage, f"{ALICE}/phone") as phone,
        ):
            invite = JingleInvite((JingleMethod("sid-1"),), video=True)
            phone.send(message(BOB, invite.to_element(), "invite-1"))
            answer = await phone.until(lambda e: e.find(f"{{{ns.CALL_INVITE}}}reject") is not None)
            reject = answer.find(f"{{{ns.CALL_INVITE}}}reject")
            assert reject is not None
            assert parse_invite(reject) == InviteAnswer("reject", "invite-1")

    run(main)


def message(to: str, payload: Element, identifier: str) -> Element:
    """A chat message with one payload."""
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", "id": identifier})
    stanza.append(payload)
    return stanza

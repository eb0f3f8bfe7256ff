"""Invites to calls (XEP-0482)."""

from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots import Bot, Call, Invite
from callboard.jingle import namespaces as ns
from callboard.jingle.call_messages.invite import Invite as JingleInvite
from callboard.jingle.call_messages.invite import InviteAnswer, JingleMethod, parse_invite
from callboard.ladder.folder import find_ladder
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
            record = await stage.record(ALICE)
        told = [
            (one.way, one.text) for one in find_ladder(tmp_path / "calls.jsonl", record.uuid).rungs
        ]
        assert told[0] == ("out", "invite to the call")
        assert ("in", "accept the invite") in told

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


class Eager(Bot):
    """Takes every invite that it is told of."""

    async def on_invite(self, invite: Invite) -> None:
        await (await invite.accept()).ended()


@pytest.mark.parametrize(
    ("named", "called"),
    [
        (["carol@localhost/phone"], None),
        (["carol@localhost/phone", None], "alice@localhost/phone"),
        (["carol@localhost/phone", "alice@localhost/phone"], "alice@localhost/phone"),
        ([BOB, "Bob@localhost/phone"], None),
        ([BOB, None], "alice@localhost/phone"),
    ],
    ids=["only-a-stranger", "the-sender-too", "named-too", "only-itself", "itself-too"],
)
def test_an_invite_leads_to_nobody_whom_the_policy_does_not_list(
    run: Run, tmp_path: Path, named: list[str | None], called: str | None
) -> None:
    async def main() -> None:
        account = {"jid": BOB, "bot": "eager", "calls": {"from": ["alice@*", BOB]}}
        async with (
            staged(tmp_path, [account], {"eager": Eager}, guests=["alice", "carol"]) as stage,
            Device(stage, "alice@localhost/phone") as phone,
            Device(stage, "carol@localhost/phone") as stranger,
        ):
            methods = tuple(JingleMethod("sid-1", jid) for jid in named)
            phone.send(message(BOB, JingleInvite(methods).to_element(), "invite-1"))
            last = JingleInvite((JingleMethod("sid-2", phone.jid),))
            phone.send(message(BOB, last.to_element(), "invite-2"))
            for sid in ["sid-1", "sid-2"] if called else ["sid-2"]:
                await phone.until(partial(is_initiate, sid))
                await phone.jingle(
                    (await stage.account(BOB))._session.jid, phone.terminate(sid, "decline")
                )
            bob = (await stage.account(BOB))._session.jid
            unknown = "item-not-found unknown-session"
            assert await stranger.jingle(bob, stranger.terminate("sid-1", "cancel")) == unknown
            assert not [stanza for stanza in stranger.heard if is_initiate("sid-1", stanza)]

    run(main)


def is_initiate(sid: str, stanza: Element) -> bool:
    """Whether a stanza is the session-initiate of a session."""
    jingle = stanza.find(f"{{{ns.JINGLE}}}jingle")
    return (
        jingle is not None
        and jingle.get("action") == "session-initiate"
        and jingle.get("sid") == sid
    )


def message(to: str, payload: Element, identifier: str) -> Element:
    """A chat message with one payload."""
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", "id": identifier})
    stanza.append(payload)
    return stanza

"""Handles on what comes in beside calls: messages, presences, invites."""

from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.account import AnswerInvite, Invitation, Offline, PlaceCall, SendText
from callboard.actors.messages.call import CallOver, GetStatus, Wait
from callboard.actors.xmpp.contact import Contact, Resource
from callboard.bots import (
    Address,
    ClockPattern,
    Invite,
    Message,
    Presence,
    Silence,
    SourceError,
    Tone,
)
from callboard.tests.bots.staged import PEER, RINGING, Staged, broken, settled
from callboard.tests.conftest import Run

INVITATION = Invitation(f"{PEER}/phone", "id", "their-sid", f"{PEER}/room", audio=True, video=True)


def test_a_reply_goes_to_the_device_that_wrote(run: Run) -> None:
    account: Any = Staged()
    message = Message(Address(f"{PEER}/phone"), "Anybody there?", account)
    run(lambda: message.reply("Yes"))
    assert account.heard == [SendText(f"{PEER}/phone", "Yes", answers=message._number)]
    assert "Staged" not in repr(message)


@pytest.mark.parametrize(
    ("resources", "available", "show", "status"),
    [
        ({}, False, "", ""),
        ({"a": Resource("away", "lunch", 0, "")}, True, "away", "lunch"),
        ({"a": Resource("away", "lunch", 5, ""), "b": Resource("", "", 1, "")}, True, "", "lunch"),
        ({"a": Resource("dnd", "x", 0, ""), "b": Resource("xa", "y", 9, "")}, True, "xa", "y"),
        ({"a": Resource("", "x", 0, ""), "b": Resource("chat", "y", -1, "")}, True, "chat", "x"),
    ],
)
def test_a_presence_sums_up_what_all_devices_say(
    resources: dict[str, Resource], available: bool, show: str, status: str
) -> None:
    presence = Presence(Contact(PEER, "Alice", "both", resources))
    assert presence.jid == PEER
    assert (presence.available, presence.show, presence.status) == (available, show, status)


def staged_invite(folder: Path, placed: Any) -> tuple[Staged, Invite]:
    account: Any = Staged({PlaceCall: placed})
    return account, Invite(INVITATION, account, folder)


def test_an_invite_says_who_and_what(tmp_path: Path) -> None:
    account, invite = staged_invite(tmp_path, None)
    assert (invite.sender, invite.video) == (f"{PEER}/phone", True)
    assert not account.heard


def test_who_accepts_an_invite_joins_the_session_that_it_names(run: Run, tmp_path: Path) -> None:
    placed: Any = Staged({Wait: settled(None), GetStatus: RINGING})
    account, invite = staged_invite(tmp_path, settled(placed))
    call = run(lambda: invite.accept(audio="tone", video="pattern"))
    assert call.id == RINGING.id
    order = PlaceCall(f"{PEER}/room", Tone(), ClockPattern(), message=False, sid="their-sid")
    assert account.heard == [AnswerInvite(INVITATION, accept=True), order]


@pytest.mark.parametrize("error", [Offline("it is offline"), CallOver("nobody is there")])
def test_why_an_accepted_invite_leads_to_no_call_is_raised(
    run: Run, tmp_path: Path, error: Exception
) -> None:
    async def main() -> None:
        account, invite = staged_invite(tmp_path, broken(error))
        with pytest.raises(type(error), match=str(error)):
            await invite.accept()
        assert account.heard[1].audio == Silence()

    run(main)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"audio": None}, ValueError),
        ({"audio": "none", "video": "none"}, ValueError),
        ({"video": "tone"}, SourceError),
        ({"audio": 5}, TypeError),
    ],
)
def test_an_invite_is_not_accepted_with_nothing_to_send(
    run: Run, tmp_path: Path, given: dict[str, Any], error: type[Exception]
) -> None:
    account, invite = staged_invite(tmp_path, None)
    with pytest.raises(error):
        run(lambda: invite.accept(**given))
    assert not account.heard


def test_who_rejects_an_invite_says_so(run: Run, tmp_path: Path) -> None:
    account, invite = staged_invite(tmp_path, None)
    run(invite.reject)
    assert account.heard == [AnswerInvite(INVITATION, accept=False)]

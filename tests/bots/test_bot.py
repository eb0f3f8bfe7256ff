"""What a bot asks its account for, and what one does that overrides nothing."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.account import (
    GetRoster,
    Invitation,
    PlaceCall,
    SendInvite,
    SendText,
    SetPresence,
)
from callboard.actors.messages.call import Decline, GetStatus, Wait
from callboard.bots import (
    Address,
    Bot,
    CallOver,
    ClockPattern,
    Contact,
    Invite,
    Message,
    Offline,
    Presence,
    Silence,
    SourceError,
    Tone,
)
from callboard.bots.adapter import BotAdapter
from callboard.tests.bots.staged import (
    ACCOUNT,
    PEER,
    RINGING,
    Staged,
    broken,
    settled,
    staged_call,
)
from callboard.tests.conftest import Run

CONTACT = Contact(PEER, "Alice", "both", {})


def staged_bot(folder: Path, answers: dict[type, Any] | None = None) -> tuple[Staged, Bot]:
    actor: Any = Staged(answers)
    return actor, Bot(actor, ACCOUNT, {}, folder)


def test_a_bot_that_overrides_nothing_declines_calls_and_keeps_silent(
    run: Run, tmp_path: Path
) -> None:
    account, bot = staged_bot(tmp_path)
    actor, call = staged_call(tmp_path)
    invitation = Invitation(PEER, "id", "sid", PEER, audio=True, video=False)
    silent: Any = Staged()

    async def main() -> None:
        await bot.on_start()
        await bot.on_call(call)
        await bot.on_message(Message(Address(PEER), "text", silent))
        await bot.on_presence(Presence(CONTACT))
        await bot.on_media(call)
        await bot.on_data(call, "text")
        await bot.on_recording_failed(call, "why")
        await bot.on_takeover(call, "anna")
        await bot.on_giveback(call, "anna")
        await bot.on_invite(Invite(invitation, silent, tmp_path))
        await bot.on_stop()

    run(main)
    assert actor.heard == [Decline()]
    assert account.heard == silent.heard == []


ORDERS: list[tuple[dict[str, Any], PlaceCall]] = [
    ({}, PlaceCall(PEER, Silence(), None)),
    ({"audio": "tone:300", "record": True}, PlaceCall(PEER, Tone(300), None, record=True)),
    ({"audio": None, "video": "pattern"}, PlaceCall(PEER, None, ClockPattern())),
    ({"audio": "none", "video": "pattern"}, PlaceCall(PEER, None, ClockPattern())),
    ({"message": False, "data": True}, PlaceCall(PEER, Silence(), None, False, data=True)),
]


@pytest.mark.parametrize(("given", "order"), ORDERS)
def test_a_call_is_ordered_as_its_arguments_say(
    run: Run, tmp_path: Path, given: dict[str, Any], order: PlaceCall
) -> None:
    placed: Any = Staged({Wait: settled(None), GetStatus: RINGING})
    account, bot = staged_bot(tmp_path, {PlaceCall: settled(placed)})
    call = run(lambda: bot.call("Alice@LOCALHOST", **given))
    assert account.heard == [order]
    assert call.id == RINGING.id


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"audio": None}, ValueError, "a call needs audio or video"),
        ({"audio": "none", "video": "none"}, ValueError, "a call needs audio or video"),
        ({"audio": "pattern"}, SourceError, "'pattern' has no audio"),
        ({"to": "a b@localhost"}, ValueError, "can't contain ' '"),
    ],
)
def test_a_call_that_can_not_be_is_never_ordered(
    run: Run, tmp_path: Path, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    account, bot = staged_bot(tmp_path)
    with pytest.raises(error, match=words):
        run(lambda: bot.call(**{"to": PEER, **given}))
    assert not account.heard


@pytest.mark.parametrize("error", [Offline("it is offline"), CallOver("it is busy")])
@pytest.mark.parametrize("when", ["asked", "promised"])
def test_why_no_call_was_placed_is_raised(
    run: Run, tmp_path: Path, error: Exception, when: str
) -> None:
    async def main() -> None:
        _, bot = staged_bot(tmp_path, {PlaceCall: error if when == "asked" else broken(error)})
        with pytest.raises(type(error), match=str(error)):
            await bot.call(PEER)

    run(main)


TOLD: list[tuple[Callable[[Bot], Awaitable[Any]], object]] = [
    (lambda bot: bot.send("Alice@LOCALHOST/Phone", "Hello"), SendText(f"{PEER}/Phone", "Hello")),
    (lambda bot: bot.set_presence("dnd", "busy", -1), SetPresence("dnd", "busy", -1)),
    (lambda bot: bot.set_presence(), SetPresence()),
    (lambda bot: bot.roster(), GetRoster()),
]


@pytest.mark.parametrize(
    ("use", "deed"),
    [
        (lambda bot: bot.send(f"{ACCOUNT}/phone", "Hello"), "write to"),
        (lambda bot: bot.invite(ACCOUNT), "invite"),
    ],
)
def test_nobody_writes_to_the_own_account(
    run: Run, tmp_path: Path, use: Callable[[Bot], Coroutine[Any, Any, Any]], deed: str
) -> None:
    account, bot = staged_bot(tmp_path)
    with pytest.raises(ValueError, match=f"to: {ACCOUNT} can't {deed} itself"):
        run(lambda: use(bot))
    assert not account.heard


def test_what_is_sent_to_who_wrote_is_an_answer(run: Run, tmp_path: Path) -> None:
    account: Any = Staged()

    class Relay(Bot):
        async def on_message(self, message: Message) -> None:
            await self.send(message.sender.bare, "read")
            await message.reply("replied")
            await self.send("carol@localhost", message.body)

    adapter = BotAdapter(Relay(account, ACCOUNT, {}, tmp_path), account, tmp_path)

    async def main() -> None:
        await adapter.text(f"{PEER}/phone", "first")
        await adapter.text(f"{PEER}/phone", "second")
        await adapter._bot.send(PEER, "by itself")

    run(main)
    first, replied, passed_on, second, *_, last = account.heard
    assert first.answers == replied.answers is not None
    assert second.answers not in (None, first.answers)
    assert (passed_on.to, passed_on.answers) == ("carol@localhost", None)
    assert last.answers is None


@pytest.mark.parametrize(("use", "message"), TOLD)
def test_the_account_is_told(
    run: Run, tmp_path: Path, use: Callable[[Bot], Awaitable[Any]], message: object
) -> None:
    account, bot = staged_bot(tmp_path, {GetRoster: (CONTACT,)})

    async def main() -> Any:
        return await use(bot)

    answer = run(main)
    assert account.heard == [message]
    assert answer == ((CONTACT,) if isinstance(message, GetRoster) else None)


def test_each_invite_names_a_session_of_its_own(run: Run, tmp_path: Path) -> None:
    account, bot = staged_bot(tmp_path)

    async def main() -> tuple[str, str]:
        return await bot.invite(PEER), await bot.invite(PEER, video=True)

    first, second = run(main)
    assert first != second
    assert account.heard == [SendInvite(PEER, first, False), SendInvite(PEER, second, True)]


def test_what_a_bot_logs_has_its_name_and_account(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Lobby(Bot):
        pass

    bot = Lobby(None, ACCOUNT, {}, tmp_path)
    with caplog.at_level(logging.INFO):
        bot.log.info("open", extra={"floor": 3})
    (record,) = caplog.records
    assert record.name == "callboard.bots.Lobby"
    assert record.__dict__["account"] == ACCOUNT
    assert record.__dict__["floor"] == 3

"""What the actors tell a bot comes to its methods, as the handles that a bot's author knows."""

from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.account import Invitation
from callboard.actors.messages.call import Answer, CallOver, GetStatus, Wait
from callboard.actors.xmpp.contact import Contact
from callboard.bots import Address, Bot, Call, Invite, Message, OptionsError, Presence, Silence
from callboard.bots.adapter import BotAdapter, bot_factory
from callboard.bots.find import BUILT_IN
from callboard.config import AccountSettings
from callboard.media import ReceivePath
from callboard.tests.bots.staged import ACCOUNT, PEER, RECORD, RINGING, Staged, settled
from callboard.tests.conftest import Run

CONTACT = Contact(PEER, "Alice", "both", {})
INVITATION = Invitation(f"{PEER}/phone", "id", "sid", PEER, audio=True, video=False)


class Diary(Bot):
    """Notes what it is told."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.pages: list[tuple[Any, ...]] = []

    async def on_start(self) -> None:
        self.pages.append(("start",))

    async def on_stop(self) -> None:
        self.pages.append(("stop",))

    async def on_call(self, call: Call) -> None:
        self.pages.append(("call", call.id, call.peer))

    async def on_message(self, message: Message) -> None:
        self.pages.append(("message", message.sender, message.body))

    async def on_presence(self, presence: Presence) -> None:
        self.pages.append(("presence", presence.jid))

    async def on_media(self, call: Call) -> None:
        self.pages.append(("media", call.id))

    async def on_data(self, call: Call, data: str | bytes) -> None:
        self.pages.append(("data", call.id, data))

    async def on_digit(self, call: Call, digit: str) -> None:
        self.pages.append(("digit", call.id, digit))

    async def on_recording_failed(self, call: Call, why: str) -> None:
        self.pages.append(("recording", call.id, why))

    async def on_takeover(self, call: Call, person: str) -> None:
        self.pages.append(("takeover", call.id, person))

    async def on_giveback(self, call: Call, person: str) -> None:
        self.pages.append(("giveback", call.id, person))

    async def on_invite(self, invite: Invite) -> None:
        self.pages.append(("invite", invite.sender))


def adapted(folder: Path, kind: type[Bot] = Diary) -> tuple[Any, BotAdapter]:
    account: Any = Staged()
    bot = kind(account, ACCOUNT, {}, folder)
    return bot, BotAdapter(bot, account, folder)


def test_each_event_comes_to_its_method(run: Run, tmp_path: Path) -> None:
    diary, adapter = adapted(tmp_path)
    call: Any = Staged({Wait: settled(RECORD), GetStatus: RINGING})

    async def main() -> None:
        await adapter.started()
        await adapter.called(call, RINGING)
        await adapter.text(PEER, "Hello")
        await adapter.presence(CONTACT)
        await adapter.media(call, ("audio", "video"))
        await adapter.data(call, b"octets")
        await adapter.digit(call, "#")
        await adapter.recording_failed(call, "The disk is full")
        await adapter.taken_over(call, "anna")
        await adapter.given_back(call, "anna")
        await adapter.invited(INVITATION)
        await adapter.stopping()

    run(main)
    assert adapter.name == "Diary"
    assert diary.pages == [
        ("start",),
        ("call", "sid", f"{PEER}/phone"),
        ("message", PEER, "Hello"),
        ("presence", PEER),
        ("media", "sid"),
        ("data", "sid", b"octets"),
        ("digit", "sid", "#"),
        ("recording", "sid", "The disk is full"),
        ("takeover", "sid", "anna"),
        ("giveback", "sid", "anna"),
        ("invite", f"{PEER}/phone"),
        ("stop",),
    ]
    addresses = [one for page in diary.pages for one in page if str(one).startswith(PEER)]
    assert len(addresses) == 4
    assert all(isinstance(one, Address) for one in addresses)


def test_a_bot_hears_nothing_of_a_call_that_is_over_already(run: Run, tmp_path: Path) -> None:
    diary, adapter = adapted(tmp_path)
    call: Any = Staged()
    call.has_ended = True

    async def main() -> None:
        for event in (
            adapter.called(call, RINGING),
            adapter.media(call, ("audio",)),
            adapter.data(call, "text"),
            adapter.digit(call, "1"),
            adapter.recording_failed(call, "why"),
        ):
            with pytest.raises(CallOver):
                await event

    run(main)
    assert not diary.pages


@pytest.mark.parametrize("path", [None, "packets", "frames", "none"])
def test_all_calls_of_a_bot_receive_on_the_path_of_its_class(
    tmp_path: Path, path: str | None
) -> None:
    kind = type("Listener", (Bot,), {"path": path})
    _, adapter = adapted(tmp_path, kind)
    assert adapter.path_of("one") is adapter.path_of("other")
    assert adapter.path_of("one") == (path and ReceivePath(path))
    assert adapter.answer_to("one") == Answer(Silence(), None)


def settings(bot: str, **options: Any) -> AccountSettings:
    return AccountSettings.model_validate(
        {"jid": f"{ACCOUNT}/there", "password": "s3", "bot": bot, "options": options}
    )


def test_an_accounts_bot_is_made_with_its_options(tmp_path: Path) -> None:
    account: Any = Staged()
    make = bot_factory(BUILT_IN, tmp_path)
    assert make(account, settings("recorder", wav=True)).name == "RecorderBot"
    with pytest.raises(OptionsError, match="wav: give true or false"):
        make(account, settings("recorder", wav="yes"))

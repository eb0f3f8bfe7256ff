"""Messages: what reaches a bot, in which order, and what does not."""

import logging
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.answer_rate import MOST
from callboard.actors.messages.account import SendText
from callboard.actors.messages.exchange import ChatMessage
from callboard.bots import Bot, Message
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Stage, Told, staged

CLIENT = "{jabber:client}"
DEVICE = "carol@localhost/device"
WARNING = "answer each other's messages"


def body(text: str) -> Callable[[Element], bool]:
    return lambda stanza: stanza.findtext(f"{CLIENT}body") == text


def test_echo_replies_with_the_same_words_to_the_full_jid(run: Run, tmp_path: Path) -> None:
    words = "Grüße & <b>Küsse</b>\n\t☎"

    async def main() -> None:
        async with (
            staged(tmp_path, [{"jid": ALICE, "bot": "echo"}], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            device.text(ALICE, words)
            reply = await device.until(lambda e: e.findtext(f"{CLIENT}body") == words)
            assert reply.get("to") == DEVICE
            assert reply.get("type") == "chat"

    run(main)


def test_messages_keep_their_order_also_when_the_bot_is_slow(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            wanted = [str(number) for number in range(200)]
            for text in wanted:
                await stage.puppets[BOB].send(ALICE, text)
            await stage.told(ALICE, Message, lambda m: m.body == wanted[-1])
            heard = [e.what.body for e in stage.all(Told) if isinstance(e.what, Message)]
            assert heard == wanted

    run(main)


def test_carbons_own_copies_errors_and_groups_are_no_messages_for_the_bot(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE, BOB], guests=["carol"]) as stage,
            Device(stage, "alice@localhost/phone") as phone,
            Device(stage, DEVICE) as carol,
        ):
            phone.text(BOB, "from my phone")  # its carbon comes to alice's bot
            await stage.told(BOB, Message)
            account = await stage.account(ALICE)
            forged = Element(f"{CLIENT}message", {"to": account._session.jid})
            received = Element("{urn:xmpp:carbons:2}received")
            forwarded = Element("{urn:xmpp:forward:0}forwarded")
            inner = Element(f"{CLIENT}message", {"from": BOB, "to": ALICE, "type": "chat"})
            text = Element(f"{CLIENT}body")
            text.text = "forged"
            inner.append(text)
            forwarded.append(inner)
            received.append(forwarded)
            forged.append(received)
            carol.send(forged)
            carol.text(account._session.jid, "an error", type="error")
            carol.text(account._session.jid, "a group", type="groupchat")
            carol.text(ALICE, "for the bot")
            await stage.told(ALICE, Message, lambda m: m.body == "for the bot")
            heard = [
                e.what.body
                for e in stage.all(Told)
                if e.account == ALICE and isinstance(e.what, Message)
            ]
            assert heard == ["for the bot"]

    run(main)


def test_text_that_xml_can_not_carry_is_refused_and_the_stream_stays(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            for text in ("\0", "\x1b[0m", "\ud800", "\ufffe"):
                with pytest.raises(ValueError, match="can't be sent over XMPP: take it out"):
                    await stage.puppets[ALICE].send(BOB, f"a{text}b")
            await stage.puppets[ALICE].send(BOB, "first")
            message = await stage.told(BOB, Message)
            with pytest.raises(ValueError, match="can't be sent over XMPP"):
                await message.reply("\x07")
            await message.reply("second")
            assert (await stage.told(ALICE, Message)).body == "second"

    run(main)


def hellos(stage: Stage, direction: str) -> list[ChatMessage]:
    return [e for e in stage.all(ChatMessage) if (e.body, e.direction) == ("hello", direction)]


def test_two_bots_do_not_answer_each_other_for_ever(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        echoes = [{"jid": one, "bot": "echo"} for one in (ALICE, BOB)]
        async with (
            staged(tmp_path, echoes, guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            await stage.online(ALICE, BOB)
            (await stage.account(ALICE)).actor_ref.tell(SendText(BOB, "hello"))
            await stage.until(ChatMessage, lambda _: len(hellos(stage, "in")) == 2 * MOST + 1)
            device.text(ALICE, "to alice")
            device.text(BOB, "to bob")
            await device.until(body("to alice"))
            await device.until(body("to bob"))
            assert len(hellos(stage, "out")) == len(hellos(stage, "in")) == 2 * MOST + 1

    run(main)
    (line,) = [one.getMessage() for one in caplog.records if WARNING in one.getMessage()]
    assert "bot EchoBot of bob@localhost and alice@localhost" in line


def test_a_bot_is_not_given_what_another_device_writes_to_their_own_account(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, "alice@localhost/phone") as phone,
            Device(stage, DEVICE) as carol,
        ):
            own = (await stage.account(ALICE))._session.jid
            phone.text(own, "a note")
            await stage.until(ChatMessage, lambda e: e.body == "a note")
            carol.text(own, "for the bot")
            await stage.told(ALICE, Message, lambda m: m.body == "for the bot")
            heard = [e.what.body for e in stage.all(Told) if isinstance(e.what, Message)]
            assert heard == ["for the bot"]

    run(main)


class Fragile(Bot):
    async def on_message(self, message: Message) -> None:
        if message.body == "break":
            raise RuntimeError("I am made of glass")
        await message.reply("whole")


def test_a_bots_exception_is_logged_with_its_name_and_its_account_lives(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        desk = {"jid": ALICE, "bot": "fragile"}
        async with (
            staged(tmp_path, [desk], {"fragile": Fragile}, guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            device.text(ALICE, "break")
            failed = await stage.failure(ALICE)
            assert (failed.bot, failed.error) == ("Fragile", "RuntimeError: I am made of glass")
            device.text(ALICE, "go on")
            await device.until(lambda e: e.findtext(f"{CLIENT}body") == "whole")

    run(main)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == ["bot Fragile of alice@localhost failed"]
    assert errors[0].exc_info

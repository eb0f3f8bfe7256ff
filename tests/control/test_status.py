"""How an instance stands, as a client is told."""

from pathlib import Path

from callboard.actors.messages.exchange import BotFailed
from callboard.bots.echo import EchoBot
from callboard.bots.find import deaf
from callboard.bots.recorder import RecorderBot
from callboard.control import Client
from callboard.control.models.status import StatusCommand
from callboard.tests.conftest import Run
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.stage import an_instance

STATUS = StatusCommand()


def test_accounts_calls_and_parts_are_told(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            controlled(
                tmp_path, [ALICE, BOB, "carol@localhost"], missing=["carol"], wait=False
            ) as (stage, path),
            Client.connected(path) as client,
        ):
            await stage.online(ALICE, BOB)
            await stage.state("carol@localhost", "failed")
            call, other = await stage.connected(ALICE, BOB)
            status = await client.ask(STATUS)
            assert status.state == "running"
            assert status.accounts.by_state == {"online": 2, "failed": 1}
            first, *others = status.account_list
            assert (first.jid, first.state) == ("carol@localhost", "failed")
            assert first.detail
            assert [(one.jid, one.calls) for one in others] == [(ALICE, 1), (BOB, 1)]
            assert {(one.account, one.direction, one.id) for one in status.call_list} == {
                (ALICE, "out", call.id),
                (BOB, "in", other.id),
            }
            assert status.calls.by_state == {"connected": 2}
            assert [one.state for one in status.parts] == ["running"]
            assert not (await client.ask(StatusCommand(limit=0))).account_list
            await call.hangup()
            await stage.record(ALICE)
            await stage.record(BOB)
            status = await client.ask(STATUS)
            assert (status.calls.total, status.call_list) == (0, ())
            assert status.calls_ended.by_state == {"completed": 2}
            assert {one.calls for one in status.account_list} == {0}
        assert not path.exists()

    run(main)


def test_an_account_keeps_the_name_of_its_bot_and_says_whether_it_reads_messages(
    tmp_path: Path,
) -> None:
    """What a bot raised is reported with the name of its class, which the file does not have."""
    accounts = [{"jid": ALICE, "bot": "a:One"}, {"jid": BOB, "bot": "recorder"}]
    instance = an_instance(tmp_path, accounts=accounts)
    instance.overview.know_deaf(deaf({"a:One": EchoBot, "recorder": RecorderBot}))
    instance.hear(BotFailed(ALICE, "One", "ValueError: no"))
    told = {
        one.jid: (one.bot, one.failure, one.reads_messages) for one in instance.overview.accounts(5)
    }
    assert told == {ALICE: ("a:One", "ValueError: no", True), BOB: ("recorder", "", False)}

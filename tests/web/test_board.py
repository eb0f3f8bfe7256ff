"""The board as a part of what runs."""

import asyncio
import stat
from pathlib import Path
from typing import Any

from callboard.actors.messages.exchange import PresenceReturned
from callboard.control import Client
from callboard.control.models.status import StatusCommand, StatusResult
from callboard.tests.conftest import Run
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.http import ask
from callboard.tests.web.stage import TOKENS, boarded


def test_the_board_tells_what_the_control_socket_tells(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            call, _ = await stage.connected(ALICE, BOB)
            answer = await ask(port, "/api/status?limit=10", token=TOKENS["view"])
            assert answer.status == 200
            status = StatusResult.model_validate_json(answer.body)
            assert [one.jid for one in status.account_list] == [ALICE, BOB]
            assert {one.id for one in status.call_list} == {call.id}
            assert [one.state for one in status.parts if one.name == "board"] == ["running"]
            await call.hangup()
            await stage.record(ALICE)

    run(main)


def test_what_contacts_see_of_an_account_is_told(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [{"jid": ALICE, "status": "At the desk"}]) as (stage, port):

            async def shown() -> tuple[str, str]:
                answer = await ask(port, "/api/status", token=TOKENS["view"])
                [account] = answer.json["account_list"]
                return account["show"], account["status"]

            assert await shown() == ("", "At the desk")
            presence = {"show": "dnd", "status": "In a <call>"}
            target = f"/api/accounts/{ALICE}/presence"
            done = await ask(port, target, "POST", body=presence, token=TOKENS["control"])
            assert done.status == 200
            await stage.until(PresenceReturned, lambda one: one.show == "dnd")
            assert await shown() == ("dnd", "In a <call>")
            logout = f"/api/accounts/{ALICE}/logout"
            assert (await ask(port, logout, "POST", token=TOKENS["control"])).status == 200
            await stage.state(ALICE, "closed")
            assert await shown() == ("", "")

    run(main)


def test_why_a_login_fails_is_told(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "password": "wrong"}]
        async with boarded(tmp_path, accounts, wait=False) as (stage, port):
            failed = await stage.state(BOB, "failed")
            answer = await ask(port, "/api/status", token=TOKENS["view"])
            account = answer.json["account_list"][0]  # those in trouble come first
            assert (account["jid"], account["state"]) == (BOB, "failed")
            assert account["detail"] == failed.detail != ""

    run(main)


def test_a_call_opens_its_conversation(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            for account, peer in ((ALICE, BOB), (BOB, ALICE)):
                target = f"/api/accounts/{account}/conversations"
                [found] = (await ask(port, target, token=TOKENS["view"])).json["conversations"]
                assert (found["peer"], found["calls"], found["messages"]) == (peer, 1, 0)
            await out.hangup()
            await came.ended()

    run(main)


def test_a_token_is_made_and_kept_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    async def main() -> Path:
        async with (
            controlled(tmp_path, [ALICE], web=True) as (stage, path),
            Client.connected(path) as client,
        ):
            assert stage.deployment is not None
            board = stage.deployment.board
            assert board is not None
            assert board.link is not None
            file = path.with_suffix(".board")
            assert file.read_text() == f"{board.link}\n"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            token = board.link.partition("#token=")[2]
            assert len(token) >= 32
            said = (await client.ask(StatusCommand())).model_dump_json()
            assert board.url in said
            assert str(file) in said
            assert token not in said
            assert (await ask(board.port, "/api/status", token=token)).status == 200
            return file

    file = run(main)
    assert not file.exists()


def test_the_end_waits_for_no_visitor(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE]) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /api/sta")
        assert await reader.read() == b""
        writer.close()

    run(main)

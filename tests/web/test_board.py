"""The board as a part of what runs."""

import asyncio
import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from callboard.actors.messages.exchange import PresenceReturned
from callboard.config.web import WebSettings
from callboard.control import Client
from callboard.control.instance.instance import Instance
from callboard.control.models.status import StatusCommand, StatusResult
from callboard.tests.conftest import Run
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.media.page import page
from callboard.tests.web.http import PATIENCE, ask
from callboard.tests.web.stage import TOKENS, an_instance, bare_board, boarded
from callboard.web import board_server
from callboard.web.board import Board


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


def test_no_request_waits_for_a_thread(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("this would run in a thread")

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            monkeypatch.setattr(anyio.to_thread, "run_sync", refuse)
            schema = (await ask(port, "/api/openapi.json", token=TOKENS["talk"])).json
            asked = [path for path, methods in schema["paths"].items() if "get" in methods]
            assert "/api/status" in asked
            assert len(asked) > 8
            for path in asked:
                if path in ("/api/events", "/api/logs"):
                    continue  # their answers have no end
                target = re.sub(r"{\w+}", "none", path)
                answer = await ask(port, target, token=TOKENS["talk"])
                assert answer.status < 500, path

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


def test_the_token_is_written_to_a_file_of_its_own(run: Run, tmp_path: Path) -> None:
    """Whatever lies in its place is not written to, and nobody else can read it meanwhile."""
    foreign = tmp_path / "foreign"
    foreign.write_text("theirs")

    async def main() -> None:
        with tempfile.TemporaryDirectory() as short:
            instance = an_instance(tmp_path)
            instance.socket = Path(short, "s")
            file = instance.socket.with_suffix(".board")
            for place in ("symbolic link", "readable by all"):
                if place == "symbolic link":
                    file.symlink_to(foreign)
                else:
                    file.write_text("old")
                    file.chmod(0o666)
                board = await Board.started(WebSettings(), instance)
                assert not file.is_symlink()
                assert file.read_text() == f"{board.link}\n"
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
                await board.close()
                assert not file.exists()

    mask = os.umask(0)
    try:
        run(main)
    finally:
        os.umask(mask)
    assert foreign.read_text() == "theirs"


async def flooded(board: Board) -> None:
    """Ask for more than can be answered, in more connections than are taken."""

    async def one() -> None:
        with contextlib.suppress(OSError, IndexError, ValueError):
            await ask(board.port, "/api/status", token=TOKENS["view"])

    await asyncio.gather(*(one() for _ in range(300)))


async def broken(board: Board) -> None:
    """Let everything raise that answers, then what serves."""

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("it breaks")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Instance, "status", fail)
        assert (await ask(board.port, "/api/status", token=TOKENS["view"])).status == 500
        patch.setattr(board_server.BoardServer, "on_tick", fail)
        while not board._failure:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("mishap", [flooded, broken], ids=["overload", "crash"])
def test_no_mishap_of_the_board_ends_a_call(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mishap: Callable[[Board], Awaitable[None]],
) -> None:
    monkeypatch.setattr(board_server, "MOST_CONNECTIONS", 100)

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port), page() as one:
            out, came = await stage.connected(ALICE, BOB, audio="tone:400")
            where = f"/api/calls/{came.id}/listen/received?account={BOB}"
            offer = (await one.to_listen("audio")).encode()
            headers = {"Content-Type": "application/sdp"}
            found = await ask(
                port, where, "POST", body=offer, token=TOKENS["listen"], headers=headers
            )
            await one.take(found.body.decode())
            assert stage.deployment is not None
            assert stage.deployment.board is not None
            await mishap(stage.deployment.board)
            [audio] = (await came.status()).statistics
            await stage.media(BOB, "audio", audio.received + 50)
            await one.hears(400)
            async with asyncio.timeout(PATIENCE):
                while True:
                    with contextlib.suppress(OSError, IndexError, ValueError):
                        if (await ask(port, "/api/status", token=TOKENS["view"])).status == 200:
                            break
                    await asyncio.sleep(0.05)
            await out.hangup()
            assert (await came.ended()).state == "completed"

    run(main)


def test_the_end_waits_for_no_visitor(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE]) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /api/sta")
        assert await reader.read() == b""
        writer.close()

    run(main)

"""What the control socket takes, over HTTP."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from callboard.actors.messages.exchange import (
    AccountChanged,
    CallStatus,
    ChatMessage,
    ReceiptReceived,
)
from callboard.bots import Message
from callboard.cli.views.sentences import sentence
from callboard.config.web import WebSettings
from callboard.control.commands.all import COMMANDS
from callboard.control.history.history import History
from callboard.control.instance.events import event_of
from callboard.control.load_run.commands import COMMANDS as LOAD_COMMANDS
from callboard.tests.conftest import Run
from callboard.tests.control.history.past import add, past
from callboard.tests.live.stage import ALICE, BOB, CAROL
from callboard.tests.web.http import Answer, ask
from callboard.tests.web.stage import TOKENS, an_instance, bare_board, boarded
from callboard.web.board import Board
from callboard.web.commands import ROUTES

CONTROL = TOKENS["control"]


async def done(port: int, target: str, **fields: Any) -> Any:
    """Give a command; return its answer."""
    answer = await ask(port, target, "POST", body=fields, token=CONTROL)
    assert answer.status == 200, answer.body
    return answer.json


async def seen(port: int, target: str) -> Any:
    """Look at something."""
    answer = await ask(port, target, token=CONTROL)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_call_is_placed_steered_recorded_and_looked_up(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            fields = {"account": ALICE, "to": BOB, "audio": "tone:440", "seconds": None}
            placed = await done(port, "/api/calls", **fields)
            call = quote(placed["id"], safe="")
            await stage.ringing(BOB, placed["id"])
            mine, theirs = {"account": ALICE}, {"account": BOB}
            await done(port, f"/api/calls/{call}/answer", audio="tone:880", **theirs)
            await stage.phase(ALICE, "connected")
            await done(port, f"/api/calls/{call}/record", **mine)
            await done(port, f"/api/calls/{call}/mute", kind="audio", on=True, **mine)
            await stage.until(CallStatus, lambda one: one.account == BOB and one.muted != ())
            await done(port, f"/api/calls/{call}/mute", kind="audio", on=False, **mine)
            await done(port, f"/api/calls/{call}/hold", on=True, **mine)
            await stage.until(CallStatus, lambda one: one.account == BOB and one.held)
            await done(port, f"/api/calls/{call}/hold", on=False, **mine)
            await done(port, f"/api/calls/{call}/press", digits="42", **mine)
            await done(port, f"/api/calls/{call}/play", source="tone:523", **mine)
            [live, _] = (await seen(port, "/api/calls"))["calls"]
            assert (live["id"], live["phase"]) == (placed["id"], "connected")
            assert (await seen(port, f"/api/ladders/{call}"))["state"] == "running"
            await done(port, f"/api/calls/{call}/record", on=False, **mine)
            await done(port, f"/api/calls/{call}/hangup")
            record = await stage.record(ALICE, placed["id"])
            found = await seen(port, f"/api/history?account={ALICE}&limit=5")
            assert [one["uuid"] for one in found["calls"]] == [record.uuid]
            past = (await seen(port, f"/api/history/{record.uuid}"))["call"]
            assert past["recordings"][0]["presence"] == "present"
            await check_ladders(port, record.uuid)
            await check_recording(port, past["uuid"], Path(past["recordings"][0]["path"]))

    run(main)


async def check_ladders(port: int, uuid: str) -> None:
    for form, kind, word in (
        ("text", "text/plain", "session-initiate"),
        ("svg", "image/svg+xml", "<svg"),
        ("json", "application/json", '"rungs"'),
    ):
        answer = await ask(port, f"/api/ladders/{uuid}?form={form}", token=TOKENS["view"])
        assert answer.headers["content-type"].startswith(kind)
        assert word in answer.body.decode()


async def check_recording(port: int, uuid: str, path: Path) -> None:
    whole = await asyncio.to_thread(path.read_bytes)
    target = f"/api/recordings/{uuid}/0"

    async def get(wanted: str = "", query: str = "", token: str = TOKENS["listen"]) -> Answer:
        return await ask(port, target + query, token=token, headers={"Range": wanted or "none"})

    assert (await get()).body == whole
    assert (await get(token=TOKENS["view"])).status == 403
    part = await get("bytes=10-19")
    assert (part.status, part.body) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert (await get("bytes=-5")).body == whole[-5:]
    assert (await get(f"bytes={len(whole)}-")).status == 416
    named = (await get(query="?download=true")).headers["content-disposition"]
    assert named == f'attachment; filename="call-{uuid[:8]}-0{path.suffix}"'
    assert (await ask(port, f"/api/recordings/{uuid}/1", token=TOKENS["listen"])).status == 404


@pytest.mark.parametrize(
    ("records", "status", "kind"),
    [
        (None, 409, "not-possible"),  # the instance is still starting
        ("no readable file", 409, "not-possible"),
        ("no call", 404, "unknown-call"),
        ("two calls", 409, "ambiguous-call"),
    ],
)
def test_a_recording_is_refused_as_its_call_is(
    run: Run, tmp_path: Path, records: str | None, status: int, kind: str
) -> None:
    log = tmp_path / ("past.jsonl" if records != "no readable file" else "x" * 300)
    if records == "two calls":
        add(log, past(id="the-call"), past(id="the-call"))

    async def main() -> None:
        instance = an_instance(tmp_path)
        board = await Board.started(WebSettings.model_validate({"tokens": TOKENS}), instance)
        history = History(log, tmp_path)
        try:
            if records is not None:
                instance.history = history
            for target in ("/api/history/the-call", "/api/recordings/the-call/0"):
                answer = await ask(board.port, target, token=TOKENS["listen"])
                assert (answer.status, answer.json["type"]) == (status, kind)
        finally:
            await history.close()
            await board.close()

    run(main)


def test_messages_are_read_and_written_with_their_author_and_delivery(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            messages = f"/api/accounts/{ALICE}/conversations/{BOB}/messages"
            await done(port, messages, body="Hello <b>Bob</b>")
            heard = await stage.told(BOB, Message)
            assert heard.body == "Hello <b>Bob</b>"
            await heard.reply("Hello Alice")
            await stage.told(ALICE, Message)
            await stage.puppets[ALICE].send(BOB, "I am a bot")
            await stage.told(BOB, Message, lambda one: one.body == "I am a bot")
            found = (await seen(port, messages))["messages"]
            told = [(one["direction"], one["author"], one["body"]) for one in found]
            assert told == [
                ("out", "person", "Hello <b>Bob</b>"),
                ("in", "peer", "Hello Alice"),
                ("out", "bot", "I am a bot"),
            ]
            answer = await ask(port, messages, token=TOKENS["view"])
            assert answer.status == 403
            assert b"Alice" not in answer.body
            [one] = (await seen(port, f"/api/accounts/{ALICE}/conversations"))["conversations"]
            assert (one["peer"], one["messages"]) == (BOB, 3)
            await done(
                port, f"/api/accounts/{ALICE}/conversations/nobody@localhost/messages", body="?"
            )
            itself = f"/api/accounts/{ALICE}/conversations/{ALICE}/messages"
            refused = await ask(port, itself, "POST", body={"body": "?"}, token=CONTROL)
            assert refused.status == 422
            assert f"{ALICE} can't write to itself" in refused.body.decode()
            nobody = f"/api/accounts/{ALICE}/conversations/nobody@localhost/messages"
            while (await seen(port, nobody))["messages"][0]["delivery"] != "failed":
                pass
            assert "Hello" not in repr(stage.all(ChatMessage))
            assert stage.all(ReceiptReceived) == []

    run(main)


def test_an_account_logs_out_and_in(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE]) as (stage, port):
            again = await ask(port, f"/api/accounts/{ALICE}/login", "POST", token=CONTROL)
            assert (again.status, again.json["type"]) == (409, "not-possible")
            await done(port, f"/api/accounts/{ALICE}/logout")
            await stage.state(ALICE, "closed")
            stage.events.clear()
            await done(port, f"/api/accounts/{ALICE}/login")
            await stage.online(ALICE)

    run(main)


def is_told(detail: str, report: AccountChanged) -> bool:
    return report.detail == detail


def test_an_account_that_waits_for_its_calls_to_log_out_says_so(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB, CAROL]) as (stage, port):
            calls = []
            for peer in (BOB, CAROL):
                fields = {"account": ALICE, "to": peer, "audio": "tone:440", "seconds": None}
                calls.append((await done(port, "/api/calls", **fields))["id"])
                await stage.ringing(peer, calls[-1])
            await done(port, f"/api/accounts/{ALICE}/logout", seconds=600)
            for call, words in zip(calls, ("2 calls still run", "1 call still runs"), strict=True):
                detail = f"logging out, {words}"
                left = await stage.until(AccountChanged, partial(is_told, detail))
                assert left.state == "leaving"
                assert sentence(event_of(left, 0)) == f"{ALICE} {detail}"
                [alice] = [
                    one
                    for one in (await seen(port, "/api/status"))["account_list"]
                    if one["jid"] == ALICE
                ]
                assert (alice["state"], alice["detail"]) == ("leaving", detail)
                await done(port, f"/api/calls/{quote(call, safe='')}/hangup", account=ALICE)
            await stage.state(ALICE, "closed")

    run(main)


def test_every_command_is_on_the_board_but_streams(run: Run, tmp_path: Path) -> None:
    names = {one.name for one in ROUTES}
    streams = {"events", "logs"}
    assert set(COMMANDS) - names == {*streams, "ladder"}
    assert set(LOAD_COMMANDS) - names == streams

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            answer = await ask(port, "/api/openapi.json", token=TOKENS["view"])
            assert answer.json["openapi"].startswith("3.1")
            paths = answer.json["paths"]
            for one in ROUTES:
                if one.name not in COMMANDS:  # a load run's
                    continue
                path = one.path.replace(":path", "")
                assert one.method.lower() in paths[path]
            hangup = paths["/api/calls/{call}/hangup"]["post"]
            assert {one["name"] for one in hangup["parameters"]} == {"call"}
            schema = hangup["requestBody"]["content"]["application/json"]["schema"]
            assert set(schema["properties"]) == {"account"}
            assert json.dumps(answer.json).count("LoginResult") >= 2

    run(main)

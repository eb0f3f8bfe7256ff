"""What ends a deployment, and what does not."""

import asyncio
import logging
import socket
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from callboard.actors import call_libraries as libraries
from callboard.actors.messages.exchange import AccountReady
from callboard.actors.records.call_record import CallRecord
from callboard.bots.bot import Bot
from callboard.bots.find import BUILT_IN
from callboard.bots.recorder import RecorderBot
from callboard.bots.silent import SilentBot
from callboard.cli.deployed import deployed
from callboard.cli.embedded_server import begun
from callboard.cli.exchange_error import ExchangeError
from callboard.cli.views.event import Event
from callboard.config import Settings
from callboard.config.web import WebSettings
from callboard.server import Prosody
from callboard.tests.cli.command import callboard
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports


def settings(folder: Path) -> Settings:
    call = {"to": "desk@localhost", "video": "none", "seconds": 1}
    return Settings.model_validate(
        {
            "server": "embedded",
            "recordings": folder,
            "call_log": folder / "calls.jsonl",
            "drain": 0,
            "accounts": [
                {"jid": "desk@localhost", "password": "s3", "bot": "recorder"},
                {"jid": "alice@localhost", "password": "s3", "bot": "caller", "options": call},
            ],
        }
    )


def test_a_view_that_raises_ends_no_call(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records: list[CallRecord] = []

    async def main() -> None:
        over = asyncio.Event()

        def see(event: Event) -> None:
            if isinstance(event, CallRecord):
                records.append(event)
                if len(records) == 2:
                    over.set()
            raise ZeroDivisionError

        async with deployed(settings(tmp_path), BUILT_IN, tmp_path, see):
            await asyncio.wait_for(over.wait(), 60)

    with caplog.at_level(logging.ERROR):
        run(main)
    assert [record.state for record in records] == ["completed"] * 2
    assert sum("ZeroDivisionError" in (one.exc_text or "") for one in caplog.records) == 1


def test_the_end_of_everything_is_told(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with deployed(settings(tmp_path), BUILT_IN, tmp_path, lambda _: None) as deployment:
            deployment.exchange.stop(block=False)
            with pytest.raises(ExchangeError):
                await asyncio.wait_for(deployment.over(), 60)

    run(main)


BREAKER = """\
from callboard.actors.messages.exchange import Shutdown
from callboard.bots import Bot
from pykka import ActorRegistry


class Breaker(Bot):
    async def on_start(self):
        (exchange,) = ActorRegistry.get_by_class_name("Exchange")
        exchange.tell(Shutdown("at once"))
"""


def test_what_ends_everything_ends_the_command_with_a_status(tmp_path: Path) -> None:
    (tmp_path / "breaker.py").write_text(BREAKER)
    (tmp_path / "tmp").mkdir()
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - {jid: desk@localhost, bot: 'breaker:Breaker'}\n")
    done = callboard("run", file, environ={"TMPDIR": str(tmp_path / "tmp")})
    assert done.returncode == 1, done.stderr
    assert "callboard: everything has stopped unexpectedly: see the log\n" in done.stderr
    assert not list((tmp_path / "tmp").iterdir())


def test_a_port_of_the_board_that_is_in_use_ends_it_before_anybody_logs_in(
    run: Run, tmp_path: Path
) -> None:
    seen: list[Event] = []

    async def main(address: str) -> None:
        web = WebSettings.model_validate({"address": address})
        with pytest.raises(OSError, match="can't be served at"):
            async with deployed(settings(tmp_path), BUILT_IN, tmp_path, seen.append, web=web):
                pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        run(lambda: main(f"127.0.0.1:{taken.getsockname()[1]}"))
    assert not seen


def test_what_calls_need_is_imported_before_a_bot_is_made_that_could_want_it(
    run: Run, tmp_path: Path
) -> None:
    found: list[bool] = []

    class Curious(RecorderBot):
        def __init__(self, *given: Any) -> None:
            found.append(libraries._imported().libraries.done())
            super().__init__(*given)

    async def main() -> None:
        libraries._imported.cache_clear()
        classes = {**BUILT_IN, "recorder": Curious}
        async with deployed(settings(tmp_path), classes, tmp_path, lambda _: None) as deployment:
            await deployment.settled()

    run(main)
    assert found == [True]


def test_a_server_that_has_begun_is_stopped_if_nothing_comes_of_it(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        begins = begun(settings(tmp_path))
        server = await begins.__aenter__()
        assert server is not None
        await server.start()
        with suppress(ExchangeError):
            await begins.__aexit__(ExchangeError, ExchangeError(), None)
        assert not server.is_running
        assert not server.folder.exists()

    run(main)


def test_a_server_that_has_begun_early_gets_the_accounts(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        early = Prosody({})
        async with begun(settings(tmp_path), early) as server:
            assert server is early
            await early.start()
            accounts = {path.name for path in early.folder.rglob("*.dat")}
            assert accounts == {"desk.dat", "alice.dat"}
        assert not early.is_running

    run(main)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [({"host": "embedded", "port": free_ports(1)[0]}, Prosody), ("127.0.0.1", type(None))],
)
def test_an_early_server_that_was_not_meant_is_stopped(
    run: Run, tmp_path: Path, declared: Any, kind: type
) -> None:
    meant = settings(tmp_path)
    fields = {**meant.model_dump(exclude={"media"}), "server": declared}

    async def main() -> None:
        early = Prosody({})
        await early.begin()
        async with begun(Settings.model_validate(fields), early) as server:
            assert isinstance(server, kind)
            assert server is not early
            assert not early.is_running
            assert not early.folder.exists()

    run(main)


def test_a_bot_begins_when_what_is_said_of_calls_is_imported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on: Future[None] = Future()
    order: list[str] = []
    monkeypatch.setattr(libraries, "_imported", cache(libraries._imported.__wrapped__))
    monkeypatch.setattr(libraries, "_import_messages", lambda: go_on.result(60))

    async def main() -> None:
        ready, begun = asyncio.Event(), asyncio.Event()

        class Eager(SilentBot):
            async def on_start(self) -> None:
                order.append("begun")
                begun.set()

        def see(event: Event) -> None:
            if isinstance(event, AccountReady):
                ready.set()

        declared = settings(tmp_path)
        alone = declared.model_copy(update={"accounts": declared.accounts[:1]})
        classes: dict[str, type[Bot]] = {"recorder": Eager}
        async with deployed(alone, classes, tmp_path, see, calls_at_once=False):
            await asyncio.wait_for(ready.wait(), 60)
            for _ in range(20):
                await asyncio.sleep(0)
            order.append("imported")
            go_on.set_result(None)
            await asyncio.wait_for(begun.wait(), 60)

    run(main)
    assert order == ["imported", "begun"]

"""A file that is taken anew while its accounts run, on a real server."""

import asyncio
import gc
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    FindAccount,
    PresenceReturned,
)
from callboard.actors.xmpp.stream import Stream
from callboard.bots.module_folder import ModuleFolder
from callboard.cli.deployed import deployed
from callboard.cli.deployment import Deployment
from callboard.cli.settings import read
from callboard.cli.views.event import Event
from callboard.control import Client, ControlError
from callboard.control.models.logins import LoginCommand, LogoutCommand
from callboard.control.models.reload import ReloadCommand, ReloadResult
from callboard.control.problem import ProblemKind
from callboard.tests.cli.command import callboard, in_process
from callboard.tests.conftest import Run
from callboard.tests.web.http import ask

PATIENCE = 60.0

BOT = """\
from callboard.bots import Bot


class Desk(Bot):
    floor = {floor}

    def read_options(self, options):
        self.word = options.text("word", "")
"""


class Reloaded:
    """A deployment of a file that tests write anew."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self.file = folder / "accounts.yaml"
        self.socket = socket
        self.events: list[Event] = []
        self.ready: set[str] = set()
        self.changed = asyncio.Event()
        self.deployment: Deployment

    def write(self, *accounts: str, **top: object) -> None:
        keys: Mapping[str, object] = {"control": self.socket, "drain": "20s", **top}
        lines = [f"{key}: {value}" for key, value in keys.items()]
        self.file.write_text("\n".join([*lines, "accounts:", *(f"  - {{{a}}}" for a in accounts)]))

    def see(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, AccountReady):
            self.ready.add(event.jid)
        self.changed.set()

    async def until(self, found: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not found():
                self.changed.clear()
                await self.changed.wait()

    def states(self, jid: str) -> list[str]:
        return [
            one.state for one in self.events if isinstance(one, AccountChanged) and one.jid == jid
        ]

    async def online(self, *jids: str) -> None:
        await self.until(lambda: self.ready.issuperset(jids))

    async def shown(self, status: str, times: int = 1) -> None:
        await self.until(
            lambda: (
                sum(isinstance(e, PresenceReturned) and e.status == status for e in self.events)
                == times
            )
        )

    async def reload(self) -> ReloadResult:
        async with Client.connected(self.socket) as client:
            return await client.ask(ReloadCommand())

    async def bot(self, jid: str) -> Any:
        ref = await self.deployment.exchange.request(FindAccount(jid), timeout=PATIENCE)
        assert ref is not None
        account: Any = ref._actor_weakref()
        return account._bots.current._bot


@asynccontextmanager
async def running(folder: Path, *accounts: str, **top: object) -> AsyncIterator[Reloaded]:
    """Run a file as ``callboard run`` does, and wait until its accounts are online."""
    with tempfile.TemporaryDirectory() as short:  # a socket's path has 107 octets
        found = Reloaded(folder, Path(short, "s"))
        found.write(*accounts, **top)
        modules = ModuleFolder(folder)
        settings, classes = await asyncio.to_thread(read, found.file, modules=modules)
        given: dict[str, Any] = {"file": found.file, "modules": modules, "web": settings.web}
        async with deployed(settings, classes, folder, found.see, **given) as deployment:
            found.deployment = deployment
            await found.online(*(one.bare_jid for one in settings.accounts))
            yield found


ALICE = "jid: alice@localhost, bot: silent"
DESK = "jid: desk@localhost, bot: 'desk:Desk'"


def test_what_has_changed_is_taken(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "desk.py").write_text(BOT.format(floor=1))
        async with running(tmp_path, ALICE, DESK) as found:
            assert await found.reload() == ReloadResult(unchanged=2)

            found.write(ALICE, DESK, "jid: 'bob-{1..2}@localhost', bot: silent")
            result = await found.reload()
            assert result.added == ("bob-1@localhost", "bob-2@localhost")
            assert result.unchanged == 2
            await found.online(*result.added)  # the embedded server has their passwords

            found.write(f"{ALICE}, status: Gone, calls: {{limit: 1}}", DESK, drain="1s")
            result = await found.reload()
            assert result.keys == ("drain",)
            assert result.removed == ("bob-1@localhost", "bob-2@localhost")
            assert [(one.jid, one.keys) for one in result.changed] == [
                ("alice@localhost", ("status", "calls.limit"))
            ]
            await found.until(lambda: found.states("bob-2@localhost")[-1] == "closed")
            await found.shown("Gone")

            found.write(ALICE, f"{DESK}, options: {{word: hello}}")
            result = await found.reload()
            assert [one.keys for one in result.changed] == [
                ("status", "calls.limit"),
                ("options",),
            ]
            assert (await found.bot("desk@localhost")).word == "hello"

            (tmp_path / "desk.py").write_text(BOT.format(floor=2))
            result = await found.reload()
            assert [(one.jid, one.keys) for one in result.changed] == [
                ("desk@localhost", ("code",))
            ]
            assert (await found.bot("desk@localhost")).floor == 2

            found.write(ALICE, "jid: desk@localhost/here, bot: 'desk:Desk'")
            await found.reload()
            await found.until(lambda: found.states("desk@localhost")[-3:-1] == OFF_AND_ON)
            for jid in ("alice@localhost", "bob-1@localhost"):
                assert found.states(jid).count("connecting") == 1

    run(main)


@pytest.mark.parametrize("is_gone", [True, False], ids=["is out", "is about to leave"])
def test_who_has_logged_out_stays_out_and_returns_as_the_file_says_now(
    run: Run, tmp_path: Path, is_gone: bool
) -> None:
    async def main() -> None:
        (tmp_path / "desk.py").write_text(BOT.format(floor=1))
        async with running(tmp_path, ALICE, DESK) as found:
            async with Client.connected(found.socket) as client:
                await client.ask(LogoutCommand(account="desk@localhost"))
                if is_gone:
                    await found.until(lambda: found.states("desk@localhost")[-1] == "closed")
                (tmp_path / "desk.py").write_text(BOT.format(floor=2))
                found.write(ALICE, f"{DESK}, options: {{word: hello}}, status: Back")
                result = await found.reload()
                assert result.refused == ()
                assert [(one.jid, one.keys) for one in result.changed] == [
                    ("desk@localhost", ("options", "status", "code"))
                ]
                await found.until(lambda: found.states("desk@localhost")[-1] == "closed")
                await client.ask(LoginCommand(account="desk@localhost"))
            await found.shown("Back")
            bot = await found.bot("desk@localhost")
            assert (bot.word, bot.floor) == ("hello", 2)
            assert found.states("desk@localhost") == [
                *("connecting", "online", "closed", "connecting", "online")
            ]

    run(main)


OFF_AND_ON = ["closed", "connecting"]

BROKEN: dict[str, Callable[[Reloaded], object]] = {
    "no YAML": lambda found: found.file.write_text("accounts: ["),
    "a key of no account": lambda found: found.write(f"{ALICE}, colour: red", DESK),
    "no such bot": lambda found: found.write("jid: alice@localhost, bot: silnt", DESK),
    "an option": lambda found: found.write(ALICE, f"{DESK}, options: {{wrod: 1}}"),
    "code": lambda found: (found.file.parent / "desk.py").write_text("import nothing_there\n"),
    "code at a line": lambda found: (found.file.parent / "desk.py").write_text("\n1 / 0\n"),
    "vanished": lambda found: found.file.unlink(),
}
FIXED = {
    "recordings": {"recordings": "elsewhere/"},
    "server.port": {"server": "{host: embedded, port: 45678}"},
    "media.ports": {"media": "{ports: 50000-50010}"},
    "call_log": {"call_log": "other.jsonl"},
    "web": {"web": "true"},
}


def test_what_is_wrong_changes_nothing_and_is_told_as_check_tells_it(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        (tmp_path / "desk.py").write_text(BOT.format(floor=1))
        async with running(tmp_path, ALICE, DESK) as found:
            desk = await found.bot("desk@localhost")
            for what, spoil in BROKEN.items():
                found.write(f"{ALICE}, status: Gone", DESK, "jid: bob@localhost, bot: silent")
                spoil(found)
                with pytest.raises(ControlError) as caught:
                    await found.reload()
                check = callboard if "code" in what else in_process  # its modules run here
                checked = await asyncio.to_thread(check, "check", found.file)
                assert caught.value.kind is ProblemKind.INVALID_FILE, what
                assert caught.value.detail == checked.stderr.strip(), what
                for line in caught.value.detail.splitlines():
                    assert f"not reloaded: {line}" in caplog.messages
                (tmp_path / "desk.py").write_text(BOT.format(floor=1))
            for key, top in FIXED.items():
                found.write(f"{ALICE}, status: Gone", DESK, **top)
                with pytest.raises(ControlError, match=f"{key}: it can't change while"):
                    await found.reload()
            assert await found.bot("desk@localhost") is desk
            assert found.states("bob@localhost") == []
            found.write(ALICE, DESK)
            assert await found.reload() == ReloadResult(unchanged=2)

    with caplog.at_level(logging.ERROR):
        run(main)


def tokens(**given: str) -> str:
    """The board's key, with tokens that a test tells apart by one letter."""
    return f"{{tokens: {{{', '.join(f'{role}: {word * 20}' for role, word in given.items())}}}}}"


def test_the_tokens_of_the_board_are_taken(run: Run, tmp_path: Path) -> None:
    """Who has come with a token that is gone is nobody any more, all others notice nothing."""

    async def main() -> None:
        async with running(tmp_path, ALICE, web=tokens(view="v", control="c")) as found:
            board = found.deployment.board
            assert board is not None

            async def status(**given: Any) -> int:
                return (await ask(board.port, "/api/status", **given)).status

            async def cookie(word: str) -> dict[str, str]:
                answer = await ask(board.port, "/api/session", "POST", body={"token": word * 20})
                return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

            stays, goes = await cookie("v"), await cookie("c")
            ended = await cookie("v")
            own = {**ended, "Origin": board.url}
            assert (await ask(board.port, "/api/session", "DELETE", headers=own)).status == 204
            reader, writer = await asyncio.open_connection("127.0.0.1", board.port)
            head = {"Host": f"127.0.0.1:{board.port}", "Connection": "close", **goes}
            lines = ["GET /api/events HTTP/1.1", *(f"{key}: {one}" for key, one in head.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await reader.readuntil(b"welcome")

            found.write(ALICE, web=tokens(view="v", control="n", talk="t"))
            assert await found.reload() == ReloadResult(keys=("web.tokens",), unchanged=1)
            for word, wanted in {"v": 200, "c": 401, "n": 200, "t": 200}.items():
                assert await status(token=word * 20) == wanted, word
            assert await status(headers=stays) == 200
            assert await status(headers=goes) == 401
            assert await status(headers=ended) == 401
            found.write(f"{ALICE}, status: Here", web=tokens(view="v", control="n", talk="t"))
            await found.reload()  # whose event ends what follows with a token that is gone
            await reader.read()
            writer.close()

            found.write(ALICE, web=tokens(view="v", control="c"))
            assert (await found.reload()).keys == ("web.tokens",)
            assert await status(token="c" * 20) == 200
            found.write(ALICE, web="{files: .}")
            with pytest.raises(ControlError, match=r"none left(.|\n)*web.files: it can't change"):
                await found.reload()
            assert await status(headers=stays) == 200

    run(main)


def test_a_link_that_was_printed_ends_with_the_tokens_of_the_file(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, ALICE, web="{}") as found:
            board = found.deployment.board
            assert board is not None
            assert board.link is not None
            made = board.link.partition("#token=")[2]
            kept = found.socket.with_suffix(".board")
            assert kept.read_text().strip() == board.link
            found.write(f"{ALICE}, status: Here", web="{}")
            await found.reload()
            assert (await ask(board.port, "/api/status", token=made)).status == 200
            found.write(ALICE, web=tokens(talk="t"))
            await found.reload()
            assert (await ask(board.port, "/api/status", token=made)).status == 401
            assert (await ask(board.port, "/api/status", token="t" * 20)).status == 200
            assert not kept.exists()

    run(main)


UNMAKABLE = """\
from callboard.bots import Bot


class Desk(Bot):
    def __init__(self, ref, *given):
        super().__init__(ref, *given)
        if ref is not None:
            raise ValueError("not here")
"""


def test_a_bot_that_only_its_account_finds_unmakable_stays_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        (tmp_path / "desk.py").write_text(BOT.format(floor=1))
        async with running(tmp_path, ALICE, DESK) as found:
            (tmp_path / "desk.py").write_text(UNMAKABLE)
            found.write(f"{ALICE}, status: Gone", DESK)
            result = await found.reload()
            assert [one.jid for one in result.changed] == ["alice@localhost"]
            assert [(one.jid, one.detail) for one in result.refused] == [
                ("desk@localhost", "not here")
            ]
            assert (await found.bot("desk@localhost")).floor == 1
            (tmp_path / "desk.py").write_text(BOT.format(floor=2))
            assert [one.keys for one in (await found.reload()).changed] == [("code",)]
            assert (await found.bot("desk@localhost")).floor == 2

    run(main)


def test_an_account_comes_back_while_it_leaves(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        caller = "jid: alice@localhost, bot: caller, options: {to: bob@localhost, video: none}"
        bob = "jid: bob@localhost, bot: recorder"
        async with running(tmp_path, bob, caller) as found:
            found.write("jid: bob@localhost, bot: silent", drain="1h")
            assert (await found.reload()).removed == ("alice@localhost",)
            found.write(bob, "jid: alice@localhost, bot: silent, status: Back", drain="1h")
            assert (await found.reload()).added == ("alice@localhost",)
            await found.until(lambda: found.states("alice@localhost").count("online") == 2)
            assert found.states("alice@localhost").count("closed") == 1

    run(main)


def test_who_asks_while_a_reload_goes_on_shares_the_next_one(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with running(tmp_path, ALICE) as found:
            asked = [asyncio.create_task(found.reload()) for _ in range(10)]
            results = await asyncio.gather(*asked)
            assert results == [ReloadResult(unchanged=1)] * 10

    with caplog.at_level(logging.INFO, "callboard.cli.reloads"):
        run(main)
    assert 1 <= sum(one.startswith("reloaded") for one in caplog.messages) <= 3


def test_nothing_is_taken_at_the_end(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, ALICE) as found:
            found.deployment.stop()
            found.write(ALICE, "jid: bob@localhost, bot: silent")
            with pytest.raises(ControlError, match="ending"):
                await found.reload()

    run(main)


@pytest.mark.timeout(300)
def test_ten_changes_among_a_thousand_accounts_touch_ten_streams(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: set[str] = set()

    def noted(name: str) -> Any:
        method = getattr(Stream, name)

        def note(stream: Stream, *given: Any, **more: Any) -> Any:
            touched.add(stream.boundjid.bare)
            return method(stream, *given, **more)

        return note

    async def main() -> None:
        fleet = "jid: 'a{001..990}@localhost', bot: silent"
        ten = "jid: 'b{01..10}@localhost', bot: silent"
        # A slow machine must not see the others pinged meanwhile.
        monkeypatch.setattr("callboard.actors.login_session.KEEP_ALIVE", 3600.0)
        async with running(tmp_path, fleet, ten) as found:
            for name in ("open", "transmit", "request", "end", "close"):
                monkeypatch.setattr(Stream, name, noted(name))
            touched.clear()
            found.write(fleet, f"{ten}, status: Here, calls: {{limit: 2}}")
            result = await found.reload()
            assert (len(result.changed), result.unchanged) == (10, 990)
            await found.shown("Here", times=10)
            assert len(touched) == 10
            monkeypatch.undo()

    gc.disable()  # as `run` all but does: to look at a thousand accounts blocks the loop
    try:
        run(main)
    finally:
        gc.enable()

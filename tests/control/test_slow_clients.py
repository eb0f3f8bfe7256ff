"""Clients that do not read, and what takes long for a client that leaves."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import pytest
from callboard.actors.messages.exchange import (
    AccountChanged,
    BotFailed,
    CallStatus,
    ExchangeRef,
)
from callboard.config import Settings
from callboard.control import Client, ControlError, client_connection
from callboard.control.claim import claim
from callboard.control.commands.all import COMMANDS
from callboard.control.commands.handler import Handler, Tell
from callboard.control.control_socket import ControlSocket
from callboard.control.instance import event_hub
from callboard.control.instance.instance import Instance
from callboard.control.models.base import Command, Result
from callboard.control.models.events import EventsCommand
from callboard.control.models.status import StatusCommand
from callboard.control.problem import NoInstanceError
from callboard.tests.conftest import Run

SETTINGS = {"accounts": [{"jid": "desk@localhost", "password": "s3", "bot": "silent"}]}
WAIT = 30.0


class Starting:
    """An instance that is still starting: nothing but its socket is there."""

    state: Literal["starting"] = "starting"
    exchange = cast(ExchangeRef, None)
    stopped = 0

    def stop(self, *, now: bool = False) -> None:
        self.stopped += 1


class NothingCommand(Command[Result]):
    """Does something for ever."""

    name: ClassVar[str] = "nothing"
    result = Result


class BuggyCommand(Command[Result]):
    """Fails."""

    name: ClassVar[str] = "buggy"
    result = Result


class World:
    """A control socket alone, with two commands more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()
        self.instance = Instance(
            Settings.model_validate(SETTINGS), Path("x.yaml"), Path(), Starting()
        )
        added = (Handler(NothingCommand, self._wait), Handler(BuggyCommand, self._fail))
        commands = {**COMMANDS, **{one.command.name: one for one in added}}
        self.control = ControlSocket(claim(path), self.instance, commands)

    async def _wait(self, command: Any, instance: Instance, tell: Tell) -> Result:
        self.begun.set()
        try:
            await asyncio.get_running_loop().create_future()
            return Result()
        finally:
            self.cancelled.set()

    async def _fail(self, command: Any, instance: Instance, tell: Tell) -> Result:
        raise ZeroDivisionError


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder, "s"))
        await made.control.start()
        yield made
        await made.control.close()


def deaf(path: Path, sent: bytes) -> socket.socket:
    """A client that sends, and reads nothing."""
    client = socket.socket(socket.AF_UNIX)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(str(path))
    client.setblocking(False)
    client.send(sent)
    return client


async def dropped(client: socket.socket) -> None:
    """Wait until nothing can be sent any more."""
    async with asyncio.timeout(WAIT):
        while True:
            try:
                client.send(b" ")
            except BlockingIOError:
                pass
            except ConnectionError:
                return
            await asyncio.sleep(0.01)


async def clients(path: Path) -> str:
    """What the status says of the socket."""
    async with Client.connected(path) as client:
        return (await client.ask(StatusCommand())).parts[0].detail


def test_a_reader_of_events_that_stalls_is_dropped_and_the_others_go_on(run: Run) -> None:
    async def main() -> None:
        async with world() as here, Client.connected(here.path) as good:
            follow = b'{"id": 1, "command": "events", "follow": true}\n'
            client = deaf(here.path, follow)
            told = good.follow(EventsCommand(follow=True))
            while "3 clients" not in await clients(here.path):
                pass
            read = 0
            for _ in range(60):  # 60 times 200 kB: more than may wait
                here.instance.hear(BotFailed("desk@localhost", "Desk", "x" * 200_000))
                event = await asyncio.wait_for(anext(told), WAIT)
                read += isinstance(event, dict)
            await dropped(client)
            client.close()
            assert read == 60
            await told.aclose()

    run(main)


def test_who_reads_no_answers_is_not_heard_any_more_and_dropped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_connection, "STALL", 0.2)
    monkeypatch.setattr(client_connection, "HIGH_WATER", 4096)

    async def main() -> None:
        async with world() as here:
            ask = b'{"id": 1, "command": "status"}\n'
            client = deaf(here.path, ask * 2_000)
            await dropped(client)
            client.close()
            assert "(1 client)" in await clients(here.path)

    run(main)


def test_a_reader_that_is_too_slow_is_told_what_it_missed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_hub, "MOST_WAITING", 100)

    async def main() -> None:
        async with world() as here, Client.connected(here.path) as client:
            told = client.follow(EventsCommand(follow=True, last=0))
            here.instance.hear(BotFailed("desk@localhost", "Desk", "unread"))
            reading = asyncio.ensure_future(anext(told))
            while "2 clients" not in await clients(here.path):
                pass
            for number in range(105):  # at one moment: no reader has its turn
                here.instance.hear(BotFailed("desk@localhost", "Desk", f"{number}"))
            first, second = await asyncio.wait_for(reading, WAIT), await anext(told)
            assert isinstance(first, dict)
            assert isinstance(second, dict)
            assert (first["event"], first["missed"]) == ("Gap", 5)
            assert second["error"] == "5"
            await told.aclose()

    run(main)


def test_what_a_client_asked_for_is_cancelled_when_it_leaves(run: Run) -> None:
    async def main() -> None:
        async with world() as here:
            async with Client.connected(here.path) as client:
                asking = asyncio.create_task(client.ask(NothingCommand()))
                await asyncio.wait_for(here.begun.wait(), WAIT)
            await asyncio.wait_for(here.cancelled.wait(), WAIT)
            with pytest.raises(NoInstanceError):
                await asking

    run(main)


def test_what_is_not_waited_for_any_more_is_cancelled(run: Run) -> None:
    async def main() -> None:
        async with world() as here, Client.connected(here.path) as client:
            asking = asyncio.create_task(client.ask(NothingCommand()))
            await asyncio.wait_for(here.begun.wait(), WAIT)
            asking.cancel()
            await asyncio.wait_for(here.cancelled.wait(), WAIT)
            assert asking.cancelled()
            assert (await client.ask(StatusCommand())).state == "starting"

    run(main)


def test_a_bug_in_a_command_ends_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with world() as here, Client.connected(here.path) as client:
            with pytest.raises(ControlError, match="a bug in Callboard"):
                await client.ask(BuggyCommand())
            assert (await client.ask(StatusCommand())).state == "starting"

    run(main)
    assert "the control command buggy failed" in caplog.text


def test_the_end_of_the_socket_ends_all_requests(run: Run) -> None:
    async def main() -> None:
        async with world() as here:
            async with Client.connected(here.path) as client:
                asking = asyncio.create_task(client.ask(NothingCommand()))
                await asyncio.wait_for(here.begun.wait(), WAIT)
                await here.control.close()
                await asyncio.wait_for(client.ended(), WAIT)
                with pytest.raises((ControlError, NoInstanceError)):
                    await asking
            assert not here.path.exists()

    run(main)


def test_who_comes_later_is_told_what_happened_not_each_second_of_each_call(run: Run) -> None:
    async def main() -> None:
        async with world() as here, Client.connected(here.path) as client:
            here.instance.hear(AccountChanged("desk@localhost", "online"))
            for second in range(2_000):
                status = CallStatus(
                    id="1",
                    account="desk@localhost",
                    peer="alice@localhost/x",
                    direction="out",
                    phase="connected",
                    media=("audio",),
                    seconds=second,
                    steps={"dtls": 0.1} | ({} if second < 1_000 else {"first-audio": 0.2}),
                )
                here.instance.hear(status)
            told = [one async for one in client.follow(EventsCommand())]
            kinds = [one["event"] for one in told if isinstance(one, dict)]
            assert kinds == ["AccountChanged", "CallStatus", "CallStatus"]

    run(main)

"""Events over HTTP: numbered, shared, bounded."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from callboard.actors.messages.exchange import AccountChanged, CallStatus
from callboard.config.web import WebSettings
from callboard.control.instance.event_hub import EventHub, HubEntry
from callboard.control.instance.events import event_of
from callboard.control.instance.log_tail import log_told_to
from callboard.control.instance.reported import Reported
from callboard.tests.conftest import Run
from callboard.tests.web.http import PATIENCE
from callboard.tests.web.stage import TOKENS, an_instance, bare_board
from callboard.web import board_server, event_feed
from callboard.web.board import Board
from callboard.web.event_feed import EventFeed
from callboard.web.visitor_role import VisitorRole


def entry(report: Reported) -> HubEntry:
    return HubEntry(0.0, type(report).__name__, lambda: event_of(report, 0.0), report)


def status(sid: str, seconds: float) -> CallStatus:
    return CallStatus(
        sid, "alice@localhost", "bob@localhost/x", "out", "connected", ("audio",), seconds
    )


@asynccontextmanager
async def fed(*before: Reported) -> AsyncIterator[tuple[EventHub, EventFeed]]:
    hub = EventHub()
    for report in before:
        hub.publish(entry(report))
    feed = EventFeed(hub, earlier=len(before))
    await asyncio.sleep(0)
    try:
        yield hub, feed
    finally:
        await feed.close()


class Reader:
    """One who follows.

    Attributes:
        ids, names: of the events so far, in their order.
    """

    def __init__(self, feed: EventFeed, last: str | None = None, back: int = 0) -> None:
        self._stream = feed.follow(last, back)
        self.ids: list[str] = []
        self.names: list[str] = []

    async def read(self, count: int) -> None:
        """Read until there are so many events."""
        async with asyncio.timeout(PATIENCE):
            while len(self.names) < count:
                for line in (await anext(self._stream)).decode().split("\n"):
                    name, _, value = line.partition(": ")
                    if name == "id":
                        self.ids.append(value)
                    elif name == "event":
                        self.names.append(value)

    async def begin(self) -> None:
        await anext(self._stream)


@pytest.mark.parametrize("left_after", range(1, 5))
def test_nothing_is_lost_or_told_twice_over_a_reconnect(run: Run, left_after: int) -> None:
    async def main() -> None:
        async with fed() as (hub, feed):
            whole = Reader(feed)
            await whole.begin()
            for number in range(3):
                hub.publish(entry(AccountChanged(f"a{number}@localhost", "online")))
            await whole.read(3)
            for number in range(3, 5):
                hub.publish(entry(AccountChanged(f"a{number}@localhost", "online")))
            await whole.read(5)
            again = Reader(feed, whole.ids[left_after - 1])
            await again.begin()
            await again.read(5 - left_after)
            assert again.ids == whole.ids[left_after:]

    run(main, loop="virtual")


@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
def test_readers_go_on_a_few_in_each_turn_of_the_loop(run: Run, ends: bool) -> None:
    """What is due meanwhile, such as a call's sound, waits for a few of them and not for all."""
    count, read, turns = 3 * event_feed.AT_ONCE + 1, 0, [0]

    async def follow(feed: EventFeed) -> None:
        nonlocal read
        reader = Reader(feed)
        await reader.begin()
        await reader.read(1)
        read += 1
        turns[-1] += 1

    async def main() -> None:
        async with fed() as (hub, feed):
            readers = [asyncio.create_task(follow(feed)) for _ in range(count)]
            gone = readers.pop()
            await asyncio.sleep(0.01)
            gone.cancel()
            await asyncio.wait([gone])
            hub.publish(entry(AccountChanged("a@localhost", "online")))
            while read < len(readers):
                if ends and read:
                    await feed.close()
                turns.append(0)
                await asyncio.sleep(0)
            await asyncio.wait(readers)
        assert read == len(readers) == sum(turns)
        if not ends:
            assert max(turns) <= event_feed.AT_ONCE

    run(main)


def test_who_comes_back_too_late_or_from_another_run_is_told_of_a_gap(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "MOST_KEPT", 200)

    async def main() -> None:
        async with fed() as (hub, feed):
            first = Reader(feed)
            await first.begin()
            for number in range(4):
                hub.publish(entry(AccountChanged(f"a{number}@localhost", "online")))
                await first.read(number + 1)
            for last in (first.ids[0], "00000000-1", "nonsense", "-", f"{first.ids[0]}9"):
                late = Reader(feed, last)
                await late.read(1)
                assert late.names == ["gap"]
                assert late.ids == [first.ids[-1]]
            hub.publish(entry(AccountChanged("b@localhost", "online")))
            await late.read(2)
            assert late.names == ["gap", "AccountChanged"]

    run(main, loop="virtual")


def test_who_does_not_read_holds_nothing_and_is_told_of_a_gap(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "MOST_KEPT", 2_000)

    async def main() -> None:
        async with fed() as (hub, feed):
            stalled, quick = Reader(feed), Reader(feed)
            await stalled.begin()
            await quick.begin()
            for number in range(50):
                hub.publish(entry(AccountChanged(f"a{number}@localhost", "online")))
                await quick.read(number + 1)
            assert quick.names == ["AccountChanged"] * 50
            await stalled.read(1)
            assert stalled.names == ["gap"]

    run(main, loop="virtual")


def test_what_comes_each_second_of_a_call_is_told_once_a_batch(run: Run) -> None:
    async def main() -> None:
        async with fed() as (hub, feed):
            reader = Reader(feed)
            await reader.begin()
            for number in range(10):
                hub.publish(entry(status("one", number)))
                hub.publish(entry(status("two", number)))
            hub.publish(entry(AccountChanged("a@localhost", "online")))
            await reader.read(3)
            assert reader.names == ["CallStatus", "CallStatus", "AccountChanged"]

    run(main, loop="virtual")


@pytest.mark.parametrize("back", [0, 2, 3, 9])
def test_the_last_ones_before_come_first_if_they_are_wanted(run: Run, back: int) -> None:
    async def main() -> None:
        earlier = [AccountChanged(f"a{number}@localhost", "online") for number in range(3)]
        async with fed(*earlier) as (hub, feed):
            reader = Reader(feed, back=back)
            await reader.begin()
            hub.publish(entry(AccountChanged("b@localhost", "online")))
            await reader.read(min(back, 3) + 1)
            numbers = [int(one.partition("-")[2]) for one in reader.ids]
            assert numbers == list(range(4 - min(back, 3), 5))

    run(main, loop="virtual")


def test_the_end_is_told_before_it(run: Run) -> None:
    async def main() -> None:
        hub = EventHub()
        feed = EventFeed(hub)
        await asyncio.sleep(0)
        reader = Reader(feed)
        await reader.begin()
        hub.publish(entry(AccountChanged("a@localhost", "online")))
        await feed.close()
        await reader.read(2)
        assert reader.names == ["AccountChanged", "stopped"]
        assert len(reader.ids) == 1, "who comes back has missed what comes next"
        with pytest.raises(StopAsyncIteration):
            await reader.begin()

    run(main, loop="virtual")


def test_a_stream_over_http_begins_at_once_and_ends_in_order_with_the_board(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> bytes:
        async with bare_board(tmp_path) as (board, port):
            caplog.set_level(logging.DEBUG, "uvicorn.error")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = (
                f"GET /api/events HTTP/1.1\r\nHost: {board.url[7:]}\r\n"
                f"Authorization: Bearer {TOKENS['view']}\r\n\r\n"
            )
            writer.write(head.encode())
            octets = await reader.readuntil(b": welcome\n\n")
            assert b"text/event-stream" in octets
        rest = await reader.read()
        writer.close()
        return rest

    assert run(main).endswith(b"0\r\n\r\n")
    assert "without completing" not in caplog.text


def test_the_log_is_told_with_its_last_lines(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        instance = an_instance(tmp_path)
        log = logging.getLogger("callboard.bots.desk")
        with log_told_to(instance.logs):
            log.warning("the first line")
            log.warning("the second line")
            settings = WebSettings.model_validate({"tokens": TOKENS})
            board = await Board.started(settings, instance)
            reader, writer = await asyncio.open_connection("127.0.0.1", board.port)
            try:
                head = (
                    f"GET /api/logs?last=1 HTTP/1.1\r\nHost: {board.url[7:]}\r\n"
                    f"Authorization: Bearer {TOKENS['control']}\r\n\r\n"
                )
                writer.write(head.encode())
                octets = await reader.readuntil(b"the second line")
                log.error("the third line")
                octets += await reader.readuntil(b"the third line")
            finally:
                await board.close()
                writer.close()
        assert b"event: Log" in octets
        assert b"the first line" not in octets

    run(main)


def test_a_reader_that_stalls_is_dropped_and_nothing_is_kept_for_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_server, "STALL", 0.2)
    monkeypatch.setattr(event_feed, "GATHER", 0.0)
    monkeypatch.setattr(event_feed, "MOST_KEPT", 400_000)

    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            head = (
                f"GET /api/events HTTP/1.1\r\nHost: {board.url[7:]}\r\n"
                f"Authorization: Bearer {TOKENS['view']}\r\n\r\n"
            )
            writer.write(head.encode())
            await reader.readuntil(b": welcome\n\n")
            feed = board._feed
            assert feed.readers == {VisitorRole.VIEW: 1}
            async with asyncio.timeout(PATIENCE):
                while feed.readers.total() or board._gate.running:
                    board._instance.events.publish(
                        entry(AccountChanged("a@localhost", "failed", "x" * 100_000))
                    )
                    await asyncio.sleep(0.01)
            assert feed._kept < 1_000_000
            writer.transport.abort()

    run(main)


def test_the_readers_of_one_role_keep_out_no_other(run: Run, tmp_path: Path) -> None:
    async def status(board: Board, port: int, role: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            f"GET /api/events HTTP/1.1\r\nHost: {board.url[7:]}\r\n"
            f"Authorization: Bearer {TOKENS[role]}\r\n\r\n"
        )
        writer.write(head.encode())
        first = await reader.readline()
        writer.transport.abort()
        return first.split()[1]

    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):
            board._feed.readers[VisitorRole.VIEW] = event_feed.MOST_READERS
            assert await status(board, port, "view") == b"503"
            assert await status(board, port, "control") == b"200"

    run(main)

"""The queue between a socket and the task that reads from it."""

import asyncio

from callboard.media.rtc.ice.datagram_queue import DatagramQueue
from callboard.tests.conftest import Run


def test_datagrams_come_in_order_waited_for_or_not(run: Run) -> None:
    async def main() -> None:
        queue = DatagramQueue()
        queue.put_nowait((b"one", 1))
        queue.put_nowait((b"two", 1))
        assert [await queue.get(), await queue.get()] == [(b"one", 1), (b"two", 1)]
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(None)
        assert await waiting is None

    run(main)


def test_a_reader_that_is_cancelled_loses_nothing(run: Run) -> None:
    async def main() -> None:
        queue = DatagramQueue()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        queue.put_nowait((b"kept", 1))
        assert await queue.get() == (b"kept", 1)

    run(main)


def test_the_oldest_are_dropped_but_never_the_end(run: Run) -> None:
    async def main() -> None:
        queue = DatagramQueue()
        for number in range(queue.LIMIT + 10):
            queue.put_nowait((bytes([number % 100]), 1))
        queue.put_nowait(None)
        found = [await queue.get() for _ in range(queue.LIMIT)]
        assert found[0] == (bytes([11]), 1)
        assert found[-1] is None

    run(main)


def test_who_is_first_takes_what_it_wants_but_no_packet_overtakes_another(run: Run) -> None:
    mine, yours, report, record = b"\x80\x60mine", b"\x80\x60yours", b"\x80\xc8", b"\x16\xfe"

    async def main() -> None:
        queue = DatagramQueue()
        taken = []

        def first(datagram: bytes) -> bool:
            taken.append(datagram)
            return datagram == mine

        queue.first = first
        for datagram in (mine, report, record, mine, yours, mine):
            queue.put_nowait((datagram, 1))
        queue.put_nowait(None)
        assert taken == [mine, report, record, mine, yours]
        waiting = [(each, 1) for each in (report, record, yours, mine)]
        assert [await queue.get() for _ in range(5)] == [*waiting, None]
        queue.put_nowait((mine, 1))
        assert taken[-1] == mine

    run(main)

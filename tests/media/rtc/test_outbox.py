"""What all legs send in one turn of the pacer."""

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

import pytest
from callboard.media.rtc.ice.outbox import Outbox
from callboard.media.rtc.ice.socket_poll import SocketPoll
from callboard.media.sources.pacer import Pacer
from callboard.tests.conftest import Run

ADDRESS = ("127.0.0.1", 9)


class Legs:
    """Legs whose packets are noted where they are encrypted, and where they are sent."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def protect(self, packet: Any) -> Any:
        """Encrypt one or several, or fail."""
        if isinstance(packet, list):
            return [self.protect(each) for each in packet]
        if not packet:
            raise ValueError("nothing")
        self.done.append(("protect", packet))
        return packet.upper()

    def send(self, datagrams: Any, address: Any) -> None:
        """Send, or fail."""
        assert address == ADDRESS
        if datagrams == b"FAILS":
            raise RuntimeError("no socket")
        self.done.append(("send", datagrams))


def test_all_is_encrypted_and_then_all_is_sent(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[tuple[str, Any]]:
        legs, outbox, over = Legs(), Outbox.running(), asyncio.Event()

        def step(due: float) -> None:
            for packet in (b"a", b"", [b"b", b"c"], b"fails", [b"x", b""], b"d"):
                outbox.put(legs.protect, packet, legs.send, ADDRESS)
            assert legs.done == []

        for _ in range(2):  # both in one turn
            Pacer.running().start(step)
        Pacer.running().start(lambda due: over.set())
        await over.wait()
        return legs.done

    done = run(main, loop="virtual")
    encrypted = [("protect", each) for each in (b"a", b"b", b"c", b"fails", b"x", b"d")]
    sent = [("send", each) for each in (b"A", [b"B", b"C"], b"D")]
    assert done == encrypted * 2 + sent * 2
    assert caplog.text.count("can't be encrypted") == 4
    assert caplog.text.count("can't be sent") == 2


def test_what_is_forwarded_leaves_when_all_sockets_are_read(run: Run) -> None:
    async def main() -> list[tuple[str, Any]]:
        legs, outbox, poll = Legs(), Outbox.running(), SocketPoll.running()
        over = asyncio.Event()
        with ExitStack() as stack:
            for name in (b"a", b"b"):
                out, back = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
                stack.enter_context(out)
                stack.enter_context(back)

                def read(back: socket.socket = back) -> None:
                    packet = back.recv(100)
                    legs.done.append(("read", packet))
                    outbox.put(legs.protect, packet, legs.send, ADDRESS)
                    if packet == b"b":
                        asyncio.get_running_loop().call_soon(over.set)

                out.send(name)
                poll.add(back.fileno(), read)
                stack.callback(poll.remove, back.fileno())
            await over.wait()
        return legs.done

    steps = [(step, {b"a", b"b"}) for step in ("read", "protect")] + [("send", {b"A", b"B"})]
    done = run(main)
    found = [
        ({step for step, _ in done[at : at + 2]}, {packet for _, packet in done[at : at + 2]})
        for at in (0, 2, 4)
    ]
    assert found == [({step}, packets) for step, packets in steps]


def test_what_comes_at_any_other_time_leaves_at_once(run: Run) -> None:
    async def main() -> None:
        legs = Legs()
        for packet in (b"a", b"b"):
            Outbox.running().put(legs.protect, packet, legs.send, ADDRESS)
            assert legs.done[-1] == ("send", packet.upper())

    run(main)

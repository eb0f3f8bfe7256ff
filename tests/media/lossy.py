"""A bad line between two legs: a relay on loopback that drops, delays and reorders packets."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from callboard.media import Connected, Source
from callboard.tests.media.legs import Leg, pair

Address = tuple[str, int]


class _Gate(asyncio.DatagramProtocol):
    """Takes what is sent to one side, and lets the gate of the other side send it on."""

    def __init__(self, road: "Road", target: Address | None) -> None:
        self.road = road
        self.target = target
        self.other: _Gate
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.other.target is None or self.other.learns:
            self.other.target = addr
        self.road.carry(data, self)

    learns = False

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing() and self.target is not None:
            self.other.transport.sendto(data, self.target)


class Road:
    """What becomes of the packets.

    Attributes:
        lost: Share of the RTP and RTCP packets that are dropped, 0 to 1.
        late: Share of them that arrives 30 ms later, behind the next ones.
        burst: How many are lost one after the other, where one is.
        closed: Whether none of them passes.
        drop: Says of an RTP packet, as it is on the line, whether it is dropped too.
        passed: Called with each RTP packet that passes.
    """

    def __init__(self, seed: int = 7) -> None:
        self.lost = 0.0
        self.late = 0.0
        self.burst = 1
        self.closed = False
        self.drop: Callable[[bytes], bool] = lambda _: False
        self.passed: Callable[[bytes], None] = lambda _: None
        self._chance = random.Random(seed)
        self._gates: list[_Gate] = []
        self._more = 0

    def carry(self, data: bytes, gate: _Gate) -> None:
        """Send a packet on, or not. STUN and DTLS always pass."""
        if not 127 < data[0] < 192:
            gate.send(data)
            return
        is_rtp = not 192 <= data[1] < 224
        fate = self._chance.random()
        if self._more:
            self._more -= 1
            return
        if fate < self.lost / self.burst:
            self._more = self.burst - 1
            return
        if self.closed or (is_rtp and self.drop(data)):
            return
        if is_rtp:
            self.passed(data)
        if fate < self.lost / self.burst + self.late:
            asyncio.get_running_loop().call_later(0.03, gate.send, data)
        else:
            gate.send(data)

    async def lead(self, offer: str, answer: str) -> tuple[str, str]:
        """Put the road between the hosts of two descriptions, each with one address in use."""
        told = []
        for sdp in (offer, answer):
            port = _port(sdp)
            at = await self._open(("127.0.0.1", port))
            told.append(_with_port(sdp, port, at))
        self._join()
        return told[0], told[1]

    async def lead_to(self, sdp: str) -> tuple[str, str]:
        """Put the road before the host of one description; who comes from afar is learnt.

        Returns:
            The description for those who come over the road, and the candidate that they have for
            the host.
        """
        port = _port(sdp)
        near = await self._open(("127.0.0.1", port))
        far = await self._open(None)
        self._join()
        self._gates[-1].learns = True
        candidate = f"candidate:1 1 udp 2130706431 127.0.0.1 {far} typ host"
        return _with_port(sdp, port, near), candidate

    async def _open(self, target: Address | None) -> int:
        loop = asyncio.get_running_loop()
        transport, gate = await loop.create_datagram_endpoint(
            lambda: _Gate(self, target), local_addr=("127.0.0.1", 0)
        )
        self._gates.append(gate)
        port: int = transport.get_extra_info("sockname")[1]
        return port

    def _join(self) -> None:
        first, second = self._gates[-2:]
        first.other, second.other = second, first

    def close(self) -> None:
        """Take the road away."""
        for gate in self._gates:
            gate.transport.close()


def _port(sdp: str) -> int:
    return int(re.findall(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+)", sdp)[0])


def _with_port(sdp: str, port: int, other: int) -> str:
    return re.sub(rf"127\.0\.0\.1 {port} typ", f"127.0.0.1 {other} typ", sdp)


@asynccontextmanager
async def road(seed: int = 7) -> AsyncIterator[Road]:
    """A good road, to be made bad."""
    found = Road(seed)
    try:
        yield found
    finally:
        found.close()


def without_candidates(sdp: str) -> str:
    """Take the candidates out of a description: they are told later, or not at all."""
    return "".join(line for line in sdp.splitlines(keepends=True) if "candidate" not in line)


def candidate(sdp: str) -> str:
    """Give a description's first candidate."""
    return next(line[2:] for line in sdp.splitlines() if line.startswith("a=candidate:"))


@asynccontextmanager
async def call_over(
    link: Road, *, audio: Source, back_audio: Source, video: Source | None = None
) -> AsyncIterator[tuple[Leg, Leg]]:
    """Two connected legs of ours with a line between them, closed at the end."""
    async with pair() as (a, b):
        offer = await a.pc.offer(audio=audio, video=video)
        answer = await b.pc.answer(without_candidates(offer), audio=back_audio, video=None)
        offer, answer = await link.lead(offer, answer)
        await a.pc.accept(answer)
        await b.pc.add_candidate("0", candidate(offer))
        await a.event(Connected)
        await b.event(Connected)
        yield a, b

"""A bad road between two legs: a relay on loopback that drops, delays and reorders packets."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

Address = tuple[str, int]


class _Gate(asyncio.DatagramProtocol):
    """Takes what is sent to one side, and lets the gate of the other side send it on."""

    def __init__(self, road: "Road", target: Address) -> None:
        self.road = road
        self.target = target
        self.other: _Gate
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.road.carry(data, self)

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.other.transport.sendto(data, self.target)


class Road:
    """What becomes of the packets.

    Attributes:
        lost: Share of the RTP and RTCP packets that are dropped, 0 to 1.
        late: Share of them that arrives 30 ms later, behind the next ones.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self.late = 0.0
        self._chance = random.Random(7)
        self._gates: list[_Gate] = []

    def carry(self, data: bytes, gate: _Gate) -> None:
        """Send a packet on, or not. STUN and DTLS always pass."""
        fate = self._chance.random()
        if not 127 < data[0] < 192 or fate >= self.lost + self.late:
            gate.send(data)
        elif fate < self.late:
            asyncio.get_running_loop().call_later(0.03, gate.send, data)

    async def lead(self, offer: str, answer: str) -> tuple[str, str]:
        """Put the road between the hosts of two descriptions, each with one address in use."""
        loop = asyncio.get_running_loop()
        told = []
        for sdp in (offer, answer):
            port = int(re.findall(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+)", sdp)[0])
            transport, gate = await loop.create_datagram_endpoint(
                lambda port=port: _Gate(self, ("127.0.0.1", port)),  # type: ignore[misc]
                local_addr=("127.0.0.1", 0),
            )
            self._gates.append(gate)
            at = transport.get_extra_info("sockname")[1]
            told.append(re.sub(rf"127\.0\.0\.1 {port} typ", f"127.0.0.1 {at} typ", sdp))
        self._gates[0].other, self._gates[1].other = self._gates[1], self._gates[0]
        return told[0], told[1]

    def close(self) -> None:
        """Take the road away."""
        for gate in self._gates:
            gate.transport.close()


@asynccontextmanager
async def road() -> AsyncIterator[Road]:
    """A good road, to be made bad."""
    found = Road()
    try:
        yield found
    finally:
        found.close()

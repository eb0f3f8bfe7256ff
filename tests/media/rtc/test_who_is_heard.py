"""From whom packets of a known stream are taken, on the short way."""

import asyncio
import socket
from collections import Counter
from types import SimpleNamespace
from typing import Any

from aiortc.rtcdtlstransport import State
from callboard.media.rtc._aiortc.early_packets import EarlyPackets, Taker
from callboard.media.rtc._aiortc.inbound import InboundSrtp
from callboard.media.rtc.ice._aioice_sockets import Socket
from callboard.media.rtc.ice.datagram_queue import DatagramQueue
from callboard.media.rtc.ice.udp_transport import UdpTransport
from callboard.tests.conftest import Run
from pylibsrtp import Policy, Session

KEY = bytes(range(44))
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_256_GCM
SSRC = 7


def udp() -> socket.socket:
    """Open a socket on loopback."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


class Leg:
    """A leg's socket with all that its packets go through; who takes them only notes it."""

    def __init__(self) -> None:
        self.dtls: Any = SimpleNamespace(_state=State.CONNECTED, _handle_rtcp_data=None)
        self.dropped: Counter[str] = Counter()
        self.numbers: list[int] = []
        self.queue = DatagramQueue()
        receiver: Any = SimpleNamespace(local_username="us", _queue=self.queue)
        receiver.protocol_lost = lambda protocol: None
        self.end = Socket(receiver, self.dropped)
        self.sock = udp()
        self.below = UdpTransport(self.sock, self.end, self.end.packets_received)
        transport: Any = self.dtls
        session = Session(Policy(KEY, Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        early = EarlyPackets(transport, InboundSrtp(session, lambda ssrc: None, Counter()))
        early._srtp.heard.add(SSRC)
        early.streams[SSRC] = Taker(self.one, self.some, None)
        self.queue.first, self.queue.lane = early, early.lane
        self.out = Session(Policy(KEY, Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))

    def one(self, packet: Any) -> None:
        """Take a packet that went the longer way."""
        self.numbers.append(-packet.sequence_number)

    def some(self, ssrc: int, marked_type: int, number: int, timestamp: int, places: Any) -> None:
        """Take a run."""
        assert len(places) == 1
        self.numbers.append(number)

    def rtp(self, number: int) -> bytes:
        """Give a packet of the stream."""
        return self.out.protect(b"\x80\x60" + number.to_bytes(2) + bytes(4) + b"\0\0\0\7sound")

    def hear(self, sock: socket.socket, *datagrams: bytes) -> None:
        """Let datagrams come."""
        for datagram in datagrams:
            sock.sendto(datagram, self.sock.getsockname())
        self.below._poll._read_several()  # loopback has them there at once


def test_only_addresses_that_stun_has_proved_are_heard(run: Run) -> None:
    async def main() -> None:
        leg = Leg()
        with udp() as known, udp() as stranger:
            leg.end._hear(known.getsockname())
            leg.hear(known, leg.rtp(1))
            leg.hear(stranger, leg.rtp(2))
            leg.hear(known, leg.rtp(3))
            assert leg.numbers == [1, 3]
            assert leg.dropped == {"from a stranger": 1}
            del leg.end._heard[known.getsockname()]
            leg.hear(known, leg.rtp(4))
            assert leg.numbers == [1, 3]
            leg.below.close()
            await asyncio.sleep(0)

    run(main)


def test_nothing_overtakes_what_waits_or_comes_after_the_end(run: Run) -> None:
    async def main() -> None:
        leg = Leg()
        with udp() as known:
            leg.end._hear(known.getsockname())
            leg.queue.packets = 1
            leg.hear(known, leg.rtp(1))
            assert leg.numbers == []  # it waits behind that one
            leg.queue.packets = 0
            leg.dtls._state = State.CLOSED
            leg.hear(known, leg.rtp(2))
            assert leg.numbers == []
            leg.queue.packets = 0  # what waited was taken
            leg.dtls._state = State.CONNECTED
            leg.hear(known, leg.rtp(3))
            assert leg.numbers == [3]
            leg.below.close()
            await asyncio.sleep(0)

    run(main)

"""Whatever somebody sends: the compiled part takes what is next, and gives back the rest."""

import random
import select
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from callboard.media.compiled.part import is_on
from callboard.media.rtc._pylibsrtp import PacketRoom
from callboard.media.rtc.flows.flows import Flows
from callboard.media.rtc.flows.picture_flow import parted
from callboard.media.rtc.ice.segments import UDP_GRO, runs, segmented
from callboard.media.rtc.rtp.packet import extended
from callboard.media.rtc.rtp.video.payload_format import vp8
from callboard.tests.conftest import Run
from callboard.tests.media.rtc.test_early_packets import KEY, PROFILE
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

pytestmark = pytest.mark.skipif(
    not is_on(), reason="there is no compiled part: it wants a C compiler"
)

TYPE = 96
SENT_ID = 3
SPAN = 1310

RECORD = struct.Struct("=dIII4?")
"""What is before what is kept: `struct flow_record`."""

KEPT = {"": 0, "opus": 1 << 16, "VP8": 1 << 18, "H264": 1 << 18}
"""What is kept of a stream, and how many octets of it."""


@dataclass(frozen=True)
class Datagram:
    """What is sent; all of one read are of one size, but for the last.

    Attributes:
        what: What is wrong with it.
        stream: Which of the streams it is of.
        words: Of 32 bits that the header extension has, or says to have; None: there is none.
        number: By how much its number is off.
        content: What its header extension and its payload begin with.
    """

    what: str
    stream: int
    words: int | None
    number: int
    content: tuple[bytes, bytes]


ELEMENTS = (b"", b"\0", b"\0\x32\1", b"\0\0\x32", b"\0\0\0\x32", b"\x31", b"\xff")
"""What a header extension begins with that holds no time of sending, or one that is cut off."""

Read = tuple[list[Datagram], int, int]
"""The datagrams of a read, their size, and what is cut off the last one."""


def drawn(chance: random.Random, unusual: float) -> list[Read]:
    """Draw what is sent, of which each thing is unusual with some probability."""

    def mostly(usual: Any, *others: Any) -> Any:
        return chance.choice(others) if chance.random() < unusual else usual

    plain, sent = chance.choice([None, 1, 2]), chance.choice([b"", b"\x01\x00\x00"])
    return [
        (
            [
                Datagram(
                    what=mostly("nothing", "tag", "content", "flags", "type"),
                    stream=mostly(0, 0, 1, 2),
                    words=mostly(plain, *range(6), 300, 355, 370, 400, 16384, 65535),
                    number=mostly(0, 0, 1, -1),
                    content=(
                        mostly(b"\x32" + (sent or chance.randbytes(3)), *ELEMENTS)
                        + chance.randbytes(1600),
                        mostly(b"\x10", b"\x7c", b"\x7c\x85", b"\x65\x88", b"\x41\x9a", b"")
                        + chance.randbytes(1600),
                    ),
                )
                for _ in range(chance.randrange(1, 12))
            ],
            chance.choice([chance.randrange(80), 1100 + chance.randrange(420)]),
            mostly(0, *range(40), 1000),
        )
        for _ in range(chance.randrange(1, 24))
    ]


@dataclass
class Stream:
    """One of a peer's.

    Attributes:
        flow: What the compiled part knows of it.
        number: Of the packet that is next.
        kept: What is to be handed on of each payload.
        octets: That those take.
        is_over: Whether Python is to look at its last packet.
        groups: When the packets of each group were sent, the first and the last, and their octets.
    """

    ssrc: int
    flow: Any
    keeps: str
    number: int = 65530
    kept: list[bytes] = field(default_factory=list)
    octets: int = 0
    is_over: bool = False
    groups: list[list[int]] = field(default_factory=lambda: [[0, 0, 0]])

    def has_room(self, length: int) -> bool:
        """Tell whether a datagram may be kept."""
        return not self.keeps or self.octets + RECORD.size + 2 + length <= KEPT[self.keeps]

    def keep(self, payload: bytes) -> None:
        """Keep what is wanted of a payload."""
        if not self.keeps or (self.keeps == "opus" and not payload):
            return
        is_read = self.keeps == "opus" or (self.keeps == "VP8" and len(payload) > 6)
        data = vp8(payload).data if is_read and self.keeps == "VP8" else payload
        # All are of one timestamp, so that pictures share a record until one can't be read.
        if not self.kept or self.keeps == "opus" or (self.keeps == "VP8" and not is_read):
            self.octets += RECORD.size
        self.octets += len(data) + 2 * (not is_read)
        self.kept.append(data)

    def shares(self, parts: Iterable[bytes]) -> list[bytes]:
        """Put together what can't be told apart where it is kept."""
        return [b"".join(parts)] if self.keeps == "VP8" else list(parts)

    def look(self) -> None:
        """Stand for what looks at a strange packet."""

    def count(self, sent: int, octets: int) -> None:
        """Count a packet for its group."""
        if sent - self.groups[-1][0] & 0xFFFFFF > SPAN:
            self.groups.append([sent, sent, 0])
        self.groups[-1][1] = sent
        self.groups[-1][2] += octets


class Peer:
    """Who sends, and knows what is to come of it."""

    def __init__(self, flows: Flows, stack: ExitStack, keeps: Sequence[str], sent_id: int) -> None:
        self._sent_id = sent_id
        theirs, ours = (
            Policy(KEY, one, srtp_profile=PROFILE)
            for one in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
        )
        theirs.allow_repeat_tx = True
        self._theirs, self._room = Session(theirs), PacketRoom()
        self._own, self.sock = (
            stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(2)
        )
        for each in (self._own, self.sock):
            each.bind(("127.0.0.1", 0))
        self.sock.setsockopt(socket.SOL_UDP, UDP_GRO, 1)
        session = Session(ours)
        self._plain: dict[bytes, bytes] = {}
        self.streams = []
        for ssrc, kept in enumerate(keeps):
            flow = flows.ffi.new("struct inbound *")
            flow.ssrc, flow.payload_type, flow.next = ssrc, TYPE, 65530
            flow.keeps = flows.keeps(kept)
            flow.left, flow.until, flow.clock_rate = 1 << 30, 1e18, 48000
            flow.sent_id, flow.span = sent_id, SPAN
            flows.lead(flow, self.sock.fileno(), self._own.getsockname(), session)
            stream = Stream(ssrc, flow, kept)
            assert flows.listen(flow, session, stream.look)
            self.streams.append(stream)

    def send(self, datagrams: Sequence[Datagram], size: int, cut: int) -> list[bytes]:
        """Send what comes in one read, where the kernel joins it; give it."""
        ahead = dict.fromkeys(range(len(self.streams)), 0)
        made = [self._made(each, size, ahead) for each in datagrams]
        made[-1] = made[-1][: max(len(made[-1]) - cut, 1)]
        for run in runs(made):
            if len(run) > 1:
                self._own.sendmsg(run, segmented(len(run[0])), 0, self.sock.getsockname())
            else:
                self._own.sendto(run[0], self.sock.getsockname())
        return made

    def _made(self, datagram: Datagram, size: int, ahead: dict[int, int]) -> bytes:
        stream = self.streams[datagram.stream % len(self.streams)]
        number = stream.number + ahead[stream.ssrc] + datagram.number & 0xFFFF
        words = datagram.words
        head = (
            bytes([0x80 if words is None else 0x90, TYPE])
            + number.to_bytes(2)
            + bytes(4)
            + stream.ssrc.to_bytes(4)
        )
        if words is not None:
            head += b"\xbe\xde" + words.to_bytes(2)
        begin = 12 if words is None else 16 + 4 * words
        elements, payload = datagram.content
        length = max(size - 16, len(head))
        plain = (head + elements[: begin - len(head)] + payload)[:length]
        plain += bytes(length - len(plain))
        if datagram.what == "flags":
            return bytes([0xA0]) + plain[1:] + bytes(16)
        if datagram.what == "type":
            return plain[:1] + bytes([200]) + plain[2:] + bytes(16)
        is_possible = begin <= len(plain) <= PacketRoom.LONGEST
        if not is_possible or datagram.number or datagram.what == "content":
            return (plain + bytes(16))[: max(size, 1)]
        packet = self._room.protect(self._theirs, plain)
        if datagram.what == "tag":
            return packet[:-1] + bytes([packet[-1] ^ 1])
        ahead[stream.ssrc] += 1
        self._plain[packet] = plain[begin:]
        return packet

    def _sent(self, extension: bytes) -> bytes:
        """Give when a packet was sent, in three octets."""
        if not self._sent_id:
            return bytes(3)
        whole = extended(extension + bytes(256), self._sent_id)
        return b"" if whole != extended(extension, self._sent_id) else whole

    def takes(self, datagram: bytes) -> bool:
        """Tell whether a datagram is the very next of a stream; take it if it is."""
        stream = next(
            (each for each in self.streams if datagram[8:12] == each.ssrc.to_bytes(4)), None
        )
        if stream is None or not 28 <= len(datagram) <= 1500 or datagram[0] not in {0x80, 0x90}:
            return False
        if datagram[1] & 0x7F != TYPE or int.from_bytes(datagram[2:4]) != stream.number:
            return False
        head = 12 if datagram[0] == 0x80 else 16 + 4 * int.from_bytes(datagram[14:16])
        if datagram[1] > 191 or head + 16 > len(datagram):
            return False
        if not stream.has_room(len(datagram)):
            return False
        sent = self._sent(datagram[12:head])
        if stream.is_over or len(sent) != 3 or len(stream.groups) > len(stream.flow.groups):
            return False
        payload = self._plain.get(datagram)
        if payload is not None:
            stream.number = stream.number + 1 & 0xFFFF
            if self._sent_id:
                stream.count(int.from_bytes(sent), len(payload))
            stream.keep(payload)
        return True


def left(flows: Flows) -> Iterator[bytes]:
    """Give each datagram that is left for Python."""
    for _, at, end, size, _, _ in flows.left_over():
        octets = flows.room.cut[at:end]
        yield from (octets[at : at + size] for at in range(0, len(octets), size))


def told(flows: Flows) -> list[Any]:
    """Give what is to be called for strange packets."""
    return [strange for *_, strange in flows.left_over() if strange is not None]


def frames(flow: Any, ffi: Any) -> Iterator[bytes]:
    """Give what was kept, each payload for itself but for those that were read."""
    octets, at = bytes(ffi.buffer(flow.frames, flow.frames_length)), 0
    while at < len(octets):
        _, _, size, packets, _, is_read, *_ = RECORD.unpack_from(octets, at)
        at += RECORD.size + size
        found = [octets[at - size : at]] if is_read else parted(octets[at - size : at])
        assert is_read or len(found) == packets
        yield from found


def groups(flow: Any) -> list[tuple[int, int]]:
    """Give when the last packet of each group was sent, and its octets."""
    return [(each.sent, each.octets) for each in [*flow.groups[0 : flow.group_count], flow.group]]


def test_what_is_next_is_taken_and_the_rest_given_back(run: Run) -> None:
    @settings(deadline=None, max_examples=120)
    @given(
        st.integers(0, 1 << 32).map(random.Random),
        st.sampled_from([0.01, 0.1, 0.4]),
        st.lists(st.sampled_from(list(KEPT)), min_size=1, max_size=3),
        st.sampled_from([0, SENT_ID]),
    )
    def holds(chance: random.Random, unusual: float, keeps: list[str], sent_id: int) -> None:
        reads = drawn(chance, unusual)

        async def main() -> None:
            flows = Flows()
            with ExitStack() as stack:
                peer = Peer(flows, stack, keeps, sent_id)
                epoll = stack.enter_context(select.epoll())
                epoll.register(peer.sock, select.EPOLLIN)
                for datagrams, size, cut in reads:
                    wait = peer.send(datagrams, size, cut)
                    while wait:
                        flows.read(epoll.fileno())
                        before = len(wait)
                        over = [each for each in peer.streams if each.look in told(flows)]
                        while wait and peer.takes(wait[0]):
                            del wait[0]
                            if any(each.number == each.flow.next for each in over):
                                break
                        for each in over:
                            each.is_over = True
                        found = list(left(flows))
                        assert found == wait[: len(found)]
                        del wait[: len(found)]
                        assert len(wait) < before
                for each in peer.streams:
                    assert each.flow.next == each.number
                    assert each.flow.frames_length == each.octets
                    assert each.shares(frames(each.flow, flows.ffi)) == each.shares(each.kept)
                    if sent_id:
                        assert groups(each.flow) == [tuple(of[1:]) for of in each.groups]
                    flows.unlisten(each.flow)

        run(main)

    holds()

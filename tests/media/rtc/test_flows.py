"""The compiled part takes and sends what Python takes and sends, packet by packet."""

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCRtpParameters
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters
from callboard.media import EncodedFrame, Kind, ReceivePath, Source
from callboard.media.compiled.part import SWITCH, is_on
from callboard.media.rtc._aiortc import inbound
from callboard.media.rtc._aiortc.bit_rate import IncomingBitRate
from callboard.media.rtc.flows.flows import EVERY, Flows
from callboard.media.rtc.flows.inbound_flow import InboundFlow
from callboard.media.rtc.flows.outbound_flow import OutboundFlow
from callboard.media.rtc.ice import udp_transport
from callboard.media.rtc.ice.segments import UDP_GRO, runs, segmented
from callboard.media.rtc.ice.socket_poll import SocketPoll
from callboard.media.rtc.ice.udp_transport import UdpTransport
from callboard.media.rtc.rtp.picture_stream import PictureStream
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.rtc.test_early_packets import (
    DESCRIBED,
    EXTENSIONS,
    KEY,
    PICTURES,
    PROFILE,
    REST,
    SENT_AT,
    SLICES,
    SOUND,
    UNLIKE,
    Packet,
    Receiver,
    on_staged_clock,
    received,
    sequence,
    together,
    written,
)
from callboard.tests.media.rtc.test_short_way import (
    EACH,
    ORDER,
    TIMED,
    Orders,
    Scene,
    picture,
    play,
    staged,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

__all__ = ["staged"]

pytestmark = pytest.mark.skipif(
    not is_on(), reason="there is no compiled part: it wants a C compiler"
)


class Protocol(asyncio.DatagramProtocol):
    """Gives what is not taken to Python."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram."""
        self._receiver.early(data)


async def flowed(
    path: ReceivePath,
    datagrams: list[tuple[float, bytes]],
    *,
    kind: Kind = "audio",
    held_at: int | None = None,
    asked_at: int | None = None,
    moves_at: int | None = None,
    are_joined: bool = False,
    settles: int = 0,
) -> tuple[list[Any], list[Any], int]:
    """Receive datagrams from a socket; give how many the compiled part has taken.

    At `held_at` we only send from now on, at `asked_at` a key frame is asked for, and at `moves_at`
    they come from another address. What has come is asked for each `settles` times.
    """
    pc = RTCPeerConnection()
    receiver = Receiver(kind, path, pc.addTransceiver(kind), is_patient=True)
    taken = 0
    end, add_run = InboundFlow.end, InboundFlow.count

    def count_too(flow: InboundFlow) -> None:
        nonlocal taken
        taken += flow._c.received
        add_run(flow)

    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(InboundFlow, "count", count_too)
        peer = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        peer.bind(("127.0.0.1", 0))
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        transport = UdpTransport(
            sock, Protocol(receiver), lambda at, end, size, _: receiver.early.lane(at, end, size)
        )
        poll = SocketPoll.running()
        if are_joined:
            transport._are_joined = True
            sock.setsockopt(socket.SOL_UDP, UDP_GRO, 1)
        for at, (after, some) in enumerate(together(datagrams)):
            await asyncio.sleep(after)
            if at == held_at:
                receiver.transceiver._setCurrentDirection("sendonly")
                receiver.incoming.take_back()
            if at == asked_at:
                receiver.ask()
            if at == moves_at:
                peer.close()
                peer = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            for run in runs(some) if are_joined else [[each] for each in some]:
                peer.sendmsg(run, segmented(len(run[0])), 0, sock.getsockname())
            poll.catch_up()
            if settles and at % settles == 0:
                receiver.incoming.settle()
            while poll._is_behind:  # it has taken its time
                poll.catch_up()
        await asyncio.sleep(2)
        receiver.end()
        assert InboundFlow.end is end
        flow: Any = receiver.incoming._flow
        assert flow._c is None or (flow._c.frames_room, flow._c.group_count) == (0, 0)
        transport.close()
        await asyncio.sleep(0)
    counted = receiver.counted()
    await pc.close()
    return receiver.said, [*counted, receiver.estimated], taken


def apart(said: list[Any]) -> tuple[list[Any], list[Any]]:
    """Part frames, which may come late, from what is told at once."""
    frames = [each for each in said if isinstance(each, EncodedFrame)]
    return frames, [each for each in said if not isinstance(each, EncodedFrame)]


def grouped(counted: list[Any]) -> list[Any]:
    """Leave out what was told of estimates, which groups of packets may wait for."""
    *counted, estimated = counted
    return [*counted, [each for each in estimated if each[0] != "bit rate"]]


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_what_comes_in_is_the_same_either_way(kind: Kind) -> None:
    taken = 0

    @settings(deadline=None, max_examples=300)
    @given(
        chance=st.integers(0, 1 << 32).map(random.Random),
        unusual=st.sampled_from([0.0, 0.01, 0.03, 0.1]),
        first=st.sampled_from([0, 32766, 65500]),
        path=st.sampled_from([ReceivePath.PACKETS, ReceivePath.NONE]),
        held_at=st.none() | st.integers(0, 60),
        asked_at=st.none() | st.integers(0, 60),
        are_joined=st.booleans(),
        settles=st.sampled_from([0, 3, 10]),
    )
    def holds(
        chance: random.Random,
        unusual: float,
        first: int,
        path: ReceivePath,
        held_at: int | None,
        asked_at: int | None,
        are_joined: bool,
        settles: int,
    ) -> None:
        nonlocal taken
        datagrams = written(sequence(chance, kind, unusual), first)
        with pytest.MonkeyPatch.context() as patch:
            done: Any = {"held_at": held_at, "asked_at": asked_at}
            work = partial(flowed, are_joined=are_joined, settles=settles)
            ours = on_staged_clock(patch, lambda: work(path, datagrams, kind=kind, **done))
            theirs = on_staged_clock(
                patch, lambda: received(kind, path, datagrams, short=False, **done)
            )
        assert apart(ours[0]) == apart(theirs[0])
        assert grouped(ours[1]) == grouped(theirs[1])
        taken += ours[2]

    holds()
    assert taken > 500


USUALS = {96: PICTURES, 0: SLICES}
"""Of VP8 and H.264: how a key frame, and any other, begins, and how they go on."""


def pictures(
    count: int, *, parts: int = 4, codec: int = 96, every: float = 0.03, octets: int = 20
) -> list[Packet]:
    """Pictures with nothing unusual about them, of so many packets each."""
    found = []
    for at in range(count * parts):
        part = at % parts
        # Sent 4 ms apart: a group is two packets, and lasts up to the next one of its kind.
        sent = SENT_AT + (at * (4 << 18) // 1000).to_bytes(3)
        payload = USUALS[codec][2 if part else 1 if at else 0]
        payload = payload if codec == 0 and at == 0 else payload.ljust(octets, b"p")
        after, ticks = (0.0, 0) if part else (every, 2700)
        found.append(Packet(after, 7, 1, ticks, codec, part == parts - 1, payload, sent, *REST))
    return found


def either_way_in(
    datagrams: list[tuple[float, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    settles: int = 0,
    asked_at: int | None = None,
) -> list[Any]:
    """Receive pictures by the compiled part and without; give what was said, but for frames."""
    path = ReceivePath.PACKETS
    ours = on_staged_clock(
        monkeypatch,
        lambda: flowed(path, datagrams, kind="video", settles=settles, asked_at=asked_at),
    )
    theirs = on_staged_clock(
        monkeypatch, lambda: received("video", path, datagrams, short=False, asked_at=asked_at)
    )
    assert apart(ours[0]) == apart(theirs[0])
    assert grouped(ours[1]) == grouped(theirs[1])
    assert ours[2] > 50
    return apart(ours[0])[1]


STRANGE: list[dict[str, Any]] = [
    *[{"payload": each} for each in (b"", SOUND, *PICTURES, *DESCRIBED, *SLICES, *UNLIKE)],
    *[{"extension": each} for each in EXTENSIONS],
    {"extension": b"\xbe\xde\x00\x02\x00\x00\x32\x00\x20\x00\x00\x00"},
    {"extension": b"\xbe\xde\x00\x02\x00\x11\x32\xaa\x32\x00\x20\x00"},
    {"extension": b"\xbe\xde\x00\x02\xf0\x00\x32\x00\x20\x00\x00\x00"},
    {"extension": b"\xbe\xde\x00\x01\x31\x00\x20\x00"},
    {"extension": b"\xbe\xde\x00\x01\x00\x00\x32\x00"},
    {"extension": b"\x10\x00\x00\x03\x33\x03\xaa\xbb\xcc\x03\x03\x00\x20\x00\x00\x00"},
    {"marker": False},
    {"marker": True},
    {"padding": 4},
    {"step": 2},
    {"breaks": "doubled"},
    {"breaks": "forged"},
    {"breaks": "overtaken"},
    {"after": 1.3},
]


@pytest.mark.parametrize("codec", USUALS)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("change", STRANGE, ids=str)
def test_whatever_is_strange_about_a_packet_it_is_the_same_either_way(
    change: dict[str, Any], part: int, codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = pictures(40, codec=codec)
    at = 60 + part
    some[at] = replace(some[at], **change)
    if part:
        some[at] = replace(some[at], after=some[at].after + 0.002)
    either_way_in(written(some, 65500), monkeypatch)


@pytest.mark.parametrize("codec", USUALS)
@pytest.mark.parametrize("settles", [0, 3])
def test_pictures_whose_parts_come_one_by_one_are_whole_at_the_same_time(
    settles: int, codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [replace(each, after=max(each.after, 0.002)) for each in pictures(40, codec=codec)]
    for first, every in ((20, 1), (50, 2)):
        some[first:] = [
            replace(each, marker=each.marker and at // 4 % every > 0)
            for at, each in enumerate(some[first:])
        ]
        either_way_in(written(some, 65500), monkeypatch, settles=settles)


def test_whoever_asks_for_freezes_hears_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    some = pictures(40)
    some[60] = replace(some[60], after=1.3)
    said = either_way_in(written(some, 65500), monkeypatch, asked_at=17)
    assert [each[-1].count for each in said if isinstance(each, list)] == [1]


@pytest.mark.parametrize("codec", USUALS)
def test_who_asks_for_a_key_frame_is_told_when_it_comes(
    codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = pictures(80, codec=codec)
    some[200] = replace(some[200], payload=USUALS[codec][0])
    said = either_way_in(written(some, 65500), monkeypatch, asked_at=30)
    assert [each for each in said if each in ((True,), (False,))] == [(False,), (True,)]


def usual(count: int) -> list[Packet]:
    """Sound with nothing unusual about it."""
    return [Packet(0.02, 7, 1, 960, 96, True, SOUND, EXTENSIONS[1], *REST) for _ in range(count)]


def test_usual_sound_is_taken_by_the_compiled_part(monkeypatch: pytest.MonkeyPatch) -> None:
    datagrams = written(usual(600), 65000)
    said, counted, taken = on_staged_clock(
        monkeypatch, lambda: flowed(ReceivePath.PACKETS, datagrams)
    )
    frames, _ = apart(said)
    assert (len(frames), counted[0], counted[1]) == (600, 600, 0)
    # One tells whose stream it is, and after each flow one is looked at by Python.
    assert 590 <= taken < 600


@pytest.mark.parametrize("are_joined", [False, True])
@pytest.mark.parametrize("codec", [96, 0], ids=["VP8", "H264"])
def test_usual_pictures_are_taken_by_the_compiled_part(
    codec: int, are_joined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    datagrams = written(pictures(300, codec=codec), 65000)
    said, counted, taken = on_staged_clock(
        monkeypatch,
        lambda: flowed(ReceivePath.PACKETS, datagrams, kind="video", are_joined=are_joined),
    )
    frames, _ = apart(said)
    assert (len(frames), counted[0], counted[1]) == (300, 1200, 0)
    # The first picture tells whose stream it is, and after each flow one is looked at by Python.
    assert 1190 <= taken < 1200


@pytest.mark.parametrize("count", [1, 32, 33, 200])
def test_few_flows_are_estimated_at_one_moment(run: Run, count: int) -> None:
    looks: list[tuple[float, int]] = []

    async def main() -> None:
        flows, loop = Flows.running(), asyncio.get_running_loop()

        def look(number: int) -> None:
            looks.append((loop.time(), number))

        some = [flows.ffi.new("struct inbound *") for _ in range(count)]
        for number, flow in enumerate(some):
            flows.estimate(flow, partial(look, number))
        await asyncio.sleep(1.05)
        for flow in some:
            flows.unlisten(flow)

    run(main, loop="virtual")
    moments = Counter(round(at, 3) for at, _ in looks)
    assert max(moments.values()) == min(count, 40 if count > 160 else 32)
    for number in range(count):
        times = [at for at, each in looks if each == number]
        apart = [after - before for before, after in pairwise(times)]
        assert len(times) >= 10
        assert all(abs(each - EVERY) < 0.001 for each in apart)


def test_what_comes_through_of_pictures_is_estimated_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    add = IncomingBitRate.add_groups

    def added(estimate: IncomingBitRate, ssrc: int, groups: Any) -> None:
        waited.extend(time.monotonic() * 1000 - arrival for _, arrival, _ in groups)
        add(estimate, ssrc, groups)

    monkeypatch.setattr(IncomingBitRate, "add_groups", added)
    datagrams = written(pictures(100), 65000)
    _, _, taken = on_staged_clock(
        monkeypatch, lambda: flowed(ReceivePath.NONE, datagrams, kind="video")
    )
    assert taken >= 396
    assert len(waited) == 199
    # A group is whole when the next picture comes, and then it waits for at most 100 ms.
    assert max(waited) <= 140


@pytest.mark.parametrize(("every", "least"), [(0.001, 580), (0.03, 590)])
def test_pictures_for_which_there_is_no_room_are_not_lost(
    every: float, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    datagrams = written(pictures(150, every=every, octets=1100), 65000)
    said, counted, taken = on_staged_clock(
        monkeypatch, lambda: flowed(ReceivePath.PACKETS, datagrams, kind="video")
    )
    frames, _ = apart(said)
    assert (len(frames), counted[0], counted[1]) == (150, 600, 0)
    # Groups fill theirs where they come in less time than they were sent in, else payloads do.
    assert least <= taken < least + 9


def test_datagrams_are_joined_where_pictures_come_in_bursts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    takes = udp_transport._takes

    def taken_note_of(sock: socket.socket, option: int, value: int) -> bool:
        if option == UDP_GRO:
            asked.append(value)
        return takes(sock, option, value)

    monkeypatch.setattr(udp_transport, "_takes", taken_note_of)
    strange = [replace(each, after=0.01, ssrc=10) for each in usual(1)]
    bursts, lone = pictures(30), pictures(300, parts=1)
    lone = [replace(each, payload=b"\x10\x01 one picture", step=1) for each in lone]
    for some, are_joined, told in (
        ([*bursts, *strange], False, [1]),
        ([*bursts, *strange, *lone, *strange], False, [1, 0]),
        ([*bursts, *bursts, *bursts, *strange], True, []),
        ([*lone, *strange], True, [0]),
    ):
        asked.clear()
        work = partial(flowed, ReceivePath.NONE, kind="video", are_joined=are_joined)
        _, _, taken = on_staged_clock(monkeypatch, partial(work, written(some, 65000)))
        assert taken > 100
        assert asked == told


def test_what_comes_from_another_address_is_for_python(monkeypatch: pytest.MonkeyPatch) -> None:
    datagrams = written(usual(40), 65000)

    def taken(moves_at: int | None) -> int:
        work = partial(flowed, ReceivePath.PACKETS, datagrams, moves_at=moves_at)
        _, counted, taken = on_staged_clock(monkeypatch, work)
        assert counted[0] == 40
        return int(taken)

    assert taken(None) == 38
    assert taken(20) == 37  # who decides about addresses has seen the first one from there


def test_nothing_is_lost_of_what_is_not_of_a_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    take = Protocol.datagram_received

    def taken_by_python(protocol: Protocol, data: bytes, addr: Any) -> None:
        given.append(data)
        take(protocol, data, addr)

    monkeypatch.setattr(Protocol, "datagram_received", taken_by_python)
    strange = [replace(each, after=0.0, ssrc=10) for each in usual(90)]
    datagrams = written([*usual(4), *strange, *usual(10)], 65000)
    _, counted, taken = on_staged_clock(monkeypatch, lambda: flowed(ReceivePath.NONE, datagrams))
    _, *rest = given  # whose stream it is was to be found out
    assert rest == [packet for _, packet in datagrams[4:94]]
    assert (counted[0], counted[1], taken) == (14, 0, 12)


ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

SO_NO_CHECK = 11
"""Python's `socket` has no name for it. Without checksums, Linux cuts nothing."""

TIME = slice(19, 22)
"""Where it is in a packet of pictures."""


def test_a_stream_that_is_lent_makes_no_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "MOST_STREAMS", 2)
    some = usual(1250)
    others = [(20, 8), (600, 9), (1150, 9)]  # by the last one, only the first stream is heard
    for at, ssrc in others:
        some.insert(at, replace(some[0], after=0.0, ssrc=ssrc))
    said, counted, taken = on_staged_clock(
        monkeypatch, lambda: flowed(ReceivePath.NONE, written(some, 65000))
    )
    assert [each for each in said if each in (7, 8, 9)] == [8]
    assert counted[0] == 1252
    assert taken > 1200


class Wired(Scene):
    """What goes out to a real socket, encrypted, and what comes out of it at the peer's."""

    is_patient = True

    def __init__(self, kind: Kind, codec: str = "") -> None:
        super().__init__(kind, codec)
        self.times: list[int] = []
        if kind == "video":
            ids = {1: "urn:ietf:params:rtp-hdrext:sdes:mid", 2: ABS_SEND_TIME}
            self.sender._RTCRtpSender__rtp_header_extensions_map.configure(
                RTCRtpParameters(
                    headerExtensions=[
                        RTCRtpHeaderExtensionParameters(id=number, uri=uri)
                        for number, uri in ids.items()
                    ]
                )
            )
        self.theirs: Any
        self._peer, sock = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        for each in (self._peer, sock):
            each.bind(("127.0.0.1", 0))
        self._transport = UdpTransport(sock, asyncio.DatagramProtocol())
        self.pair.protocol.transport = self._transport
        self.pair.protocol.send_burst = self._transport.send_burst
        self.pair.remote_addr = self._peer.getsockname()
        policies = (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
        ours, self.theirs = (Session(Policy(KEY, one, srtp_profile=PROFILE)) for one in policies)
        self.transport._tx_srtp = ours
        self._peer.setblocking(False)
        self.loop.add_reader(self._peer, self._read)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                packet = self.theirs.unprotect(self._peer.recv(2048))
                if self.kind == "video":
                    self.times.append(int.from_bytes(packet[TIME]))
                    packet = packet[: TIME.start] + bytes(3) + packet[TIME.stop :]
                self.found.append((round(self.loop.time() * 1000), packet))

    def kept(self) -> Any:
        """Say what is kept for a peer that has missed some of it."""
        stream = self.outgoing._paced.stream
        if not isinstance(stream, PictureStream):
            return None
        sent = stream._sent
        return ("kept", sent.bursts(), sent._newest, sent._allowance)

    async def end(self) -> None:
        """Close the sockets."""
        await asyncio.sleep(0.01)
        self.found.append(self.kept())
        self.loop.remove_reader(self._peer)
        self._peer.close()
        self._transport.close()
        await asyncio.sleep(0)


def parted(found: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Part packets, frames that were told, and the rest; a real clock says when those left."""
    frames, rest = apart(found)
    packets = [each for each in rest if isinstance(each, tuple) and isinstance(each[1], bytes)]
    return (
        packets,
        [frame._replace(arrival=0.0) for frame in frames],
        [each for each in rest if each not in packets],
    )


@dataclass(frozen=True)
class Large(Source):
    """Pictures of so many packets that some always wait."""

    repeats: bool = True
    kinds = frozenset({"video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Give frames."""
        for number in range(40):
            yield Unit(picture(codec, 9, 90_000), 3000, number % 10 == 0)


def either_way(run: Run, codec: str, orders: Orders) -> int:
    """Play a scene with the compiled part and without; give how many frames were lent."""
    lent = 0
    kind: Kind = "audio" if codec == "opus" else "video"
    begin = OutboundFlow.begin

    def began(flow: OutboundFlow, *arguments: Any) -> bool:
        nonlocal lent
        done = begin(flow, *arguments)
        lent += done and flow.said.count
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OutboundFlow, "begin", began)
        ours = run(lambda: play(kind, orders, Wired, codec), loop="virtual")
        patch.setenv(SWITCH, "0")
        theirs = run(lambda: play(kind, orders, Wired, codec), loop="virtual")
    assert parted(ours) == parted(theirs)
    return lent


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("codec", ["opus", "VP8", "H264"])
@pytest.mark.parametrize("order", EACH, ids=str)
def test_each_thing_is_done_at_once_while_frames_are_lent(run: Run, codec: str, order: Any) -> None:
    assert either_way(run, codec, [(("watch", True), 130), (order, 150), (("look", None), 50)]) > 0


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("codec", ["opus", "VP8", "H264"])
def test_whatever_is_done_the_same_goes_out(run: Run, codec: str) -> None:
    lent = 0

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(TIMED)
    def holds(orders: Orders) -> None:
        nonlocal lent
        lent += either_way(run, codec, orders)

    holds()
    assert lent > 1000


@pytest.mark.usefixtures("staged")
def test_what_was_taken_back_is_lent_again_with_the_next_frame(run: Run) -> None:
    async def main() -> None:
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        scene.outgoing.take_back()
        assert flows._c.going_count == 0
        await asyncio.sleep(0.021)
        assert flows._c.going_count == 1
        scene.outgoing.close()
        await scene.end()

    run(main, loop="virtual")


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_same_goes_out_where_the_kernel_cuts_nothing_any_more(
    run: Run, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []
    send = UdpTransport.send_burst

    def uncut(scene: Wired, _: None) -> None:
        scene._transport._sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)

    def sent(transport: UdpTransport, packets: Sequence[bytes], address: Any) -> None:
        could = transport.cuts
        send(transport, packets, address)
        if could > transport.cuts:
            refused.append(len(packets))

    monkeypatch.setitem(ORDER, "large", lambda scene, _: scene.outgoing.play(Large()))
    monkeypatch.setitem(ORDER, "uncut", uncut)
    monkeypatch.setattr(UdpTransport, "send_burst", sent)
    for after in (301, 305, 312):
        orders: Orders = [
            *((("large", None), after), (("uncut", None), 0), (("stall", 0.05), 100)),
            (("look", None), 50),
        ]
        assert either_way(run, codec, orders) > 0
    assert max(refused) > 32  # more than one chunk was made


def sent_at(moment: float) -> int:
    """Give a moment as abs-send-time has it: 24 bits, of which 18 are a fraction."""
    return int((moment + 2_208_988_800) * (1 << 18)) & 0xFFFFFF


def test_each_picture_says_when_it_left(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lent = 0
    told: list[float] = []
    counted = OutboundFlow.counted

    def count(flow: OutboundFlow) -> tuple[int, int]:
        nonlocal lent
        found = counted(flow)
        lent += found[0]
        if flow.played:
            told.append(flow.said.wall)
        return found

    monkeypatch.setattr(OutboundFlow, "counted", count)

    async def main() -> None:
        scene = Wired("video")
        began = time.time()
        before = sent_at(began)
        scene.outgoing.start()
        await asyncio.sleep(0.5)
        assert scene.sent.packets > 8
        scene.outgoing.close()
        await scene.end()
        passed = (sent_at(time.time()) - before) & 0xFFFFFF
        found = [(each - before) & 0xFFFFFF for each in scene.times]
        assert found == sorted(found)
        assert 0 <= found[0] < found[-1] <= passed
        assert told
        assert began <= told[0] <= told[-1] <= scene.sent.at <= time.time()

    run(main)
    assert lent > 8


def test_a_socket_that_closes_ends_its_flows(run: Run) -> None:
    async def main() -> None:
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        assert flows._c.going_count == 1
        scene._transport.close()
        assert (flows._c.going_count, flows._ends) == (0, {})
        await asyncio.sleep(0.3)
        assert flows._c.going_count == 0
        scene.outgoing.close()
        await scene.end()

    run(main)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_what_waits_for_the_socket_leaves_first(
    run: Run, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        scene = Wired(kind)
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        before = scene.theirs
        early = before.unprotect
        waits = [b"waits", b"as well"]
        numbers: list[Any] = []
        enough = asyncio.Event()

        def unprotect(packet: bytes) -> bytes:
            plain = packet if packet in waits else early(packet)
            numbers.append(packet if packet in waits else int.from_bytes(plain[2:4]))
            if len(numbers) == 10:
                enough.set()
            return plain

        scene.theirs = SimpleNamespace(unprotect=unprotect)
        loop = asyncio.get_running_loop()
        unsent: list[bytes] = []
        send = scene._transport.send_burst

        def note(packets: list[bytes], address: Any) -> None:
            unsent.extend(packets)
            send(packets, address)

        monkeypatch.setattr(scene._transport, "send_burst", note)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scene._transport, "_write", lambda: None)  # there is no room yet
            for each in waits:
                scene._transport._wait(each, scene.pair.remote_addr)
            with suppress(BlockingIOError):
                while True:
                    scene._peer.recv(2048)
            await asyncio.sleep(0.1)
            assert numbers == []
        loop.add_writer(scene._transport._sock, scene._transport._write)
        await enough.wait()
        first = numbers[2]
        assert numbers == [*waits, *range(first, first + len(numbers) - 2)]
        assert unsent
        scene.outgoing.close()
        await scene.end()

    run(main)


@pytest.mark.usefixtures("staged")
def test_whoever_fails_to_take_what_was_not_sent_stops_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        scene, other = Wired("audio"), Wired("audio")
        for each in (scene, other):
            each.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        assert flows._c.going_count == 2

        def failing(data: bytes, addr: Any) -> None:
            other.outgoing.close()  # the last one takes the first one's place
            raise RuntimeError(f"no room for {len(data)} octets")

        monkeypatch.setattr(scene._transport, "sendto", failing)
        for each in (scene, other):
            flows.keep_back(each._transport.file, True)
        await asyncio.sleep(0.1)
        assert flows._c.going_count == 1
        flows.keep_back(scene._transport.file, False)
        before = len(scene.found)
        await asyncio.sleep(0.1)
        assert len(scene.found) == before + 5
        for each in (scene, other):
            each.outgoing.close()
            await each.end()

    run(main, loop="virtual")
    assert caplog.text.count("A flow could not be taken back") == 5


def test_without_the_compiled_part_python_does_it_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "0")

    async def main() -> None:
        assert SocketPoll.running().flows is None
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.2)
        scene.outgoing.close()
        await scene.end()
        assert len(parted(scene.found)[0]) >= 8

    run(main)

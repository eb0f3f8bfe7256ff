"""Video on its way out: packets, bursts and repairs, as aiortc reads them."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    clock,
    rtp,
)
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.sdp import candidate_from_sdp
from callboard.media import ClockPattern, Connected, Echo, Tone, read_clock
from callboard.media.frames.payloads import LARGEST
from callboard.media.rtc.rtp import rtcp
from callboard.media.rtc.rtp.picture_stream import PictureStream
from callboard.media.sources.pacer import Pacer
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.camera import describe, is_video
from callboard.tests.media.legs import Leg, call, luma
from callboard.tests.media.lossy import Road, candidate, road, without_candidates

FRAME = 3000
"""Ticks of a frame at thirty a second."""


class Outlet:
    """Stands where a stream's packets go out, and notes what leaves together."""

    ssrc, repair_ssrc = 1000, 2000

    def __init__(self, repair_type: int | None = 97) -> None:
        self.repair_type = repair_type
        self.bursts: list[list[rtp.RtpPacket]] = []
        self.counted = [0, 0]
        self.is_open = True
        self.reported: list[int] = []
        self._loop = asyncio.get_running_loop()
        self.times: list[float] = []

    def extension(self) -> bytes:
        """Say nothing."""
        return b""

    def send(self, packets: list[bytes]) -> bool:
        """Note a burst."""
        if not self.is_open:
            return False
        self.bursts.append([rtp.RtpPacket.parse(each) for each in packets])
        self.times.append(self._loop.time())
        return True

    def count(self, packets: int, octets: int) -> None:
        """Count."""
        self.counted[0] += packets
        self.counted[1] += octets

    def report(self, timestamp: int) -> None:
        """Note what belongs to this moment."""
        self.reported.append(timestamp)

    @property
    def packets(self) -> list[rtp.RtpPacket]:
        """All packets, in order."""
        return [each for burst in self.bursts for each in burst]


def stream(outlet: Outlet) -> PictureStream:
    found: Any = outlet
    return PictureStream(found, "VP8", 96)


def frame(size: int, duration: int = FRAME) -> Unit:
    return Unit(random.Random(size).randbytes(size), duration)


async def empty(pictures: PictureStream) -> None:
    """Wait until nothing waits any more."""
    while pictures.waits:  # noqa: ASYNC110 -- the pacer tells nobody
        await asyncio.sleep(Pacer.GRID)


def test_a_frame_leaves_in_order_and_is_counted(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet()
        pictures = stream(outlet)
        sizes = [3000, 100, 9000, 70_000, 1]
        for number, size in enumerate(sizes):
            pictures.send(frame(size), number * FRAME)
        await empty(pictures)
        packets = outlet.packets
        assert [each.ssrc for each in packets] == [outlet.ssrc] * len(packets)
        for before, after in pairwise(packets):
            assert after.sequence_number == (before.sequence_number + 1) % 65536
        data: dict[int, bytes] = {}
        pictured: list[VpxPayloadDescriptor] = []
        for each in packets:
            descriptor, part = VpxPayloadDescriptor.parse(each.payload)
            assert len(each.payload) <= LARGEST
            assert descriptor.partition_start == (each.timestamp not in data)
            data[each.timestamp] = data.get(each.timestamp, b"") + part
            if each.marker:
                pictured.append(descriptor)
        assert list(data.values()) == [frame(size).data for size in sizes]
        assert list(data) == outlet.reported
        stamps = [(later - earlier) % 2**32 for earlier, later in pairwise(data)]
        assert stamps == [FRAME] * (len(sizes) - 1)
        for one, following in pairwise(each.picture_id or 0 for each in pictured):
            assert following == (one + 1) % 2**15
        assert outlet.counted == [len(packets), sum(len(each.payload) for each in packets)]

    run(main, loop="virtual")


def test_a_large_frame_leaves_in_bursts_over_its_time(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet()
        pictures = stream(outlet)
        pictures.send(frame(8 * 1100), 0)
        assert len(outlet.bursts) == 1  # eight packets leave at once
        assert not pictures.waits
        outlet.bursts.clear()
        pictures.send(frame(60_000), FRAME)
        assert pictures.waits
        at_once = len(outlet.packets)
        await empty(pictures)
        assert all(len(burst) <= PictureStream.BURST for burst in outlet.bursts)
        assert at_once <= len(outlet.packets) / 2
        # A tick that comes late may send more: how many there were is all that can be said.
        assert len({round(at, 4) for at in outlet.times[1:]}) >= 2
        pictures.close()

    run(main, loop="virtual")


def test_small_frames_after_a_large_one_wait_behind_it(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet()
        pictures = stream(outlet)
        for number in range(5):
            pictures.send(frame(40_000 if number == 1 else 2000), number * FRAME)
        await empty(pictures)
        stamps = [each.timestamp for each in outlet.packets]
        order = list(dict.fromkeys(stamps))
        assert stamps == sorted(stamps, key=order.index)
        assert order == outlet.reported

    run(main, loop="virtual")


def test_nothing_leaves_when_there_is_no_way_out(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet()
        pictures = stream(outlet)
        outlet.is_open = False
        pictures.send(frame(60_000), 0)
        assert not pictures.waits
        outlet.is_open = True
        pictures.send(frame(60_000), FRAME)
        outlet.is_open = False
        await empty(pictures)  # what waited is let go
        sent = len(outlet.packets)
        assert outlet.counted[0] == sent
        outlet.is_open = True
        pictures.send(frame(100), 2 * FRAME)
        assert outlet.packets[-1].marker
        assert outlet.reported[-1] == outlet.packets[-1].timestamp
        pictures.close()

    run(main, loop="virtual")


def test_what_is_missed_comes_again_on_a_stream_of_its_own(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet()
        pictures = stream(outlet)
        pictures.send(frame(6000), 0)
        sent = outlet.packets
        missed = [sent[1], sent[3], sent[-1]]
        outlet.bursts.clear()
        pictures.send_again([each.sequence_number for each in missed])
        for was, again in zip(missed, outlet.packets, strict=True):
            assert (again.ssrc, again.payload_type) == (outlet.repair_ssrc, 97)
            assert (again.marker, again.timestamp) == (was.marker, was.timestamp)
            unwrapped = rtp.unwrap_rtx(again, 96, outlet.ssrc)
            assert unwrapped.serialize() == was.serialize()
        for before, after in pairwise(outlet.packets):
            assert after.sequence_number == (before.sequence_number + 1) % 65536
        assert outlet.counted[0] == len(sent)  # the reports are on the first stream
        outlet.bursts.clear()
        pictures.send_again([sent[1].sequence_number])  # the peer has not heard it: as it was
        assert [each.serialize() for each in outlet.packets] == [sent[1].serialize()]

    run(main, loop="virtual")


def test_without_a_stream_for_it_what_is_missed_comes_as_it_was(run: Run) -> None:
    async def main() -> None:
        outlet = Outlet(repair_type=None)
        pictures = stream(outlet)
        pictures.send(frame(30_000), 0)
        await empty(pictures)
        sent = outlet.packets
        outlet.bursts.clear()
        pictures.send_again([each.sequence_number for each in sent[:20]])
        assert [each.serialize() for each in outlet.packets] == [
            each.serialize() for each in sent[:20]
        ]
        assert all(len(burst) <= PictureStream.BURST for burst in outlet.bursts)
        outlet.bursts.clear()
        pictures.send_again([sent[0].sequence_number - 1, 70_000])
        assert outlet.bursts == []
        pictures.close()

    run(main, loop="virtual")


def transceiver(leg: Leg) -> Any:
    return leg.pc.media.by_kind["video"].transceiver


def test_reports_and_extensions_say_what_is_sent(run: Run) -> None:
    """What goes out between two legs, read by aiortc."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 3)
            sender = transceiver(a).sender
            assert sender._RTCRtpSender__rtp_task.done()  # no task sends
            ids = sender._RTCRtpSender__rtp_header_extensions_map
            plain: list[bytes] = []
            transport = sender.transport
            session = transport._tx_srtp

            class Spy:
                protect = session.protect

                def protect_all(self, packets: list[bytes]) -> list[bytes]:
                    plain.extend(packets)
                    found: list[bytes] = session.protect_all(packets)
                    return found

                protect_rtcp = session.protect_rtcp

            sent = a.pc.media.by_kind["video"].reports.sent
            before = sent.packets, sent.octets
            transport._tx_srtp = Spy()
            await b.received("video", 20)
            transport._tx_srtp = session
            found = [rtp.RtpPacket.parse(each, ids) for each in plain]
            video = [each for each in found if each.ssrc == sender._ssrc]
            assert {each.extensions.mid for each in video} == {transceiver(a).mid}
            times = [each.extensions.abs_send_time or 0 for each in video]
            assert all((later - earlier) % 2**24 < 2**23 for earlier, later in pairwise(times))
            assert 0.3 < (times[-1] - times[0]) % 2**24 / 2**18 < 60
            assert sent.packets - before[0] == len(video)
            assert sent.octets - before[1] == sum(len(each.payload) for each in video)
            assert sent.timestamp == video[-1].timestamp
            assert sent.rate == 90_000
            said = sent.info()
            assert 0 <= (said.timestamp - sent.timestamp) % 2**32 < 2 * 90_000
            assert abs(said.moment - clock.current_ntp_time()) < 2**32

    run(main)


def test_what_a_peer_can_take_is_heard_and_kept_within_bounds(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 3)
            medium = a.pc.media.by_kind["video"]
            ssrc = transceiver(a).sender._ssrc

            def say(packet: bytes) -> None:
                [read] = rtcp.packets(packet)
                medium.reports.take(read)

            for said, kept in ((700_000, 700_000), (1, 100_000), (1 << 40, 20_000_000)):
                say(rtcp.remb(1, said, [ssrc]))
                assert medium.allowed_bit_rate == a.pc.media.bit_rate() == kept
            fci = rtp.pack_remb_fci(300_000, [ssrc])
            for broken in (b"", b"REMB", b"REMB\x05\x00\x00\x01", b"XXXX" + fci[4:]):
                say(bytes(rtp.RtcpPsfbPacket(15, 1, 0, broken)))
            say(rtcp.remb(1, 300_000, [ssrc ^ 1]))
            assert medium.allowed_bit_rate == 20_000_000
            for share, report in ((0.5, 128), (0.75, 0)):
                say(rtcp.report(1, None, [rtcp.ReportBlock(ssrc, report, 0, 0, 0, 0, 0)]))
                assert medium.allowed_bit_rate in {
                    15_000_000,
                    15_750_000,
                }, share

    run(main)


@asynccontextmanager
async def watched(link: Road, codec: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A clock of ours that aiortc's own peer connection receives over a line, and decodes."""
    leg, pc = Leg(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[MediaStreamTrack] = []
    pc.on("track", tracks.append)

    async def clock_shown() -> float:
        while True:
            picture: Any = await tracks[0].recv()
            if (shown := read_clock(luma(picture))) is not None:
                return shown

    try:
        source = ClockPattern(width=160, height=120, fps=30)
        offer = await leg.pc.offer(audio=None, video=source, prefer=[codec])
        await pc.setRemoteDescription(RTCSessionDescription(without_candidates(offer), "offer"))
        answer = await describe(pc, await pc.createAnswer())
        offer, answer = await link.lead(offer, answer)
        await pc.addIceCandidate(from_sdp(candidate(offer)))
        await leg.pc.accept(answer)
        await leg.event(Connected)
        yield clock_shown
    finally:
        await leg.pc.close()
        await pc.close()


def from_sdp(line: str) -> Any:
    found = candidate_from_sdp(line.removeprefix("candidate:"))
    found.sdpMid = "0"
    return found


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_aiortc_sees_every_picture_though_some_packets_are_lost(run: Run, codec: str) -> None:
    async def main() -> None:
        async with road() as link, watched(link, codec) as clock_shown:
            before = await clock_shown()
            every = iter(range(1000))
            link.drop = lambda data: is_video(data) and next(every) % 7 == 3
            for _ in range(40):
                shown = await clock_shown()
                # Its decoder shows nothing twice, and leaves nothing out, where all is repaired.
                assert (shown - before) % 60 == pytest.approx(1 / 30, abs=0.01)
                before = shown

    run(main)


def test_an_echo_of_pictures_is_whole(run: Run) -> None:
    async def main() -> None:
        async with call(
            audio=Tone(), back_audio=Tone(), video=ClockPattern(), back_video=Echo()
        ) as (a, b):
            await a.received("video", 20)
            there = [frame.data for frame in b.seen("video")]
            back = [frame.data for frame in a.seen("video")]
            first = there.index(back[0])
            assert back == there[first : first + len(back)]

    run(main)


def test_a_stream_that_has_closed_before_it_began(run: Run) -> None:
    """A call may end while its connection is made: nothing may begin then."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 1)
            outgoing = a.pc.media.by_kind["video"].outgoing
            assert outgoing is not None
            outgoing.close()
            ticket = outgoing._paced._ticket
            outgoing.start()
            assert outgoing._paced._ticket is ticket

    run(main)

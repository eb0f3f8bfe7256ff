"""Reports of RTP streams: when they are sent, and what is measured by them."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.media.rtc.rtp import rtcp
from callboard.media.rtc.rtp.reports import EARLY, SELDOM, Heard, Reports
from callboard.media.rtc.rtp.rtcp import ReportBlock, RtcpPacket, SenderInfo
from callboard.media.sources.pacer import Pacer
from callboard.tests.conftest import Run

OURS, THEIRS = 7, 9
KINDS = {200: "SR", 201: "RR", 202: "SDES", 203: "BYE", 205: "RTPFB", 206: "PSFB"}


class Way:
    """Notes down what goes out, and when."""

    name = "somebody"
    ssrc = OURS

    def __init__(self) -> None:
        self.is_closed = False
        self.sent: list[tuple[float, list[RtcpPacket]]] = []

    def open(self, reports: Reports) -> None:
        """Start at once."""
        reports.start()

    def close(self) -> None:
        """Hear nothing more."""
        self.is_closed = True

    def send(self, packet: bytes) -> bool:
        """Take it apart."""
        now = asyncio.get_running_loop().time()
        self.sent.append((now, list(rtcp.packets(packet))))
        return True

    @property
    def kinds(self) -> list[str]:
        """Of each compound packet."""
        return ["+".join(KINDS[each.kind] for each in packets) for _, packets in self.sent]


def counted() -> Any:
    """A stream of which a hundred packets came."""
    return SimpleNamespace(sums=(100, 0, 99, 0.01), clock_rate=48_000)


def read(packet: bytes) -> RtcpPacket:
    """Give a single packet as it comes in."""
    [found] = rtcp.packets(packet)
    return found


def test_a_report_a_second_of_video_on_the_beat_of_what_is_sent(run: Run) -> None:
    async def main() -> None:
        way = Way()
        reports = Reports(way, "video")
        reports.streams[THEIRS] = Heard(counted())
        await asyncio.sleep(100)
        times = [at for at, _ in way.sent]
        apart = [later - earlier for earlier, later in pairwise(times)]
        assert all(0.489 < each < 1.511 for each in apart)
        assert len({round(each, 1) for each in apart}) > 5
        assert 80 < len(times) < 125
        _, *later = (at - Pacer.BEHIND for at in times)
        assert all(at * 50 == pytest.approx(round(at * 50), abs=1e-6) for at in later)
        assert not way.is_closed
        reports.close()
        assert way.is_closed
        await asyncio.sleep(5)
        assert len(way.sent) == len(times)
        reports.start()  # the connection has come up behind the end
        await asyncio.sleep(5)
        assert len(way.sent) == len(times)

    run(main, loop="virtual")


def test_sound_is_reported_of_early_and_then_less_often(run: Run) -> None:
    async def main() -> None:
        way = Way()
        reports = Reports(way, "audio")
        reports.streams[THEIRS] = Heard(counted())
        await asyncio.sleep(500)  # more would not fit into the budget of a moment
        times = [at for at, _ in way.sent]
        apart = [later - earlier for earlier, later in pairwise(times)]
        for each, seconds in zip(apart, (*EARLY, *[SELDOM] * len(apart)), strict=False):
            assert 0.489 * seconds < each < 1.511 * seconds
        assert 80 < len(times) < 120
        reports.close()

    run(main, loop="virtual")


def test_who_sends_says_so_and_says_goodbye(run: Run) -> None:
    async def main() -> None:
        way = Way()
        reports = Reports(way, "video")
        await asyncio.sleep(3)
        assert way.sent == []  # there is nothing to tell
        reports.streams[THEIRS] = Heard(counted())
        await asyncio.sleep(3)
        assert set(way.kinds) == {"RR+SDES"}
        way.sent.clear()
        for _ in range(300):
            reports.sent.count(1, 100)
            await asyncio.sleep(0.02)
        assert set(way.kinds) == {"SR+SDES"}
        way.sent.clear()
        await asyncio.sleep(20)
        assert way.kinds[0] == "SR+SDES"  # a packet left since the report before
        assert set(way.kinds[2:]) == {"RR+SDES"}
        reports.close()
        assert way.kinds[-1] == "RR+BYE"

    run(main, loop="virtual")


def test_a_round_trip_is_measured_by_what_the_peer_answers(run: Run) -> None:
    async def main() -> None:
        way = Way()
        reports = Reports(way, "video")
        reports.sent.count(1, 100)
        await asyncio.sleep(1.6)
        at, packets = way.sent[-1]
        moment = rtcp.moment(packets[0])
        assert moment is not None

        def answer(last: int, delay: float, lost: int = 0) -> None:
            told = ReportBlock(OURS, 0, lost, 0, 960, last, round(delay * 65536))
            reports.take(read(rtcp.report(THEIRS, None, [told])))

        now = asyncio.get_running_loop().time
        answer(moment ^ 1, 0.5)  # never said
        answer(moment, 0.0)  # it had not come
        assert reports.round_trip is None
        await asyncio.sleep(at + 2.25 - now())
        answer(moment, 2.0, lost=-3)
        assert reports.round_trip == pytest.approx(0.25, abs=0.001)
        assert reports.told is not None
        assert (reports.told.lost, reports.told.jitter) == (-3, 960)
        answer(moment, 2.25 - 0.05)
        assert reports.round_trip == pytest.approx(0.85 * 0.25 + 0.15 * 0.05, abs=0.001)
        answer(moment, 100.0)  # a lie does no harm
        assert reports.round_trip is not None
        assert 0.0 < reports.round_trip < 0.25
        reports.close()

    run(main, loop="virtual")


def test_the_peers_report_is_answered(run: Run) -> None:
    async def main() -> None:
        way = Way()
        reports = Reports(way, "video")
        reports.streams[THEIRS] = Heard(counted())
        for ssrc in (THEIRS, THEIRS + 1):  # the other one is nobody's
            info = SenderInfo(0x0123_4567_89AB_CDEF, 0, 0, 0)
            reports.take(read(rtcp.report(ssrc, info, ())))
        await asyncio.sleep(1.6)
        at, packets = way.sent[-1]
        [block] = rtcp.blocks(packets[0])
        assert (block.ssrc, block.last) == (THEIRS, 0x4567_89AB)
        assert block.delay == pytest.approx(at * 65536, abs=1)
        reports.close()

    run(main, loop="virtual")


def test_only_what_is_said_of_our_stream_is_heard(run: Run) -> None:
    async def main() -> None:
        heard: list[Any] = []
        way = Way()
        reports = Reports(way, "video")
        reports.on_bit_rate = heard.append
        reports.on_keyframe = lambda: heard.append("keyframe")
        reports.on_lost = heard.append
        reports.on_missing = heard.append
        for ssrc in (OURS + 1, OURS):
            assert heard == []
            told = ReportBlock(ssrc, 64, 1, 0, 0, 0, 0)
            for packet in (
                rtcp.pli(THEIRS, ssrc),
                rtcp.nack(THEIRS, ssrc, [5, 6]),
                rtcp.remb(THEIRS, 300_000, [1, ssrc]),
                rtcp.report(THEIRS, None, [told]),
            ):
                reports.take(read(packet))
        assert heard == ["keyframe", [5, 6], 300_000, 0.25]
        reports.close()

    run(main, loop="virtual")

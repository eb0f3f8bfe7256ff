"""What we tell a peer of what comes in: receiver reports, and the bit rate that comes through."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from aiortc import RTCRtpReceiver, rtp
from aiortc.rate import RemoteBitrateEstimator
from callboard.media import ClockPattern, Tone
from callboard.media.rtc._aiortc.bit_rate import IncomingBitRate
from callboard.media.rtc._aiortc.guards import RECEIVE
from callboard.media.rtc._aiortc.transports import dtls_transports
from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.reports import Heard
from callboard.media.rtc.rtp.rtcp import report
from callboard.media.rtc.rtp.statistics import StreamCounter
from callboard.media.rtc.rtp.video.bit_rate_estimator import Group
from callboard.tests.conftest import Run
from callboard.tests.media.legs import call
from callboard.tests.media.lossy import call_over, road
from hypothesis import given
from hypothesis import strategies as st


class Line:
    """Packets over a line that is full from some moment on, in milliseconds and octets."""

    def __init__(self, octets_a_ms: float) -> None:
        self.pace = octets_a_ms
        self._free_at = 0.0

    def arrival(self, sent: float, size: int) -> float:
        """Say when a packet comes that was sent at a moment."""
        self._free_at = max(self._free_at, sent) + size / self.pace
        return self._free_at


@pytest.mark.parametrize("apart", [0.0, 0.3])
def test_packets_that_leave_together_are_estimated_as_they_are_by_aiortc(
    apart: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a picture, sent at once as ours are, or so many milliseconds one after the other."""
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    receiver: Any = RTCRtpReceiver.__new__(RTCRtpReceiver)
    extensions = rtp.HeaderExtensionsMap()
    extensions._HeaderExtensionsMap__ids.abs_send_time = 3  # type: ignore[attr-defined]
    transport: Any = type("Transport", (), {"_rtp_header_extensions_map": extensions})
    receiver._RTCRtpReceiver__transport = transport
    told: list[int] = []
    ours = IncomingBitRate(receiver, lambda most, _: told.append(most))
    take, groups = ours.add_groups, list[Group]()

    def add_groups(ssrc: int, some: Sequence[Group]) -> None:
        groups.extend(some)
        take(ssrc, some)

    ours.add_groups = add_groups  # type: ignore[method-assign, assignment]
    theirs, found, line = RemoteBitrateEstimator(), list[int](), Line(250.0)
    chance = random.Random(3)
    for number in range(900):
        if number == 600:
            line.pace = 100.0  # 800 kbit/s, of which a million are sent
        for place in range(4):
            sent = number * 33.3 + place * apart
            stamp = int(sent / 1000 * (1 << 18)) & 0xFFFFFF
            size = 1000 + chance.randrange(200)
            now = line.arrival(sent, size) / 1000
            extension = b"\xbe\xde\0\1\x32" + stamp.to_bytes(3)
            ours.take(RtpPacket(96, 0, 0, 7, bytes(size), extension=extension))
            estimate = theirs.add(int(now * 1000), stamp, size, 7)
            if estimate is not None:
                found.append(estimate[0])
    assert told[-1] == pytest.approx(found[-1], rel=0.15)
    assert told[-1] < 900_000 < max(told)
    assert 890 < len(groups) <= 900


def test_a_report_says_what_was_counted() -> None:
    counter = StreamCounter(90_000)
    heard = Heard(counter)
    assert heard.block(7, 0.0) == (7, 0, 0, 0, 0, 0, 0)
    lost = set(range(65500, 65600, 4))
    for number in range(65500, 65600):
        if number not in lost - {65500}:
            counter.add(number % 65536, number * 3000, number / 30)
    highest = 65599  # and not 63
    assert heard.block(7, 0.0) == (7, (24 << 8) // 100, 24, highest, 0, 0, 0)
    assert heard.block(7, 0.0).fraction == 0  # nothing since then
    counter.add(65600 % 65536, 65600 * 3000, 65600 / 30 + 16)
    assert heard.block(7, 0.0).jitter == pytest.approx(90_000, abs=1)
    heard.reported(0x89ABCDEF, 10.0)
    assert heard.block(7, 12.5)[5:] == (0x89ABCDEF, round(2.5 * 65536))
    assert heard.block(7, 1e9).delay == 0xFFFFFFFF


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1)), max_size=40))
def test_whatever_comes_a_report_can_be_written(packets: list[tuple[int, int]]) -> None:
    counter = StreamCounter(8000)
    heard = Heard(counter)
    for at, (number, timestamp) in enumerate(packets):
        counter.add(number, timestamp, at / 50)
        block = heard.block(1, at / 50)
        [read] = rtp.RtcpPacket.parse(report(9, None, [block]))
        assert isinstance(read, rtp.RtcpRrPacket)
        [told] = read.reports
        assert (told.ssrc, told.fraction_lost, told.packets_lost) == block[:3]
        assert (told.highest_sequence, told.jitter, told.lsr, told.dlsr) == block[3:]


def test_padding_counts_for_the_bit_rate() -> None:
    """Browsers send nothing else to find out how much comes through."""
    padded = rtp.RtpPacket(97, sequence_number=1, timestamp=1, ssrc=1)
    padded.padding_size = 255
    read = RtpPacket.parse(padded.serialize())
    assert (read.payload, read.size) == (b"", 255)


def test_the_peer_hears_what_was_lost(run: Run) -> None:
    async def main() -> None:
        async with road() as link:
            clock: Any = {"audio": Tone(), "video": ClockPattern(), "back_audio": Tone()}
            async with call_over(link, **clock) as (a, b):
                await b.received("video", 5)
                link.lost = 0.1
                await b.received("audio", 100)
                await a.until(lambda: bool(a.statistics("audio").peer_lost))
                assert a.statistics("audio").peer_lost <= b.statistics("audio").lost + 1

    run(main)


def test_the_peer_hears_what_comes_through(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, _):
            medium = a.pc.media.by_kind["video"]
            await a.until(lambda: medium.allowed_bit_rate is not None)

    run(main)


def test_reports_wake_no_task_where_nothing_else_comes(run: Run) -> None:
    """Who only sends, as to somebody at a page, has no stream whose first packet is awaited."""

    async def main() -> None:
        async with call(audio=Tone()) as (a, _):
            await a.until(lambda: a.statistics("audio").rtt_ms is not None)
            [transport] = dtls_transports(a.pc._pc)
            intake: Any = getattr(transport.transport, RECEIVE)
            taken = intake.taken
            reports: Any = a.pc.media.by_kind["audio"].reports
            heard: list[Any] = []
            reports.take = heard.append
            await a.until(lambda: len(heard) > 3)
            assert intake.taken == taken

    run(main)


def test_no_task_reports_and_the_peer_hears_the_end(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await a.until(lambda: a.statistics("audio").rtt_ms is not None)
            await b.until(lambda: b.statistics("audio").rtt_ms is not None)
            transceiver: Any = a.pc._pc.getTransceivers()[0]
            assert transceiver.sender._RTCRtpSender__rtcp_task.done()
            assert transceiver.receiver._RTCRtpReceiver__rtcp_task.done()
            reports: Any = b.pc.media.by_kind["audio"].reports
            heard: list[Any] = []
            reports.take = heard.append
            await a.pc.close()
            await b.until(lambda: 203 in [each.kind for each in heard])
            [bye] = [each for each in heard if each.kind == 203]
            assert bye.ssrc == transceiver.sender._ssrc

    run(main)

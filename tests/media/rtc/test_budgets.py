"""What a peer with the right keys may cost: streams, reports, retransmissions, key frames."""

import asyncio
import logging
import time
from collections import Counter
from typing import Any

import pylibsrtp
import pytest
from callboard.media import ClockPattern, Closed, MediaFailed, Tone
from callboard.media.budget import Budget
from callboard.media.frames.frame import Direction
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import inbound
from callboard.media.rtc.rtp.video.sent_packets import AGAIN_AT_ONCE
from callboard.tests.conftest import Run
from callboard.tests.media.intruder import HEADER
from callboard.tests.media.legs import Leg, call


def transport(leg: Leg) -> Any:
    """Give the DTLS transport of a leg with BUNDLE."""
    return _aiortc.dtls_transports(leg.pc._pc)[0]


async def rtp(leg: Leg, ssrc: int, number: int = 1, payload_type: int = 96) -> None:
    """Send one packet of a stream."""
    packet = bytes([0x80, payload_type]) + number.to_bytes(2) + bytes(4) + ssrc.to_bytes(4) + b"x"
    await transport(leg).transport._send(transport(leg)._tx_srtp.protect(packet))


async def rtcp(leg: Leg, packet: bytes) -> None:
    """Send one RTCP packet."""
    await transport(leg).transport._send(transport(leg)._tx_srtp.protect_rtcp(packet))


def told(leg: Leg) -> int:
    """Count the streams that a leg reports of."""
    return sum(len(each.reports.streams) for each in leg.pc.media.by_kind.values())


def test_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    budget = Budget(10, 5)
    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]
    now = 0.25
    assert [budget.take(), budget.take(2), budget.take(), budget.take()] == [1, 0, 1, 0]
    budget.add(100)
    assert [budget.take(5), budget.take()] == [True, False]
    now = 1000.0
    assert not budget.take(6)


@pytest.mark.parametrize("streams", [64, 1000])
def test_a_call_of_many_streams_ends(run: Run, streams: int) -> None:
    """More than a report can tell of: what tells of them must live, and end when the call does."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            video = next(each for each in a.pc._pc.getTransceivers() if each.kind == "video")
            types = (96, next(iter(_aiortc.codecs(video))))
            for ssrc in range(1, streams + 1):
                if ssrc % 50 == 1:
                    await b.received("audio", 1)
                await rtp(a, ssrc, payload_type=types[ssrc % 2])
            seen: list[bytes] = []
            transport(b)._tx_srtp = Spy(transport(b)._tx_srtp, seen)
            await b.received("audio", 120)  # reports go out twice a second at least
            assert seen
            router = transport(b)._rtp_router
            assert len(router.ssrc_table) <= inbound.MOST_STREAMS + 3
            assert told(b) <= inbound.MOST_STREAMS
            assert b.pc.dropped["too many streams"] >= streams - inbound.MOST_STREAMS
            await b.pc.close()
            assert isinstance(b.events[-1], Closed)
            assert not any(isinstance(event, MediaFailed) for event in b.events)

    run(main)


class Spy:
    """libsrtp's session for what goes out, with what goes in noted down."""

    def __init__(self, session: Any, seen: list[bytes]) -> None:
        self._session = session
        self._seen = seen

    def protect(self, packet: bytes) -> bytes:
        """Encrypt RTP."""
        self._seen.append(packet)
        return bytes(self._session.protect(packet))

    def protect_all(self, packets: list[bytes]) -> list[bytes]:
        """Encrypt several packets of RTP."""
        return [self.protect(packet) for packet in packets]

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt RTCP."""
        self._seen.append(packet)
        return bytes(self._session.protect_rtcp(packet))


class Session:
    """Decrypts everything but what is forged."""

    def __init__(self) -> None:
        self.removed: list[int] = []

    def unprotect(self, packet: bytes) -> bytes:
        """Take all that does not end in "forged"."""
        if packet.endswith(b"forged"):
            raise pylibsrtp.Error("authentication failure")
        return packet

    unprotect_rtcp = unprotect

    def remove_stream(self, ssrc: int) -> None:
        """Note it down."""
        self.removed.append(ssrc)


def packet(ssrc: int, end: bytes = b"") -> bytes:
    """An RTP packet of a stream."""
    return HEADER[:8] + ssrc.to_bytes(4) + end


def test_a_silent_stream_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    session: Any = Session()
    forgotten: list[int] = []
    srtp = inbound.InboundSrtp(session, forgotten.append, Counter())
    for ssrc in range(100):
        with pytest.raises(pylibsrtp.Error):
            srtp.unprotect(packet(ssrc, b"forged"))  # takes no room
    for ssrc in range(31):
        srtp.unprotect(packet(ssrc))
    with pytest.raises(pylibsrtp.Error, match="too many"):
        srtp.unprotect(packet(31))
    now = 11.0
    with pytest.raises(pylibsrtp.Error, match="too many"):
        srtp.unprotect(packet(31))  # all of them were heard: from now on it is looked who is
    now = 20.0
    for ssrc in range(1, 31):
        srtp.unprotect(packet(ssrc))
    with pytest.raises(pylibsrtp.Error, match="too many"):
        srtp.unprotect(packet(31))
    now = 22.0
    with pytest.raises(pylibsrtp.Error, match="authentication"):
        srtp.unprotect(packet(31, b"forged"))
    assert forgotten == []
    srtp.unprotect(packet(31))
    assert forgotten == session.removed == [0]
    now = 40.0
    with pytest.raises(pylibsrtp.Error, match="too many"):
        srtp.unprotect(packet(0))  # never again
    srtp.unprotect(packet(32))
    assert forgotten == session.removed == [0, 1]


def test_a_new_stream_is_let_in_when_an_old_one_is_silent(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "QUIET", 0.0)

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await b.received("audio", 1)
            for ssrc in range(1, 200):
                await rtp(a, ssrc)
            known = transport(b)._rx_srtp._known
            await b.until(lambda: len(known) == inbound.MOST_STREAMS)
            await b.received("audio", 20)
            assert len(known) == inbound.MOST_STREAMS
            assert told(b) <= inbound.MOST_STREAMS
            assert not any(isinstance(event, MediaFailed) for event in b.events)

    run(main)


def test_a_storm_of_nacks(run: Run) -> None:
    """52 kB of them once brought 11 MB: what is sent again is a share of what is sent."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 30)
            sender: Any = next(t for t in a.pc._pc.getTransceivers() if t.kind == "video").sender
            again: list[bytes] = []
            ours = transport(a)
            ours._tx_srtp = Spy(ours._tx_srtp, again)
            counted = a.pc.media.by_kind["video"].reports.sent
            first = counted.octets
            for _ in range(40):
                lost = sent_numbers(a)
                words = b"".join(each.to_bytes(2) + b"\xff\xff" for each in lost)
                head = b"\x81\xcd" + (2 + len(lost)).to_bytes(2)
                await rtcp(b, head + bytes(3) + b"\7" + sender._ssrc.to_bytes(4) + words)
                await b.received("audio", 2)
            sent = counted.octets - first
            octets = sum(len(each) for each in again if is_rtx(each, sender))
            assert 0 < octets < 1.2 * (AGAIN_AT_ONCE + sent)

    run(main)


def sent_numbers(leg: Leg) -> list[int]:
    """Give the sequence numbers of the last packets of video that a leg has sent."""
    outgoing: Any = leg.pc.media.by_kind["video"].outgoing
    kept = outgoing._paced.stream._sent.bursts()
    numbers = {each.number + at for each in kept for at in range(each.end - each.start)}
    return sorted(numbers)[-128:]


def is_rtx(packet: bytes, sender: Any) -> bool:
    """Tell whether a packet repeats another one."""
    return packet[8:12] == sender._rtx_ssrc.to_bytes(4) and not 192 <= packet[1] < 224


def test_a_storm_of_requests_for_key_frames(run: Run) -> None:
    """What was sent since the last key frame is sent again: at most as much as is sent anyhow."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await a.until(lambda: len(a.seen("video", Direction.SENT)) > 5)
            sender = next(t for t in a.pc._pc.getTransceivers() if t.kind == "video").sender
            outgoing = a.pc.media.by_kind["video"].outgoing
            assert outgoing is not None
            # As if the last key frame were ten seconds ago.
            gop = outgoing.playback._gop
            gop.extend([gop[-1]] * (10 * ClockPattern().fps - len(gop)))
            start, asked = len(a.seen("video", Direction.SENT)), a.pc.media.statistics()[0].sent
            for _ in range(100):
                await rtcp(b, b"\x81\xce\0\2" + bytes(3) + b"\7" + sender._ssrc.to_bytes(4))
                await b.received("audio", 1)
            sent = a.seen("video", Direction.SENT)[start:]
            natural = ClockPattern().fps * (a.pc.media.statistics()[0].sent - asked) / 50
            assert (
                10 * ClockPattern().fps <= len(sent) <= 10 * ClockPattern().fps + 2 * natural + 10
            )

    run(main)


def test_we_ask_for_a_key_frame_once_a_second(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (_, b):
            await b.received("video", 3)
            seen: list[bytes] = []
            transport(b)._tx_srtp = Spy(transport(b)._tx_srtp, seen)
            began = asyncio.get_running_loop().time()
            for _ in range(100):
                b.pc.media.request_keyframe()
                await b.received("audio", 1)
            seconds = asyncio.get_running_loop().time() - began
            asked = [each for each in seen if each[1] == 206 and each[0] & 31 == 1]
            assert 1 <= len(asked) <= seconds + 2  # about four, and a hundred without a limit

    run(main)


def test_what_we_report_is_bounded(run: Run) -> None:
    """Each leap in the numbers has us ask again for what is missing, and for a key frame."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 3)
            video = next(t for t in a.pc._pc.getTransceivers() if t.kind == "video")
            payload_type = next(iter(_aiortc.codecs(video)))
            seen: list[bytes] = []
            transport(b)._tx_srtp = Spy(transport(b)._tx_srtp, seen)
            began = asyncio.get_running_loop().time()
            for step in range(2000):
                await rtp(a, 77, step * 120 % 65536, payload_type)
                if not step % 50:
                    await b.received("audio", 1)
            seconds = asyncio.get_running_loop().time() - began
            octets = sum(len(each) for each in seen if 200 <= each[1] < 208)
            assert octets < 10_000 * (seconds + 1)

    run(main)


def test_a_bye_ends_nothing(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 3)
            for each in a.pc._pc.getTransceivers():
                await rtcp(a, b"\x81\xcb\0\1" + each.sender._ssrc.to_bytes(4))
            await b.received("audio", 10)
            await b.received("video", 10)

    run(main)


def test_a_step_of_closing_that_hangs_holds_up_no_other(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("callboard.media.rtc.peer_connection.STEP", 0.2)

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (_, b):
            transceiver: Any = b.pc._pc.getTransceivers()[0]
            real = transceiver.sender.stop

            async def hang() -> None:
                await real()
                await asyncio.Event().wait()

            transceiver.sender.stop = hang
            await b.pc.close()
            assert isinstance(b.events[-1], Closed)
            assert "did not end within" in caplog.text

    with caplog.at_level(logging.ERROR):
        run(main)

"""RTCP packets: aiortc reads what we write, we read what it writes, and refuse anything else."""

from contextlib import suppress
from typing import Any

import pytest
from aiortc import rtp
from callboard.media.rtc.rtp import rtcp
from callboard.media.rtc.rtp.rtcp import (
    ReportBlock,
    SenderInfo,
    bit_rate,
    blocks,
    description,
    goodbye,
    keyframes_asked,
    missed,
    moment,
    packets,
    report,
)
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.integers(0, 2**32 - 1)
SIGNED = st.integers(-(2**23), 2**23 - 1)
BLOCKS = st.builds(ReportBlock, WORDS, st.integers(0, 255), SIGNED, WORDS, WORDS, WORDS, WORDS)
INFOS = st.builds(SenderInfo, st.integers(0, 2**64 - 1), WORDS, WORDS, WORDS)
NAMES = st.text(st.characters(codec="utf-8"), max_size=60)
UNSENT = [
    b"\x81\xc9",
    b"\x80\xc9\0\2" + bytes(4),
    b"\x40\xc9\0\0",
    b"\xa0\xc9\0\1" + bytes(3) + b"\x09",
    b"\xa0\xc9\0\1" + bytes(4),
    b"\xa0\xc9\0\0",
    b"\x80\xc9\0\1" + bytes(4) + b"\x81\xce\xff\xff",
]


@given(WORDS, st.none() | INFOS, st.lists(BLOCKS, max_size=rtcp.MOST_BLOCKS), NAMES)
def test_aiortc_reads_our_reports_as_we_do(
    ssrc: int, info: SenderInfo | None, told: list[ReportBlock], name: str
) -> None:
    compound = report(ssrc, info, told) + description(ssrc, name) + goodbye(ssrc)
    first, second, third = rtp.RtcpPacket.parse(compound)
    assert isinstance(first, rtp.RtcpRrPacket if info is None else rtp.RtcpSrPacket)
    assert [
        (r.ssrc, r.fraction_lost, r.packets_lost, r.highest_sequence, r.jitter, r.lsr, r.dlsr)
        for r in first.reports
    ] == told
    if isinstance(first, rtp.RtcpSrPacket):
        said = first.sender_info
        assert info == (
            said.ntp_timestamp,
            said.rtp_timestamp,
            said.packet_count,
            said.octet_count,
        )
    assert isinstance(second, rtp.RtcpSdesPacket)
    assert [(each.ssrc, each.items) for each in second.chunks] == [(ssrc, [(1, name.encode())])]
    assert isinstance(third, rtp.RtcpByePacket)
    assert third.sources == [ssrc]

    ours = list(packets(compound))
    assert [(each.kind, each.ssrc) for each in ours][:1] == [(200 if info else 201, ssrc)]
    assert list(blocks(ours[0])) == told
    assert moment(ours[0]) == (info.moment >> 16 & 0xFFFFFFFF if info else moment(ours[0]))


@given(WORDS, st.sets(st.integers(0, 65535), max_size=40).map(sorted))
def test_what_is_missing_is_read_as_aiortc_wrote_it(stream: int, numbers: list[int]) -> None:
    asked = rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=stream, lost=numbers)
    [packet] = packets(bytes(asked))
    found, again = missed(packet)
    assert found == stream
    [theirs] = rtp.RtcpPacket.parse(bytes(asked))
    assert isinstance(theirs, rtp.RtcpRtpfbPacket)
    assert again == [number % 65536 for number in theirs.lost]


@given(st.integers(0, 2**40), st.lists(WORDS, max_size=20))
def test_what_comes_through_is_read_as_aiortc_wrote_it(rate: int, streams: list[int]) -> None:
    fci = rtp.pack_remb_fci(rate, streams)
    [packet] = packets(bytes(rtp.RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)))
    assert list(bit_rate(packet)) == list(rtp.unpack_remb_fci(fci))


def test_requests_for_a_key_frame_name_their_streams() -> None:
    [pli] = packets(rtcp.pli(1, 77))
    assert keyframes_asked(pli) == [77]
    entries = b"".join(each.to_bytes(4) + b"\5\0\0\0" for each in (77, 78))
    [fir] = packets(bytes(rtp.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=entries)))
    assert keyframes_asked(fir) == [77, 78]


def test_padding_is_no_part_of_a_packet() -> None:
    [packet] = packets(b"\xa1\xcb\0\2" + bytes(3) + b"\7" + bytes(3) + b"\4")
    assert packet == (203, 1, bytes(3) + b"\7")


@pytest.mark.parametrize("octets", UNSENT, ids=range(len(UNSENT)))
def test_what_does_not_add_up_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="RTCP packet"):
        list(packets(octets))


def _octets() -> st.SearchStrategy[bytes]:
    """Anything, and what looks like RTCP at first."""
    heads = st.builds(
        lambda count, kind, body: (
            bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2) + body[: len(body) // 4 * 4]
        ),
        st.integers(0, 31),
        st.integers(200, 207),
        st.binary(max_size=80),
    )
    return st.binary(max_size=60) | st.lists(heads, max_size=4).map(b"".join)


@given(_octets())
def test_whatever_comes_reading_it_ends(octets: bytes) -> None:
    found: list[Any] = []
    with suppress(ValueError):
        for packet in packets(octets):
            found += [packet.ssrc, moment(packet), *blocks(packet), *keyframes_asked(packet)]
            found += [missed(packet), bit_rate(packet)]
            assert len(packet.body) <= len(octets)
    assert len(found) <= 6 * len(octets)

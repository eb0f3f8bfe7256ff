"""RTP packets against aiortc's writer of them."""

import struct

import pytest
from aiortc import rtp
from callboard.media.rtc.rtp.packet import RtpPacket, extended
from hypothesis import given
from hypothesis import strategies as st


def written(**fields: int) -> rtp.RtpPacket:
    packet = rtp.RtpPacket(
        payload_type=111, sequence_number=65535, timestamp=0xFFFFFFFF, ssrc=0x80000001
    )
    packet.payload = b"a frame"
    for name, value in fields.items():
        setattr(packet, name, value)
    return packet


@pytest.mark.parametrize("marker", [0, 1])
@pytest.mark.parametrize("padding_size", [0, 5])
@pytest.mark.parametrize("sources", [0, 15])
@pytest.mark.parametrize("mid", [None, "audio"])
def test_what_aiortc_writes_is_read(
    marker: int, padding_size: int, sources: int, mid: str | None
) -> None:
    packet = written(marker=marker, padding_size=padding_size)
    packet.csrc = list(range(sources))
    packet.extensions.mid = mid
    extensions = rtp.HeaderExtensionsMap()
    extensions._HeaderExtensionsMap__ids.mid = 1  # type: ignore[attr-defined]
    read = RtpPacket.parse(packet.serialize(extensions))
    assert read.payload == b"a frame"
    assert (read.payload_type, read.sequence_number) == (111, 65535)
    assert (read.timestamp, read.ssrc) == (0xFFFFFFFF, 0x80000001)
    assert read.marker == bool(marker)
    assert extended(read.extension, 1) == (mid or "").encode()
    assert extended(read.extension, 2) == b""


def test_nothing_but_padding() -> None:
    packet = written(padding_size=255)
    packet.payload = b""
    assert RtpPacket.parse(packet.serialize()).payload == b""


def test_what_is_cut_off_or_none_is_refused() -> None:
    packet = written(padding_size=3)
    packet.csrc = [1, 2]
    whole = packet.serialize()
    for octets in range(20):  # header and contributing sources
        with pytest.raises(ValueError, match="RTP packet"):
            RtpPacket.parse(whole[:octets])
    for broken in (
        b"\x40" + whole[1:],  # version 1
        whole[:-1] + b"\xff",  # more padding than there is
        b"\x92" + whole[1:],  # an extension that would be longer than the packet
    ):
        with pytest.raises(ValueError, match="RTP packet"):
            RtpPacket.parse(broken)


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=30), max_size=6))
def test_elements_of_the_header_extension(elements: dict[int, bytes]) -> None:
    profile, octets = rtp.pack_header_extensions(list(elements.items()))
    head = struct.pack("!HH", profile, len(octets) // 4)
    packet = RtpPacket(96, 1, 1, 1, b"", extension=head + octets if elements else b"")
    assert {each: extended(packet.extension, each) for each in elements} == elements


@given(st.binary(max_size=60), st.integers(0, 255))
def test_any_header_extension(octets: bytes, identifier: int) -> None:
    for profile in (b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b""):
        assert len(extended(profile + octets, identifier)) <= 60

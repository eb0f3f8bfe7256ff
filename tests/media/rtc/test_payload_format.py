"""Frames cut into packets as encoders and RFCs have it, and put together again."""

import struct

import av
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import VpxPayloadDescriptor
from callboard.media.rtc.rtp.video.frame_assembler import AssembledFrame, FrameAssembler
from callboard.media.rtc.rtp.video.payload_format import FORMATS, h264, set_identity, vp8
from callboard.tests.media.calls import film
from callboard.tests.media.legs import video_decoder

START = b"\0\0\0\1"
SPS, PPS = b"\x67\x42\xe0\x1f\xda\x01\x40\x16", b"\x68\xce\x3c\x80"
IDR, DELTA = b"\x65\x88first", b"\x41\x9anext"


def h264_frames(
    *packets: tuple[int, bool, bytes], assembler: FrameAssembler | None = None
) -> list[AssembledFrame]:
    """Give what an assembler makes of packets: timestamp, marker and payload."""
    found = assembler or FrameAssembler()
    return [
        frame
        for timestamp, marker, payload in packets
        for frame in found.add("H264", timestamp, marker, h264(payload))
    ]


def stap(*units: bytes) -> bytes:
    """Put NAL units into one packet (RFC 6184 §5.7.1)."""
    return b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


@pytest.mark.parametrize("picture_id", [None, 5, 0x1234])
@pytest.mark.parametrize("index", [None, 200])
@pytest.mark.parametrize("layer", [None, (1, 1)])
@pytest.mark.parametrize("key_index", [None, 3])
def test_descriptors_of_vp8(
    picture_id: int | None, index: int | None, layer: tuple[int, int] | None, key_index: int | None
) -> None:
    for first in (1, 0):
        descriptor = VpxPayloadDescriptor(first, 0, picture_id, index, layer, key_index)
        fragment = vp8(bytes(descriptor) + b"\x10data")
        assert fragment.data == b"\x10data"
        assert (fragment.first, fragment.key) == (bool(first), bool(first))
        assert not vp8(bytes(descriptor) + b"\x11data").key
    if picture_id == 5:  # aiortc writes fifteen bits for all of them
        assert vp8(b"\x90\x80\x05\x10data").data == b"\x10data"


def test_another_partition_of_vp8_begins_no_frame() -> None:
    assert not vp8(b"\x11\x10data").first


@pytest.mark.parametrize("payload", [b"", b"\x90", b"\x90\x80", b"\x90\x80\x85", b"\x10"])
def test_what_is_cut_off_of_vp8(payload: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        vp8(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"\x65", b"\x78\x00", b"\x78\x00\x05ab", b"\x7d\x00\x00", b"\x60\x00"]
)
def test_what_can_not_be_read_of_h264(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"H.264|STAP-A"):
        h264(payload)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_real_frames(codec: str) -> None:
    """Cut by aiortc's encoders, which make single NAL units, STAP-As and FU-As of them."""
    assembler = FrameAssembler()
    given: list[AssembledFrame] = []
    frames = film(2, codec=codec, size=(640, 480))
    for number, (data, _) in enumerate(frames):
        if codec == "VP8":
            head = VpxPayloadDescriptor(1, 0, number)
            payloads = [bytes(head) + data[:900]]
            head.partition_start = 0
            payloads += [bytes(head) + data[at : at + 900] for at in range(900, len(data), 900)]
        else:
            payloads = H264Encoder._packetize(H264Encoder._split_bitstream(data))
        for at, payload in enumerate(payloads):
            fragment = FORMATS[codec](payload)
            given += assembler.add(codec, number, at == len(payloads) - 1, fragment)
    assert [frame.keyframe for frame in given] == [key for _, key in frames]
    decoder = video_decoder(codec)
    pictures = [picture for frame in given for picture in decoder.decode(av.Packet(frame.data))]
    assert len(pictures) >= len(frames) - 1
    if codec == "VP8":
        assert [frame.data for frame in given] == [data for data, _ in frames]


KEYFRAME = START + SPS + START + PPS + START + IDR


@pytest.mark.parametrize(
    "packets",
    [
        [(1, True, stap(SPS, PPS, IDR))],
        [(1, False, stap(SPS, PPS)), (1, True, IDR)],
        [(1, False, SPS), (1, False, PPS), (1, True, IDR)],
        [(1, True, SPS), (1, True, PPS), (1, True, IDR)],  # each marked as a frame
        [(1, True, SPS), (2, True, PPS), (3, True, IDR)],  # each with a time of its own
        [(1, False, SPS), (2, False, PPS), (3, True, IDR)],
        [(1, True, stap(SPS, PPS)), (9, False, b"\x7c\x85\x88fi"), (9, True, b"\x7c\x45rst")],
    ],
)
def test_parameter_sets_are_with_their_key_frame(packets: list[tuple[int, bool, bytes]]) -> None:
    (frame,) = h264_frames(*packets)
    assert frame.data == KEYFRAME
    assert frame.keyframe
    assert frame.timestamp == packets[-1][0]


def test_parameter_sets_that_came_once_are_remembered() -> None:
    assembler = FrameAssembler()
    assert h264_frames((1, True, stap(SPS, PPS)), assembler=assembler) == []
    assembler.interrupt()  # the key frame after them is lost
    assert h264_frames((3, True, DELTA), assembler=assembler) == []
    (frame,) = h264_frames((4, True, IDR), assembler=assembler)
    assert frame.data == KEYFRAME
    # A new set takes the place of the one with its number.
    other = SPS[:-1] + b"\x99"
    h264_frames((5, True, other), assembler=assembler)
    assembler.interrupt()
    (frame,) = h264_frames((6, True, IDR), assembler=assembler)
    assert frame.data == START + other + START + PPS + START + IDR


def test_a_key_frame_without_parameter_sets_is_none() -> None:
    assert h264_frames((1, True, IDR), (2, True, DELTA)) == []


def test_the_numbers_of_parameter_sets() -> None:
    assert set_identity(SPS) == (7, 0)
    assert set_identity(PPS) == (8, 0)
    assert set_identity(b"\x67\x42\xe0\x1f\x40") == (7, 1)  # 010
    assert set_identity(b"\x68\x24") == (8, 3)  # 00100
    assert set_identity(b"\x68\x00\x80\x40\x00") == (8, 255)  # the highest


def test_a_slice_that_begins_no_picture_is_no_beginning() -> None:
    """After a loss the second slice of a picture is no picture."""
    assembler = FrameAssembler()
    (_,) = h264_frames((1, True, stap(SPS, PPS, IDR)), assembler=assembler)
    assembler.interrupt()
    assert h264_frames((2, False, b"\x65\x10x"), (2, True, b"\x65\x08y"), assembler=assembler) == []
    assert not assembler.follows


def test_frames_without_markers_end_with_the_next() -> None:
    frames = h264_frames(
        (1, False, stap(SPS, PPS, IDR)), (2, False, DELTA), (3, False, DELTA), (4, False, DELTA)
    )
    assert [frame.timestamp for frame in frames] == [1, 2, 3]


def test_another_codec_begins_with_its_own_key_frame() -> None:
    assembler = FrameAssembler()
    (_,) = assembler.add("VP8", 1, True, vp8(b"\x10\x10key"))
    assert h264_frames((2, True, DELTA), assembler=assembler) == []
    assert len(h264_frames((3, True, stap(SPS, PPS, IDR)), assembler=assembler)) == 1
    assert assembler.add("VP8", 4, True, vp8(b"\x10\x11delta")) == ()


def test_a_packet_that_can_not_be_read_spoils_its_frame_alone() -> None:
    assembler = FrameAssembler()
    (_,) = assembler.add("VP8", 1, True, vp8(b"\x10\x10key"))
    assembler.add("VP8", 2, False, vp8(b"\x10\x11delta"))
    assembler.spoil(2)
    assert assembler.add("VP8", 2, True, vp8(b"\x00more")) == ()
    assert assembler.add("VP8", 3, True, vp8(b"\x10\x11delta")) == ()
    (frame,) = assembler.add("VP8", 4, True, vp8(b"\x10\x10key"))
    assert frame.after_loss

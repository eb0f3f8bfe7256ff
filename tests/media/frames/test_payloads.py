"""Frames cut into pieces, and put together again from the packets: whole, and none too large."""

import random

import pytest
from aiortc.codecs.h264 import H264PayloadDescriptor
from callboard.media.frames.payloads import DESCRIPTOR, LARGEST, Piece, cut
from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.video.frame_assembler import AssembledFrame
from callboard.media.rtc.rtp.video.receiver import VideoReceiver
from callboard.media.rtc.rtp.video.stream import VideoStream
from callboard.media.rtc.rtp.video.vp8_descriptor import Vp8Descriptors
from callboard.media.sources.unit import Unit
from callboard.tests.media.calls import film
from hypothesis import given
from hypothesis import strategies as st

START = b"\0\0\0\1"
SPS, PPS = b"\x67\x42\xe0\x1f\xda\x01\x40\x16", b"\x68\xce\x3c\x80"
SIZES = st.one_of(
    st.integers(1, 40),
    st.integers(LARGEST - 10, LARGEST + 10),
    st.integers(1, 5 * LARGEST),
    st.integers(1, 40).map(lambda count: count * (LARGEST - DESCRIPTOR)),
)


def vp8_frame(size: int, key: bool) -> bytes:
    return bytes([0 if key else 1]) + random.Random(size).randbytes(size - 1)


def unit(kind: int, size: int, *, first: bool = True) -> bytes:
    """A slice without zeros, so that nothing in it looks like a start code."""
    body = random.Random(size).choices(range(1, 256), k=size)
    return bytes((0x60 | kind, 0x88 if first else 0x10, *body))


def h264_frame(sizes: list[int], key: bool) -> bytes:
    """Some slices; before those of a key frame its parameter sets."""
    slices = [unit(5 if key else 1, size, first=not at) for at, size in enumerate(sizes)]
    return b"".join(START + each for each in ([SPS, PPS] if key else []) + slices)


FRAMES = {
    "VP8": SIZES.map(lambda size: lambda key: vp8_frame(size, key)),
    "H264": st.lists(SIZES, min_size=1, max_size=12).map(
        lambda sizes: lambda key: h264_frame(sizes, key)
    ),
}


def payloads(codec: str, pieces: tuple[Piece, ...], descriptors: Vp8Descriptors) -> list[bytes]:
    """Give the payloads of a frame's packets."""
    first, others = descriptors.next() if codec == "VP8" else (b"", b"")
    heads = [first, *[others] * (len(pieces) - 1)]
    return [before + head + data for before, (head, data) in zip(heads, pieces, strict=True)]


def packets(codec: str, frames: list[bytes]) -> list[RtpPacket]:
    """Give the packets of some frames."""
    descriptors, found = Vp8Descriptors(), list[RtpPacket]()
    for number, frame in enumerate(frames):
        parts = payloads(codec, cut(codec, frame), descriptors)
        for at, part in enumerate(parts):
            is_last = at == len(parts) - 1
            found.append(RtpPacket(96, len(found) % 65536, number * 3000, 7, part, is_last))
    return found


@pytest.mark.parametrize("codec", FRAMES)
def test_any_frame_comes_out_as_it_went_in(codec: str) -> None:
    @given(st.lists(FRAMES[codec], min_size=1, max_size=4), st.randoms(use_true_random=False))
    def holds(makers: list[object], chance: random.Random) -> None:
        frames = [make(at == 0) for at, make in enumerate(makers)]  # type: ignore[operator]
        sent = packets(codec, frames)
        assert all(0 < len(each.payload) <= LARGEST for each in sent)
        # Some change places with others near them.
        travelled = sorted(enumerate(sent), key=lambda each: each[0] + chance.uniform(0, 4))
        receiver = VideoReceiver()
        receiver.learn(asks_again=True, repairs={})
        got: list[AssembledFrame] = []
        for at, packet in enumerate(
            (sent[0], *(each for _, each in travelled if each is not sent[0]))
        ):
            got += receiver.receive(codec, packet, at / 1000)
        assert [frame.data for frame in got] == frames

    holds()


@pytest.mark.parametrize("codec", FRAMES)
def test_what_comes_after_a_loss_is_whole_or_not_there(codec: str) -> None:
    @given(
        st.lists(FRAMES[codec], min_size=2, max_size=5),
        st.sets(st.integers(0, 60), max_size=5),
        st.booleans(),
    )
    def holds(makers: list[object], lost: set[int], asks_again: bool) -> None:
        frames = [make(at % 2 == 0) for at, make in enumerate(makers)]  # type: ignore[operator]
        sent = packets(codec, frames)
        receiver = VideoReceiver()
        receiver.learn(asks_again=asks_again, repairs={})
        got: list[AssembledFrame] = []
        now = 0.0
        for packet in sent:
            now += 0.01
            if packet.sequence_number in lost:
                continue
            got += receiver.receive(codec, packet, now)
            got += receiver.tick(now).frames
        got += receiver.tick(now + 2).frames
        assert all(frame.data in frames for frame in got)
        if not lost & set(range(len(sent))):
            assert len(got) == len(frames)

    holds()


@given(SIZES)
def test_packets_of_vp8_are_of_one_size(size: int) -> None:
    *before, last = (len(data) for _, data in cut("VP8", vp8_frame(size, key=True)))
    assert len(set(before)) <= 1
    assert last <= min(before, default=last)


@given(st.integers(LARGEST + 1, 50_000))
def test_fragments_of_h264_are_of_one_size(size: int) -> None:
    *before, last = (len(head + data) for head, data in cut("H264", START + unit(1, size)))
    assert len(set(before)) == 1
    assert last <= before[0]


STREAMS = st.lists(
    st.one_of(
        st.sampled_from([b"\0\0\1", START, b"\0", b"\0\0", b"\0\0\1\x7c"]),
        st.binary(max_size=20),
        st.integers(1, 4000).map(lambda size: random.Random(size).randbytes(size)),
    ),
    max_size=12,
).map(b"".join)


@given(STREAMS)
def test_nothing_is_refused(data: bytes) -> None:
    assert b"".join(part for _, part in cut("VP8", data)) == data
    assert all(0 < len(head) + len(part) <= LARGEST for head, part in cut("H264", data))


@given(STREAMS, st.sampled_from(list(FRAMES)), st.lists(st.integers(0, 400), max_size=30))
def test_whatever_comes_in_raises_nothing(data: bytes, codec: str, steps: list[int]) -> None:
    """Payloads that a peer makes up: what is kept of them is bounded."""
    receiver = VideoReceiver()
    receiver.learn(asks_again=True, repairs={})
    number = 0
    for at, step in enumerate(steps):
        number += step % 7
        payload = data[step:] if step % 2 else data[: step % 50]
        packet = RtpPacket(96, number % 65536, at * 10, 7, payload, step % 3 == 0)
        receiver.receive(codec, packet, at / 100)
        receiver.repair(codec, 96, packet, at / 100)
        receiver.tick(at / 100)
    assert len(receiver._stream._held) <= VideoStream.MOST_HELD + 1
    assert len(receiver._stream.missing) <= VideoStream.MOST_MISSING


def test_parameter_sets_go_with_what_they_are_for() -> None:
    """In one packet, as receivers that show a key frame only together with them expect."""
    small = START + SPS + b"\0\0\1" + PPS + START + unit(5, 30)
    ((head, data),) = cut("H264", small)
    assert head[0] & 0x1F == 24
    descriptor, read = H264PayloadDescriptor.parse(head + data)
    assert descriptor.first_fragment
    assert read == small.replace(b"\0" + b"\0\0\1", b"\0\0\1").replace(b"\0\0\1", START)
    large = START + SPS + START + PPS + START + unit(5, 3000)
    kinds = [(head + bytes(data))[0] & 0x1F for head, data in cut("H264", large)]
    assert kinds == [24, 28, 28, 28]


@pytest.mark.parametrize("codec", FRAMES)
def test_what_encoders_make(codec: str) -> None:
    frames = [data for data, _ in film(2, codec=codec, size=(640, 480))]
    receiver, got = VideoReceiver(), list[AssembledFrame]()
    receiver.learn(asks_again=True, repairs={})
    for packet in packets(codec, frames):
        got += receiver.receive(codec, packet, packet.timestamp / 90_000)
    assert len(got) == len(frames)
    if codec == "VP8":
        assert [frame.data for frame in got] == frames


def test_a_frame_is_cut_once_for_all_legs() -> None:
    frame = Unit(vp8_frame(5000, key=True), 3000)
    assert frame.pieces("VP8") is frame.pieces("VP8")
    assert all(data.obj is frame.data for _, data in frame.pieces("VP8"))  # and not copied
    assert frame == Unit(frame.data, 3000)

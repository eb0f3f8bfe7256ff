"""Sound in records, as C leaves it: what is said of it, and the pages that C makes of it."""

import struct
from itertools import accumulate
from typing import NamedTuple

import pytest
from callboard.media import BOTH, Direction, EncodedFrame, SoundBatch
from callboard.media.compiled.part import ffi, is_on, lib
from callboard.media.frames.codec import WRAP, Unwrapper, follow
from callboard.media.frames.opus_packet import delimited_frames, is_one_frame
from callboard.media.frames.packed_sound import PackedSound, packed, parted
from callboard.media.recording import ogg
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(
    not is_on(), reason="there is no compiled part: it wants a C compiler"
)

RECORD = struct.Struct("=dIII4B")
"""`struct flow_record`"""

STEP = 960


class Heard(NamedTuple):
    """A packet, how much later than 20 ms after the one before it came, and by its timestamp."""

    data: bytes
    late: float
    ticks: int


ONE_FRAME = [toc for toc in range(0, 256, 4) if is_one_frame(bytes((toc,)))]

LENGTHS = st.one_of(
    st.integers(0, 130), st.sampled_from([250, 251, 252, 253, 254, 255, 256, 509, 510, 1275])
)

usual_packets = st.builds(
    lambda toc, length: bytes((toc,)) + bytes((length & 255,)) * length,
    st.sampled_from(ONE_FRAME),
    LENGTHS,
)

packets = st.one_of(
    usual_packets,
    st.builds(lambda toc, length: bytes((toc,)) + bytes(length), st.integers(0, 255), LENGTHS),
    st.sampled_from([b"", bytes(1276), bytes(1277), bytes((0xF8,)) * 1277]),
)

usual = st.builds(Heard, usual_packets, st.just(0.0), st.just(STEP))

heard = st.one_of(
    usual,
    st.builds(
        Heard,
        packets,
        st.sampled_from([0.0, 0.001, -0.021, 0.5]),
        st.sampled_from([STEP, STEP, 0, 2 * STEP, -STEP, 1 << 30]),
    ),
)


def columns(runs: list[Heard], first: int) -> tuple[list[bytes], list[int], list[float]]:
    """Give the payloads, unwrapped timestamps and arrivals."""
    times = list(accumulate((one.ticks for one in runs[1:]), initial=first))
    arrivals = list(accumulate((0.02 + one.late for one in runs[1:]), initial=7.5))
    return [one.data for one in runs], times, arrivals


def records(data: list[bytes], timestamps: list[int], arrivals: list[float]) -> bytes:
    return b"".join(
        RECORD.pack(at, timestamp % WRAP, len(one), 1, 0, 1, 0, 0) + one
        for one, timestamp, at in zip(data, timestamps, arrivals, strict=True)
    )


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.lists(usual, min_size=1, max_size=300), st.lists(heard, min_size=1, max_size=60)),
    st.sampled_from([0, 5, WRAP - 3 * STEP, WRAP + 17]),
)
def test_packed_sound_is_the_same(runs: list[Heard], first: int) -> None:
    data, timestamps, arrivals = columns(runs, first)
    unwrapper = Unwrapper()
    unwrapper.map(first % WRAP)
    ours = PackedSound(
        "opus",
        48_000,
        records(data, timestamps, arrivals),
        lambda some: [first + each for each in unwrapper.map_all(some)],
    )
    theirs = SoundBatch("opus", 48_000, data, timestamps, arrivals)
    assert len(ours) == len(theirs)
    assert (ours.octets, ours.is_whole) == (theirs.octets, theirs.is_whole)
    assert (ours.ends, ours.is_in_order) == (theirs.ends, theirs.is_in_order)
    assert ours.are_one_frame == theirs.are_one_frame
    assert ours.is_even == (timestamps == [first + STEP * at for at in range(len(data))])
    if theirs.is_even:
        assert ours.begins == theirs.begins
    assert list(ours) == list(theirs)
    assert all(type(one) is EncodedFrame for one in ours)
    # What comes next is unwrapped as if each had been.
    assert first + unwrapper.map((timestamps[-1] + STEP) % WRAP) == timestamps[-1] + STEP


def test_each_first_octet_of_packed_sound_says_what_it_is() -> None:
    for first in range(256):
        data = [bytes((first, 1, 2))]
        ours = PackedSound("opus", 48_000, packed(data), lambda some: some)
        assert ours.are_one_frame == is_one_frame(data[0])


def test_timestamps_are_followed_past_the_wrap() -> None:
    assert follow(WRAP - 7, [WRAP - 7, 3, WRAP - 8]) == [WRAP - 7, WRAP + 3, 2 * WRAP - 8]


def page(lanes: list[bytes], begins: list[int], count: int) -> tuple[bytes, list[int]]:
    """Make a page of records as `Ogg` does; give it and where the rest of each lane begins."""
    form = (count * ogg.SLOT, 7, 3, len(lanes), count, list(map(len, lanes)), begins)
    said = ffi.new("struct page *", form)
    written = ffi.new("uint8_t[]", sum(map(len, lanes)) - sum(begins) + ogg.MOST_AROUND)
    length = lib.sound_page(said, lanes[0], lanes[-1], written)
    return bytes(ffi.buffer(written, length)), list(said.at)[: len(lanes)]


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_packed_sound_gives_the_page_of_its_packets(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, ogg.MOST_PACKETS))
    lanes, begins, taken, rests = [], [], [], []
    for _ in data.draw(st.sampled_from([BOTH, (Direction.SENT,)])):
        one = data.draw(st.lists(usual_packets, min_size=count, max_size=count + 3))
        before = packed(data.draw(st.lists(usual_packets, max_size=2)))
        lanes.append(before + packed(one))
        begins.append(len(before))
        taken.append(one[:count])
        rests.append(one[count:])
    ours, left = page(lanes, begins, count)
    wanted = taken[-1]
    for one in taken[:-1]:
        wanted = list(map(bytes.__add__, delimited_frames(one), wanted))
    pages = list(ogg._runs(wanted))
    if len(pages) > 1:
        assert ours == b""  # it takes more segments than one page has
        return
    lent = bytearray(ogg._page(pages[0], count * ogg.SLOT, 3, 0))
    lent[14:18] = (7).to_bytes(4, "little")
    assert ours == ogg._sealed(lent)
    for lane, at, rest in zip(lanes, left, rests, strict=True):
        assert parted(lane[at:], len(rest))[0] == rest


@pytest.mark.parametrize(("short", "fits"), [(3, True), (4, False)])
def test_a_page_of_packed_sound_has_255_segments(short: int, fits: bool) -> None:
    longest = bytes((0xF8,)) + bytes(1275)  # six segments
    packets = [longest] * 42 + [b"\xf8\x01"] * short
    made, _ = page([packed(packets)], [0], len(packets))
    assert (len(list(ogg._runs(packets))) == 1) == fits
    assert bool(made) == fits


@settings(deadline=None, max_examples=100)
@given(
    st.lists(usual_packets, max_size=5).map(packed),
    st.binary(max_size=100),
    st.integers(0, 200),
    st.integers(1, 8),
)
def test_packed_sound_that_is_torn_leads_nowhere_else(
    whole: bytes, torn: bytes, cut: int, count: int
) -> None:
    lane = whole[: max(0, len(whole) - cut)] + torn
    for lanes in ([lane], [lane, whole], [whole, lane]):
        made, _ = page(lanes, [0] * len(lanes), count)
        assert made == b"" or made[:4] == b"OggS"
    found = ffi.new("struct sound *")
    lib.sound_sum_up(lane, len(lane), STEP, found)
    assert 0 <= found.octets <= len(lane)
    assert len(parted(lane, max(0, found.count))[0]) == found.count

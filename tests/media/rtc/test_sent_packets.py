"""What a peer gets that asks for packets again: what can help it, and no more than its share."""

import sys

from callboard.media.rtc.rtp.video.sent_packets import (
    AGAIN,
    AGAIN_AT_ONCE,
    Bursts,
    OutgoingFrame,
    RepairStream,
    SentBurst,
    SentPackets,
)
from hypothesis import given
from hypothesis import strategies as st


def frame(*sizes: int) -> OutgoingFrame:
    """Give a frame with packets of so many octets."""
    return OutgoingFrame(0, b"", b"", tuple((b"", memoryview(bytes(size))) for size in sizes))


def add(kept: SentPackets, *numbers: int, at: float = 0.0, size: int = 1000) -> int:
    """Let packets go out; give how many octets they have."""
    for number in numbers:
        kept.add(number % 65536, frame(size), 0, 1, size, at)
    return size * len(numbers)


Found = list[tuple[int, OutgoingFrame, int]]


def numbers(found: Found) -> list[int]:
    return [number for number, _, _ in found]


def sizes(found: Found) -> list[int]:
    return [sum(map(len, frame.payload(at))) for _, frame, at in found]


def test_what_is_kept_is_sent_again_for_a_while() -> None:
    kept = SentPackets()
    for number in range(65500, 65600):
        add(kept, number, at=number / 1000)
    assert numbers(kept.again([65530, 65530, 65536 + 3, 3, 64, 70], 65.6)) == [65530, 3]
    assert numbers(kept.again([65535, 0], 65.535 + SentPackets.AGE)) == [65535, 0]
    assert numbers(kept.again([65535, 0], 65.5355 + SentPackets.AGE)) == [0]
    add(kept, *range(64, 64 + SentPackets.MOST), at=66)
    assert kept.again([3], 66) == []


def test_a_burst_is_kept_past_the_wrap() -> None:
    kept = SentPackets()
    burst = frame(*range(20))
    kept.add(65533, burst, 10, 18, 8, 0.0)
    assert kept.again([65532, 65535, 0, 4, 5], 0.0) == [
        (65535, burst, 12),
        (0, burst, 13),
        (4, burst, 17),
    ]


def test_the_newest_of_a_number_counts() -> None:
    kept = SentPackets()
    add(kept, 5, at=1, size=10)
    add(kept, 5 + SentPackets.MOST, at=1)
    assert kept.again([5], 1) == []
    add(kept, 5, at=400, size=20)
    assert sizes(kept.again([5], 400)) == [20]


ASKED = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 300)),
        st.tuples(st.just("ask"), st.integers(0, 600)),
    ),
    max_size=60,
)


@given(ASKED)
def test_a_peer_that_asks_for_everything_gets_its_share(orders: list[tuple[str, int]]) -> None:
    kept, number, sent, again = SentPackets(), 0, 0, 0
    for order, count in orders:
        if order == "send":
            sent += add(kept, *range(number, number + count), size=100 + 7 * count)
            number += count
        else:
            found = kept.again(range(max(0, number - count), number), 0.0)
            assert numbers(found) == sorted(set(numbers(found)))
            again += sum(sizes(found))
        assert again <= AGAIN_AT_ONCE + AGAIN * sent
        assert sum(burst.end - burst.start for burst in kept.bursts()) <= SentPackets.MOST


def test_a_frame_that_is_too_old_to_be_sent_again_is_let_go() -> None:
    kept = SentPackets()
    frames = [frame(100) for _ in range(100)]
    for number, each in enumerate(frames):
        kept.add(number, each, 0, 1, 100, number / 10)
    counts = list(map(sys.getrefcount, frames))
    held = [number for number, count in enumerate(counts) if count > min(counts)]
    assert held == [*range(99 - round(SentPackets.AGE * 10), 100)]


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 0.3)), max_size=80), st.integers(0))
def test_all_that_is_young_enough_is_found(sent: list[tuple[int, float]], first: int) -> None:
    kept, number, now = SentPackets(), first, 0.0
    known: list[tuple[int, float]] = []
    for count, wait in sent:
        now += wait
        kept.add(number & 0xFFFF, frame(*[1] * count), 0, count, count, now)
        known += [(each & 0xFFFF, now) for each in range(number, number + count)]
        number += count
    young = [each for each, at in known[-SentPackets.MOST :] if now - at <= SentPackets.AGE]
    asked = [each & 0xFFFF for each in range(number - 2000, number + 100)]
    assert numbers(kept.again(asked, now)) == young


def test_a_peer_that_ignores_the_repair_stream_gets_the_packets_as_they_were() -> None:
    hears, deaf, bad = RepairStream(), RepairStream(), RepairStream()
    for each in range(100):
        assert hears.takes(each)
        deaf.takes(each)
        assert not deaf.takes(each)
        bad.takes(each)
        if each % 3 == 0:  # the answer was lost as well
            assert not bad.takes(each)
    assert hears.takes(101)
    assert bad.takes(101)
    assert not deaf.takes(101)


def test_bursts_that_nobody_missed_are_never_read() -> None:
    kept, read = SentPackets(), list[int]()

    def bursts(first: int, at: float) -> Bursts:
        def give() -> list[SentBurst]:
            read.append(first)
            return [SentBurst(first + each, at, frame(100), 0, 1) for each in range(3)]

        return give

    for number in range(10):
        kept.add_unread(bursts(3 * number, float(number)), 3 * number + 2, float(number))
    assert not read
    assert numbers(kept.again(range(30), 9.0)) == [*range(30 - 3 * (1 + int(SentPackets.AGE)), 30)]
    assert read == sorted(read)
    assert len(read) == 1 + int(SentPackets.AGE)
    before = len(read)
    kept.again(range(30), 9.0)
    assert len(read) == before

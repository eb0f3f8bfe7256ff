"""What a peer gets that asks for packets again: what can help it, and no more than its share."""

from callboard.media.rtc.rtp.video.sent_packets import (
    AGAIN,
    AGAIN_AT_ONCE,
    RepairStream,
    SentPacket,
    SentPackets,
)
from hypothesis import given
from hypothesis import strategies as st


def packet(number: int, at: float = 0.0, size: int = 1000) -> SentPacket:
    return SentPacket(number % 65536, at, 96, 0, b"", memoryview(bytes(size)))


def numbers(found: list[SentPacket]) -> list[int]:
    return [each.number for each in found]


def test_what_is_kept_is_sent_again_for_a_while() -> None:
    kept = SentPackets()
    for number in range(65500, 65600):
        kept.add(packet(number, at=number / 1000))
    assert numbers(kept.again([65530, 65530, 65536 + 3, 3, 64, 70], 65.6)) == [65530, 3]
    assert numbers(kept.again([65535, 0], 65.535 + SentPackets.AGE)) == [65535, 0]
    assert numbers(kept.again([65535, 0], 65.5355 + SentPackets.AGE)) == [0]
    for number in range(SentPackets.MOST):
        kept.add(packet(64 + number, at=66))
    assert kept.again([3], 66) == []


def test_the_newest_of_a_number_counts() -> None:
    kept = SentPackets()
    kept.add(packet(5, at=1, size=10))
    kept.add(packet(5 + SentPackets.MOST, at=1))
    assert kept.again([5], 1) == []
    kept.add(packet(5, at=400, size=20))
    assert [each.size for each in kept.again([5], 400)] == [20]


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
        for _ in range(count if order == "send" else 0):
            found = packet(number, size=100 + number % 1000)
            kept.add(found)
            sent += found.size
            number += 1
        if order == "ask":
            last = range(max(0, number - count), number)
            found_again = kept.again(last, 0.0)
            assert numbers(found_again) == sorted(set(numbers(found_again)))
            again += sum(each.size for each in found_again)
        assert again <= AGAIN_AT_ONCE + AGAIN * sent
    assert len(kept._kept) == SentPackets.MOST


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

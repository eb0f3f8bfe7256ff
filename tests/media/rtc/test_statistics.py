"""Counters as RFC 3550 defines them."""

import pytest
from callboard.media.rtc.rtp.statistics import Reception, StreamCounter


def test_lost_reordered_and_duplicate_packets() -> None:
    counter = StreamCounter(8000)
    for sequence in (65534, 65535, 1, 0, 4, 4):
        counter.add(sequence, 160 * sequence, 0.0)
    # 65534 65535 0 1 . . 4: two are missing, of which a duplicate hides one (appendix A.3).
    assert counter.received == 6
    assert counter.lost == 1
    assert counter.reordered == 1


def test_jitter_is_that_of_the_rfc() -> None:
    counter = StreamCounter(8000)
    arrivals = [0.0, 0.020, 0.045, 0.060]
    for number, arrival in enumerate(arrivals):
        counter.add(number, number * 160, arrival)
    expected = 0.0
    for difference in (0.0, 0.005, 0.005):
        expected += (difference - expected) / 16
    assert counter.jitter == pytest.approx(expected)


def test_the_timestamp_may_wrap() -> None:
    counter = StreamCounter(90000)
    for number in range(4):
        counter.add(number, (2**32 - 6000 + number * 3000) % 2**32, number / 30)
    assert counter.jitter < 1e-6


def test_a_picture_of_several_packets_is_no_jitter() -> None:
    counter = StreamCounter(90000)
    for number in range(30):
        counter.add(number, number // 3 * 6000, number // 3 / 15 + number % 3 * 0.004)
    assert counter.jitter < 1e-6


def test_a_sender_that_starts_again_has_lost_nothing() -> None:
    counter = StreamCounter(8000)
    for sequence in (10, 11, 13, 40000, 40001, 40002):
        counter.add(sequence, sequence * 160, 0.0)
    assert counter.lost == 1
    assert counter.received == 5  # the first of the new ones was on probation


def test_streams_are_bounded() -> None:
    reception = Reception()
    for ssrc in range(1000):
        reception.add(ssrc, 0, 0, 8000, 0.0)
    assert reception.received == 1000
    assert len(reception.streams) == Reception.MAX_STREAMS
    assert reception.lost == 0

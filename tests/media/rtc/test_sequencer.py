"""Packets that come in any order go on in theirs."""

from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.sequencer import Sequencer
from hypothesis import given
from hypothesis import strategies as st


def packet(number: int) -> RtpPacket:
    return RtpPacket(96, number % 65536, 0, 1, b"")


def through(numbers: list[int]) -> list[int]:
    sequencer = Sequencer()
    out: list[int] = []
    for number in numbers:
        out += [each.sequence_number for each in sequencer.put(packet(number))]
    return out


def test_in_order_nothing_waits() -> None:
    assert through([65534, 65535, 65536]) == [65534, 65535, 0]


def test_late_ones_get_their_place_and_duplicates_go() -> None:
    assert through([1, 2, 4, 4, 3, 3, 5, 1]) == [1, 2, 3, 4, 5]


def test_a_lost_one_is_not_waited_for_in_vain() -> None:
    assert through([1, 3, 4, 5, 6, 7]) == [1]
    assert through([1, 3, 4, 5, 6, 7, 8]) == [1, 3, 4, 5, 6, 7, 8]
    assert through([1, 3, 4, 5, 6, 7, 8, 2, 9]) == [1, 3, 4, 5, 6, 7, 8, 9]


def test_a_sender_that_begins_anew() -> None:
    assert through([1, 2, 4, 30000, 30001]) == [1, 2, 30000, 30001]


@given(st.lists(st.integers(0, 65535), max_size=60))
def test_whatever_comes_little_is_kept(numbers: list[int]) -> None:
    sequencer = Sequencer()
    given_on = 0
    for number in numbers:
        given_on += len(sequencer.put(packet(number)))
        assert len(sequencer._held) <= Sequencer.DEPTH
    assert given_on <= len(numbers)


def test_who_waits_no_longer_gets_all_in_order() -> None:
    sequencer = Sequencer()
    sequencer.put(packet(1))
    assert [sequencer.put(packet(number)) for number in (5, 3)] == [[], []]
    assert [each.sequence_number for each in sequencer.give_up()] == [3, 5]
    assert sequencer.give_up() == []
    assert sequencer.put(packet(2)) == []
    assert [each.sequence_number for each in sequencer.put(packet(6))] == [6]

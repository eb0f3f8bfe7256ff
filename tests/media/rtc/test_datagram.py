"""What a datagram may be, by its shape (RFC 7983 §7)."""

import pytest
from callboard.media.rtc.ice.datagram import LONGEST, Shape, is_from_turn_server, records, shape
from callboard.tests.media.intruder import (
    FATAL_ALERT,
    HEADER,
    MISSHAPEN,
    REPORT,
    SERVER_HELLO,
    record,
    stun,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (stun(1), Shape.STUN),
        (stun(1, (0x0006, b"abcd:efgh"), (0x0024, bytes(4)), (0x0008, bytes(20))), Shape.STUN),
        (stun(0x101, (0x0020, bytes(20)), (0xC057, b"unknown")), Shape.STUN),
        (FATAL_ALERT, Shape.DTLS),
        (FATAL_ALERT + SERVER_HELLO, Shape.DTLS),
        (record(23, bytes(LONGEST - 13), epoch=1), Shape.DTLS),
        (b"\x2f" + bytes(30), Shape.DTLS),
        (HEADER + bytes(10), Shape.SRTP),
        (HEADER + bytes(LONGEST - 12), Shape.SRTP),
        (bytes([0xBF]) + HEADER[1:] + bytes(60) + b"\xbe\xde\0\1" + bytes(14), Shape.SRTP),
        (REPORT + bytes(24), None),
        (REPORT + bytes(34), Shape.SRTCP),
        (b"\x80\xc9\0\1" + bytes(4 + 14), Shape.SRTCP),
    ],
)
def test_what_is_well_formed(data: bytes, kind: Shape | None) -> None:
    assert shape(data) is kind


def test_what_is_not() -> None:
    assert [data for data in MISSHAPEN if shape(data) is not None] == []


@given(st.binary(max_size=2 * LONGEST))
def test_any_octets(data: bytes) -> None:
    kind = shape(data)
    assert kind is None or len(data) <= LONGEST
    if kind is Shape.DTLS:
        assert b"".join(records(data)) == data
    assert isinstance(is_from_turn_server(data), bool)


@given(
    st.sampled_from([stun(1, (6, b"abcd:efgh"), (0x24, bytes(4))), FATAL_ALERT + SERVER_HELLO]),
    st.data(),
)
def test_what_is_cut_off_is_of_no_kind(whole: bytes, data: st.DataObject) -> None:
    assert shape(whole) is not None
    cut = data.draw(st.integers(0, len(whole) - 1).filter(lambda end: end != len(FATAL_ALERT)))
    assert shape(whole[:cut]) is None


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (b"\x40\0\0\4" + bytes(4), True),
        (b"\x4f\xff\0\1" + bytes(4), True),  # padded, as over TCP
        (b"\x40\0\0\5" + bytes(4), False),
        (b"\x40\0\0\0" + bytes(4), False),
        (b"\x50\0\0\4" + bytes(4), False),
        (b"\x40\0\0", False),
        (b"", False),
        (stun(0x17, (0x0012, bytes(8)), (0x0013, b"data")), True),
        (stun(0x17, (0x0012, bytes(7)), (0x0013, b"data")), False),
        (HEADER + bytes(10), False),
    ],
)
def test_what_a_turn_server_may_say(data: bytes, known: bool) -> None:
    assert is_from_turn_server(data) is known

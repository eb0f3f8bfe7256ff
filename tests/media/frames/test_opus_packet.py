"""Opus packets taken apart and put together again."""

import pytest
from callboard.media.frames.opus_packet import (
    SILENCE,
    OpusError,
    OpusPacket,
    delimited,
    is_one_frame,
    parse,
)
from callboard.tests.media.calls import tone
from hypothesis import given
from hypothesis import strategies as st

frames = st.lists(st.binary(max_size=600), min_size=1, max_size=6)


@given(st.integers(0, 63), frames)
def test_what_was_put_together_comes_apart(configuration: int, parts: list[bytes]) -> None:
    packet = OpusPacket(configuration << 2, tuple(parts))
    if packet.samples <= 5760:
        assert parse(packet.encode()) == packet
        extra = sum(1 if len(part) < 252 else 2 for part in parts[-1:])
        assert len(packet.encode(delimited=True)) == len(packet.encode()) + extra


@given(st.binary(max_size=1400) | st.integers(1200, 1400).map(bytes))
def test_what_needs_no_parsing_is_what_parsing_finds(data: bytes) -> None:
    try:
        packet = parse(data)
    except OpusError:
        assert not is_one_frame(data)
        with pytest.raises(OpusError):
            delimited(data)
        return
    assert is_one_frame(data) == (data[0] & 3 == 0 and packet.samples == 960)
    assert delimited(data) == packet.encode(delimited=True)


@given(st.binary(max_size=400))
def test_damage_is_told(data: bytes) -> None:
    try:
        packet = parse(data)
    except OpusError:
        return
    assert 120 <= packet.samples <= 5760
    assert parse(packet.encode()) == packet


@pytest.mark.parametrize("ptime", [10, 20, 40, 60])
def test_real_packets_tell_how_long_they_last(ptime: int) -> None:
    assert {parse(packet).samples for packet in tone(440, 4.8, ptime=ptime)} == {48 * ptime}


def test_padding_is_left_out() -> None:
    assert parse(b"\xfb\x41\x02ab\0\0") == OpusPacket(0xF8, (b"ab",))


def test_silence_lasts_20_ms() -> None:
    assert parse(SILENCE).samples == 960

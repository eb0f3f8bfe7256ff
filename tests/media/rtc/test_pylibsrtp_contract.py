"""Fails when a private name of pylibsrtp that media/rtc/_pylibsrtp.py uses has moved."""

import pylibsrtp
import pytest
from callboard.media.rtc._pylibsrtp import OutboundSrtp, PacketRoom
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

PROFILES = {
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 44,
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 28,
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 30,
}
"""The profiles that aiortc negotiates, and the octets of their keys and salts."""


def session(profile: int, kind: int) -> Session:
    """Make one for what goes out, or comes in."""
    key = bytes(range(PROFILES[profile]))
    return Session(Policy(key, kind, srtp_profile=profile))


@pytest.mark.parametrize("profile", PROFILES)
@given(
    payloads=st.lists(st.binary(max_size=1300), min_size=1, max_size=5),
    start=st.integers(0, PacketRoom.SIZE - 1500),
)
def test_it_does_what_pylibsrtp_does(profile: int, payloads: list[bytes], start: int) -> None:
    room = PacketRoom()
    ours, theirs = (session(profile, Policy.SSRC_ANY_OUTBOUND) for _ in range(2))
    back, plain = (session(profile, Policy.SSRC_ANY_INBOUND) for _ in range(2))
    for number, payload in enumerate(payloads):
        packet = b"\x80\x60" + number.to_bytes(2) + bytes(7) + b"\x01" + payload
        sent = room.protect(ours, packet)
        length = len(sent)
        assert sent == theirs.protect(packet)
        room.octets[start : start + length] = sent
        begin, end = room.unprotect(back, start, start + length)
        assert (begin, end - begin) == (start // 4 * 4, len(packet))
        assert room.cut[begin:end] == packet == plain.unprotect(sent)
        room.octets[:length] = sent
        with pytest.raises(pylibsrtp.Error, match="replay"):
            room.unprotect(back, 0, length)


@pytest.mark.parametrize("profile", PROFILES)
@given(octets=st.binary(max_size=1500))
def test_whatever_comes_is_refused_in_its_place(profile: int, octets: bytes) -> None:
    room = PacketRoom()
    room.octets[: len(octets)] = octets
    with pytest.raises(pylibsrtp.Error):
        room.unprotect(session(profile, Policy.SSRC_ANY_INBOUND), 0, len(octets))
    assert len(room.octets) == PacketRoom.SIZE


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=1600)), min_size=1, max_size=6))
def test_several_sessions_encrypt_in_one_room(packets: list[tuple[int, bytes]]) -> None:
    room = PacketRoom()
    theirs = [session(profile, Policy.SSRC_ANY_OUTBOUND) for profile in list(PROFILES)[1:]]
    ours = [
        OutboundSrtp(session(profile, Policy.SSRC_ANY_OUTBOUND), room)
        for profile in list(PROFILES)[1:]
    ]
    for number, (which, payload) in enumerate(packets):
        packet = b"\x80\x60" + number.to_bytes(2) + bytes(7) + b"\x01" + payload
        if len(packet) > PacketRoom.LONGEST:
            with pytest.raises(ValueError, match="too long"):
                ours[which].protect(packet)
            continue
        if len(packet) + 160 > PacketRoom.LONGEST:
            continue  # theirs has less room
        assert ours[which].protect(packet) == theirs[which].protect(packet)
    assert len(room.octets) == PacketRoom.SIZE
    report = b"\x80\xc8\x00\x06" + bytes(3) + b"\x01" + bytes(20)
    assert ours[0].protect_rtcp(report) == theirs[0].protect_rtcp(report)

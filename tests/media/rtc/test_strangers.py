"""No datagram ends a call, whoever sends it, and whatever a library makes of it."""

import asyncio
import struct
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aioice import stun as aioice_stun
from callboard.media import (
    ClockPattern,
    Closed,
    Connected,
    IceRenewed,
    MediaFailed,
    Network,
    Tone,
)
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import inbound
from callboard.tests.conftest import Run
from callboard.tests.media.coturn import coturn, needs_coturn
from callboard.tests.media.intruder import (
    GARBAGE,
    HEADER,
    MISSHAPEN,
    REPORT,
    Stranger,
    forge,
    peers,
    stun,
)
from callboard.tests.media.legs import Leg, call, connect
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

WELL_SHAPED = (
    HEADER + bytes(100),
    REPORT + bytes(34),
    *GARBAGE,
    *(each.replace(b"\xfe\xfd\0\0", b"\xfe\xfd\0\1", 1) for each in GARBAGE),
    b"\x2f" + bytes(60),
    stun(1),
    stun(1, (6, b"abcd:efgh"), (0x24, bytes(4)), (8, bytes(20))),
    stun(1, (6, b"\xff\xfe:"), (9, b"\0")),
    stun(0x101, (0x20, b"\0\7" + bytes(6))),
    stun(0x111, (9, b"\0\0\4\1\xff")),
    stun(0xFFF & ~0xC000),
)
"""What has the shape of something, and is nothing."""


def is_alive(leg: Leg) -> bool:
    """Tell whether a leg has neither failed nor ended."""
    return not any(isinstance(event, MediaFailed | Closed) for event in leg.events)


def test_a_call_outlives_every_datagram(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            with Stranger() as stranger:
                for data in (*MISSHAPEN, *WELL_SHAPED):
                    stranger.send(b, data)
                    forge(b, data)
                    await asyncio.sleep(0)
                await b.received("audio", 20)
                await a.received("audio", 20)
                await b.received("video", 5)
                assert is_alive(a)
                assert is_alive(b)
                assert not stranger.has_heard
            assert b.pc.dropped["malformed"] >= len(MISSHAPEN)
            assert b.pc.dropped["from a stranger"] > 0

    run(main)


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    """Anything, most often what begins as something that is known."""
    base = draw(st.sampled_from([b"", *WELL_SHAPED, HEADER + bytes(1300), REPORT + bytes(1300)]))
    data = bytearray(base)
    for _ in range(draw(st.integers(0, 4)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(data)))
    return bytes(data[:cut] if draw(st.booleans()) else data) + draw(st.binary(max_size=40))


fuzz = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def test_a_call_outlives_any_datagram(run: Run) -> None:
    @fuzz
    @given(st.lists(datagrams(), min_size=100, max_size=300))
    def hold(sent: list[bytes]) -> None:
        async def main() -> None:
            async with call(audio=Tone(), back_audio=Tone()) as (a, b):
                with Stranger() as stranger:
                    for data in sent:
                        stranger.send(b, data)
                        forge(b, data)
                    await b.received("audio", 5)
                    await a.received("audio", 5)
                assert is_alive(a)
                assert is_alive(b)

        run(main)

    hold()


@pytest.mark.parametrize("garbage", range(len(GARBAGE)))
def test_the_handshake_outlives_garbage(run: Run, garbage: int) -> None:
    """From strangers and from the peer's own address, before ICE is done until DTLS is."""

    async def main() -> None:
        a, b = Leg(), Leg()
        with Stranger() as stranger:

            async def disturb() -> None:
                while True:
                    for leg in (a, b):
                        stranger.send(leg, GARBAGE[garbage])
                        forge(leg, GARBAGE[garbage])
                    await asyncio.sleep(0)

            disturbance = asyncio.create_task(disturb())
            await connect(a, b, audio=Tone(), video=None, back_audio=Tone())
            await a.event(Connected)
            await b.event(Connected)
            disturbance.cancel()
            await b.received("audio", 5)
            assert is_alive(a)
            assert is_alive(b)
            await a.pc.close()
            await b.pc.close()

    run(main)


def test_only_whom_stun_has_proved_is_heard(run: Run) -> None:
    """Not from any candidate: what counts is integrity, seen on that socket from that address."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (_, b):
            (end, address), *_ = peers(b)
            strange = ("127.0.0.1", address[1] ^ 1)
            before = b.pc.dropped.get("from a stranger", 0)
            end.datagram_received(HEADER + bytes(50), strange)
            assert b.pc.dropped["from a stranger"] == before + 1
            # An unsigned request, an answer that nobody asked for, and a wrong key prove nothing.
            for data in (
                stun(1, (6, f"{end.receiver.local_username}:x".encode()), (0x24, bytes(4))),
                stun(0x101, (0x20, bytes([0, 1, *bytes(6)]))),
                signed(end, b"a wrong key"),
            ):
                end.datagram_received(data, strange)
                end.datagram_received(HEADER + bytes(50), strange)
            assert b.pc.dropped["from a stranger"] == before + 4
            end.datagram_received(signed(end), strange)
            end.datagram_received(HEADER + bytes(50), strange)
            assert b.pc.dropped["from a stranger"] == before + 4
            await b.received("audio", 5)

    run(main)


def signed(end: Any, key: bytes = b"") -> bytes:
    """A check by the peer (RFC 8445 §7.2.2), or by somebody with another key."""
    receiver = end.receiver
    request = aioice_stun.Message(aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{receiver.local_username}:{receiver.remote_username}"
    request.attributes["PRIORITY"] = 1
    request.add_message_integrity(key or receiver.local_password.encode())
    return bytes(request)


def test_a_peer_with_many_addresses(run: Run) -> None:
    """Each check from a new address has us check back: RFC 8445 §19.5.1."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (_, b):
            (end, _), *_ = peers(b)
            for port in range(20000, 22000):
                end.datagram_received(signed(end), ("127.0.0.1", port))
            assert len(end.receiver._remote_candidates) <= 128
            assert len(end._heard) <= 64
            assert b.pc.dropped["too many checks"] + b.pc.dropped["too many addresses"] >= 1800
            await b.received("audio", 20)

    run(main)


def test_both_paths_count_while_ice_restarts(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            (old, address), *_ = peers(b)
            await a.pc.restart_ice(await b.pc.restart_ice(await a.pc.renew_ice()))
            b.pc.restart_acknowledged()
            assert address in old._heard
            await b.received("audio", 5)
            await b.event(IceRenewed)
            assert old not in [end for end, _ in peers(b)]
            await b.received("audio", 20)
            assert "from a stranger" not in b.pc.dropped
            with Stranger() as stranger:
                stranger.send(b, *GARBAGE)
                await b.received("audio", 20)
            assert is_alive(b)

    run(main)


@needs_coturn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_behind_a_relay_outlives_every_datagram(
    run: Run, tmp_path: Path, transport: str
) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            hidden = Network(("127.0.0.1",), ice_servers=(server.turn(transport),), relay_only=True)
            async with call(network=hidden, audio=Tone(), back_audio=Tone()) as (a, b):
                (end, address), *_ = peers(b)
                server_side = end.transport._TurnTransport__inner_protocol
                for data in (*MISSHAPEN, *WELL_SHAPED):
                    forge(b, data)
                    end.datagram_received(data, ("127.0.0.1", address[1] ^ 1))
                    server_side.datagram_received(data, ("127.0.0.1", server.port))
                    channel = struct.pack("!HH", server_side.peer_to_channel[address], len(data))
                    server_side.datagram_received(channel + data, ("127.0.0.1", server.port))
                await b.received("audio", 10)
                await a.received("audio", 10)
                assert is_alive(a)
                assert is_alive(b)
                assert b.pc.dropped["from a stranger"] > 0

    run(main)


PACKETS = (
    HEADER,
    bytes([0x80, 0x7F]) + HEADER[2:] + b"x",
    bytes([0x90]) + HEADER[1:] + b"\xbe\xde\0\1\x10\xff\0\0" + b"x",  # a MID that is no UTF-8
    *(
        bytes([0x90]) + HEADER[1:] + b"\xbe\xde\0\1" + bytes([each << 4, 7, 0, 0]) + b"x"
        for each in range(1, 15)  # extensions of one octet, whatever they should have
    ),
    bytes([0xA0]) + HEADER[1:] + b"\xff",
    bytes([0xA0]) + HEADER[1:] + b"\0",
)
REPORTS = (
    b"\x8f\xce\0\4" + bytes(8) + b"REMB" + b"\xff\0\0\0",  # says 255 SSRCs, names none
    b"\x81\xcd\0\2" + bytes(8),
    b"\x81\xc9\0\1" + bytes(4),
    b"\x9f\xca\0\1" + bytes(4),
    b"\x9f\xcb\0\1" + bytes(4),
    b"\xa0\xc9\0\1" + b"\0\0\0\xff",
    b"\x81\xc8\0\6" + bytes(24),
    b"\x80\xc9\0\1" + bytes(4) + b"\x81\xce\0\2" + bytes(8) + b"\x40\xc9\0\0",
    b"\x80\xc9\0\1" + bytes(4) + b"\x81\xce\xff\xff",
)


NUMBERS = count(1)


def protected(leg: Leg, data: bytes, ssrc: int) -> bytes:
    """What a leg would send, in a packet of its own making."""
    transport, *_ = _aiortc.dtls_transports(leg.pc._pc)
    if 192 <= data[1] < 224:
        return transport._tx_srtp.protect_rtcp(data[:4] + ssrc.to_bytes(4) + data[8:])
    number = next(NUMBERS).to_bytes(2)
    return transport._tx_srtp.protect(data[:2] + number + data[4:8] + ssrc.to_bytes(4) + data[12:])


async def send(leg: Leg, data: bytes) -> None:
    """Send as the peer that it is."""
    transport, *_ = _aiortc.dtls_transports(leg.pc._pc)
    await transport.transport._send(data)


def test_a_call_outlives_what_its_peer_sends(run: Run) -> None:
    """With the right keys, what no library expects: it is dropped, and nothing else."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (
            a,
            b,
        ):
            video = next(t for t in a.pc._pc.getTransceivers() if t.kind == "video")
            types = [96, *_aiortc.codecs(video)]
            for data in PACKETS:
                for payload_type in types:
                    packet = data[:1] + bytes([payload_type]) + data[2:]
                    await send(a, protected(a, packet, 7))
            for data in REPORTS:
                await send(a, protected(a, data, video.sender._ssrc))
            transport, *_ = _aiortc.dtls_transports(a.pc._pc)
            for data in (b"x", bytes(12), bytes(1200), b"\x13\x88\x13\x88" + bytes(30)):
                await transport._send_data(data)
            await b.received("audio", 20)
            await b.received("video", 5)
            assert is_alive(a)
            assert is_alive(b)

    run(main)


def test_many_records_in_one_datagram_do_not_stay_in_memory(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "settle", lambda _: None)  # OpenSSL stays, as for other ciphers

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            ours, *_ = _aiortc.dtls_transports(a.pc._pc)
            theirs, *_ = _aiortc.dtls_transports(b.pc._pc)
            assert ours._ssl is not None
            assert theirs._ssl is not None
            for _ in range(50):
                for _ in range(20):
                    ours._ssl.send(b"hello")
                await send(a, ours._ssl.bio_read(1500))
            await b.received("audio", 20)
            assert theirs._ssl.pending() == 0
            assert not theirs.transport._recv._records  # type: ignore[attr-defined]
            await a.pc.close()
            # What was said last is read at once, though so much came before.
            assert (await b.event(Closed)).by_peer

    run(main)


def test_a_transport_that_dies_fails_the_call(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (_, b):
            transport, *_ = _aiortc.dtls_transports(b.pc._pc)

            async def die() -> None:
                raise RuntimeError("a fault in aiortc")

            transport._recv_next = die  # type: ignore[method-assign]
            failure = await b.event(MediaFailed)
            assert failure.reason == "failed-transport"
            assert not (await b.event(Closed)).by_peer

    run(main)


def test_consent_that_is_not_asked_for_any_more_fails_the_call(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.1)

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (_, b):
            (end, _), *_ = peers(b)

            def fail(*_: object, **__: object) -> None:
                raise RuntimeError("a fault in aioice")

            end.receiver.build_request = fail
            assert (await b.event(MediaFailed)).reason == "connectivity-error"
            assert not (await b.event(Closed)).by_peer

    run(main)


def test_a_peer_that_hangs_up_has_not_failed(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await a.pc.close()
            assert (await b.event(Closed)).by_peer
            assert not any(isinstance(event, MediaFailed) for event in b.events)

    run(main)

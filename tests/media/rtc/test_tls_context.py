"""What all calls share in OpenSSL, and that it opens nothing of another call."""

from contextlib import suppress
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from callboard.media import Connected, MediaFailed, Tone
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import handshake, inbound, tls_context, transports
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call, connect, pair
from OpenSSL import SSL


def connection(leg: Leg) -> SSL.Connection:
    """Give what OpenSSL has of a leg."""
    [transport] = _aiortc.dtls_transports(leg.pc._pc)
    found: SSL.Connection = getattr(transport, transports.SSL)
    return found


def certificate(found: SSL.Connection) -> bytes:
    """Give the own certificate, as the peer is shown it."""
    own = found.get_certificate(as_cryptography=True)
    assert own is not None
    return own.tbs_certificate_bytes


def test_the_names_are_where_they_were(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transport = pc.addTransceiver("audio").receiver.transport
        own = getattr(transport, handshake.CERTIFICATE)
        assert isinstance(own, RTCCertificate)
        for name in (tls_context.CREATE, tls_context.KEY, tls_context.OWN):
            assert hasattr(own, name), name
        assert hasattr(RTCDtlsTransport, handshake.HANDSHAKE)
        await pc.close()

    run(main)


def test_a_fingerprint_is_reckoned_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    times = 0
    reckon = RTCCertificate.getFingerprints

    def reckoned(certificate: RTCCertificate) -> list[Any]:
        nonlocal times
        times += 1
        return reckon(certificate)

    monkeypatch.setattr(RTCCertificate, "getFingerprints", reckoned)

    async def main() -> None:
        for each in (Leg(), Leg()):
            offer = await each.pc.offer(audio=Tone(), video=None)
            [certificate] = getattr(each.pc._pc, tls_context.CERTIFICATES)
            for fingerprint in reckon(certificate):
                assert f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}\r\n" in offer
            await each.pc.close()

    run(main)
    assert times == 2


def test_calls_share_a_context_and_nothing_else(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "settle", lambda _: None)

    async def main() -> None:
        async with (
            call(audio=Tone(), back_audio=Tone()) as one,
            call(audio=Tone(), back_audio=Tone()) as other,
        ):
            ends = [connection(leg) for leg in (*one, *other)]
            [context] = {each.get_context() for each in ends}
            assert len({certificate(each) for each in ends}) == 4
            assert context.get_session_cache_mode() == SSL.SESS_CACHE_OFF
            assert len({each.master_key() for each in ends}) == 2

    run(main)


def test_a_session_of_one_call_is_not_resumed_in_another() -> None:
    def greet(client: SSL.Connection, server: SSL.Connection) -> None:
        for _ in range(10):
            for one, to in ((client, server), (server, client)):
                with suppress(SSL.WantReadError):
                    one.do_handshake()
                with suppress(SSL.WantReadError):  # nothing more is to be sent
                    while True:
                        to.bio_write(one.bio_read(1500))

    def ends() -> tuple[SSL.Connection, SSL.Connection]:
        client, server = (SSL.Connection(tls_context._context()) for _ in range(2))
        client.set_connect_state()
        server.set_accept_state()
        return client, server

    client, server = ends()
    greet(client, server)
    session = client.get_session()
    again, its_server = ends()
    if session is not None:
        again.set_session(session)
    greet(again, its_server)
    assert again.master_key() == its_server.master_key()
    assert again.master_key() != client.master_key()


def test_a_peer_ends_a_handshake_without_the_certificate_of_the_call(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SSL.Connection, "use_certificate", lambda *_: None)
    monkeypatch.setattr(SSL.Connection, "use_privatekey", lambda *_: None)

    async def main() -> None:
        async with pair() as (a, b):
            await connect(a, b, audio=Tone(), video=None, back_audio=Tone())
            failed = await a.event(MediaFailed)
            assert failed.reason == "security-error"
            assert not any(isinstance(event, Connected) for event in (*a.events, *b.events))

    run(main)

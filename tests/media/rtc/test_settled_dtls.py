"""What is left of DTLS after the handshake, with OpenSSL on the other side."""

from contextlib import suppress

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from callboard.media import Closed, FirstMedia, MediaEvent, Tone
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import transports
from callboard.media.rtc._aiortc.settled_dtls import SettledDtls
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, connect
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

Ends = tuple[SSL.Connection, SSL.Connection]


def shaken(ciphers: bytes | None = None) -> Ends:
    """Give a client and a server whose handshake is done."""
    context = RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)
    if ciphers is not None:
        context.set_cipher_list(ciphers)
    client, server = (SSL.Connection(context) for _ in range(2))
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(8):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            with suppress(SSL.WantReadError):
                while flight := one.bio_read(1500):
                    other.bio_write(flight)
    return client, server


def settled(is_client: bool, ends: Ends | None = None) -> tuple[SettledDtls, SSL.Connection]:
    """Give one end that is settled, and the other one, which is OpenSSL's."""
    client, server = ends or shaken()
    own, peer = (client, server) if is_client else (server, client)
    found = SettledDtls.of(own, is_client=is_client)
    assert found is not None
    return found, peer


def said(peer: SSL.Connection, data: bytes) -> bytes:
    peer.send(data)
    return peer.bio_read(65536)


@pytest.mark.parametrize("is_client", [True, False])
@pytest.mark.parametrize("before", [0, 3])
def test_data_goes_both_ways_and_both_ends_close(is_client: bool, before: int) -> None:
    ends = shaken()
    for number in range(before):
        for one, other in (ends, ends[::-1]):
            other.bio_write(said(one, b"before %d" % number))
            assert other.recv(1500) == b"before %d" % number
    own, peer = settled(is_client, ends)
    for number in range(100):
        data = b"x" * number + b"!"
        own.bio_write(said(peer, data))
        assert own.recv(1500) == data
        own.send(data)
        peer.bio_write(own.bio_read(1500))
        assert peer.recv(1500) == data
    with pytest.raises(SSL.Error):
        own.bio_read(1500)
    assert own.get_shutdown() == 0
    assert own.shutdown() is False
    assert own.shutdown() is False  # which says it no second time
    peer.bio_write(own.bio_read(1500))
    with pytest.raises(SSL.ZeroReturnError):
        peer.recv(1500)
    with pytest.raises(SSL.Error):
        own.bio_read(1500)
    peer.shutdown()
    own.bio_write(peer.bio_read(1500))
    with pytest.raises(SSL.ZeroReturnError):
        own.recv(1500)
    assert own.get_shutdown() == SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN


def test_records_out_of_order_are_read_once_and_old_ones_are_not() -> None:
    own, peer = settled(True)
    records = [said(peer, b"%d" % number) for number in range(100)]

    def reads(number: int) -> bool:
        own.bio_write(records[number])
        try:
            return own.recv(1500) == b"%d" % number
        except SSL.WantReadError:
            return False

    assert reads(50)
    assert reads(20)
    assert not reads(50)
    assert not reads(20)
    assert reads(99)
    assert not reads(99)
    assert not reads(50)
    assert reads(36)  # 63 behind
    assert not reads(35)
    assert own.get_shutdown() == 0


RECORD_OWN, RECORD_PEER = settled(True)
RECORDS = {"data": said(RECORD_PEER, b"secret"), "alert": b""}
RECORD_PEER.shutdown()
RECORDS["alert"] = RECORD_PEER.bio_read(1500)


@given(kind=st.sampled_from(list(RECORDS)), at=st.integers(0, 200), value=st.integers(1, 255))
def test_a_record_with_a_changed_octet_is_nobodys(kind: str, at: int, value: int) -> None:
    record = bytearray(RECORDS[kind])
    record[at % len(record)] ^= value
    RECORD_OWN.bio_write(bytes(record))
    with pytest.raises(SSL.WantReadError):
        RECORD_OWN.recv(1500)
    assert RECORD_OWN.get_shutdown() == 0


@given(st.binary(max_size=80))
def test_anything_else_is_nobodys(data: bytes) -> None:
    for record in (data, RECORDS["alert"][: len(data)], RECORDS["alert"] + b"x" + data):
        RECORD_OWN.bio_write(record)
        with pytest.raises(SSL.WantReadError):
            RECORD_OWN.recv(1500)
    assert RECORD_OWN.get_shutdown() == 0


def test_another_cipher_stays_with_openssl() -> None:
    client, _ = shaken(b"ECDHE-ECDSA-CHACHA20-POLY1305")
    assert SettledDtls.of(client, is_client=True) is None
    assert client.get_shutdown() == 0


def test_what_has_closed_stays_with_openssl() -> None:
    client, _ = shaken()
    client.shutdown()
    assert SettledDtls.of(client, is_client=True) is None


def connections(leg: Leg) -> list[object]:
    return [getattr(each, transports.SSL) for each in _aiortc.dtls_transports(leg.pc._pc)]


class Noting(Leg):
    """Notes what it has for DTLS when its first packet is told."""

    first: list[object]

    def _event(self, event: MediaEvent) -> None:
        if isinstance(event, FirstMedia):
            self.first = connections(self)
        super()._event(event)


def test_a_call_with_media_lets_go_of_openssl_and_hears_of_its_end(run: Run) -> None:
    """A moment after its first packet, which is told first."""

    async def main() -> None:
        a, b = Noting(), Noting()
        await connect(a, b, audio=Tone(), video=None, back_audio=Tone())
        for leg in (a, b):
            await leg.counted("audio", 20)
            assert isinstance(leg.first[0], SSL.Connection)
            assert [type(each) for each in connections(leg)] == [SettledDtls]
        await a.pc.close()
        assert (await b.event(Closed)).by_peer
        await b.pc.close()

    run(main)

"""The certificate passes the strictest check that OpenSSL has."""

import ssl
from pathlib import Path

import pytest
from callboard.server.certificate import make_certificates
from callboard.server.certificates import Certificates


def shake(certificates: Certificates, folder: Path, name: str) -> None:
    """Let a client and a server of OpenSSL's talk, in memory."""
    (folder / "chain.pem").write_text(certificates.chain)
    (folder / "key.pem").write_text(certificates.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    client = ssl.create_default_context(cadata=certificates.authority)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname=name),
        server.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[0].version() is not None
    assert ends[0].getpeercert()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_its_names_are_verified(name: str, tmp_path: Path) -> None:
    shake(make_certificates("localhost"), tmp_path, name)


def test_other_names_are_not(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake(make_certificates("localhost"), tmp_path, "example.org")


def test_a_long_host_name_has_its_certificate(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 3)
    shake(make_certificates(name), tmp_path, name)


def test_the_key_does_not_show() -> None:
    certificates = make_certificates("localhost")
    assert "PRIVATE" in certificates.key
    assert "PRIVATE" not in repr(certificates)

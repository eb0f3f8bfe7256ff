"""A certificate of the server's own, so that clients verify TLS instead of switching it off."""

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .certificates import Certificates

LIFETIME = dt.timedelta(days=365)
CLOCK_SKEW = dt.timedelta(days=1)


def make_certificates(host: str) -> Certificates:
    """Make an authority and a certificate signed by it for one XMPP domain.

    Args:
        host: The XMPP domain (RFC 6120 §13.7.1.2: a dNSName); 127.0.0.1 is named as well.

    Returns:
        The certificates, valid from a day ago for a year.
    """
    now = dt.datetime.now(dt.UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Callboard embedded")])
    # RFC 5280 §4.2.1.6: names stand in the alternative name; a common name may have 64 characters.
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())

    def usage(*, authority: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=not authority,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )

    def builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + LIFETIME)
        )

    authority = (
        builder(authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = [
        x509.DNSName(host.encode("idna").decode("ascii")),
        x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
    ]
    chain = (
        builder(server_name, server_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(server_key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    key = server_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = serialization.Encoding.PEM
    return Certificates(
        authority=authority.public_bytes(pem).decode("ascii"),
        chain=chain.public_bytes(pem).decode("ascii"),
        key=key.decode("ascii"),
    )

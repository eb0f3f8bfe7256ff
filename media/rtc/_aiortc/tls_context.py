"""What OpenSSL keeps for a call: one context for all of them, and fewer buffers.

aiortc makes a context for each transport, of 20 KiB, and lets OpenSSL keep buffers of 25 KiB.
"""

from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsTransport
from OpenSSL import SSL

from .transports import SSL as CONNECTION

CERTIFICATE = "_RTCDtlsTransport__local_certificate"
CERTIFICATES = "_RTCPeerConnection__certificates"
CREATE = "_create_ssl_context"
HANDSHAKE = "_do_handshake"
KEY, OWN = "_key", "_cert"


def share_context(transport: RTCDtlsTransport) -> None:
    """Let a transport have the context that all share, with the certificate of its own call.

    Args:
        transport: One that has not started; one that shares it already stays so.
    """
    certificate = getattr(transport, CERTIFICATE)
    if HANDSHAKE in vars(transport):
        return
    shake_hands: Callable[[], Awaitable[None]] = getattr(transport, HANDSHAKE)

    async def with_own_certificate() -> None:
        connection: SSL.Connection = getattr(transport, CONNECTION)
        connection.use_certificate(getattr(certificate, OWN))
        connection.use_privatekey(getattr(certificate, KEY))
        await shake_hands()

    setattr(certificate, CREATE, _shared)
    setattr(transport, HANDSHAKE, with_own_certificate)


def know_fingerprints(pc: RTCPeerConnection) -> None:
    """Reckon the fingerprints of a connection's certificate now, and not in each description.

    Args:
        pc: One that has no description yet.
    """
    for certificate in getattr(pc, CERTIFICATES):
        found = tuple(certificate.getFingerprints())
        certificate.getFingerprints = partial(list, found)


def _shared(srtp_profiles: list[Any]) -> SSL.Context:
    del srtp_profiles  # aiortc knows only these
    return _context()


@cache
def _context() -> SSL.Context:
    """Make a context as aiortc does.

    Its certificate is of no call: where a call's own was not set, the fingerprint is wrong, and the
    peer ends the handshake.
    """
    context: SSL.Context = getattr(RTCCertificate.generateCertificate(), CREATE)(SRTP_PROFILES)
    # What was agreed in one call must not open another one.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    return context

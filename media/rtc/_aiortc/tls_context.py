"""What OpenSSL keeps for a call: one context for all of them, and fewer buffers.

aiortc makes a context for each transport, of 20 KiB, and lets OpenSSL keep buffers of 25 KiB.
"""

from functools import cache, partial
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from OpenSSL import SSL

CERTIFICATES = "_RTCPeerConnection__certificates"
CREATE = "_create_ssl_context"
KEY, OWN = "_key", "_cert"
_AHEAD = "_callboard_ahead"


def get_ready(pc: RTCPeerConnection) -> None:
    """Do with a connection's certificate now what is not to be done while a call is set up.

    Its fingerprints are reckoned, and OpenSSL gets it and its key for the first handshake.

    Args:
        pc: One that has no description yet.
    """
    for certificate in getattr(pc, CERTIFICATES):
        found = tuple(certificate.getFingerprints())
        certificate.getFingerprints = partial(list, found)
        setattr(certificate, CREATE, _shared)
        setattr(certificate, _AHEAD, _made(certificate))


def take_connection(certificate: RTCCertificate) -> SSL.Connection:
    """Return a connection of OpenSSL's that has a call's certificate, and that nobody else has.

    Args:
        certificate: The call's.
    """
    ahead: SSL.Connection | None = vars(certificate).pop(_AHEAD, None)
    return ahead or _made(certificate)


def _made(certificate: RTCCertificate) -> SSL.Connection:
    connection = SSL.Connection(_context())
    connection.use_certificate(getattr(certificate, OWN))
    connection.use_privatekey(getattr(certificate, KEY))
    return connection


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

"""How a content's packets travel: ICE with DTLS (XEP-0176, XEP-0320, XEP-0343)."""

from msgspec import Struct

from .. import namespaces as ns
from .candidate import Candidate
from .fingerprint import CHECKABLE, Fingerprint

SETUPS = ("actpass", "active", "passive")


class Association(Struct, frozen=True):
    """An SCTP association for data channels (RFC 8841, XEP-0343).

    Attributes:
        port: SCTP port, 5000 by habit.
        protocol: ``webrtc-datachannel``.
        streams: How many, None where nobody says.
    """

    port: int = 5000
    protocol: str = "webrtc-datachannel"
    streams: int | None = None


class IceTransport(Struct, frozen=True):
    """ICE-UDP with DTLS (XEP-0176 §5, XEP-0320).

    Attributes:
        ufrag: User name fragment of this generation of ICE, None if not told.
        pwd: Its password, None if not told.
        candidates: All that are known, also those that are of no use to us.
        gathering_complete: No further candidate will come.
        fingerprints: Of the DTLS certificate.
        setup: Who starts the DTLS handshake: actpass, active or passive; None if not told.
        association: SCTP over this transport.
    """

    ufrag: str | None = None
    pwd: str | None = None
    candidates: tuple[Candidate, ...] = ()
    gathering_complete: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: str | None = None
    association: Association | None = None

    @property
    def has_credentials(self) -> bool:
        """Whether ICE can start with what is known."""
        return self.ufrag is not None and self.pwd is not None

    @property
    def is_secured(self) -> bool:
        """Whether there is a fingerprint that we can check, and none that is not one."""
        checkable = any(each.algorithm in CHECKABLE for each in self.fingerprints)
        return checkable and self.is_well_formed

    @property
    def is_well_formed(self) -> bool:
        """Whether each fingerprint is the hash that it says."""
        return all(each.well_formed for each in self.fingerprints)


class RawUdpTransport(Struct, frozen=True):
    """Plain UDP (XEP-0177): understood so that it can be refused.

    Attributes:
        addresses: The IP address and port of each candidate.
    """

    addresses: tuple[tuple[str, int], ...] = ()


class UnknownTransport(Struct, frozen=True):
    """Any other transport, by its namespace."""

    namespace: str


Transport = IceTransport | RawUdpTransport | UnknownTransport


def namespace_of(transport: Transport) -> str:
    """Return the XML namespace of a transport."""
    if isinstance(transport, UnknownTransport):
        return transport.namespace
    return ns.ICE_UDP if isinstance(transport, IceTransport) else ns.RAW_UDP

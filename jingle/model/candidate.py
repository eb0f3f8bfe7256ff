"""ICE candidates (RFC 8839 §5.1, XEP-0176 §5.2)."""

import ipaddress
import re
import zlib

from msgspec import Struct

from ..errors import LocalProtocolError

TYPES = ("host", "srflx", "prflx", "relay")

_CANDIDATE = re.compile(
    r"(?P<foundation>\S{1,256}) (?P<component>\d{1,3}) (?P<protocol>\S{1,32})"
    r" (?P<priority>\d{1,19}) (?P<ip>\S{1,253}) (?P<port>\d{1,5})"
    r" typ (?P<type>\S{1,32})(?P<rest>( \S+ \S+)*)\s*"
)


class Candidate(Struct, frozen=True):
    """One transport address at which a party may be reached.

    Attributes:
        foundation: Equal for candidates of one base, type and server (RFC 8445 §5.1.1.3).
        component: 1 for RTP, 2 for RTCP.
        protocol: ``udp`` or ``tcp``, in lower case.
        priority: The higher the better (RFC 8445 §5.1.2).
        ip: IPv4 or IPv6 address, or a host name (mDNS: ``….local``).
        port: 0 to 65535.
        type: host, srflx, prflx or relay.
        related_address: The base of a reflexive or relayed candidate.
        related_port: Its port.
        tcp_type: active, passive or so for TCP (RFC 6544).
        generation: Counts ICE restarts (XEP-0176 §5.2).
        id: Of the candidate in Jingle; made up where a peer leaves it out.
        network: Index of the network interface, Jingle only.
        ufrag: Of the generation to which a trickled candidate belongs, if known.
        sdp_mid: Name of the media section, where the candidate stands alone.
    """

    foundation: str
    component: int
    protocol: str
    priority: int
    ip: str
    port: int
    type: str
    related_address: str | None = None
    related_port: int | None = None
    tcp_type: str | None = None
    generation: int = 0
    id: str | None = None
    network: int | None = None
    ufrag: str | None = None
    sdp_mid: str | None = None

    @classmethod
    def from_sdp(cls, text: str) -> "Candidate":
        """Read the value of an ``a=candidate:`` line (RFC 8839 §5.1).

        Args:
            text: What follows the colon; ``candidate:`` in front is allowed.

        Raises:
            LocalProtocolError: If it is no candidate.
        """
        match = _CANDIDATE.fullmatch(text.removeprefix("a=").removeprefix("candidate:"))
        if match is None:
            raise LocalProtocolError(f"not a candidate: {text[:200]!r}")
        words = match["rest"].split()
        extensions = dict(zip(words[::2], words[1::2], strict=True))
        try:
            return cls(
                foundation=match["foundation"],
                component=int(match["component"]),
                protocol=match["protocol"].lower(),
                priority=int(match["priority"]),
                ip=match["ip"],
                port=int(match["port"]),
                type=match["type"],
                related_address=extensions.get("raddr"),
                related_port=int(extensions["rport"]) if "rport" in extensions else None,
                tcp_type=extensions.get("tcptype"),
                generation=int(extensions.get("generation", 0)),
                network=int(extensions["network-id"]) if "network-id" in extensions else None,
                ufrag=extensions.get("ufrag"),
            )
        except ValueError as error:
            raise LocalProtocolError(f"not a candidate: {text[:200]!r}") from error

    def to_sdp(self) -> str:
        """The value of an ``a=candidate:`` line, as aiortc's ``candidate_from_sdp`` reads it."""
        address = f"{self.ip} {self.port} typ {self.type}"
        words = [f"{self.foundation} {self.component} {self.protocol} {self.priority} {address}"]
        if self.related_address is not None:
            words.append(f"raddr {self.related_address}")
        if self.related_port is not None:
            words.append(f"rport {self.related_port}")
        if self.tcp_type is not None:
            words.append(f"tcptype {self.tcp_type}")
        return " ".join(words)

    @property
    def foundation_number(self) -> str:
        """The foundation as XEP-0176's schema has it, a number; equal ones stay equal.

        SDP has any characters there, and aioice writes hexadecimal ones; but some clients drop a
        candidate whose foundation is no number.
        """
        if self.foundation.isascii() and self.foundation.isdigit():
            return self.foundation
        return str(zlib.crc32(self.foundation.encode()))

    @property
    def usable(self) -> bool:
        """Whether aiortc can use it: UDP, component 1, a numeric address, not peer-reflexive.

        RTCP shares the port of RTP with us, so component 2 is of no use; there is no ICE-TCP; a
        peer-reflexive candidate is learnt, not told; and asking for an mDNS name would send
        multicast, which the peer's own checks towards us make needless.
        """
        if self.protocol != "udp" or self.component != 1 or self.port == 0:
            return False
        if self.type not in {"host", "srflx", "relay"}:
            return False
        try:
            address = ipaddress.ip_address(self.ip)
        except ValueError:
            return False
        if address.is_multicast or address.is_unspecified or self.ip == "255.255.255.255":
            return False  # nobody's address: a stranger must not make us send there
        return "%" not in self.ip  # the zone of an IPv6 address means something only to its owner

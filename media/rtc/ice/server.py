"""Servers that help two peers to reach each other: STUN (RFC 7064) and TURN (RFC 7065)."""

import re
from dataclasses import dataclass, field

_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>\d{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?",
    re.IGNORECASE,
)
_PORT, _TLS_PORT = 3478, 5349


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Attributes:
        url: `stun:host[:port]`, `stuns:…`, `turn:host[:port][?transport=udp|tcp]` or `turns:…`;
            an IPv6 address stands in brackets. Ports default to 3478, with TLS 5349.
        username: For TURN (RFC 8489 §9.2, long-term credentials).
        credential: The password; not shown by `repr`.

    Raises:
        ValueError: The URL has none of these forms.
    """

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        match = _URL.fullmatch(self.url)
        if match is None or not 0 < int(match["port"] or _PORT) <= 65535:
            raise ValueError(
                f"{self.url!r} is no STUN or TURN server: write stun:host, stun:host:port or "
                "turn:host:port?transport=udp"
            )

    @property
    def relays(self) -> bool:
        """Whether it is a TURN server."""
        return self.url[:4].lower() == "turn"

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self._parts["scheme"].lower().endswith("s")

    @property
    def host(self) -> str:
        """Its name or address, without brackets."""
        return self._parts["host"].strip("[]")

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._parts["port"] or (_TLS_PORT if self.secure else _PORT))

    @property
    def transport(self) -> str:
        """How it is reached: "udp" or "tcp" (RFC 7065 §3.1; TLS runs over TCP)."""
        named = self._parts["transport"]
        return "tcp" if self.secure else (named or "udp").lower()

    @property
    def _parts(self) -> re.Match[str]:
        match = _URL.fullmatch(self.url)
        assert match is not None  # noqa: S101 -- __post_init__ has seen to it
        return match

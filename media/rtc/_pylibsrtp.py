"""The one place that touches pylibsrtp's private parts.

Its public `Session` copies each packet into a buffer and out of it, and makes a C integer for its
length. Here libsrtp works on a packet where it lies.

`tests/media/rtc/test_pylibsrtp_contract.py` fails when a name used here moves.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pylibsrtp import ERRORS, Error, Session
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

_protect, _unprotect = lib.srtp_protect, lib.srtp_unprotect
_protect_rtcp = lib.srtp_protect_rtcp
_FINE: int = lib.srtp_err_status_ok


class PacketRoom:
    """Room for datagrams, in which libsrtp encrypts or decrypts them.

    Attributes:
        octets: The room, to write into.
        cut: The same; what is cut out of it by a slice is `bytes`.
    """

    LONGEST = 1500
    """Octets of a packet that is encrypted."""

    SIZE = 1 << 16
    """Octets: what the kernel joins at most, which has to fit into an IP packet."""

    __slots__ = ("_at", "_length", "cut", "octets")

    def __init__(self, times: int = 1) -> None:
        """Make room.

        Args:
            times: How often what the kernel joins at most is to fit in.
        """
        self.octets = bytearray(times * self.SIZE)
        self._at = ffi.from_buffer(self.octets)
        self._length = ffi.new("int *")
        self.cut: Any = ffi.buffer(self._at)

    def protect(self, session: Session, packet: bytes, by: Any = _protect) -> bytes:
        """Encrypt an RTP packet.

        Args:
            session: By which.
            packet: Of `LONGEST` octets at most.
            by: libsrtp's function.

        Returns:
            The encrypted packet.

        Raises:
            pylibsrtp.Error: libsrtp refuses.
            ValueError: It is too long.
        """
        size = self._length
        size[0] = length = len(packet)
        if length > self.LONGEST:
            raise ValueError(f"a packet of {length} octets is too long: give {self.LONGEST}")
        self.octets[:length] = packet
        status = by(session._srtp[0], self._at, size)  # noqa: SLF001
        if status != _FINE:
            raise Error(ERRORS[status])
        encrypted: bytes = self.cut[: size[0]]
        return encrypted

    def protect_all(self, session: Session, packets: Sequence[bytes]) -> list[bytes]:
        """Encrypt RTP packets as `protect` does, one after the other."""
        protect = self.protect
        return [protect(session, packet) for packet in packets]

    def unprotect(self, session: Session, start: int, end: int) -> tuple[int, int]:
        """Decrypt an RTP packet that is in it; one that is refused is spoiled.

        libsrtp wants a packet to begin at a multiple of four. One that does not is moved down, by
        three octets at most: into the tag of the packet before, which is needed no more.

        Args:
            session: By which.
            start: Where it begins.
            end: Where it ends.

        Returns:
            Where it begins and ends now.

        Raises:
            pylibsrtp.Error: It is forged, or was decrypted before.
        """
        size = self._length
        size[0] = length = end - start
        if start & 3:
            packet = self.octets[start:end]
            start &= ~3
            self.octets[start : start + length] = packet
        status = _unprotect(session._srtp[0], self._at + start, size)  # noqa: SLF001
        if status != _FINE:
            raise Error(ERRORS[status])
        return start, start + size[0]


def functions() -> tuple[int, int]:
    """Give the addresses of libsrtp's `srtp_protect` and `srtp_unprotect`."""
    protect, unprotect = (
        int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        for name in ("srtp_protect", "srtp_unprotect")
    )
    return protect, unprotect


def address_of(session: Session) -> int:
    """Give the address of libsrtp's session; valid for as long as the session is kept.

    Args:
        session: Any.
    """
    return int(ffi.cast("uintptr_t", session._srtp[0]))  # noqa: SLF001


class OutboundSrtp:
    """Stands in the place of a session that encrypts, and does it in a room that others use too.

    Attributes:
        protect, protect_all: As those of `PacketRoom`, by the session.
        protect_rtcp: The same of RTCP.
        session: The session.
    """

    def __init__(self, session: Session, room: PacketRoom) -> None:
        """Encrypt by a session.

        Args:
            session: By which.
            room: Where; nothing that lies in it is needed any more.
        """
        self.session = session
        self.protect = partial(room.protect, session)
        self.protect_all = partial(room.protect_all, session)
        self.protect_rtcp = partial(room.protect, session, by=_protect_rtcp)

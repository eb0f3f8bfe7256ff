"""Limits on the state that a peer with the right keys may make us keep: streams and reports.

libsrtp, aiortc's router, its receivers and our reports keep state for each SSRC (RFC 3550 §3) that
sends a packet with a valid tag, as long as the call lasts. With about fifty of them a report no
longer fits into a packet.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport

from ...budget import Budget
from ..ice import _aioice
from .report_way import received_reports
from .settled_dtls import settle
from .spare import compact, spare_start
from .transports import ice_connection

ROUTER = "_rtp_router"
SETUP_SRTP = "_setup_srtp"
SRTP_IN = "_rx_srtp"

MOST_STREAMS = 31
"""Of a peer, on one transport, at a time: as many as a report can tell of (RFC 3550 §6.4.2)."""

QUIET = 10.0
"""Seconds after which a stream that is silent makes room for a new one."""

AFTER = 0.05
"""Seconds from the first packet until we let go of what only led to it: its hearer goes first."""

REPORTS = 16_000
"""Octets of RTCP a second, and at once, that are read of a peer. A busy one sends a tenth of it."""


class InboundSrtp:
    """Stands where a transport has libsrtp's session for what comes in.

    Attributes:
        heard: The SSRCs whose packets the session may decrypt as they come.
        on_anew: Called when it is found out anew which are heard: whoever decrypts any elsewhere is
            to let the next packet of each come here.
        session: libsrtp's.
    """

    def __init__(
        self,
        session: pylibsrtp.Session,
        forget: Callable[[int], None],
        dropped: Counter[str],
        on_first: Callable[[], object] = lambda: None,
    ) -> None:
        """Decrypt with a session.

        Args:
            session: libsrtp's.
            forget: Called with the SSRC of a stream that has made room for another one.
            dropped: Where it is counted what is not decrypted, though it could be.
            on_first: Called when the first packet with a valid tag has come.
        """
        self._dropped = dropped
        self._on_first = on_first
        self._forget = forget
        self.heard: set[int] = set()
        self.on_anew: Callable[[], None] = lambda: None
        self._known: dict[int, None] = {}
        self._reports = Budget(REPORTS, REPORTS)
        self.session = session
        self._since = time.monotonic()
        # Their packets could be repeated, were they let in again: libsrtp has forgotten them.
        self._spent: frozenset[int] = frozenset()
        self._unprotect: Callable[[bytes], bytes] = session.unprotect

    def unprotect(self, packet: bytes) -> bytes:
        """Decrypt an RTP packet; raises `pylibsrtp.Error` if it is forged, repeated or too many."""
        ssrc = int.from_bytes(packet[8:12])
        if ssrc in self.heard:
            return self._unprotect(packet)
        return self._first(ssrc, self._unprotect, packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Decrypt an RTCP packet; raises `pylibsrtp.Error` as `unprotect` does."""
        report = self._first(int.from_bytes(packet[4:8]), self.session.unprotect_rtcp, packet)
        if not self._reports.take(len(packet)):
            self._dropped["too many reports"] += 1
            raise pylibsrtp.Error("too many reports")
        return report

    def _first(self, ssrc: int, unprotect: Callable[[bytes], bytes], packet: bytes) -> bytes:
        """Decrypt the first packet of a stream, or the first for some time."""
        if ssrc not in self._known and not self._has_room(ssrc):
            self._dropped["too many streams"] += 1
            raise pylibsrtp.Error("too many streams")
        plain = unprotect(packet)  # only one with a valid tag gets further
        self.heard.add(ssrc)
        if ssrc not in self._known:
            if not self._known:
                self._on_first()
            self._known[ssrc] = None
            if len(self._known) > MOST_STREAMS:
                self._make_room()
        return plain

    def _has_room(self, ssrc: int) -> bool:
        if ssrc in self._spent:
            return False
        if len(self._known) < MOST_STREAMS:
            return True
        if time.monotonic() - self._since < QUIET:
            return False
        if len(self.heard) < len(self._known):
            return True
        self._listen_anew()
        return False

    def _make_room(self) -> None:
        silent = next(ssrc for ssrc in self._known if ssrc not in self.heard)
        del self._known[silent]
        self._spent |= {silent}
        self._listen_anew()
        self.session.remove_stream(silent)
        self._forget(silent)

    def _listen_anew(self) -> None:
        self.heard.clear()
        self._since = time.monotonic()
        self.on_anew()


def bound_streams(
    transport: RTCDtlsTransport, dropped: Counter[str], then: Callable[[InboundSrtp], None]
) -> None:
    """Keep the peer of a transport to so many streams and so many reports.

    Args:
        transport: One that has not started.
        dropped: Where it is counted what was too much.
        then: Called with what decrypts what comes in, once there are keys.
    """
    set_up: Callable[[], None] = getattr(transport, SETUP_SRTP)

    def forget(ssrc: int) -> None:
        router = getattr(transport, ROUTER)
        router.ssrc_table.pop(ssrc, None)
        for reports in received_reports(transport).all.values():
            reports.streams.pop(ssrc, None)
        arrivals = _aioice.arrivals(ice_connection(transport.transport))
        streams = getattr(arrivals and arrivals.first, "streams", None)
        if streams is not None:
            streams.pop(ssrc, None)

    def set_up_srtp() -> None:
        set_up()
        session = getattr(transport, SRTP_IN)
        if session is not None:
            later = asyncio.get_running_loop().call_later
            inbound = InboundSrtp(
                session, forget, dropped, partial(later, AFTER, _come_through, transport)
            )
            setattr(transport, SRTP_IN, inbound)
            then(inbound)

    setattr(transport, SETUP_SRTP, set_up_srtp)


def _come_through(transport: RTCDtlsTransport) -> None:
    settle(transport)
    spare_start(transport.transport)
    compact(ice_connection(transport.transport))

"""How far a connection has come, and whether it still works."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

from aioice import Connection
from aiortc import RTCDtlsTransport, RTCPeerConnection

from . import _aiortc
from .events import Connected, IceChecking, IceConnected
from .ice import _aioice

LAPSED = ("connectivity-error", "The peer can't be reached any more.")
"""Why an established connection fails."""

BROKEN = ("failed-transport", "The transport of the media broke; the log may say why.")
"""Why a connection fails although nobody ended it."""

Milestone = IceChecking | IceConnected | Connected


class Connectivity:
    """Watches ICE and DTLS of one peer connection, and sets them deadlines.

    aiortc has none: it checks for ever, and waits for ever for a DTLS handshake.
    """

    def __init__(
        self,
        pc: RTCPeerConnection,
        *,
        ice_deadline: float,
        dtls_deadline: float,
        on_milestone: Callable[[Milestone], None],
        on_failure: Callable[[str, str], None],
        on_peer_closed: Callable[[], object],
        carriers: Callable[[], Iterable[Connection]],
    ) -> None:
        """Begin before the peer connection does.

        Args:
            pc: The peer connection.
            ice_deadline: Seconds from `start` until ICE must be connected.
            dtls_deadline: Seconds from there until DTLS must be done.
            on_milestone: Called with each milestone, once.
            on_failure: Called with a Jingle reason (XEP-0166 §7.4) and a sentence, at most once.
            on_peer_closed: Called when the peer has shut down its DTLS.
            carriers: Returns the connections that carry packets during an ICE restart.
        """
        self._pc = pc
        self._on_milestone = on_milestone
        self._on_failure = on_failure
        self._on_peer_closed = on_peer_closed
        self._carriers = carriers
        self._over = False
        self._lapsed = False
        self._reached: set[type[Milestone]] = set()
        self._ice_deadline = _Deadline(ice_deadline, self._ice_timed_out)
        self._dtls_deadline = _Deadline(dtls_deadline, self._dtls_timed_out)
        pc.on("iceconnectionstatechange", self._ice_changed)
        pc.on("connectionstatechange", self._connection_changed)

    def start(self) -> None:
        """Start the clock: both descriptions are known, at first or after an addition."""
        if not self._over and (IceConnected not in self._reached or self._unconnected()):
            self._ice_deadline.start()
        for transport in _aiortc.dtls_transports(self._pc):
            transport.on("statechange", self._dtls_changed)

    @property
    def stage(self) -> Literal["ice", "dtls", "media"]:
        """What is under way, or would fail now: ICE, DTLS, or what has connected."""
        if Connected in self._reached and not self._unconnected():
            return "media"
        handshakes = any(t.state == "connecting" for t in _aiortc.dtls_transports(self._pc))
        return "dtls" if handshakes or IceConnected in self._reached else "ice"

    def stop(self) -> None:
        """Stop reporting."""
        self._over = True
        self._ice_deadline.cancel()
        self._dtls_deadline.cancel()

    def fail(self, reason: str, text: str) -> None:
        """Report that the connection can't go on, unless that was reported already.

        Args:
            reason: A Jingle reason (XEP-0166 §7.4).
            text: One sentence for a person.
        """
        if not self._over:
            self.stop()
            self._on_failure(reason, text)

    def _ice_changed(self) -> None:
        state = self._pc.iceConnectionState
        if state == "checking":
            self._reach(IceChecking)
        elif state == "completed" and self._reach(IceConnected):
            self._ice_deadline.cancel()
            self._dtls_deadline.start()

    def _connection_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected" and self._reach(Connected):
            self._dtls_deadline.cancel()
        elif state == "failed":
            self.fail(*self._why())
        elif state == "closed" and self._lapsed:
            self.fail(*LAPSED)
        elif state == "closed" and not self._over:
            if not any(_aiortc.has_closed(each) for each in _aiortc.dtls_transports(self._pc)):
                self.fail(*BROKEN)
                return
            self.stop()
            self._on_peer_closed()

    def _unconnected(self) -> list[RTCDtlsTransport]:
        """Return the transports that have yet to connect, without those of removed contents."""
        return [
            each
            for each in _aiortc.dtls_transports(self._pc)
            if each.state in {"new", "connecting"} and each.transport.state != "closed"
        ]

    def _dtls_changed(self) -> None:
        if not self._unconnected():
            self._ice_deadline.cancel()
        # aioice closes by itself once the peer has left checks unanswered for 30 s (RFC 7675 §5.1).
        # To DTLS, and so to aiortc, that looks like a close_notify of the peer's.
        # A transport that we stopped, of a content that is gone, is "closed".
        connections = [
            _aiortc.ice_connection(each.transport)
            for each in _aiortc.dtls_transports(self._pc)
            if each.transport.state != "closed"
        ]
        self._lapsed |= any(map(_aioice.has_closed, (*connections, *self._carriers())))
        if any(_aiortc.has_broken(each) for each in _aiortc.dtls_transports(self._pc)):
            self.fail(*(LAPSED if self._lapsed else BROKEN))

    def _reach(self, milestone: type[Milestone]) -> bool:
        if self._over or milestone in self._reached:
            return False
        self._reached.add(milestone)
        self._on_milestone(milestone(asyncio.get_running_loop().time()))
        return True

    def _why(self) -> tuple[str, str]:
        for transport in _aiortc.dtls_transports(self._pc):
            if transport.transport.state == "failed":
                if Connected in self._reached:
                    return LAPSED
                return "connectivity-error", "No pair of addresses lets the two sides connect."
            if _aiortc.fingerprint_refused(transport):
                return "security-error", "The peer's certificate is not the one it announced."
        return "failed-transport", "The DTLS handshake failed."

    def _ice_timed_out(self) -> None:
        if Connected in self._reached and not self._unconnected():
            return
        # Unbundled sections connect one after the other, each with its handshake.
        if any(each.state == "connecting" for each in _aiortc.dtls_transports(self._pc)):
            self._dtls_timed_out()
        self.fail(
            "connectivity-error",
            f"No pair of addresses connected within {self._ice_deadline.seconds:g} s.",
        )

    def _dtls_timed_out(self) -> None:
        self.fail(
            "failed-transport",
            f"The DTLS handshake was not done within {self._dtls_deadline.seconds:g} s.",
        )


class _Deadline:
    """Calls a function unless it is cancelled in time.

    Attributes:
        seconds: How long it waits.
    """

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self.seconds = seconds
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start to wait, unless it already waits."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self._expire)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

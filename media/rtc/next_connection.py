"""aiortc's connection of the next call, which is made before that call begins."""

import asyncio

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection

from ..loop_wide import LoopWide
from . import _aiortc

AFTER = 0.05
"""Seconds from when one is taken until the next is made: not while that call is set up."""

KEPT = 3600.0
"""Seconds after which one is not taken any more: its certificate is valid for 30 days."""


class NextConnection(LoopWide):
    """Has a connection ready: its key and certificate take most of the time that making it takes.

    It opens nothing, so none needs to be closed that nobody takes. Who comes while there is none
    gets one that is made then.
    """

    def __init__(self) -> None:
        self._ready: tuple[float, RTCPeerConnection] | None = None
        self._is_due = False

    def take(self) -> RTCPeerConnection:
        """Return a connection that nobody else has."""
        loop = asyncio.get_running_loop()
        ready, self._ready = self._ready, None
        if not self._is_due:
            self._is_due = True
            loop.call_later(AFTER, self._make)
        return ready[1] if ready is not None and loop.time() - ready[0] < KEPT else _made()

    def _make(self) -> None:
        self._is_due = False
        self._ready = asyncio.get_running_loop().time(), _made()


def _made() -> RTCPeerConnection:
    pc = RTCPeerConnection(
        RTCConfiguration(
            # Always a list: without one aiortc asks a public STUN server. `_aioice` asks ours.
            iceServers=[],
            # A transport for each section, until the peer agrees to bundle them.
            bundlePolicy=RTCBundlePolicy.MAX_COMPAT,
        )
    )
    _aiortc.get_ready(pc)
    return pc

"""What of a peer connection's events stands on a call's ladder."""

from collections.abc import Callable, Mapping
from typing import Any

from ...ladder.ladder import Kind, Way
from ...media import (
    AddressLost,
    Closed,
    Connected,
    DataOpened,
    DigitBegan,
    FirstMedia,
    IceChecking,
    IceConnected,
    IceRenewed,
    KeyframeAsked,
    KeyframeCame,
    MediaBegan,
    MediaEvent,
    MediaFailed,
    VideoUnseen,
)

#: What a rung is made of: its kind, its words, its way.
Words = tuple[Kind, str, Way]

_RUNGS: Mapping[type, Callable[[Any], Words | None]] = {
    IceChecking: lambda _: ("ice", "ICE checks begin", ""),
    IceConnected: lambda event: ("ice", f"ICE connected: {', '.join(event.pairs)}", ""),
    IceRenewed: lambda event: ("ice", f"ICE restarted: {event.pair}", ""),
    AddressLost: lambda event: ("ice", f"our address {event.address} is gone", ""),
    Connected: lambda _: ("dtls", "DTLS done, fingerprint right: media can flow", ""),
    FirstMedia: lambda event: ("media", f"first {event.kind}", "in"),
    MediaBegan: lambda event: ("media", f"first {event.kind}", "out"),
    KeyframeAsked: lambda event: (
        "keyframe",
        "key frame asked for (PLI)",
        "in" if event.by_peer else "out",
    ),
    KeyframeCame: lambda _: ("keyframe", "key frame", "in"),
    VideoUnseen: lambda _: ("media", "video comes in, but no key frame to begin with", ""),
    DigitBegan: lambda _: ("media", "a key is pressed", "in"),  # which one may be part of a PIN
    DataOpened: lambda _: ("media", "data channel open", ""),
    MediaFailed: lambda event: (_failed(event), f"failed: {event.text}", ""),
    Closed: lambda event: ("dtls", "DTLS closed", "in") if event.by_peer else None,
}


def _failed(event: MediaFailed) -> Kind:
    return "ice" if event.reason == "connectivity-error" else "dtls"


def rung_of(event: MediaEvent) -> Words | None:
    """Return what a rung says of an event; None if it is not on the ladder.

    Args:
        event: of the peer connection.
    """
    words = _RUNGS.get(type(event))
    return None if words is None else words(event)

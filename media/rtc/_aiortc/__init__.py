"""The one place that touches aiortc's private parts.

Each function says why the public API is not enough. All of them act on one object, never on a class
or a module. `tests/media/rtc/test_aiortc_contract.py` fails when a name used here moves.
"""

from .association import keep_to_bounds
from .descriptions import (
    agree_on_events,
    codecs,
    create_offer,
    forget,
    has_common_codec,
    keep_offered,
    local_description,
    own_lines,
    telephone_event,
)
from .guards import carry, guard, has_broken, has_closed
from .handshake import go_ahead, hear_hello, share_context
from .receivers import take_packets
from .report_way import ReportWay
from .senders import (
    PacketOutlet,
    RtpStream,
    take_over,
)
from .tls_context import get_ready
from .transports import (
    dtls_role,
    dtls_transports,
    fingerprint_refused,
    ice_connection,
    ice_connections,
    is_alone,
    keep_shared,
    steer,
    take_out,
    track_connecting,
    transports_by_mid,
)

__all__ = [
    "PacketOutlet",
    "ReportWay",
    "RtpStream",
    "agree_on_events",
    "carry",
    "codecs",
    "create_offer",
    "dtls_role",
    "dtls_transports",
    "fingerprint_refused",
    "forget",
    "get_ready",
    "go_ahead",
    "guard",
    "has_broken",
    "has_closed",
    "has_common_codec",
    "hear_hello",
    "ice_connection",
    "ice_connections",
    "is_alone",
    "keep_offered",
    "keep_shared",
    "keep_to_bounds",
    "local_description",
    "own_lines",
    "share_context",
    "steer",
    "take_out",
    "take_over",
    "take_packets",
    "telephone_event",
    "track_connecting",
    "transports_by_mid",
]

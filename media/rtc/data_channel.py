"""Text and bytes next to the media: WebRTC data channels (RFC 8831, XEP-0343)."""

import logging
import time
from collections.abc import Callable

from aiortc import RTCDataChannel, RTCPeerConnection

from ..errors import DataChannelError
from . import _aiortc
from .events import DataClosed, DataOpened, DataReceived

log = logging.getLogger(__name__)

DataEvent = DataOpened | DataReceived | DataClosed

LONGEST = 64 * 1024
"""Octets of one message, both ways: what every implementation takes (RFC 8841 §6.1)."""

BACKLOG = 1024 * 1024
"""Octets that may wait for a slow peer."""

MOST_CHANNELS = 16
MOST_MESSAGES = 2000
"""Messages that one peer may send in a second."""

LABEL = "callboard"


class DataChannels:
    """The data channels of one peer connection.

    Messages are received on all of them, and sent on ours or, if there is none, the peer's first.
    """

    def __init__(self, pc: RTCPeerConnection, on_event: Callable[[DataEvent], None]) -> None:
        """Accept the channels that the peer opens.

        Args:
            pc: The peer connection.
            on_event: Called on the loop with what happens.
        """
        self._pc = pc
        self._on_event = on_event
        self._channels: list[RTCDataChannel] = []
        self._second = 0
        self._messages = 0
        self._warned = False
        pc.on("datachannel", self._offered)

    def create(self) -> None:
        """Open a channel of our own; the next offer has a section for it."""
        self._watch(self._pc.createDataChannel(LABEL))

    def negotiated(self) -> None:
        """Apply the limits to the SCTP transport, which may exist from now on."""
        if self._pc.sctp is not None:
            _aiortc.keep_to_bounds(self._pc.sctp)

    def send(self, data: str | bytes) -> None:
        """Send a message, in order and without loss (RFC 8831).

        Args:
            data: Text or bytes, 64 KiB at most.

        Raises:
            ValueError: The message is too long.
            DataChannelError: No channel is open (`DataOpened` tells when), or the peer is too
                slow.
        """
        size = len(data.encode() if isinstance(data, str) else data)
        if size > LONGEST:
            raise ValueError(f"A message of {size} octets is too long: send {LONGEST} at most.")
        channel = next((each for each in self._channels if each.readyState == "open"), None)
        if channel is None:
            raise DataChannelError("No data channel is open: wait until the peer has opened it.")
        if sum(each.bufferedAmount for each in self._channels) + size > BACKLOG:
            raise DataChannelError("The peer takes this slower than it is sent: wait, try again.")
        channel.send(data)

    def _offered(self, channel: RTCDataChannel) -> None:
        if len(self._channels) >= MOST_CHANNELS:
            self._warn("a peer opened more than %d data channels", MOST_CHANNELS)
            channel.close()
            return
        self._watch(channel)
        self._on_event(DataOpened(channel.label))

    def _watch(self, channel: RTCDataChannel) -> None:
        self._channels.append(channel)
        channel.on("open", lambda: self._on_event(DataOpened(channel.label)))
        channel.on("message", lambda data: self._received(channel, data))
        channel.on("close", lambda: self._closed(channel))

    def _received(self, channel: RTCDataChannel, data: str | bytes) -> None:
        second = int(time.monotonic())
        self._messages = self._messages + 1 if second == self._second else 1
        self._second = second
        if self._messages > MOST_MESSAGES or len(data) > LONGEST:
            self._warn("a data channel is closed: its peer sent too much at once")
            channel.close()
        elif channel.readyState == "open":
            self._on_event(DataReceived(data))

    def _warn(self, text: str, *values: object) -> None:
        """Log once a call: a peer must not fill the log."""
        if not self._warned:
            self._warned = True
            log.warning(text, *values)

    def _closed(self, channel: RTCDataChannel) -> None:
        self._channels.remove(channel)
        if not self._channels:
            self._on_event(DataClosed())

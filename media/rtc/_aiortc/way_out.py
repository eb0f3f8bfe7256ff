"""Where the RTP packets of a sender go out: a DTLS transport, and an ICE connection below it."""

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import State
from pylibsrtp import Session

from .._pylibsrtp import OutboundSrtp
from ..ice._aioice import Exit
from ..ice.outbox import Outbox
from .transports import SRTP_OUT, STATE

ENABLED = "_enabled"
ICE = "_transport"
TRANSPORT = "_RTCRtpSender__transport"

_CONNECTED = State.CONNECTED


class WayOut:
    """Leads finished RTP packets out, encrypted: aiortc's own way is a coroutine for each.

    What is below may change at any time, as a transport closes or a restart of ICE brings another
    connection. So it is looked up each time.
    """

    __slots__ = ("_exit", "_outbox", "_sender")

    def __init__(self, sender: RTCRtpSender) -> None:
        """Lead out of a sender.

        Args:
            sender: Whose packets they are.
        """
        self._exit = Exit(None)
        self._outbox = Outbox.running()
        self._sender = sender

    @property
    def is_open(self) -> bool:
        """Whether sending is on by what was negotiated, and there is a way out."""
        transport = getattr(self._sender, TRANSPORT)
        return getattr(transport, STATE) is _CONNECTED and getattr(self._sender, ENABLED)

    def send(self, packet: bytes | list[bytes]) -> bool:
        """Send a packet, or several together, by the `Outbox`.

        Args:
            packet: A whole RTP packet (RFC 3550 §5.1), or several in their order, each small enough
                for the network.

        Returns:
            False if there is no way out.
        """
        sender = self._sender
        transport = getattr(sender, TRANSPORT)
        if getattr(transport, STATE) is not _CONNECTED or not getattr(sender, ENABLED):
            return False
        connection = getattr(transport, ICE)._send.__self__  # noqa: SLF001
        way = self._exit
        if way.connection is not connection:
            way = self._exit = Exit(connection)
        if not way.find():
            return False
        send = way.send if type(packet) is bytes else way.send_burst
        srtp = getattr(transport, SRTP_OUT)
        if type(srtp) is Session:
            srtp = OutboundSrtp(srtp, self._outbox.room)
            setattr(transport, SRTP_OUT, srtp)
        self._outbox.put(srtp.protect, packet, send, way.address)
        return True

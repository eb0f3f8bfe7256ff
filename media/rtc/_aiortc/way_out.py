"""Where what a sender sends goes out: a DTLS transport, and an ICE connection below it."""

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import State
from pylibsrtp import Session

from .._pylibsrtp import OutboundSrtp
from ..flows.flows import Address
from ..ice._aioice import Exit
from ..ice.outbox import Outbox
from ..ice.udp_transport import UdpTransport
from .transports import SRTP_OUT, STATE

ENABLED = "_enabled"
ICE = "_transport"
TRANSPORT = "_RTCRtpSender__transport"

_CONNECTED = State.CONNECTED


class WayOut:
    """Leads finished packets out, encrypted: aiortc's own way is a coroutine for each.

    What is below may change at any time, as a transport closes or a restart of ICE brings another
    connection. So it is looked up each time.
    """

    __slots__ = ("_exit", "_outbox", "_sender")

    def __init__(self, sender: RTCRtpSender) -> None:
        """Lead out of a sender.

        Args:
            sender: Whose packets they are.
        """
        self._exit = Exit()
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
        way = self._exit
        if not way.find(getattr(transport, ICE)._send.__self__):  # noqa: SLF001
            return False
        srtp = getattr(transport, SRTP_OUT)
        if type(srtp) is Session:
            srtp = OutboundSrtp(srtp, self._outbox.room)
            setattr(transport, SRTP_OUT, srtp)
        if type(packet) is bytes:
            self._outbox.put(srtp.protect, packet, way.send, way.address)
        else:
            self._outbox.put(srtp.protect_all, packet, way.send_burst, way.address)
        return True

    def direct(self) -> tuple[UdpTransport, Address, Session] | None:
        """Give the socket, the address and the session by which packets go out now.

        Returns:
            None if there is no way out, it leads over a relay, or its socket closes.
        """
        if not self.is_open:
            return None
        transport = getattr(self._sender, TRANSPORT)
        way = self._exit
        if not way.find(getattr(transport, ICE)._send.__self__):  # noqa: SLF001
            return None
        socket = getattr(way.send, "__self__", None)
        srtp = getattr(transport, SRTP_OUT)
        if type(socket) is not UdpTransport or type(srtp) is not OutboundSrtp:
            return None
        if socket.is_closing():
            return None
        return socket, way.address, srtp.session

    def report(self, packet: bytes) -> bool:
        """Send RTCP, whether media is sent or not.

        Args:
            packet: A whole compound packet (RFC 3550 §6.1).

        Returns:
            False if there is no way out.
        """
        transport = getattr(self._sender, TRANSPORT)
        way = self._exit
        if getattr(transport, STATE) is not _CONNECTED:
            return False
        if not way.find(getattr(transport, ICE)._send.__self__):  # noqa: SLF001
            return False
        self._outbox.put(getattr(transport, SRTP_OUT).protect_rtcp, packet, way.send, way.address)
        return True

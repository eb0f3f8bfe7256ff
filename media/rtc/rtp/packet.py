"""RTP packets, as much of them as a leg needs (RFC 3550 §5.1)."""

import struct

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!2xH")


class RtpPacket:
    """A packet that came in.

    Attributes:
        payload_type: Names the codec.
        sequence_number: 16 bits.
        timestamp: In ticks of the codec's clock, 32 bits.
        ssrc: The RTP stream it is of.
        payload: Without padding; empty if there is nothing but padding.
    """

    __slots__ = ("payload", "payload_type", "sequence_number", "ssrc", "timestamp")

    def __init__(
        self, payload_type: int, sequence_number: int, timestamp: int, ssrc: int, payload: bytes
    ) -> None:
        self.payload_type = payload_type
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read a packet; contributing sources and header extensions are passed over.

        Args:
            data: The whole packet, decrypted.

        Returns:
            The packet.

        Raises:
            ValueError: It is none, or is cut off.
        """
        try:
            flags, marked_type, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
            start, end = 12 + 4 * (flags & 0x0F), len(data)
            if flags & 0x10:
                start += 4 + 4 * _EXTENSION.unpack_from(data, start)[0]
        except struct.error:
            raise ValueError("An RTP packet is cut off.") from None
        if flags & 0x20 and end:
            end -= data[-1]
        if flags >> 6 != 2 or end < start:
            raise ValueError("This is no RTP packet.")
        return cls(marked_type & 0x7F, sequence_number, timestamp, ssrc, data[start:end])

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
        size: Octets of payload and padding.
        marker: For video, that it is the last packet of its frame.
        extension: The header extension (RFC 3550 §5.3.1) from its profile on; empty if none.
    """

    __slots__ = (
        "extension",
        "marker",
        "payload",
        "payload_type",
        "sequence_number",
        "size",
        "ssrc",
        "timestamp",
    )

    def __init__(
        self,
        payload_type: int,
        sequence_number: int,
        timestamp: int,
        ssrc: int,
        payload: bytes,
        marker: bool = False,
        extension: bytes = b"",
        size: int = 0,
    ) -> None:
        self.payload_type = payload_type
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload
        self.marker = marker
        self.extension = extension
        self.size = size or len(payload)

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read a packet; contributing sources are passed over.

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
            extension = b""
            if flags & 0x10:
                before = start
                start += 4 + 4 * _EXTENSION.unpack_from(data, start)[0]
                extension = data[before:start]
        except struct.error:
            raise ValueError("An RTP packet is cut off.") from None
        size = end - start
        if flags & 0x20 and end:
            end -= data[-1]
        if flags >> 6 != 2 or end < start:
            raise ValueError("This is no RTP packet.")
        return cls(
            marked_type & 0x7F,
            sequence_number,
            timestamp,
            ssrc,
            data[start:end],
            marked_type > 0x7F,
            extension,
            size,
        )


def extended(extension: bytes, identifier: int) -> bytes:
    """Return what an element of a header extension holds (RFC 8285 §4.2 and §4.3).

    Args:
        extension: The header extension from its profile on; empty if there is none.
        identifier: The element's local identifier, 1 to 255.

    Returns:
        Its data; empty if there is no such element.
    """
    if extension[:2] == b"\xbe\xde":
        head, at = 1, 4
    elif extension[:1] == b"\x10":
        head, at = 2, 4
    else:
        return b""
    while at + head <= len(extension):
        first = extension[at]
        if first == 0:
            at += 1
            continue
        if head == 1:
            found, size = first >> 4, (first & 15) + 1
            if found == 15:
                break
        else:
            found, size = first, extension[at + 1]
        at += head
        if found == identifier:
            return extension[at : at + size]
        at += size
    return b""

"""One kind of media of a call: what goes out, what comes in, and what was counted."""

from aiortc import RTCRtpTransceiver

from ...frames.frame import Direction, Kind
from .. import _aiortc
from .incoming import Incoming
from .outgoing import Outgoing
from .picture_stream import PictureStream
from .quality import mean_opinion_score
from .statistics import MediaStatistics
from .video.allowed_bit_rate import AllowedBitRate


class Medium:
    """A transceiver with what goes in and out of it.

    Attributes:
        kind: "audio" or "video".
        transceiver: aiortc's.
        incoming: What comes in.
        outgoing: What goes out; None while nothing is sent.
        reports: What the peer and we tell each other of both.
    """

    def __init__(
        self,
        kind: Kind,
        transceiver: RTCRtpTransceiver,
        incoming: Incoming,
        outgoing: Outgoing | None,
    ) -> None:
        self.kind = kind
        self.transceiver = transceiver
        self.incoming = incoming
        self.outgoing = outgoing
        self.reports = incoming.reports
        self._allowed: AllowedBitRate | None = None

    @property
    def negotiated(self) -> bool:
        """Whether both sides have agreed on a codec."""
        return self.transceiver.currentDirection is not None

    def flows(self, direction: Direction) -> bool:
        """Tell whether both sides have agreed that this is sent, or received."""
        one_way = "sendonly" if direction is Direction.SENT else "recvonly"
        return self.transceiver.currentDirection in ("sendrecv", one_way)

    @property
    def used(self) -> bool:
        """Whether a packet went either way."""
        return bool(self.reports.sent.packets or self.incoming.reception.received)

    @property
    def codec(self) -> tuple[str, int]:
        """The negotiated codec's name and clock rate (Hz)."""
        codec = next(iter(_aiortc.codecs(self.transceiver).values()))
        return codec.name, codec.clockRate

    @property
    def allowed_bit_rate(self) -> int | None:
        """Bits per second of video that the peer can take; None as long as nobody knows."""
        return None if self._allowed is None else self._allowed.value

    @property
    def telephone_event(self) -> tuple[int, int] | None:
        """The payload type and clock rate (Hz) for pressed keys; None: the peer takes none."""
        return _aiortc.telephone_event(self.transceiver) if self.negotiated else None

    def open_sound(self) -> _aiortc.RtpStream:
        """Open the RTP stream of sound that goes out, once the sender has started."""
        payload_type, codec = next(iter(_aiortc.codecs(self.transceiver).items()))
        sent = self.reports.sent
        sent.rate = codec.clockRate
        return _aiortc.RtpStream(self.transceiver.sender, payload_type, sent)

    def open_pictures(self) -> PictureStream:
        """Open the RTP stream of video that goes out, once the sender has started."""
        payload_type, codec = next(iter(_aiortc.codecs(self.transceiver).items()))
        reports = self.reports
        reports.sent.rate = codec.clockRate
        outlet = _aiortc.PacketOutlet(self.transceiver.sender, reports.sent)
        stream = PictureStream(outlet, codec.name, payload_type)
        allowed = self._allowed = AllowedBitRate()
        reports.on_missing = stream.send_again
        reports.on_bit_rate = allowed.said
        reports.on_lost = allowed.lost
        return stream

    async def end(self) -> None:
        """Send and receive nothing any more, for good."""
        self.transceiver.direction = "inactive"
        if self.outgoing is not None:
            self.outgoing.close()
        self.reports.close()
        await self.transceiver.stop()
        self.incoming.close()


def statistics(media: list[Medium]) -> MediaStatistics:
    """Return what was counted of one kind.

    Args:
        media: One after the other, if the kind was taken out of the call and added again.

    Returns:
        Sums of what is counted, and the newest of what is measured.
    """
    newest = media[-1]
    codec, clock_rate = newest.codec
    receptions = [medium.incoming.reception for medium in media]
    received = sum(reception.received for reception in receptions)
    lost = sum(reception.lost for reception in receptions)
    jitter_ms = receptions[-1].jitter * 1000
    reports = newest.reports
    rtt_ms = None if reports.round_trip is None else reports.round_trip * 1000
    mos = None
    if received:
        share = lost / (lost + received)
        mos = mean_opinion_score(codec, lost=share, jitter_ms=jitter_ms, rtt_ms=rtt_ms)
    sent = sum(medium.reports.sent.packets for medium in media)
    peer_lost = peer_jitter_ms = peer_mos = None
    if reports.told is not None:
        peer_lost = max(0, reports.told.lost)
        peer_jitter_ms = reports.told.jitter * 1000 / clock_rate
        share = min(1.0, peer_lost / max(1, sent))
        peer_mos = mean_opinion_score(codec, lost=share, jitter_ms=peer_jitter_ms, rtt_ms=rtt_ms)
    freezes = [medium.incoming.freezes() for medium in media]
    return MediaStatistics(
        kind=newest.kind,
        codec=codec,
        sent=sent,
        received=received,
        lost=lost,
        jitter_ms=jitter_ms,
        rtt_ms=rtt_ms,
        mos=mos,
        reordered=sum(reception.reordered for reception in receptions),
        freezes=sum(each.count for each in freezes),
        frozen_ms=1000 * sum(each.seconds for each in freezes),
        peer_lost=peer_lost,
        peer_jitter_ms=peer_jitter_ms,
        peer_mos=peer_mos,
    )

"""RTP sources (SSRCs) and the media streams that they belong to (RFC 5576, RFC 8830, XEP-0339)."""

from msgspec import Struct

from .replace import replace


class Attribute(Struct, frozen=True):
    """One attribute of a source, such as ``cname``; flags have no value."""

    name: str
    value: str | None = None


class RtpSource(Struct, frozen=True):
    """One synchronisation source of a content.

    Attributes:
        ssrc: 32-bit number.
        attributes: Of ``a=ssrc:``, such as ``cname``. Without ``msid`` where the content says it.
    """

    ssrc: int
    attributes: tuple[Attribute, ...] = ()


class RtpSourceGroup(Struct, frozen=True):
    """Sources that belong together, such as a video and its retransmissions (``FID``)."""

    semantics: str
    ssrcs: tuple[int, ...]


class MediaStream(Struct, frozen=True):
    """The stream and track that a content's media belongs to (RFC 8830, ``a=msid:``)."""

    id: str
    track: str | None = None

    def __str__(self) -> str:
        return self.id if self.track is None else f"{self.id} {self.track}"


def lift_streams(
    sources: tuple[RtpSource, ...], streams: tuple[MediaStream, ...]
) -> tuple[tuple[RtpSource, ...], tuple[MediaStream, ...]]:
    """Say a content's stream once: peers write it at the content, at each source, or at both.

    Args:
        sources: With or without attributes ``msid``, ``mslabel`` and ``label``.
        streams: What the content itself says.

    Returns:
        The sources without the attributes that only repeat the streams, and the streams.
    """
    if not streams:
        streams = tuple(
            dict.fromkeys(
                MediaStream(words[0], words[1] if len(words) > 1 else None)
                for source in sources
                for attribute in source.attributes
                if attribute.name == "msid" and (words := (attribute.value or "").split())
            )
        )
    if len(streams) != 1:
        return sources, streams
    repeated = {
        Attribute("msid", str(streams[0])),
        Attribute("mslabel", streams[0].id),
        Attribute("label", streams[0].track),
    }
    return (
        tuple(
            replace(each, attributes=tuple(a for a in each.attributes if a not in repeated))
            for each in sources
        ),
        streams,
    )

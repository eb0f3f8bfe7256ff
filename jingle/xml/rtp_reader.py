"""An RTP ``<description/>`` in, its model out (XEP-0167, 0293, 0294, 0339)."""

from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from .. import namespaces as ns
from ..errors import bad_request
from ..model import limits
from ..model.application import Bandwidth, Kind, Rtp
from ..model.codec import FIXED, STATIC, Codec, Parameter, RtcpFeedback
from ..model.header_extension import HeaderExtension
from ..model.replace import replace
from ..model.role import Senders
from ..model.rtp_source import Attribute, MediaStream, RtpSource, RtpSourceGroup, lift_streams
from .attributes import (
    children,
    hint,
    number,
    readable,
    required_number,
    required_token,
    required_word,
    some,
    text_of,
    token,
    word,
)

_SSRC = 2**32 - 1


def read_rtp(description: Element, kind: Kind) -> Rtp:
    """Read a ``<description/>`` of RTP.

    Args:
        description: The element.
        kind: What its media are.

    Raises:
        RemoteProtocolError: bad-request or policy-violation.
    """
    codecs = _told_apart(
        some(
            lambda each: _read_codec(each, kind),
            children(description, f"{{{ns.RTP}}}payload-type", limits.CODECS),
        )
    )
    streams = readable(
        lambda each: MediaStream(required_word(each, "id"), word(each, "track")),
        children(description, f"{{{ns.RTP_MSID}}}stream", limits.SOURCES),
    )
    sources = readable(
        _read_source, children(description, f"{{{ns.RTP_SOURCE}}}source", limits.SOURCES)
    )
    sources, streams = lift_streams(_merged(sources), streams)
    return Rtp(
        kind=kind,
        codecs=codecs,
        feedback=_read_feedback(description),
        header_extensions=readable(
            _read_extension,
            children(
                description, f"{{{ns.RTP_HEADER_EXTENSION}}}rtp-hdrext", limits.HEADER_EXTENSIONS
            ),
        ),
        allow_mixed=description.find(f"{{{ns.RTP_HEADER_EXTENSION}}}extmap-allow-mixed")
        is not None,
        rtcp_mux=description.find(f"{{{ns.RTP}}}rtcp-mux") is not None,
        reduced_size=description.find(f"{{{ns.RTP}}}rtcp-reduced-size") is not None,
        sources=sources,
        source_groups=readable(
            _read_source_group,
            children(description, f"{{{ns.RTP_SOURCE}}}ssrc-group", limits.GROUPS),
        ),
        streams=streams,
        bandwidths=readable(
            _read_bandwidth, children(description, f"{{{ns.RTP}}}bandwidth", limits.GROUPS)
        ),
    )


def _told_apart(codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """The same without those that have one id: nobody can tell which of them a packet means."""
    uses = Counter(each.id for each in codecs)
    found = tuple(each for each in codecs if uses[each.id] == 1)
    if codecs and not found:
        raise bad_request("two payload types have the same id")
    return found


def _merged(sources: Iterable[RtpSource]) -> tuple[RtpSource, ...]:
    """Return the same with each source once: some write one element for each of its attributes."""
    merged: dict[int, RtpSource] = {}
    for each in sources:
        known = merged.get(each.ssrc, RtpSource(each.ssrc))
        merged[each.ssrc] = replace(known, attributes=known.attributes + each.attributes)
    return tuple(merged.values())


def _read_codec(element: Element, kind: str) -> Codec:
    identifier = required_number(element, "id", 0, 127)
    known = STATIC.get(identifier)
    name = token(element, "name")
    if name is None and known is not None:
        name = known[0]
    if name is None:
        raise bad_request(f"payload type {identifier} lacks a name")
    # XEP-0167 §4 leaves it open what a missing clock rate means: the RFC's, else the usual one.
    known = known or FIXED.get(name.lower())
    _, rate, channels = known or (name, 8000 if kind == "audio" else 90000, 1)
    parameters: tuple[Parameter | None, ...] = ()
    feedback: tuple[RtcpFeedback, ...] = ()
    if len(element):
        parameters = some(
            _read_parameter, children(element, f"{{{ns.RTP}}}parameter", limits.PARAMETERS)
        )
        feedback = _read_feedback(element)
    return Codec(
        id=identifier,
        name=name,
        clock_rate=number(element, "clockrate", 1, 2**31) or rate,
        channels=number(element, "channels", 0, 255) or channels,
        parameters=tuple(each for each in parameters if each is not None),
        feedback=feedback,
        ptime=hint(element, "ptime", 0, 60_000),
        max_ptime=hint(element, "maxptime", 0, 60_000),
    )


def _read_parameter(element: Element) -> Parameter | None:
    """Clients write a bare word as the name, or as the value, the other missing or empty."""
    name, value = text_of(element, "name"), text_of(element, "value")
    if ";" in f"{name}{value}" or (value and "=" in (name or "")):
        raise bad_request("a parameter's name or value can't be written as SDP")
    if not name:
        return Parameter.parse(value) if value and value.strip() else None
    return Parameter(name.strip(), value.strip()) if value else Parameter.parse(name)


def _read_feedback(element: Element) -> tuple[RtcpFeedback, ...]:
    specific = readable(
        lambda each: RtcpFeedback(required_word(each, "type"), _words(each, "subtype")),
        children(element, f"{{{ns.RTP_FEEDBACK}}}rtcp-fb", limits.FEEDBACK),
    )
    intervals = readable(
        lambda each: RtcpFeedback("trr-int", str(required_number(each, "value", 0, 2**31))),
        children(element, f"{{{ns.RTP_FEEDBACK}}}rtcp-fb-trr-int", limits.FEEDBACK),
    )
    return specific + intervals


def _words(element: Element, key: str) -> str | None:
    """Return an attribute that may have parameters behind it, such as ``tmmbr smaxpr=120``."""
    return " ".join((text_of(element, key) or "").split()) or None


def _read_extension(element: Element) -> HeaderExtension:
    senders = text_of(element, "senders") or Senders.BOTH
    if senders not in set(Senders):
        raise bad_request("the senders of a header extension are unknown")
    return HeaderExtension(
        id=required_number(element, "id", 1, 65535),  # XEP-0294 itself has one beyond RFC 8285's
        uri=required_word(element, "uri", limits.ATTRIBUTE),
        senders=Senders(senders),
    )


def _read_source(element: Element) -> RtpSource:
    parameters = children(element, f"{{{ns.RTP_SOURCE}}}parameter", limits.PARAMETERS)
    attributes = readable(
        lambda each: Attribute(required_token(each, "name"), text_of(each, "value") or None),
        parameters,
    )
    key = "ssrc" if element.get("ssrc") else "id"  # as the first drafts of XEP-0339 had it
    return RtpSource(required_number(element, key, 0, _SSRC), attributes)


def _read_source_group(element: Element) -> RtpSourceGroup:
    semantics = token(element, "semantics") or token(element, "type")
    if semantics is None:
        raise bad_request("<ssrc-group/> lacks the attribute 'semantics'")
    members = children(element, f"{{{ns.RTP_SOURCE}}}source", limits.SOURCES)
    ssrcs = tuple(required_number(each, "ssrc", 0, _SSRC) for each in members)
    if not ssrcs:
        raise bad_request("<ssrc-group/> groups nothing")
    return RtpSourceGroup(semantics, ssrcs)


def _read_bandwidth(element: Element) -> Bandwidth:
    text = (element.text or "").strip() or element.get("value", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise bad_request("<bandwidth/> holds no number")
    return Bandwidth(token(element, "type") or "AS", int(text))

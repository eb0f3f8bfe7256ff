"""Description in, Jingle's XML out: the one way out for ``<content/>``.

Never written are SDES keys, ``<renomination/>`` (Chromium would then never nominate a pair),
fingerprints other than the first of sha-256, and attributes of a source without a value (for
Conversations).
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from .. import namespaces as ns
from ..model.application import DataChannelApplication, Rtp, UnknownApplication
from ..model.candidate import Candidate
from ..model.codec import Codec, RtcpFeedback
from ..model.content import Content
from ..model.description import Description
from ..model.fingerprint import to_send
from ..model.reason import Reason
from ..model.role import Senders
from ..model.rtp_source import Attribute
from ..model.transport import IceTransport, RawUdpTransport, Transport, namespace_of
from .attributes import cut


def write_jingle(
    action: str,
    sid: str,
    description: Description | None = None,
    *,
    initiator: str | None = None,
    responder: str | None = None,
) -> Element:
    """Write a ``<jingle/>`` (XEP-0166 §7.1) with the contents and groups of a description.

    Args:
        action: One of the fifteen actions.
        sid: Session id.
        description: Contents, or None for an action without any.
        initiator: Full JID, written if given.
        responder: Full JID, written if given.
    """
    jingle = Element(f"{{{ns.JINGLE}}}jingle", {"action": action, "sid": sid})
    if initiator is not None:
        jingle.set("initiator", initiator)
    if responder is not None:
        jingle.set("responder", responder)
    if description is not None:
        for content in description.contents:
            jingle.append(_write_content(content))
        for group in description.groups:
            element = SubElement(jingle, f"{{{ns.GROUPING}}}group", {"semantics": group.semantics})
            for name in group.names:
                SubElement(element, f"{{{ns.GROUPING}}}content", {"name": name})
    return jingle


def _write_content(content: Content) -> Element:
    """Write a ``<content/>`` (XEP-0166 §7.3); without application and transport only its name."""
    element = Element(
        f"{{{ns.JINGLE}}}content", {"creator": content.creator.value, "name": content.name}
    )
    if content.application is not None or content.senders is not Senders.BOTH:
        element.set("senders", content.senders.value)
    match content.application:
        case Rtp() as rtp:
            element.append(_write_rtp(rtp))
        case DataChannelApplication():
            SubElement(element, f"{{{ns.DATA_CHANNEL}}}description")
        case UnknownApplication(namespace, media):
            unknown = SubElement(element, f"{{{namespace}}}description")
            if media is not None:
                unknown.set("media", media)
    if content.transport is not None:
        element.append(_write_transport(content.transport))
    return element


def _write_rtp(rtp: Rtp) -> Element:
    description = Element(f"{{{ns.RTP}}}description", {"media": rtp.kind})
    for codec in rtp.codecs:
        description.append(_write_codec(codec))
    _write_feedback(description, rtp.feedback)
    for extension in rtp.header_extensions:
        element = SubElement(
            description,
            f"{{{ns.RTP_HEADER_EXTENSION}}}rtp-hdrext",
            {"id": str(extension.id), "uri": extension.uri},
        )
        if extension.senders is not Senders.BOTH:
            element.set("senders", extension.senders.value)
    if rtp.allow_mixed:
        SubElement(description, f"{{{ns.RTP_HEADER_EXTENSION}}}extmap-allow-mixed")
    for bandwidth in rtp.bandwidths:
        element = SubElement(description, f"{{{ns.RTP}}}bandwidth", {"type": bandwidth.type})
        element.text = str(bandwidth.value)
    if rtp.rtcp_mux:
        SubElement(description, f"{{{ns.RTP}}}rtcp-mux")
    if rtp.reduced_size:
        SubElement(description, f"{{{ns.RTP}}}rtcp-reduced-size")
    _write_sources(description, rtp)
    return description


def _write_codec(codec: Codec) -> Element:
    element = Element(
        f"{{{ns.RTP}}}payload-type",
        {"id": str(codec.id), "name": codec.name, "clockrate": str(codec.clock_rate)},
    )
    if codec.channels > 1:
        element.set("channels", str(codec.channels))
    if codec.ptime is not None:
        element.set("ptime", str(codec.ptime))
    if codec.max_ptime is not None:
        element.set("maxptime", str(codec.max_ptime))
    for parameter in codec.parameters:
        # Both attributes, a bare word too: many refuse a payload type for a missing one.
        attributes = {"name": parameter.name, "value": parameter.value or ""}
        SubElement(element, f"{{{ns.RTP}}}parameter", attributes)
    _write_feedback(element, codec.feedback)
    return element


def _write_feedback(parent: Element, feedback: Sequence[RtcpFeedback]) -> None:
    for each in feedback:
        if each.type == "trr-int":
            SubElement(
                parent, f"{{{ns.RTP_FEEDBACK}}}rtcp-fb-trr-int", {"value": each.subtype or "0"}
            )
            continue
        element = SubElement(parent, f"{{{ns.RTP_FEEDBACK}}}rtcp-fb", {"type": each.type})
        if each.subtype is not None:
            element.set("subtype", each.subtype)


def _write_sources(description: Element, rtp: Rtp) -> None:
    # Conversations reads the stream at each source, stanza.js at the content: say it at both.
    said = (Attribute("msid", str(rtp.streams[0])),) if len(rtp.streams) == 1 else ()
    for source in rtp.sources:
        element = SubElement(description, f"{{{ns.RTP_SOURCE}}}source", {"ssrc": str(source.ssrc)})
        for attribute in (*source.attributes, *said):
            if attribute.value is not None:
                SubElement(
                    element,
                    f"{{{ns.RTP_SOURCE}}}parameter",
                    {"name": attribute.name, "value": attribute.value},
                )
    for group in rtp.source_groups:
        element = SubElement(
            description, f"{{{ns.RTP_SOURCE}}}ssrc-group", {"semantics": group.semantics}
        )
        for ssrc in group.ssrcs:
            SubElement(element, f"{{{ns.RTP_SOURCE}}}source", {"ssrc": str(ssrc)})
    for stream in rtp.streams:
        element = SubElement(description, f"{{{ns.RTP_MSID}}}stream", {"id": stream.id})
        if stream.track is not None:
            element.set("track", stream.track)


def _write_transport(transport: Transport) -> Element:
    element = Element(f"{{{namespace_of(transport)}}}transport")
    if isinstance(transport, RawUdpTransport):
        for index, (ip, port) in enumerate(transport.addresses, 1):
            SubElement(
                element,
                f"{{{ns.RAW_UDP}}}candidate",
                {
                    "component": str(index),
                    "generation": "0",
                    "id": f"r{index}",
                    "ip": ip,
                    "port": str(port),
                },
            )
    elif isinstance(transport, IceTransport):
        _write_ice(element, transport)
    return element


def _write_ice(element: Element, transport: IceTransport) -> None:
    if transport.ufrag is not None:
        element.set("ufrag", transport.ufrag)
    if transport.pwd is not None:
        element.set("pwd", transport.pwd)
    for fingerprint in to_send(transport.fingerprints):
        child = SubElement(element, f"{{{ns.DTLS}}}fingerprint", {"hash": fingerprint.algorithm})
        if transport.setup is not None:
            child.set("setup", transport.setup)
        child.text = fingerprint.value
    if transport.association is not None:
        association = transport.association
        child = SubElement(
            element,
            f"{{{ns.SCTP}}}sctpmap",
            {"number": str(association.port), "protocol": association.protocol},
        )
        if association.streams is not None:
            child.set("streams", str(association.streams))
    for index, candidate in enumerate(transport.candidates):
        element.append(_write_candidate(candidate, index))
    if transport.gathering_complete:
        # It is XEP-0371's: those who read XEP-0176 strictly take nothing unknown in its namespace.
        SubElement(element, f"{{{ns.ICE}}}gathering-complete")


def _write_candidate(candidate: Candidate, index: int) -> Element:
    attributes = {
        "component": str(candidate.component),
        "foundation": candidate.foundation_number,
        "generation": str(candidate.generation),
        "id": candidate.id or f"c{candidate.generation}-{index}",
        "ip": candidate.ip,
        "network": str(candidate.network or 0),
        "port": str(candidate.port),
        "priority": str(candidate.priority),
        "protocol": candidate.protocol,
        "type": candidate.type,
    }
    optional = {
        "rel-addr": candidate.related_address,
        "rel-port": None if candidate.related_port is None else str(candidate.related_port),
        "tcptype": candidate.tcp_type,
    }
    attributes.update((key, value) for key, value in optional.items() if value is not None)
    return Element(f"{{{ns.ICE_UDP}}}candidate", attributes)


def write_reason(parent: Element, reason: Reason | None, text: str = "") -> None:
    """Append a ``<reason/>`` (XEP-0166 §7.4) if there is something to say."""
    if reason is None and not text:
        return
    element = SubElement(parent, f"{{{ns.JINGLE}}}reason")
    if reason is not None:
        SubElement(element, f"{{{ns.JINGLE}}}{reason.value}")
    if text:
        SubElement(element, f"{{{ns.JINGLE}}}text").text = cut(text)

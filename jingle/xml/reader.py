"""Jingle's XML in, description out. The only place where ``<content/>`` is read.

The texts are a stranger's: every attribute comes through `attributes`, and every list is bounded.
What can't be read of a list is left out, be it one candidate, one payload type or one content. If
nothing is left of what a call hangs on, that is a `RemoteProtocolError`; feedback, header
extensions, sources and the like it can do without.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from .. import namespaces as ns
from ..errors import bad_request
from ..model import limits
from ..model.application import (
    Application,
    Bandwidth,
    DataChannelApplication,
    Kind,
    Rtp,
    UnknownApplication,
)
from ..model.candidate import TYPES, Candidate
from ..model.codec import FIXED, STATIC, Codec, Parameter, RtcpFeedback
from ..model.content import Content
from ..model.description import Description, Group
from ..model.fingerprint import Fingerprint
from ..model.header_extension import HeaderExtension
from ..model.reason import Reason
from ..model.role import Role, Senders
from ..model.rtp_source import Attribute, MediaStream, RtpSource, RtpSourceGroup, lift_streams
from ..model.transport import (
    SETUPS,
    Association,
    IceTransport,
    RawUdpTransport,
    Transport,
    UnknownTransport,
)
from .attributes import (
    children,
    cut,
    hint,
    hinted,
    number,
    readable,
    required,
    required_number,
    required_token,
    required_word,
    some,
    text_of,
    token,
    word,
)

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_\-.]*[A-Za-z0-9_])?\.?")
_SSRC = 2**32 - 1
# In no XEP: how some write a media section with port 0, which Jingle leaves out (XEP-0166 §7.3).
_REJECTED = "rejected"


def read_contents(jingle: Element) -> Description:
    """Read the contents and groups of a ``<jingle/>`` (XEP-0166 §7.3, XEP-0338).

    Contents that are written only to say that they are refused are left out.

    Raises:
        RemoteProtocolError: bad-request or policy-violation.
    """
    contents = some(
        _read_content,
        (
            each
            for each in children(jingle, f"{{{ns.JINGLE}}}content", limits.CONTENTS)
            if each.get("senders") != _REJECTED
        ),
    )
    uses = Counter(each.name for each in contents)
    found = tuple(each for each in contents if uses[each.name] == 1)
    if contents and not found:
        raise bad_request("two contents have the same name")
    return Description(found, read_groups(jingle, [each.name for each in found]))


def read_groups(jingle: Element, names: Collection[str]) -> tuple[Group, ...]:
    """Read the groups of a ``<jingle/>`` (XEP-0338), their members among ``names`` only."""
    groups = readable(_read_group, children(jingle, f"{{{ns.GROUPING}}}group", limits.GROUPS))
    known = (
        Group(group.semantics, tuple(name for name in group.names if name in names))
        for group in groups
    )
    return tuple(each for each in known if each.names)


def read_names(jingle: Element) -> tuple[str, ...]:
    """Read the names of the contents of a ``<jingle/>``, also of those that can't be read."""
    elements = children(jingle, f"{{{ns.JINGLE}}}content", limits.CONTENTS)
    return readable(
        lambda each: required(each, "name", limits.IDENTIFIER),
        (each for each in elements if each.get("senders") != _REJECTED),
    )


def _read_group(element: Element) -> Group:
    semantics = token(element, "semantics") or token(element, "type")
    if semantics is None:
        raise bad_request("<group/> lacks the attribute 'semantics'")
    members = readable(
        lambda each: required(each, "name", limits.IDENTIFIER),
        children(element, f"{{{ns.GROUPING}}}content", limits.CONTENTS),
    )
    return Group(semantics, tuple(dict.fromkeys(members)))


def _read_content(element: Element) -> Content:
    creator = text_of(element, "creator") or Role.INITIATOR
    senders = text_of(element, "senders") or Senders.BOTH
    if creator not in set(Role):
        raise bad_request("the creator of a content is neither initiator nor responder")
    if senders not in set(Senders):
        raise bad_request("the senders of a content are not both, initiator, responder or none")
    transport = _read_transport(element)
    return Content(
        name=required(element, "name", limits.IDENTIFIER),
        creator=Role(creator),
        senders=Senders(senders),
        application=_read_application(element, transport),
        transport=transport,
    )


def _split(element: Element, name: str) -> tuple[str, Element] | None:
    """The one child of a local name in whatever namespace, and that namespace."""
    found = [child for child in element if str(child.tag).rpartition("}")[2] == name]
    if not found:
        return None
    if len(found) > 1:
        raise bad_request(f"a content has more than one <{name}/>")
    return found[0].tag.rpartition("}")[0].lstrip("{")[: limits.ATTRIBUTE], found[0]


def _read_application(element: Element, transport: Transport | None) -> Application | None:
    found = _split(element, "description")
    associated = isinstance(transport, IceTransport) and transport.association is not None
    if found is None:
        return DataChannelApplication() if associated else None
    namespace, description = found
    if namespace == ns.DATA_CHANNEL:
        return DataChannelApplication()
    if namespace != ns.RTP:
        return UnknownApplication(namespace)
    kind = text_of(description, "media")
    if kind not in {"audio", "video"}:
        return DataChannelApplication() if associated else UnknownApplication(namespace, kind)
    rtp = _read_rtp(description, "audio" if kind == "audio" else "video")
    # That RTP and RTCP share a port is said of the transport by some (XEP-0167 §4 has it here).
    muxed = element.find(f"{{{ns.ICE_UDP}}}transport/{{{ns.ICE_UDP}}}rtcp-mux") is not None
    return replace(rtp, rtcp_mux=rtp.rtcp_mux or muxed)


def _read_rtp(description: Element, kind: Kind) -> Rtp:
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
    """The same with each source once: some write one element for each of its attributes."""
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
    parameters = some(
        _read_parameter, children(element, f"{{{ns.RTP}}}parameter", limits.PARAMETERS)
    )
    return Codec(
        id=identifier,
        name=name,
        clock_rate=number(element, "clockrate", 1, 2**31) or rate,
        channels=number(element, "channels", 0, 255) or channels,
        parameters=tuple(each for each in parameters if each is not None),
        feedback=_read_feedback(element),
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
    """An attribute that may have parameters behind it, such as ``tmmbr smaxpr=120``."""
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


def _read_transport(element: Element) -> Transport | None:
    found = _split(element, "transport")
    if found is None:
        return None
    namespace, transport = found
    if namespace == ns.RAW_UDP:
        return RawUdpTransport(
            some(
                lambda each: (_read_address(each, "ip"), required_number(each, "port", 0, 65535)),
                children(transport, f"{{{ns.RAW_UDP}}}candidate", limits.CANDIDATES),
            )
        )
    if namespace != ns.ICE_UDP:
        return UnknownTransport(namespace)
    return _read_ice(transport)


def _read_ice(transport: Element) -> IceTransport:
    told = list(children(transport, f"{{{ns.DTLS}}}fingerprint", limits.FINGERPRINTS))
    told = told or list(children(transport, f"{{{ns.DTLS_DRAFT}}}fingerprint", limits.FINGERPRINTS))
    fingerprints = some(_read_fingerprint, told)
    # What is no hash is kept only to say that there was one.
    true = tuple(each for each in fingerprints if each[0].well_formed)
    fingerprints = true or fingerprints
    associations = some(
        _read_association, children(transport, f"{{{ns.SCTP}}}sctpmap", limits.GROUPS)
    )
    return IceTransport(
        ufrag=word(transport, "ufrag"),
        pwd=word(transport, "pwd"),
        candidates=some(
            _read_candidate,
            children(transport, f"{{{ns.ICE_UDP}}}candidate", limits.CANDIDATES),
        ),
        gathering_complete=any(
            transport.find(f"{{{each}}}gathering-complete") is not None
            for each in (ns.ICE_UDP, ns.ICE)
        ),
        fingerprints=tuple(each for each, _ in fingerprints),
        setup=next((setup for _, setup in fingerprints if setup is not None), None),
        association=associations[-1] if associations else None,
    )


def _read_fingerprint(element: Element) -> tuple[Fingerprint, str | None]:
    setup = text_of(element, "setup") or None
    if setup is not None and setup not in SETUPS:
        raise bad_request("the setup of a fingerprint is not actpass, active or passive")
    return Fingerprint.told(token(element, "hash") or "", element.text or ""), setup


def _read_association(element: Element) -> Association:
    return Association(
        required_number(element, "number", 1, 65535),
        token(element, "protocol") or "webrtc-datachannel",
        number(element, "streams", 0, 65535),
    )


def _read_address(element: Element, key: str) -> str:
    value = required_word(element, key, 253)
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise bad_request(f"{key!r} of a candidate is no address") from None
    return value


def _read_candidate(element: Element) -> Candidate:
    kind = required_word(element, "type")
    if kind not in TYPES:
        raise bad_request("the type of a candidate is not host, srflx, prflx or relay")
    return Candidate(
        foundation=required_word(element, "foundation"),
        component=required_number(element, "component", 0, 256),
        protocol=required_word(element, "protocol", 32).lower(),
        priority=required_number(
            element, "priority", 0, 2**63 - 1
        ),  # XEP-0176 itself has one > 2³²
        ip=required_word(element, "ip", 253),  # whether it is an address shows if it is usable
        port=required_number(element, "port", 0, 65535),
        type=kind,
        related_address=hinted(_read_address, element, "rel-addr"),
        related_port=hint(element, "rel-port", 0, 65535),
        tcp_type=hinted(word, element, "tcptype", 32),
        generation=hint(element, "generation", 0, 2**31) or 0,
        id=hinted(text_of, element, "id"),
        network=hint(element, "network", 0, 2**31),
    )


def read_reason(jingle: Element) -> tuple[Reason | None, str, str | None]:
    """Read the ``<reason/>`` within an element (XEP-0166 §7.4).

    Returns:
        the reason, None if there is none that is defined; the text for people; and the session to
        use instead, of an alternative-session.
    """
    element = jingle.find(f"{{{ns.JINGLE}}}reason")
    if element is None:
        return None, "", None
    reason = None
    for child in element:
        namespace, _, name = str(child.tag).rpartition("}")
        name = name.replace("_", "-")  # Dino writes failed_application
        if namespace == "{" + ns.JINGLE and name in set(Reason):
            reason = Reason(name)
            break
    alternative = element.findtext(f"{{{ns.JINGLE}}}alternative-session/{{{ns.JINGLE}}}sid")
    return reason, cut(element.findtext(f"{{{ns.JINGLE}}}text")), cut(alternative) or None

"""Description in, SDP out, as aiortc reads it (RFC 8866, RFC 8829): the one way out for SDP.

Every content is written without a default address (port 9): with ICE nobody uses one.
"""

from collections.abc import Iterator

from ..model.application import DataChannelApplication, Rtp
from ..model.content import Content
from ..model.description import Description
from ..model.role import Role, Senders
from ..model.transport import Association, IceTransport


def write_sdp(description: Description, writer: Role) -> str:
    """Write a whole session description.

    Args:
        description: Contents that are ``supported`` or ``rejected``; others are not written.
        writer: Whose description it is; directions are relative to it.

    Returns:
        SDP with lines ended by CRLF.
    """
    contents = [each for each in description.contents if each.supported]
    names = {each.name for each in contents}
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    for group in description.groups:
        members = " ".join(name for name in group.names if name in names)
        if members:
            lines.append(f"a=group:{group.semantics} {members}")
    lines.append("a=msid-semantic:WMS *")
    for content in contents:
        lines.extend(_write_content(content, writer))
    return "".join(f"{line}\r\n" for line in lines)


def _write_content(content: Content, writer: Role) -> Iterator[str]:
    port = 0 if content.rejected else 9
    senders = Senders.NONE if content.rejected else content.senders
    transport = content.transport
    assert isinstance(transport, IceTransport)  # noqa: S101 (only supported ones come here)
    if isinstance(content.application, Rtp):
        codecs = [each for each in content.application.codecs if each.usable]
        formats = " ".join(str(each.id) for each in codecs)
        yield f"m={content.application.kind} {port} UDP/TLS/RTP/SAVPF {formats}"
    else:
        yield f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel"
    yield "c=IN IP4 0.0.0.0"
    if isinstance(content.application, Rtp):
        for bandwidth in content.application.bandwidths:
            yield f"b={bandwidth.type}:{bandwidth.value}"
    yield f"a=mid:{content.name}"
    yield from _write_transport(transport)
    if isinstance(content.application, Rtp):
        yield f"a={senders.to_direction(writer)}"
        yield from _write_rtp(content.application, writer)
    elif isinstance(content.application, DataChannelApplication):
        yield f"a=sctp-port:{(transport.association or Association()).port}"
        yield "a=max-message-size:65536"  # RFC 8841 §6.1: the default; Jingle can't say another


def _write_transport(transport: IceTransport) -> Iterator[str]:
    if transport.ufrag is not None:
        yield f"a=ice-ufrag:{transport.ufrag}"
    if transport.pwd is not None:
        yield f"a=ice-pwd:{transport.pwd}"
    yield "a=ice-options:trickle"
    for fingerprint in transport.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    if transport.setup is not None:
        yield f"a=setup:{transport.setup}"
    usable = [each for each in transport.candidates if each.usable]
    for candidate in usable:
        yield f"a=candidate:{candidate.to_sdp()}"
    # Without a usable candidate aiortc would give up at once, though the peer may reach us.
    if transport.gathering_complete and usable:
        yield "a=end-of-candidates"


def _write_rtp(rtp: Rtp, writer: Role) -> Iterator[str]:
    if rtp.rtcp_mux:
        yield "a=rtcp:9 IN IP4 0.0.0.0"
        yield "a=rtcp-mux"
    if rtp.reduced_size:
        yield "a=rtcp-rsize"
    if rtp.allow_mixed:
        yield "a=extmap-allow-mixed"
    for extension in rtp.header_extensions:
        if extension.id > 255:
            continue  # only a number to choose another for (RFC 8285 §7); aiortc would send with it
        direction = extension.senders.to_direction(writer)
        suffix = "" if extension.senders is Senders.BOTH else f"/{direction}"
        yield f"a=extmap:{extension.id}{suffix} {extension.uri}"
    for feedback in rtp.feedback:
        yield f"a=rtcp-fb:* {feedback}"
    yield from _write_codecs(rtp)
    yield from _write_sources(rtp)


def _write_sources(rtp: Rtp) -> Iterator[str]:
    for stream in rtp.streams:
        yield f"a=msid:{stream}"
    for group in rtp.source_groups:
        yield f"a=ssrc-group:{group.semantics} {' '.join(str(each) for each in group.ssrcs)}"
    for source in rtp.sources:
        for attribute in source.attributes:
            if attribute.value is not None:
                yield f"a=ssrc:{source.ssrc} {attribute.name}:{attribute.value}"


def _write_codecs(rtp: Rtp) -> Iterator[str]:
    codecs = [each for each in rtp.codecs if each.usable]
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        yield f"a=rtpmap:{codec.id} {codec.name}/{codec.clock_rate}{channels}"
        for feedback in codec.feedback:
            yield f"a=rtcp-fb:{codec.id} {feedback}"
        parameters = ";".join(str(each) for each in codec.parameters if each.well_formed)
        if parameters:
            yield f"a=fmtp:{codec.id} {parameters}"
    # SDP says one packet length for all: the shortest of the longest, the most common wish.
    ptimes = [each.ptime for each in codecs if each.ptime is not None]
    if ptimes:
        yield f"a=ptime:{max(set(ptimes), key=ptimes.count)}"
    max_ptimes = [each.max_ptime for each in codecs if each.max_ptime is not None]
    if max_ptimes:
        yield f"a=maxptime:{min(max_ptimes)}"

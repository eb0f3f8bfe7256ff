"""aiortc's descriptions: what it would write anew, and what it can't express."""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from aiortc import (
    RTCPeerConnection,
    RTCRtpCodecParameters,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS as KNOWN
from aiortc.rtcpeerconnection import add_transport_description, find_common_codecs
from aiortc.rtp import DYNAMIC_PAYLOAD_TYPES
from aiortc.sdp import MediaDescription, SessionDescription, SsrcDescription

from ...errors import DescriptionError
from ...frames.codec import CLOCK_RATES, CODECS, TELEPHONE_EVENT, TELEPHONE_EVENTS
from .transports import transports_by_mid

CNAME = "_RTCPeerConnection__cname"
EXTENSIONS = "_headerExtensions"
SET_LINE = "_set_mline_index"
SET_MID = "_set_mid"
SSRC = "_ssrc"
STREAM_ID = "_stream_id"
TRACK_ID = "_track_id"
LOCAL = "_RTCPeerConnection__localDescription"
REMOTE = "_RTCPeerConnection__remoteDescription"
TRANSCEIVER_CODECS = "_codecs"

_RTPMAP = re.compile(r"a=rtpmap:\d+ ([^/\s]+)/(\d+)")
_PLAIN_CODECS = {
    (kind, name.lower(), str(CLOCK_RATES[name]))
    for kind, names in CODECS.items()
    for name in names
    if name != "H264"
}
"""Those that have no profiles, of which aiortc might not know some."""


async def create_offer(pc: RTCPeerConnection) -> RTCSessionDescription:
    """Make an offer that leaves alone what was agreed.

    aiortc offers all codecs anew, under numbers of its own, also in sections that are in use, and
    forgets what was agreed there. Numbers of new sections may clash with it (RFC 8843 §10.1), and
    the next free mid is what the peer, too, would take if it offered at the same time.
    """
    agreed = {
        each.mid: (each, getattr(each, TRANSCEIVER_CODECS), getattr(each, EXTENSIONS))
        for each in pc.getTransceivers()
        if each.currentDirection is not None
    }
    offer: RTCSessionDescription = await pc.createOffer()
    if not agreed:
        return RTCSessionDescription(_with_events(offer.sdp), offer.type)
    numbers: set[int] = set()
    extensions: dict[str, int] = {}
    for transceiver, codecs, headers in agreed.values():
        setattr(transceiver, TRANSCEIVER_CODECS, codecs)
        setattr(transceiver, EXTENSIONS, headers)
        numbers.update(codec.payloadType for codec in codecs)
        extensions.update((header.uri, header.id) for header in headers)
    description = SessionDescription.parse(offer.sdp)
    for media in description.media:
        if media.kind not in KNOWN:
            continue
        if media.rtp.muxId in agreed:
            _, media.rtp.codecs, media.rtp.headerExtensions = agreed[media.rtp.muxId]
        else:
            media.rtp.codecs += _telephone_events(media.kind)
            _renumber(media, numbers, extensions)
            _rename(media, description)
        media.fmt = [codec.payloadType for codec in media.rtp.codecs]
    return RTCSessionDescription(str(description), offer.type)


def _rename(media: MediaDescription, description: SessionDescription) -> None:
    """Give a section a mid that the peer has not taken."""
    mid = f"{media.kind}-{secrets.token_hex(2)}"
    for group in description.group:
        group.items = [mid if item == media.rtp.muxId else item for item in group.items]
    media.rtp.muxId = mid


def _with_events(sdp: str) -> str:
    """Add what is offered for keys to aiortc's text; to read and write all of it takes long."""
    found = []
    for section in re.split(r"(?m)^(?=m=)", sdp):
        head, end, body = section.partition("\r\n")
        for each in _telephone_events(head[2:].partition(" ")[0]):
            head += f" {each.payloadType}"
            body += f"a=rtpmap:{each.payloadType} {each.name}/{each.clockRate}\r\n"
        found.append(head + end + body)
    return "".join(found)


def _telephone_events(kind: str) -> list[RTCRtpCodecParameters]:
    """Give what is offered for keys: aiortc knows of no event (RFC 4733)."""
    rates = TELEPHONE_EVENTS.items() if kind == "audio" else ()
    return [_telephone_event(rate, number) for rate, number in rates]


def _telephone_event(rate: int, number: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType=f"audio/{TELEPHONE_EVENT}", clockRate=rate, channels=1, payloadType=number
    )


def _is_telephone_event(codec: RTCRtpCodecParameters) -> bool:
    return bool(codec.name.lower() == TELEPHONE_EVENT)


def agree_on_events(pc: RTCPeerConnection) -> None:
    """Agree on the telephone-events that the peer has named, at the clock rates that we know.

    aiortc leaves them out. They stand behind the codecs, of which it sends the first. Call it
    between the peer's description and the next turn of the loop, in which aiortc begins to receive.

    Args:
        pc: The connection, which has taken the description.
    """
    media = {each.rtp.muxId: each for each in getattr(pc, REMOTE)().media}
    for transceiver in pc.getTransceivers():
        named = media.get(transceiver.mid or "")
        if transceiver.kind != "audio" or named is None:
            continue
        codecs = list(getattr(transceiver, TRANSCEIVER_CODECS))
        taken = {codec.payloadType for codec in codecs}
        rates = set(TELEPHONE_EVENTS)
        for codec in filter(_is_telephone_event, named.rtp.codecs):
            number = codec.payloadType or 0
            if codec.clockRate in rates and number in DYNAMIC_PAYLOAD_TYPES and number not in taken:
                rates.remove(codec.clockRate)
                taken.add(number)
                codecs.append(_telephone_event(codec.clockRate, number))
        setattr(transceiver, TRANSCEIVER_CODECS, codecs)


def telephone_event(transceiver: RTCRtpTransceiver) -> tuple[int, int] | None:
    """Give the payload type and the clock rate (Hz) of the telephone-events that we may send.

    The clock is that of what we send (RFC 4733 §2.1). A peer that has not named that one, as some
    do that know Opus and telephone-event/8000, gets its own: it reads the duration by it.

    Returns:
        None if the peer has named none.
    """
    codecs: list[RTCRtpCodecParameters] = getattr(transceiver, TRANSCEIVER_CODECS)
    found = filter(_is_telephone_event, codecs)
    events = [(each.payloadType or 0, each.clockRate) for each in found]
    same = (event for event in events if event[1] == codecs[0].clockRate)
    return next(same, events[0] if events else None)


def _renumber(media: MediaDescription, numbers: set[int], extensions: dict[str, int]) -> None:
    """Give a section's codecs and header extensions numbers that no other section has."""
    new: dict[Any, int] = {}
    for codec in media.rtp.codecs:
        number = codec.payloadType or 0
        if number in numbers and number in DYNAMIC_PAYLOAD_TYPES:
            number = next(n for n in DYNAMIC_PAYLOAD_TYPES if n not in numbers)
        numbers.add(number)
        new[codec.payloadType] = codec.payloadType = number
    for codec in media.rtp.codecs:
        if "apt" in codec.parameters:
            codec.parameters["apt"] = new[codec.parameters["apt"]]
    for header in media.rtp.headerExtensions:
        taken = set(extensions.values())
        if header.uri not in extensions:
            free = (n for n in range(1, 15) if n not in taken)
            extensions[header.uri] = next(free) if header.id in taken else header.id
        header.id = extensions[header.uri]


def local_description(pc: RTCPeerConnection) -> str:
    """Give our description with the credentials and candidates of now: aiortc's keeps old ones."""
    description = SessionDescription.parse(pc.localDescription.sdp)
    transports = transports_by_mid(pc)
    for media in description.media:
        if media.rtp.muxId in transports:
            add_transport_description(media, transports[media.rtp.muxId])
    return str(description)


def own_lines(pc: RTCPeerConnection, transceiver: RTCRtpTransceiver) -> list[str]:
    """Give the lines of a section that its transport and its stream decide, the m-line first.

    Args:
        pc: The connection.
        transceiver: The section's, whose candidates are gathered. It repeats nothing (RFC 4588).
    """
    sender = transceiver.sender
    media = MediaDescription(transceiver.kind, 9, "", [])
    media.msid = f"{getattr(sender, STREAM_ID)} {getattr(sender, TRACK_ID)}"
    media.ssrc = [SsrcDescription(ssrc=getattr(sender, SSRC), cname=getattr(pc, CNAME))]
    add_transport_description(media, transceiver.receiver.transport)
    return str(media).splitlines()


def keep_offered(pc: RTCPeerConnection) -> None:
    """Let all that we offered be received, whichever of it the answer names (RFC 3264 §5.1).

    aiortc takes only what both name, and Chromium may send another codec than its answer lists.
    Call it between an answer and the next turn of the loop, in which aiortc begins to receive.
    Retransmissions are left out: it would send them, too. So are events that the peer does not
    know: it would be sent them.
    """
    offered = {media.rtp.muxId: media.rtp.codecs for media in getattr(pc, LOCAL)().media}
    for transceiver in pc.getTransceivers():
        agreed = getattr(transceiver, TRANSCEIVER_CODECS)
        numbers = {each.payloadType for each in agreed}
        rates = {each.clockRate for each in agreed if _is_telephone_event(each)}
        others = [
            replace(each)
            for each in offered.get(transceiver.mid or "", ())
            if agreed
            and each.payloadType not in numbers
            and each.name.lower() != "rtx"
            and (each.clockRate in rates or not _is_telephone_event(each))
        ]
        setattr(transceiver, TRANSCEIVER_CODECS, [*agreed, *others])


def forget(transceiver: RTCRtpTransceiver, mids: Collection[str]) -> None:
    """Let aiortc never take a transceiver for a section that it does not stand in.

    Args:
        transceiver: One that is stopped.
        mids: The sections there are; if its own is among them, it stays as it is.
    """
    if transceiver.mid not in mids:
        getattr(transceiver, SET_MID)(f"gone-{id(transceiver)}")
        getattr(transceiver, SET_LINE)(-1)


def codecs(transceiver: RTCRtpTransceiver) -> dict[int, RTCRtpCodecParameters]:
    """Return the negotiated codecs by their payload types; the first is what we send."""
    found: list[RTCRtpCodecParameters] = getattr(transceiver, TRANSCEIVER_CODECS)
    return {each.payloadType: each for each in found if each.payloadType is not None}


def has_common_codec(lines: Sequence[str]) -> bool:
    """Tell whether a media section has a codec that aiortc knows: it refuses the whole offer else.

    Args:
        lines: The section's, of the peer's description.

    Returns:
        True for anything but audio and video.

    Raises:
        DescriptionError: It is no media section.
    """
    # Of most codecs the name and the clock rate say it, and aiortc reads for long.
    kind = lines[0][2:].partition(" ")[0]
    named = (_RTPMAP.match(line) for line in lines)
    if any(found and (kind, found[1].lower(), found[2]) in _PLAIN_CODECS for found in named):
        return True
    try:
        [media] = SessionDescription.parse("\r\n".join(lines)).media
    except (ValueError, AssertionError, LookupError, AttributeError) as error:
        raise DescriptionError(f"The peer's offer cannot be read: {error}") from error
    if media.kind not in KNOWN:
        return True
    known = [codec for codec in KNOWN[media.kind] if codec.name in CLOCK_RATES]
    return bool(find_common_codecs(known, media.rtp.codecs))

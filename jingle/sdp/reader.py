"""SDP in, description out (RFC 8866, RFC 8829): the one way in for SDP.

Our own peer connection wrote the SDP, so an error in it is ours: `LocalProtocolError`. As with
Jingle, a line that can't be read is left out, unless nothing of its kind is left. What Jingle has
no place for is not read: see ``docs/jingle.md``, "What is left out".
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar, cast

from ..errors import LocalProtocolError
from ..model.application import (
    Application,
    Bandwidth,
    DataChannelApplication,
    Kind,
    Rtp,
    UnknownApplication,
)
from ..model.candidate import Candidate
from ..model.codec import STATIC, Codec, Parameter, RtcpFeedback
from ..model.content import Content
from ..model.description import Description, Group
from ..model.fingerprint import Fingerprint
from ..model.header_extension import HeaderExtension
from ..model.replace import replace
from ..model.role import Role, Senders
from ..model.rtp_source import Attribute, MediaStream, RtpSource, RtpSourceGroup, lift_streams
from ..model.transport import Association, IceTransport

T = TypeVar("T")

_MEDIA = re.compile(r"(?P<kind>\S+) (?P<port>\d+)(/\d+)? (?P<profile>\S+)(?P<formats>( \S+)*)\s*")

_WHAT_CAN_BE_SENT = (
    *("rtpmap", "fmtp", "rtcp-fb", "ptime", "maxptime"),
    *("extmap", "extmap-allow-mixed", "rtcp-mux", "rtcp-rsize"),
)
"""The attributes of a section that say what can be sent, and not what is of one call."""


class _Section:
    """The lines of the session or of one medium: attributes by name, in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.attributes: dict[str, list[str]] = defaultdict(list)
        self.bandwidths: list[str] = []
        for line in lines:
            if line.startswith("a="):
                key, _, value = line[2:].rstrip().partition(":")
                self.attributes[key].append(value)
            elif line.startswith("b="):
                self.bandwidths.append(line[2:].rstrip())

    def all(self, key: str) -> list[str]:
        return self.attributes.get(key, [])

    def first(self, key: str) -> str | None:
        return next(iter(self.all(key)), None)

    def has(self, key: str) -> bool:
        return key in self.attributes


def _some(read: Callable[[str], T], values: Iterable[str], *, needed: bool = True) -> tuple[T, ...]:
    """Read what can be read of a list of lines; the first error counts if that is nothing."""
    found: list[T] = []
    first: Exception | None = None
    for each in values:
        try:
            found.append(read(each))
        except (LocalProtocolError, ValueError, KeyError, IndexError) as error:
            first = first or error
    if first is not None and needed and not found:
        raise first
    return tuple(found)


def read_sdp(text: str, writer: Role) -> Description:
    """Read a whole session description.

    Args:
        text: SDP, lines ended by CRLF or LF.
        writer: Whose description it is; directions are relative to it.

    Raises:
        LocalProtocolError: If the text is no SDP.
    """
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    session = _Section(lines[: starts[0]] if starts else lines)
    try:
        contents = tuple(
            _read_medium(lines[start:end], session, writer, index)
            for index, (start, end) in enumerate(pairwise([*starts, len(lines)]))
        )
    except (ValueError, KeyError, IndexError) as error:
        raise LocalProtocolError(f"the SDP can't be read: {error}") from error
    groups = (value.split() for value in session.all("group"))
    return Description(
        contents, tuple(Group(words[0], tuple(words[1:])) for words in groups if len(words) > 1)
    )


def _read_medium(lines: list[str], session: _Section, writer: Role, index: int) -> Content:
    match = _MEDIA.fullmatch(lines[0][2:])
    if match is None:
        raise LocalProtocolError(f"not a line of SDP: {lines[0][:200]!r}")
    own = _Section(lines[1:])
    direction = next(
        (
            word
            for section in (own, session)
            for word in ("sendrecv", "sendonly", "recvonly", "inactive")
            if section.has(word)
        ),
        "sendrecv",
    )
    application: Application
    association = None
    formats = match["formats"].split()
    if match["kind"] in {"audio", "video"}:
        senders = Senders.from_direction(direction, writer)
        application = _read_rtp(cast(Kind, match["kind"]), formats, own, session, writer)
    elif match["kind"] == "application" and "SCTP" in match["profile"]:
        senders = Senders.BOTH
        application = DataChannelApplication()
        association = _read_association(formats, own)
    else:
        senders = Senders.from_direction(direction, writer)
        application = UnknownApplication(match["profile"], match["kind"])
    return Content(
        name=own.first("mid") or str(index),
        creator=writer,
        senders=senders,
        application=application,
        transport=_read_transport(own, session, association),
        rejected=match["port"] == "0" and not own.has("bundle-only"),
    )


def _read_association(formats: list[str], own: _Section) -> Association:
    old = (own.first("sctpmap") or "").split()
    if len(old) > 1:  # the form before RFC 8841, still aiortc's for old browsers
        return Association(int(old[0]), old[1], int(old[2]) if len(old) > 2 else None)
    protocol = formats[0] if formats else "webrtc-datachannel"
    return Association(int(own.first("sctp-port") or 5000), protocol)


def _read_transport(
    own: _Section, session: _Section, association: Association | None
) -> IceTransport:
    def value(key: str) -> str | None:
        return own.first(key) or session.first(key)

    candidates = _some(Candidate.from_sdp, own.all("candidate"))
    fingerprints = (each.split() for each in own.all("fingerprint") or session.all("fingerprint"))
    return IceTransport(
        ufrag=value("ice-ufrag"),
        pwd=value("ice-pwd"),
        candidates=tuple(replace(each, ufrag=None) for each in candidates),
        gathering_complete=own.has("end-of-candidates") or session.has("end-of-candidates"),
        fingerprints=tuple(
            Fingerprint(words[0].lower(), words[1].upper())
            for words in fingerprints
            if len(words) == 2
        ),
        setup=value("setup"),
        association=association,
    )


def _read_rtp(
    kind: Kind, formats: list[str], own: _Section, session: _Section, writer: Role
) -> Rtp:
    streams = tuple(
        MediaStream(words[0], words[1] if len(words) > 1 else None)
        for words in (each.split() for each in own.all("msid"))
        if words
    )
    sources, lifted = lift_streams(_read_sources(own.all("ssrc")), streams)
    mixed = session.has("extmap-allow-mixed")
    said = tuple(tuple(own.all(key)) for key in _WHAT_CAN_BE_SENT)
    return replace(
        _read_what_can_be_sent(kind, writer, mixed, tuple(formats), tuple(own.bandwidths), said),
        sources=sources,
        source_groups=_some(_read_source_group, own.all("ssrc-group"), needed=False),
        streams=lifted,
    )


@lru_cache(maxsize=64)
def _read_what_can_be_sent(
    kind: Kind,
    writer: Role,
    mixed: bool,
    formats: tuple[str, ...],
    bandwidths: tuple[str, ...],
    said: tuple[tuple[str, ...], ...],
) -> Rtp:
    """Read what is the same in each call between the same two programs, once.

    Args:
        kind: Audio or video.
        writer: Whose description it is.
        mixed: Whether the session allows both forms of header extensions.
        formats: Of the m-line.
        bandwidths: The values of the section's b-lines.
        said: The values of the attributes of `_WHAT_CAN_BE_SENT`.
    """
    own = dict(zip(_WHAT_CAN_BE_SENT, said, strict=True))
    maps = _by_format(own["rtpmap"])
    parameters = _by_format(own["fmtp"])
    feedback = _by_format(own["rtcp-fb"])
    ptime, max_ptime = (_milliseconds(*own[key][:1]) for key in ("ptime", "maxptime"))

    def read_codec(number: str) -> Codec | None:
        known = _read_map(number, maps.get(number, []))
        if known is None:
            return None
        name, clock_rate, channels = known
        return Codec(
            id=int(number),
            name=name,
            clock_rate=clock_rate,
            channels=channels,
            parameters=tuple(
                Parameter.parse(part)
                for text in parameters.get(number, [])
                for part in text.split(";")
                if part.strip()
            ),
            feedback=tuple(_read_feedback(each) for each in feedback.get(number, [])),
            ptime=ptime,
            max_ptime=max_ptime,
        )

    codecs = _some(read_codec, dict.fromkeys(formats))
    return Rtp(
        kind=kind,
        codecs=tuple(each for each in codecs if each is not None),
        feedback=tuple(_read_feedback(each) for each in feedback.get("*", [])),
        header_extensions=_some(lambda each: _read_extension(each, writer), own["extmap"]),
        allow_mixed=mixed or bool(own["extmap-allow-mixed"]),
        rtcp_mux=bool(own["rtcp-mux"]),
        reduced_size=bool(own["rtcp-rsize"]),
        bandwidths=tuple(
            Bandwidth(name, int(value))
            for name, _, value in (each.partition(":") for each in bandwidths)
            if value.isdigit()
        ),
    )


def _by_format(values: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for value in values:
        number, _, rest = value.partition(" ")
        found[number].append(rest.strip())
    return found


def _read_map(number: str, maps: list[str]) -> tuple[str, int, int] | None:
    if not maps:
        return STATIC.get(int(number))
    words = maps[0].split("/")
    return words[0], int(words[1]), int(words[2]) if len(words) > 2 else 1


def _milliseconds(value: str | None = None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None


def _read_feedback(text: str) -> RtcpFeedback:
    kind, _, subtype = text.partition(" ")
    return RtcpFeedback(kind, subtype.strip() or None)


def _read_extension(text: str, writer: Role) -> HeaderExtension:
    words = text.split()
    number, _, direction = words[0].partition("/")
    senders = Senders.from_direction(direction or "sendrecv", writer)
    return HeaderExtension(int(number), words[1], senders)


def _read_source_group(text: str) -> RtpSourceGroup:
    semantics, *ssrcs = text.split()
    if not ssrcs:
        raise ValueError("a=ssrc-group groups nothing")
    return RtpSourceGroup(semantics, tuple(int(each) for each in ssrcs))


def _read_source(text: str) -> tuple[int, Attribute]:
    number, _, attribute = text.partition(" ")
    name, colon, rest = attribute.partition(":")
    return int(number), Attribute(name, rest if colon else None)


def _read_sources(values: list[str]) -> tuple[RtpSource, ...]:
    found: dict[int, list[Attribute]] = {}
    for number, attribute in _some(_read_source, values, needed=False):
        found.setdefault(number, []).append(attribute)
    return tuple(RtpSource(number, tuple(attributes)) for number, attributes in found.items())

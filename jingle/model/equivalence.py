"""Whether two descriptions mean the same: what a round trip through Jingle and SDP must keep.

SDP and Jingle can each say things that the other can't. `meaning` drops exactly those, and gives
one form to what can be said in several ways. ``docs/jingle.md`` has the list, with reasons.
"""

from .application import Rtp
from .candidate import Candidate
from .content import Content
from .content_names import names_of
from .description import Description
from .fingerprint import to_send
from .replace import replace
from .rtp_source import RtpSource
from .transport import IceTransport


def meaning(description: Description, *, of_sdp: bool = True) -> Description:
    """Return a description reduced to what both SDP and Jingle can say and what we send on purpose.

    Args:
        description: Any.
        of_sdp: Also drop what only Jingle can say, and what is not handed to aiortc: contents that
            can't be carried, unusable candidates. False keeps those, to compare Jingle to Jingle.
    """
    contents = [
        _content(each, of_sdp=of_sdp)
        for each in description.contents
        if not each.rejected and (each.supported or not of_sdp)
    ]
    reduced = description.with_contents(contents)
    # The mids of SDP and the names of Jingle are different alphabets: number the contents.
    names = names_of(f"content number {index}" for index, _ in enumerate(reduced.contents))
    order = dict(zip(reduced.names(), names.values(), strict=True))
    renamed = reduced.renamed(order)
    return replace(renamed, groups=tuple(sorted(renamed.groups, key=lambda each: each.semantics)))


def equivalent(one: Description, other: Description, *, of_sdp: bool = True) -> bool:
    """Whether two descriptions have the same `meaning`."""
    return meaning(one, of_sdp=of_sdp) == meaning(other, of_sdp=of_sdp)


def _content(content: Content, *, of_sdp: bool) -> Content:
    application, transport = content.application, content.transport
    if isinstance(application, Rtp):
        application = _rtp(application, of_sdp=of_sdp)
    if isinstance(transport, IceTransport):
        candidates = tuple(
            _candidate(each) for each in transport.candidates if each.usable or not of_sdp
        )
        association = transport.association
        transport = replace(
            transport,
            candidates=candidates,
            gathering_complete=transport.gathering_complete and (bool(candidates) or not of_sdp),
            fingerprints=to_send(transport.fingerprints),
            association=None if association is None else replace(association, streams=None),
        )
    return replace(content, application=application, transport=transport)


def _candidate(candidate: Candidate) -> Candidate:
    return replace(
        candidate,
        foundation=candidate.foundation_number,
        id=None,
        network=None,
        generation=0,
        ufrag=None,
        sdp_mid=None,
    )


def _rtp(rtp: Rtp, *, of_sdp: bool) -> Rtp:
    codecs = tuple(each for each in rtp.codecs if each.usable or not of_sdp)
    if of_sdp:
        codecs = tuple(
            replace(
                each,
                ptime=None,
                max_ptime=None,
                parameters=tuple(p for p in each.parameters if p.well_formed),
            )
            for each in codecs
        )
    sources = []
    for source in rtp.sources:
        kept = tuple(each for each in source.attributes if each.value is not None)
        if kept or not of_sdp:
            sources.append(RtpSource(source.ssrc, kept))
    extensions = tuple(each for each in rtp.header_extensions if each.id <= 255 or not of_sdp)
    return replace(rtp, codecs=codecs, sources=tuple(sources), header_extensions=extensions)

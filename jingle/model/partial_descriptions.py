"""Descriptions that arrive in parts.

The credentials, fingerprint, candidates and codecs of a content may come in several stanzas: in a
transport-info before the session is accepted (XEP-0320 §3, XEP-0176 §5.6), or in a description-info
(XEP-0166 §7.2.6). Parts are first joined, then judged.
"""

from ..errors import too_much
from . import limits
from .application import Application, Rtp
from .candidate import Candidate
from .content import Content
from .description import Description
from .replace import replace
from .transport import IceTransport, Transport


def joined(earlier: Content, later: Content) -> Content:
    """Return one content of two parts; where both say something, the later one counts.

    Args:
        earlier: Already `marked`, if it has candidates of its own.
        later: Its candidates are marked, until `whole`.

    Raises:
        RemoteProtocolError: policy-violation for too many candidates.
    """
    later = marked(later)
    return replace(
        later,
        application=_joined_application(earlier.application, later.application),
        transport=_joined_transport(earlier.transport, later.transport),
    )


def marked(content: Content) -> Content:
    """Return a content whose candidates say for which generation of ICE they were told."""
    transport = content.transport
    if not isinstance(transport, IceTransport):
        return content
    candidates = tuple(
        replace(each, ufrag=each.ufrag or transport.ufrag) for each in transport.candidates
    )
    return replace(content, transport=replace(transport, candidates=candidates))


def whole(description: Description) -> Description:
    """Return a description to which no part is added any more.

    What a bundle shares is said of each content, and candidates of another generation of ICE than
    the one in force are left out.
    """
    shared = description.with_shared_transport()
    return shared.with_contents(
        replace(each, transport=_of_one_generation(each.transport)) for each in shared.contents
    )


def address_of(candidate: Candidate) -> tuple[str, int, str, int]:
    """What tells a candidate from others of its content."""
    return candidate.ip, candidate.port, candidate.protocol, candidate.component


def _joined_application(
    earlier: Application | None, later: Application | None
) -> Application | None:
    if later is None:
        return earlier
    if not isinstance(earlier, Rtp) or not isinstance(later, Rtp) or earlier.kind != later.kind:
        return later
    said = {name: getattr(later, name) or getattr(earlier, name) for name in Rtp.__struct_fields__}
    return Rtp(**said)


def _joined_transport(earlier: Transport | None, later: Transport | None) -> Transport | None:
    if later is None:
        return earlier
    if not isinstance(earlier, IceTransport) or not isinstance(later, IceTransport):
        return later
    ufrag, pwd = earlier.ufrag, earlier.pwd
    if later.has_credentials or not earlier.has_credentials:
        same = None in (earlier.ufrag, later.ufrag) or earlier.ufrag == later.ufrag
        ufrag, pwd = later.ufrag or ufrag, later.pwd or (pwd if same else None)
    candidates = {address_of(each): each for each in (*earlier.candidates, *later.candidates)}
    if len(candidates) > limits.CANDIDATES:
        raise too_much(f"more than {limits.CANDIDATES} candidates of one content")
    return IceTransport(
        ufrag=ufrag,
        pwd=pwd,
        candidates=tuple(candidates.values()),
        gathering_complete=later.gathering_complete
        or (earlier.gathering_complete and earlier.ufrag in (None, ufrag)),
        fingerprints=later.fingerprints or earlier.fingerprints,
        setup=later.setup or earlier.setup,
        association=later.association or earlier.association,
    )


def _of_one_generation(transport: Transport | None) -> Transport | None:
    if not isinstance(transport, IceTransport):
        return transport
    return replace(
        transport,
        candidates=tuple(
            replace(each, ufrag=None)
            for each in transport.candidates
            if each.ufrag in (None, transport.ufrag)
        ),
    )

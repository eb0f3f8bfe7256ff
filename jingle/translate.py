"""SDP to Jingle and back: the two functions that most users need."""

from xml.etree.ElementTree import Element

from . import namespaces as ns
from .errors import LocalProtocolError, RemoteProtocolError, bad_request
from .model.content_names import names_of, to_mid, to_name
from .model.description import Description
from .model.offer_answer_fit import answer_for_jingle, answer_for_sdp, complete, offer_for_sdp
from .model.replace import replace
from .model.role import Role
from .model.transport import IceTransport
from .sdp.reader import read_sdp
from .sdp.writer import write_sdp
from .session.state import Action
from .xml.reader import read_contents
from .xml.writer import write_jingle

_TRANSPORT_ONLY = {Action.TRANSPORT_INFO, Action.TRANSPORT_REPLACE, Action.TRANSPORT_ACCEPT}
_WITH_CONTENTS = _TRANSPORT_ONLY | {
    Action.SESSION_INITIATE,
    Action.SESSION_ACCEPT,
    Action.CONTENT_ADD,
    Action.CONTENT_ACCEPT,
    Action.DESCRIPTION_INFO,
}


def to_jingle(
    sdp: str,
    *,
    role: Role,
    sid: str,
    action: str,
    initiator: str | None = None,
    responder: str | None = None,
    offer: str | None = None,
) -> Element:
    """Write a session description as Jingle (XEP-0166, 0167, 0176, 0293, 0294, 0320, 0338, 0339).

    Args:
        sdp: Our session description.
        role: Who wrote it.
        sid: The session id.
        action: session-initiate, session-accept, content-add, content-accept, description-info,
            or, without descriptions, transport-info, transport-replace, transport-accept.
        initiator: Full JID for the attribute; None leaves the attribute out.
        responder: Full JID for the attribute; None leaves the attribute out.
        offer: The other side's description, if this one answers it. It decides the names and
            creators of the contents, and which groups may be named.

    Returns:
        The ``<jingle/>`` element. Contents with port 0 are left out.

    Raises:
        LocalProtocolError: If ``sdp`` or ``offer`` can't be read or the action has no contents.
    """
    if action not in _WITH_CONTENTS:
        raise LocalProtocolError(f"{action!r} carries no session description")
    description = read_sdp(sdp, role)
    if offer is None:
        description = description.renamed(names_of(description.names()))
        description = description.with_contents(
            each for each in description.contents if not each.rejected
        )
    else:
        description = answer_for_jingle(description, read_sdp(offer, role.other))
        description = description.renamed({name: to_name(name) for name in description.names()})
    if action in {Action.SESSION_INITIATE, Action.SESSION_ACCEPT}:
        own = [replace(each, creator=Role.INITIATOR) for each in description.contents]
        description = description.with_contents(own)
    if action in _TRANSPORT_ONLY:
        bare = [replace(each, application=None) for each in description.contents]
        description = Description(tuple(bare))
    elif action == Action.DESCRIPTION_INFO:
        bare = [replace(each, transport=None) for each in description.contents]
        description = Description(tuple(bare))
    return write_jingle(action, sid, description, initiator=initiator, responder=responder)


def to_sdp(jingle: Element, *, role: Role, offer: str | None = None) -> str:
    """Write a peer's ``<jingle/>`` as a session description that aiortc accepts.

    Args:
        jingle: The element, with whole contents, as in session-initiate, session-accept or
            content-add.
        role: Who wrote it.
        offer: Our description, if this one answers it. It decides the order of the m-lines and
            their mids. What the peer left out becomes an m-line with port 0.

    Returns:
        SDP. Candidates that aiortc can't use (TCP, component 2, mDNS, peer-reflexive) are left out.

    Raises:
        RemoteProtocolError: bad-request or policy-violation for what is malformed or too much,
            feature-not-implemented if no content can be carried.
        LocalProtocolError: If ``offer`` can't be read.
    """
    if jingle.tag != f"{{{ns.JINGLE}}}jingle":
        raise bad_request("this is no <jingle/> of XEP-0166")
    description = complete(read_contents(jingle))
    for each in description.contents:
        if isinstance(each.transport, IceTransport) and not each.transport.is_well_formed:
            raise bad_request("<fingerprint/> is not the hash that it says")
    if offer is None:
        description = offer_for_sdp(description)
        if not description.contents:
            raise RemoteProtocolError("feature-not-implemented", "no content can be carried")
        description = description.renamed({name: to_mid(name) for name in description.names()})
    else:
        offered = read_sdp(offer, role.other)
        mids = {name: mid for mid, name in names_of(offered.names()).items()}
        answered = description.with_shared_transport().renamed(mids)
        description = answer_for_sdp(answered, offered)
    return write_sdp(description, role)

"""How an offer and its answer fit together (RFC 3264, RFC 8829 §5, RFC 8843).

SDP and Jingle differ here: an SDP answer repeats every m-line of the offer in order, the refused
ones with port 0; a Jingle answer names only what is accepted.
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

from ..errors import bad_request
from .application import Application, Rtp, UnknownApplication
from .content import Content
from .description import Description, Group
from .reason import Reason
from .replace import replace
from .role import Senders
from .transport import IceTransport, Transport


def answer_for_sdp(answer: Description, offer: Description) -> Description:
    """Make an answer of Jingle whole: every m-line of the offer, in its order, with its mid.

    Args:
        answer: Contents that are accepted, named as in the offer.
        offer: What is answered.

    Raises:
        RemoteProtocolError: bad-request if the answer accepts what was not offered, or nothing.
    """
    contents = []
    for each in answer.contents:
        offered = offer.find(each.name)
        if offered is None:
            raise bad_request("a content was accepted that was not offered")
        if each.supported and each.kind != offered.kind:
            raise bad_request("a content was accepted with another kind of media than offered")
        contents.append(_settled(each, offered))
    settled = answer.with_contents(contents)
    groups = _offered_groups(settled, offer, beside=("BUNDLE",))
    return fit(replace(settled, groups=groups), offer.contents)


def fit(description: Description, lines: Sequence[Content]) -> Description:
    """Add the m-lines that SDP has already seen to a description, refused if they lack a content.

    aiortc connects a refused content only if its line stands inside the bundle, after an accepted
    one, with that one's ICE credentials, fingerprint and setup.

    Args:
        description: The contents that there are.
        lines: A content for each m-line, in order; it shows what a refused line looks like.

    Raises:
        RemoteProtocolError: bad-request if no content is left.
    """
    accepted = {
        each.name: each for each in description.contents if each.supported and not each.rejected
    }
    bundle = [name for name in description.bundle if name in accepted]
    primary = next(iter(bundle or [each.name for each in lines if each.name in accepted]), None)
    if primary is None:
        raise bad_request("no content is left that both sides accept")
    shared = accepted[primary].transport
    contents = tuple(
        accepted.get(each.name) or _refused(each, shared) for each in lines if each.supported
    )
    refused = [each.name for each in contents if each.rejected]
    groups = [each for each in description.groups if each.semantics != "BUNDLE"]
    if bundle or refused:
        groups.insert(0, Group("BUNDLE", (*(bundle or [primary]), *refused)))
    return Description(contents, tuple(groups))


def _settled(content: Content, offered: Content) -> Content:
    """Return an accepted content, with its setup decided and its senders among those offered."""
    transport = content.transport
    if isinstance(transport, IceTransport) and transport.setup not in {"active", "passive"}:
        # RFC 5763 §5: who answers is to be active; actpass in an answer says as little as nothing.
        transport = replace(transport, setup="active")
    return replace(content, transport=transport, senders=content.senders & offered.senders)


def _offered_groups(
    answer: Description, offer: Description, beside: Sequence[str] = ()
) -> tuple[Group, ...]:
    """What an answer groups of what was grouped in the offer (RFC 5888 §8.4).

    Args:
        answer: With the same names as the offer.
        offer: What is answered.
        beside: Semantics of groups that are kept as they are.
    """
    groups = []
    for group in answer.groups:
        if group.semantics in beside:
            groups.append(group)
            continue
        for offered in offer.groups:
            members = tuple(name for name in group.names if name in offered.names)
            if offered.semantics == group.semantics and members:
                groups.append(Group(group.semantics, members))
    return tuple(groups)


def _refused(offered: Content, shared: Transport | None) -> Content:
    transport = offered.transport
    if isinstance(shared, IceTransport):
        association = transport.association if isinstance(transport, IceTransport) else None
        transport = replace(
            shared, candidates=(), gathering_complete=False, association=association
        )
    return replace(offered, transport=transport, senders=Senders.NONE, rejected=True)


def answer_for_jingle(answer: Description, offer: Description) -> Description:
    """An answer of SDP as Jingle says it: what is accepted only, groups only if they were offered.

    Args:
        answer: With the same names as the offer.
        offer: What is answered; its creators are kept.
    """
    contents = []
    for each in answer.contents:
        offered = offer.find(each.name)
        if offered is not None and not each.rejected:
            application = _answered(each.application, offered.application)
            contents.append(replace(each, creator=offered.creator, application=application))
    answered = answer.with_contents(contents)
    return replace(answered, groups=_offered_groups(answered, offer))


def _answered(application: Application | None, offered: Application | None) -> Application | None:
    """The same where nobody is to send a header extension who was not offered to (RFC 8285 §6).

    aiortc forgets who sends an extension, and answers as if both might.
    """
    if not isinstance(application, Rtp) or not isinstance(offered, Rtp):
        return application
    known = {(each.id, each.uri): each.senders for each in offered.header_extensions}
    extensions = (
        replace(each, senders=known.get((each.id, each.uri), Senders.BOTH))
        if each.senders is Senders.BOTH
        else each
        for each in application.header_extensions
    )
    return replace(application, header_extensions=tuple(extensions))


def offer_for_sdp(offer: Description) -> Description:
    """Return a Jingle offer as SDP can say it: only contents that can be carried, with a setup."""
    contents = []
    for each in offer.with_shared_transport().contents:
        if each.supported:
            transport = each.transport
            if (
                isinstance(transport, IceTransport)
                and transport.fingerprints
                and transport.setup is None
            ):
                each = replace(each, transport=replace(transport, setup="actpass"))  # noqa: PLW2901
            contents.append(each)
    return offer.with_contents(contents)


def supported_only(description: Description) -> Description:
    """Return the same without the contents that can't be carried."""
    return description.with_contents(each for each in description.contents if each.supported)


def taken_only(answer: Description) -> Description:
    """Return an answer without the contents that it refuses, if it takes any.

    SDP refuses with port 0 (RFC 3264 §6). What converters make of that is a content in which nobody
    sends, outside of the bundle, and with nothing on its transport.
    """
    taken = [
        each
        for each in answer.contents
        if each.senders is not Senders.NONE
        or each.transport != IceTransport()
        or each.name in answer.bundle
    ]
    return answer.with_contents(taken) if taken else answer


def complete(description: Description) -> Description:
    """Return the contents that say what is carried and how (XEP-0166 §7.3).

    Raises:
        RemoteProtocolError: bad-request if there is none.
    """
    if not description.contents:
        raise bad_request("there is no <content/>")
    found = [each for each in description.contents if each.application and each.transport]
    if not found:
        raise bad_request("a content lacks its <description/> or its <transport/>")
    return description.with_contents(found)


class Objection(Struct, frozen=True):
    """Why a well-formed content can't be carried (XEP-0166 §6.4, §7.4).

    Attributes:
        reason: As Jingle has it.
        text: A sentence.
        lacking: Only something is missing that may come in a further stanza.
    """

    reason: Reason
    text: str
    lacking: bool = False

    @property
    def foreign(self) -> bool:
        """Whether the content is simply of another kind than ours."""
        return self.reason in (Reason.UNSUPPORTED_APPLICATIONS, Reason.UNSUPPORTED_TRANSPORTS)


def objections(description: Description) -> dict[str, Objection]:
    """Why contents can't be carried, by their names; those that can are not in it."""
    found = {each.name: _objection(each) for each in description.with_shared_transport().contents}
    return {name: objection for name, objection in found.items() if objection is not None}


def foremost(found: Collection[Objection]) -> Objection:
    """Return the objection that tells the peer most."""
    return max(found, key=lambda each: (*_RANKS, each.reason).index(each.reason))


_RANKS = (Reason.UNSUPPORTED_APPLICATIONS, Reason.UNSUPPORTED_TRANSPORTS)


def _objection(content: Content) -> Objection | None:
    application, transport = content.application, content.transport
    if isinstance(application, UnknownApplication):
        text = "only audio, video and data channels are supported"
        return Objection(Reason.UNSUPPORTED_APPLICATIONS, text)
    if not isinstance(transport, IceTransport):
        return Objection(Reason.UNSUPPORTED_TRANSPORTS, "only ICE-UDP (XEP-0176) is supported")
    if not transport.is_secured:
        lacking = not transport.fingerprints
        return Objection(Reason.SECURITY_ERROR, _insecurity(transport), lacking)
    if not transport.has_credentials:
        return Objection(Reason.FAILED_TRANSPORT, "ICE needs ufrag and pwd", lacking=True)
    if isinstance(application, Rtp) and not application.rtcp_mux:
        return Objection(Reason.INCOMPATIBLE_PARAMETERS, "rtcp-mux is needed (RFC 5761)")
    if not content.supported:
        lacking = isinstance(application, Rtp) and not application.codecs
        text = "there is no payload type that can be used"
        return Objection(Reason.INCOMPATIBLE_PARAMETERS, text, lacking)
    return None


def _insecurity(transport: IceTransport) -> str:
    if transport.is_well_formed:
        return "a DTLS fingerprint with sha-256 is needed (XEP-0320)"
    return "a DTLS fingerprint is not the hash that it says (RFC 8122)"

"""Jingle's XML in, description out: the one way in for ``<content/>``.

A stranger wrote the XML. So every attribute is read through `attributes`, and every list has a
bound. What can't be read in a list is left out: a candidate, a payload type, a content. It is a
`RemoteProtocolError` if nothing is left that a call needs. Feedback, header extensions, sources and
the like are not needed.
"""

from collections import Counter
from collections.abc import Collection
from xml.etree.ElementTree import Element

from .. import namespaces as ns
from ..errors import bad_request
from ..model import limits
from ..model.application import Application, DataChannelApplication, UnknownApplication
from ..model.content import Content
from ..model.description import Description, Group
from ..model.reason import Reason
from ..model.replace import replace
from ..model.role import Role, Senders
from ..model.transport import IceTransport, Transport
from .attributes import children, cut, readable, required, some, text_of, token
from .rtp_reader import read_rtp
from .transport_reader import read_transport

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
    told = _split(element, "transport")
    transport = None if told is None else read_transport(told[1], told[0])
    return Content(
        name=required(element, "name", limits.IDENTIFIER),
        creator=Role(creator),
        senders=Senders(senders),
        application=_read_application(element, transport),
        transport=transport,
    )


def _split(element: Element, name: str) -> tuple[str, Element] | None:
    """Return the one child of a local name in whatever namespace, and that namespace."""
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
    rtp = read_rtp(description, "audio" if kind == "audio" else "video")
    # That RTP and RTCP share a port is said of the transport by some (XEP-0167 §4 has it here).
    muxed = element.find(f"{{{ns.ICE_UDP}}}transport/{{{ns.ICE_UDP}}}rtcp-mux") is not None
    return replace(rtp, rtcp_mux=rtp.rtcp_mux or muxed)


def read_reason(jingle: Element) -> tuple[Reason | None, str, str | None]:
    """Read the ``<reason/>`` within an element (XEP-0166 §7.4).

    Returns:
        The reason, None if there is none that is defined; the text for people; and the session to
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

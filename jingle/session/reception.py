"""What each of the fifteen actions means when the peer sends it (XEP-0166 §7.2).

A handler takes the agreement and the ``<jingle/>``, and returns the new agreement and the events.
The tables of `state` have already decided that the action is allowed.
"""

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from .. import namespaces as ns
from ..errors import bad_request, out_of_order, tie_break_error, too_much, unsupported_info
from ..model import limits
from ..model.content import Content
from ..model.content_names import to_mid
from ..model.description import Description, Group
from ..model.info import Info
from ..model.offer_answer_fit import (
    Objection,
    complete,
    foremost,
    objections,
    offer_for_sdp,
    supported_only,
    taken_only,
)
from ..model.partial_descriptions import marked, whole
from ..model.reason import Reason
from ..model.replace import replace
from ..model.role import Role, Senders
from ..model.transport import IceTransport
from ..xml.attributes import some, text_of
from ..xml.reader import read_contents, read_groups, read_names, read_reason
from . import event
from .agreement import Agreement
from .event import Event
from .state import Action

_USELESS = Objection(Reason.FAILED_APPLICATION, "the content can't be read, or not be carried")

Result = tuple[Agreement, list[Event]]
_INFOS = {f"{{{ns.RTP_INFO}}}{each.value}": each for each in Info}
_DTMF = f"{{{ns.DTMF}}}dtmf"
_KEYS = frozenset("0123456789*#ABCD")


def _session_initiate(agreement: Agreement, jingle: Element) -> Result:
    offer = complete(read_contents(jingle))
    offer = offer.with_contents(marked(each) for each in offer.contents)
    mids = {each.name: to_mid(each.name) for each in offer.contents}
    # What can't be read is there all the same: the peer may go on to speak of it.
    ignored = frozenset(read_names(jingle)) - mids.keys()
    return judge_offer(replace(agreement, mids=mids, ignored=ignored, offer=offer), wait=True)


def judge_offer(agreement: Agreement, *, wait: bool) -> Result:
    """Take the offer that the peer has made, without the contents that can't be carried.

    Args:
        agreement: Has the offer, with all parts that have come.
        wait: Whether what it lacks may still come.
    """
    if agreement.offer is None or not agreement.offer.contents:
        return replace(agreement, offer=None), []
    offer = whole(agreement.offer)
    found = objections(offer)
    taken = offer_for_sdp(offer.with_contents(e for e in offer.contents if e.name not in found))
    lacking = wait and any(each.lacking for each in found.values())
    if lacking or not taken.contents:
        foreign = {name for name, each in found.items() if each.foreign}
        media = tuple(each.kind for each in offer.contents if each.name not in foreign)
        first = foremost(found.values())
        refusal = event.Unacceptable(first.reason, first.text, lacking=lacking, media=media)
        return (agreement if lacking else replace(agreement, offer=None, mids={})), [refusal]
    names = taken.names()
    agreement = replace(
        agreement,
        remote=taken,
        mids={name: mid for name, mid in agreement.mids.items() if name in names},
        ignored=agreement.ignored | (frozenset(offer.names()) - frozenset(names)),
        offer=None,
    )
    return agreement, [
        event.Initiated(agreement.remote_offer(), tuple(e.kind for e in taken.contents))
    ]


def _session_accept(agreement: Agreement, jingle: Element) -> Result:
    told = read_contents(jingle)
    if any(name not in agreement.open for name in told.names()):
        raise bad_request("a content was accepted that was not offered")
    agreement, answer = agreement.releasing(told)
    taken = taken_only(answer)
    answer = whole(complete(taken))
    refused = _refusal(answer)
    if refused is not None:
        return agreement, [refused]
    agreement = replace(agreement, remote=supported_only(answer))
    events: list[Event] = [event.Accepted(agreement.remote_answer())]
    # What is accepted in a way of no use would be waited for if the peer were not told.
    settled = {
        *agreement.remote.names(),
        *(name for name in told.names() if taken.find(name) is None),
    }
    left = tuple(
        name for name in read_names(jingle) if name in agreement.open and name not in settled
    )
    if left:
        events.append(event.Unacceptable(_USELESS.reason, _USELESS.text, contents=left))
    return agreement, events


def _refusal(description: Description) -> event.Unacceptable | None:
    """Why accepted contents can't be carried; foreign ones count only if there are no others."""
    found = objections(description)
    wrong = [each for each in found.values() if not each.foreign]
    if not wrong and len(found) < len(description.contents):
        return None
    first = foremost(wrong or found.values())
    return event.Unacceptable(first.reason, first.text)


def _session_info(agreement: Agreement, jingle: Element) -> Result:
    known = [child for child in jingle if child.tag in _INFOS or child.tag == _DTMF]
    if len(known) > limits.CONTENTS:
        raise too_much("too many payloads in one session-info")
    events = some(_read_info, known)
    if len(jingle) and not events:
        raise unsupported_info("this session-info is not understood")
    # A key that is let go: earlier versions of XEP-0181 said so, and it tells us nothing.
    return agreement, [each for each in events if each is not None]


def _read_info(element: Element) -> Event | None:
    if element.tag == _DTMF:
        return _read_dtmf(element)
    content = text_of(element, "name", limits.IDENTIFIER)
    return event.InfoReceived(_INFOS[element.tag], content or None)


def _read_dtmf(element: Element) -> Event | None:
    """Read a key that is pressed (XEP-0181); it has no duration that anybody could need."""
    code = element.get("code", "").upper()
    if element.get("action") == "button-up":
        return None
    if code not in _KEYS:
        raise unsupported_info("this is no key")
    return event.DtmfReceived(code)


def _security_info(agreement: Agreement, jingle: Element) -> Result:
    parts = [
        each
        for each in read_contents(jingle).contents
        if isinstance(each.transport, IceTransport) and each.transport.fingerprints
    ]
    if not parts:
        raise unsupported_info("no security precondition is supported but DTLS (XEP-0320)")
    return _parted(agreement, parts)


def _session_terminate(agreement: Agreement, jingle: Element) -> Result:
    return agreement, [event.Terminated(*read_reason(jingle))]


def _transport_info(agreement: Agreement, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    if not all(isinstance(each.transport, IceTransport) for each in agreement.known(contents)):
        raise bad_request("a transport-info without the <transport/> of its content")
    return _parted(agreement, [replace(each, application=None) for each in contents])


def _parted(agreement: Agreement, parts: Sequence[Content]) -> Result:
    """Take parts of contents, of which those may be that the peer has not described yet."""
    events: list[Event] = []
    for part in agreement.known(parts):
        if agreement.remote.find(part.name) is None:
            agreement = agreement.holding(part)
        elif isinstance(part.transport, IceTransport):
            agreement, more = agreement.following(part.name, part.transport)
            events += more
    return _reconsidered(agreement, events)


def _reconsidered(agreement: Agreement, events: list[Event]) -> Result:
    """Judge an offer anew that lacked something; that it still does has been told."""
    agreement, more = judge_offer(agreement, wait=True)
    told = [e for e in more if not (isinstance(e, event.Unacceptable) and e.lacking)]
    return agreement, events + told


def _transport_replace(agreement: Agreement, jingle: Element) -> Result:
    contents = agreement.known(read_contents(jingle).contents)
    if any(each.transport is None for each in contents):
        raise bad_request("a transport-replace without a <transport/>")
    return agreement, [event.TransportReplaced(tuple(each.name for each in contents))]


def _transport_answer(agreement: Agreement, jingle: Element) -> Result:
    raise out_of_order("no transport-replace is waiting for an answer")


def _content_add(agreement: Agreement, jingle: Element) -> Result:
    added = read_contents(jingle)
    names = read_names(jingle)
    added = complete(added)
    if any(name in agreement.mids for name in names):
        raise bad_request("there is already a content of that name")
    if len(agreement.mids) + len(names) > limits.CONTENTS:
        raise too_much(f"more than {limits.CONTENTS} contents")
    if agreement.offer is not None:
        raise out_of_order("the offer itself is not complete yet")
    if agreement.adding and agreement.role is Role.INITIATOR:
        raise tie_break_error()
    remote = agreement.adding_to(added, _groups(agreement, jingle, added))
    found = objections(remote)
    refused = tuple(name for name in names if name in found or added.find(name) is None)
    events: list[Event] = []
    if refused:
        known = [found[name] for name in refused if name in found]
        first = foremost(known) if known else _USELESS
        events.append(event.Unacceptable(first.reason, first.text, contents=refused))
    taken = tuple(name for name in added.names() if name not in refused)
    if not taken:
        return agreement, events
    remote = offer_for_sdp(
        remote.with_contents(e for e in remote.contents if e.name not in refused)
    )
    agreement = replace(
        agreement,
        remote=remote,
        mids={**agreement.mids, **{name: agreement.fresh_mid(name) for name in taken}},
        ignored=(agreement.ignored | frozenset(names)) - frozenset(taken),
        added=agreement.added | frozenset(taken),
    )
    kinds = tuple(each.kind for each in remote.contents if each.name in taken)
    return agreement, [*events, event.ContentAdded(taken, agreement.remote_offer(), kinds)]


def _groups(agreement: Agreement, jingle: Element, more: Description) -> tuple[Group, ...] | None:
    """Return the groups of all contents, the old ones too; None if the peer names none."""
    if jingle.find(f"{{{ns.GROUPING}}}group") is None:
        return None
    return read_groups(jingle, (*agreement.remote.names(), *more.names()))


def _content_accept(agreement: Agreement, jingle: Element) -> Result:
    accepted = read_contents(jingle)
    names = accepted.names()
    _check_waiting(agreement, names)
    agreement, accepted = agreement.releasing(accepted)
    accepted = complete(accepted)
    remote = agreement.adding_to(accepted, _groups(agreement, jingle, accepted))
    refused = _refusal(remote.with_contents(e for e in remote.contents if e.name in names))
    if refused is not None:
        return agreement, [refused]
    agreement = replace(
        agreement, remote=supported_only(remote), adding=agreement.adding - frozenset(names)
    )
    return agreement, [event.ContentAccepted(names, agreement.remote_answer())]


def _content_reject(agreement: Agreement, jingle: Element) -> Result:
    # Some name no content when they refuse: they mean what was added.
    names = read_contents(jingle).names() or tuple(
        name for name in agreement.mids if name in agreement.adding
    )
    pending = agreement.role is Role.INITIATOR and not agreement.remote.contents
    if pending and names and not agreement.adding.intersection(names):
        return _content_remove(agreement, jingle)  # some refuse a part of the offer in this way
    _check_waiting(agreement, names)
    reason, text, _ = read_reason(jingle)
    return agreement.without(names), [event.ContentRejected(names, reason, text)]


def _check_waiting(agreement: Agreement, names: Sequence[str]) -> None:
    if not names:
        raise bad_request("there is no <content/>")
    if not agreement.adding.issuperset(names):
        raise out_of_order("a content was answered that is not waiting for an answer")


def _content_remove(agreement: Agreement, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    agreement.known(contents)
    names = tuple(each.name for each in contents)
    reason, text, _ = read_reason(jingle)
    agreement = agreement.without(names)
    return _reconsidered(
        agreement, [event.ContentRemoved(names, reason, text, bool(agreement.open))]
    )


def _content_modify(agreement: Agreement, jingle: Element) -> Result:
    changed = []
    for each in agreement.known(read_contents(jingle).contents):
        known = agreement.remote.find(each.name)
        if known is not None:
            # What we send is for us to say: a change of ours may have crossed this one.
            sends = each.senders in (Senders.BOTH, agreement.role.other)
            senders = known.senders.with_party(agreement.role.other, sends)
            remote = agreement.remote.with_content(replace(known, senders=senders))
            agreement = replace(agreement, remote=remote)
            changed.append(each)
    return agreement, [
        event.ContentModified(each.name, each.senders, agreement.remote_offer()) for each in changed
    ]


def _description_info(agreement: Agreement, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    if any(each.application is None for each in agreement.known(contents)):
        raise bad_request("a description-info without a <description/>")
    events: list[Event] = [event.DescriptionReceived(each.name) for each in contents]
    agreement, more = _parted(agreement, [replace(each, transport=None) for each in contents])
    return agreement, events + more


HANDLERS: dict[Action, Callable[[Agreement, Element], Result]] = {
    Action.CONTENT_ACCEPT: _content_accept,
    Action.CONTENT_ADD: _content_add,
    Action.CONTENT_MODIFY: _content_modify,
    Action.CONTENT_REJECT: _content_reject,
    Action.CONTENT_REMOVE: _content_remove,
    Action.DESCRIPTION_INFO: _description_info,
    Action.SECURITY_INFO: _security_info,
    Action.SESSION_ACCEPT: _session_accept,
    Action.SESSION_INFO: _session_info,
    Action.SESSION_INITIATE: _session_initiate,
    Action.SESSION_TERMINATE: _session_terminate,
    Action.TRANSPORT_ACCEPT: _transport_answer,
    Action.TRANSPORT_INFO: _transport_info,
    Action.TRANSPORT_REJECT: _transport_answer,
    Action.TRANSPORT_REPLACE: _transport_replace,
}

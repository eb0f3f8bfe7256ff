"""What each of the fifteen actions means when the peer sends it (XEP-0166 §7.2).

A handler takes the book and the ``<jingle/>`` and gives the new book and the events. Whether the
action is allowed at all has been decided by the tables of `state`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from . import event, limits
from . import namespaces as ns
from .attributes import text_of
from .book import Book
from .errors import bad_request, out_of_order, tie_break_error, too_much, unsupported_info
from .event import Event
from .info import Info
from .naming import to_mid
from .negotiation import check_complete, objection, offer_for_sdp, supported_only, taken_only
from .role import Role, Senders
from .state import Action
from .transport import IceTransport
from .xml_reader import read_contents, read_groups, read_reason

Result = tuple[Book, list[Event]]


def _session_initiate(book: Book, jingle: Element) -> Result:
    offer = read_contents(jingle)
    check_complete(offer.contents)
    refused = objection(offer)
    if refused is not None:
        return book, [event.Unacceptable(*refused)]
    remote = offer_for_sdp(offer)
    names = remote.names()
    book = replace(
        book,
        remote=remote,
        mids={name: to_mid(name) for name in names},
        ignored=frozenset(offer.names()) - frozenset(names),
    )
    return book, [event.Initiated(book.remote_offer(), tuple(e.kind for e in remote.contents))]


def _session_accept(book: Book, jingle: Element) -> Result:
    answer = read_contents(jingle)
    check_complete(answer.contents)
    if any(name not in book.mids for name in answer.names()):
        raise bad_request("a content was accepted that was not offered")
    answer = taken_only(answer)
    refused = objection(answer)
    if refused is not None:
        return book, [event.Unacceptable(*refused)]
    remote = supported_only(answer.with_shared_transport())
    book = replace(book, remote=remote).releasing(remote.names())
    return book, [event.Accepted(book.remote_answer())]


def _session_info(book: Book, jingle: Element) -> Result:
    events: list[Event] = []
    for child in jingle:
        namespace, _, name = str(child.tag).rpartition("}")
        if namespace != "{" + ns.RTP_INFO or name not in set(Info):
            continue
        if len(events) >= limits.CONTENTS:
            raise too_much("too many payloads in one session-info")
        content = text_of(child, "name", limits.IDENTIFIER)
        events.append(event.InfoReceived(Info(name), content or None))
    if len(jingle) and not events:
        raise unsupported_info("this session-info is not understood")
    return book, events


def _security_info(book: Book, jingle: Element) -> Result:
    raise unsupported_info("no security precondition is supported but DTLS (XEP-0320)")


def _session_terminate(book: Book, jingle: Element) -> Result:
    return book, [event.Terminated(*read_reason(jingle))]


def _transport_info(book: Book, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    book.check_known(contents)
    events: list[Event] = []
    for content in contents:
        if content.name in book.ignored:
            continue
        update = content.transport
        if not isinstance(update, IceTransport):
            raise bad_request("a transport-info without the <transport/> of its content")
        if book.remote.find(content.name) is None:
            book = book.holding(content.name, update)
        else:
            book, more = book.following(content.name, update)
            events += more
    return book, events


def _transport_replace(book: Book, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    book.check_known(contents)
    if any(each.transport is None for each in contents):
        raise bad_request("a transport-replace without a <transport/>")
    return book, [event.TransportReplaced(tuple(each.name for each in contents))]


def _transport_answer(book: Book, jingle: Element) -> Result:
    raise out_of_order("no transport-replace is waiting for an answer")


def _content_add(book: Book, jingle: Element) -> Result:
    added = read_contents(jingle)
    check_complete(added.contents)
    names = added.names()
    if any(name in book.mids for name in names):
        raise bad_request("there is already a content of that name")
    if len(book.mids) + len(names) > limits.CONTENTS:
        raise too_much(f"more than {limits.CONTENTS} contents")
    if book.adding and book.role is Role.INITIATOR:
        raise tie_break_error()
    refused = objection(added)
    if refused is not None:
        return book, [event.Unacceptable(*refused, contents=names)]
    fresh = offer_for_sdp(added)
    remote = book.remote
    for content in fresh.contents:
        remote = remote.with_content(content)
    if jingle.find(f"{{{ns.GROUPING}}}group") is not None:  # it names the old contents too
        remote = replace(remote, groups=read_groups(jingle, remote.names()))
    book = replace(
        book,
        remote=remote,
        mids={**book.mids, **{name: book.fresh_mid(name) for name in fresh.names()}},
        ignored=(book.ignored | frozenset(names)) - frozenset(fresh.names()),
        added=book.added | frozenset(fresh.names()),
    )
    kinds = tuple(each.kind for each in fresh.contents)
    return book, [event.ContentAdded(fresh.names(), book.remote_offer(), kinds)]


def _content_accept(book: Book, jingle: Element) -> Result:
    accepted = read_contents(jingle)
    check_complete(accepted.contents)
    names = accepted.names()
    _check_waiting(book, names)
    refused = objection(accepted)
    if refused is not None:
        return book, [event.Unacceptable(*refused)]
    remote = book.remote
    for content in accepted.contents:
        remote = remote.with_content(content)
    if jingle.find(f"{{{ns.GROUPING}}}group") is not None:
        remote = replace(remote, groups=read_groups(jingle, remote.names()))
    remote = supported_only(remote.with_shared_transport())
    book = replace(book, remote=remote, adding=book.adding - frozenset(names)).releasing(names)
    return book, [event.ContentAccepted(names, book.remote_answer())]


def _content_reject(book: Book, jingle: Element) -> Result:
    # Some name no content when they refuse: they mean what was added.
    names = read_contents(jingle).names() or tuple(
        name for name in book.mids if name in book.adding
    )
    _check_waiting(book, names)
    reason, text, _ = read_reason(jingle)
    return book.without(names), [event.ContentRejected(names, reason, text)]


def _check_waiting(book: Book, names: Sequence[str]) -> None:
    if not names:
        raise bad_request("there is no <content/>")
    if not book.adding.issuperset(names):
        raise out_of_order("a content was answered that is not waiting for an answer")


def _content_remove(book: Book, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    book.check_known(contents)
    names = tuple(each.name for each in contents)
    reason, text, _ = read_reason(jingle)
    book = book.without(names)
    remaining = bool(book.remote.contents)
    return book, [event.ContentRemoved(names, reason, text, remaining)]


def _content_modify(book: Book, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    book.check_known(contents)
    changed = []
    for each in contents:
        known = book.remote.find(each.name)
        if known is not None:
            # What we send is for us to say: a change of ours may have crossed this one.
            sends = each.senders in (Senders.BOTH, book.role.other)
            senders = known.senders.with_party(book.role.other, sends)
            remote = book.remote.with_content(replace(known, senders=senders))
            book = replace(book, remote=remote)
            changed.append(each)
    return book, [
        event.ContentModified(each.name, each.senders, book.remote_offer()) for each in changed
    ]


def _description_info(book: Book, jingle: Element) -> Result:
    contents = read_contents(jingle).contents
    book.check_known(contents)
    if any(each.application is None for each in contents):
        raise bad_request("a description-info without a <description/>")
    return book, [event.DescriptionReceived(each.name) for each in contents]


HANDLERS: dict[Action, Callable[[Book, Element], Result]] = {
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

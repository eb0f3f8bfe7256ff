"""One Jingle session, sans-IO: elements in, events out; requests in, elements out (XEP-0166).

The tables of `state` say what is allowed; a table of handlers says what each action means. Nothing
here knows of sockets, tasks or time: acknowledging IQs, deadlines and media are the caller's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element, SubElement

from . import event, limits
from . import namespaces as ns
from .attributes import text_of
from .candidate import Candidate
from .content import Content
from .description import Description
from .errors import (
    LocalProtocolError,
    RemoteProtocolError,
    bad_request,
    out_of_order,
    tie_break_error,
    too_much,
    unknown_session,
    unsupported_info,
)
from .event import Event
from .info import Info
from .naming import names_of, to_mid
from .negotiation import (
    answer_for_jingle,
    answer_for_sdp,
    check_complete,
    fit,
    objection,
    offer_for_sdp,
)
from .reason import Reason
from .role import Role, Senders
from .sdp_reader import read_sdp
from .sdp_writer import write_sdp
from .state import Action, State, following
from .transport import IceTransport
from .xml_reader import read_contents, read_groups, read_reason
from .xml_writer import write_jingle, write_reason


@dataclass(frozen=True, slots=True)
class _Book:
    """What both parties have said. Immutable, so that a refused stanza leaves no trace.

    Attributes:
        local: our contents, by their names in Jingle.
        remote: the peer's contents.
        mids: the mid of each content, in the order of the m-lines.
        ignored: contents of the peer's offer that we can't carry.
        adding: contents that we added and that the peer has not answered yet.
        added: contents that the peer added and that we have not answered yet.
        held: transport-info for contents that the peer has not described yet.
    """

    local: Description = field(default_factory=Description)
    remote: Description = field(default_factory=Description)
    mids: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    adding: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    held: tuple[tuple[str, IceTransport], ...] = ()


class Session:
    """A session as one party sees it.

    Args:
        role: our part.
        sid: session id.
        initiator: full JID of who started it.
        responder: full JID of the other.

    Attributes:
        role: our part.
        sid: session id.
        initiator: full JID.
        responder: full JID.
        state: see `State`.
    """

    def __init__(self, role: Role, sid: str, *, initiator: str, responder: str) -> None:
        self.role = role
        self.sid = sid
        self.initiator = initiator
        self.responder = responder
        self.state = State.NULL
        self._book = _Book()
        self._handlers: dict[Action, Callable[[Element], list[Event]]] = {
            Action.CONTENT_ACCEPT: self._on_content_accept,
            Action.CONTENT_ADD: self._on_content_add,
            Action.CONTENT_MODIFY: self._on_content_modify,
            Action.CONTENT_REJECT: self._on_content_reject,
            Action.CONTENT_REMOVE: self._on_content_remove,
            Action.DESCRIPTION_INFO: self._on_description_info,
            Action.SECURITY_INFO: self._on_security_info,
            Action.SESSION_ACCEPT: self._on_session_accept,
            Action.SESSION_INFO: self._on_session_info,
            Action.SESSION_INITIATE: self._on_session_initiate,
            Action.SESSION_TERMINATE: self._on_session_terminate,
            Action.TRANSPORT_ACCEPT: self._on_transport_answer,
            Action.TRANSPORT_INFO: self._on_transport_info,
            Action.TRANSPORT_REJECT: self._on_transport_answer,
            Action.TRANSPORT_REPLACE: self._on_transport_replace,
        }

    @property
    def remote_description(self) -> str | None:
        """The peer's SDP as known now, for setRemoteDescription; None before there is one."""
        return self._remote_sdp(answering=self.role is Role.INITIATOR)

    def mid(self, content: str) -> str | None:
        """The mid of a content in the descriptions, None if there is no such content."""
        return self._book.mids.get(content)

    # What the peer sends

    def receive(self, jingle: Element) -> list[Event]:
        """Take a ``<jingle/>`` that the peer sent.

        Args:
            jingle: the element of an IQ of type set. Acknowledge it with a result if this returns.

        Returns:
            what happened, in order; empty for a ping.

        Raises:
            RemoteProtocolError: the IQ is to be answered with it; the session is as it was.
        """
        if jingle.tag != f"{{{ns.JINGLE}}}jingle":
            raise bad_request("this is no <jingle/> of XEP-0166")
        sid = text_of(jingle, "sid", limits.IDENTIFIER)
        if not sid:
            raise bad_request("<jingle/> lacks the attribute 'sid'")
        name = text_of(jingle, "action")
        if name not in set(Action):
            raise bad_request("the action of <jingle/> is missing or none of XEP-0166 §7.2")
        action = Action(name)
        if sid != self.sid or self.state is State.ENDED:
            raise unknown_session(sid)
        state = following(self.state, action, self.role.other)
        if state is None:
            if self.state is State.NULL and action is not Action.SESSION_INITIATE:
                raise unknown_session(sid)
            raise out_of_order(f"{action.value} is not allowed while the session is {self.state}")
        before = self._book
        try:
            events = self._handlers[action](jingle)
        except RemoteProtocolError:
            self._book = before
            raise
        self.state = state
        return events

    def _on_session_initiate(self, jingle: Element) -> list[Event]:
        offer = read_contents(jingle)
        check_complete(offer.contents)
        refused = objection(offer)
        if refused is not None:
            return [event.Unacceptable(*refused)]
        remote = offer_for_sdp(offer)
        names = remote.names()
        self._book = replace(
            self._book,
            remote=remote,
            mids={name: to_mid(name) for name in names},
            ignored=frozenset(offer.names()) - frozenset(names),
        )
        kinds = tuple(each.kind for each in remote.contents)
        return [event.Initiated(self._offer(), kinds)]

    def _on_session_accept(self, jingle: Element) -> list[Event]:
        answer = read_contents(jingle)
        check_complete(answer.contents)
        if any(name not in self._book.mids for name in answer.names()):
            raise bad_request("a content was accepted that was not offered")
        refused = objection(answer)
        if refused is not None:
            return [event.Unacceptable(*refused)]
        self._book = replace(self._book, remote=answer.with_shared_transport())
        self._release(answer.names())
        return [event.Accepted(self._answer())]

    def _on_session_info(self, jingle: Element) -> list[Event]:
        events: list[Event] = []
        for child in jingle:
            namespace, _, name = str(child.tag).rpartition("}")
            if namespace != "{" + ns.RTP_INFO or name not in set(Info):
                raise unsupported_info("this session-info is not understood")
            if len(events) >= limits.CONTENTS:
                raise too_much("too many payloads in one session-info")
            content = text_of(child, "name", limits.IDENTIFIER)
            events.append(event.InfoReceived(Info(name), content or None))
        return events

    def _on_security_info(self, jingle: Element) -> list[Event]:
        raise unsupported_info("no security precondition is supported but DTLS (XEP-0320)")

    def _on_session_terminate(self, jingle: Element) -> list[Event]:
        reason, text, alternative = read_reason(jingle)
        return [event.Terminated(reason, text, alternative)]

    def _on_transport_info(self, jingle: Element) -> list[Event]:
        events: list[Event] = []
        for content in self._named(jingle):
            if content.name in self._book.ignored:
                continue
            update = content.transport
            if not isinstance(update, IceTransport):
                raise bad_request("a transport-info without the <transport/> of its content")
            known = self._book.remote.find(content.name)
            if known is None:
                self._hold(content.name, update)
            else:
                events += self._update_transport(known, update)
        return events

    def _on_transport_replace(self, jingle: Element) -> list[Event]:
        contents = self._named(jingle)
        if any(each.transport is None for each in contents):
            raise bad_request("a transport-replace without a <transport/>")
        return [event.TransportReplaced(tuple(each.name for each in contents))]

    def _on_transport_answer(self, jingle: Element) -> list[Event]:
        raise out_of_order("no transport-replace is waiting for an answer")

    def _on_content_add(self, jingle: Element) -> list[Event]:
        book = self._book
        added = read_contents(jingle)
        check_complete(added.contents)
        names = added.names()
        if any(name in book.mids or to_mid(name) in book.mids.values() for name in names):
            raise bad_request("there is already a content of that name")
        if len(book.mids) + len(names) > limits.CONTENTS:
            raise too_much(f"more than {limits.CONTENTS} contents")
        if book.adding and self.role is Role.INITIATOR:
            raise tie_break_error()
        refused = objection(added)
        if refused is not None:
            return [event.Unacceptable(*refused, contents=names)]
        fresh = offer_for_sdp(added)
        remote = book.remote
        for content in fresh.contents:
            remote = remote.with_content(content)
        if added.groups:  # the new bundle names the old contents too, which are no <content/> here
            remote = replace(remote, groups=read_groups(jingle, remote.names()))
        self._book = replace(
            book,
            remote=remote,
            mids={**book.mids, **{name: to_mid(name) for name in fresh.names()}},
            ignored=book.ignored | (frozenset(names) - frozenset(fresh.names())),
            added=book.added | frozenset(fresh.names()),
        )
        kinds = tuple(each.kind for each in fresh.contents)
        return [event.ContentAdded(fresh.names(), self._offer(), kinds)]

    def _on_content_accept(self, jingle: Element) -> list[Event]:
        accepted = read_contents(jingle)
        check_complete(accepted.contents)
        names = accepted.names()
        self._answered(names)
        refused = objection(accepted)
        if refused is not None:
            return [event.Unacceptable(*refused, contents=names)]
        remote = self._book.remote
        for content in accepted.contents:
            remote = remote.with_content(content)
        if accepted.groups:
            remote = replace(remote, groups=read_groups(jingle, remote.names()))
        self._book = replace(
            self._book,
            remote=remote.with_shared_transport(),
            adding=self._book.adding - frozenset(names),
        )
        self._release(names)
        return [event.ContentAccepted(names, self._answer())]

    def _on_content_reject(self, jingle: Element) -> list[Event]:
        names = read_contents(jingle).names()
        self._answered(names)
        self._drop(names)
        reason, text, _ = read_reason(jingle)
        return [event.ContentRejected(names, reason, text)]

    def _on_content_remove(self, jingle: Element) -> list[Event]:
        names = tuple(each.name for each in self._named(jingle))
        reason, text, _ = read_reason(jingle)
        self._drop(names)
        remaining = bool(self._book.remote.contents)
        return [event.ContentRemoved(names, reason, text, remaining)]

    def _on_content_modify(self, jingle: Element) -> list[Event]:
        contents = self._named(jingle)
        remote = self._book.remote
        changed = []
        for each in contents:
            known = remote.find(each.name)
            if known is None:
                continue
            remote = remote.with_content(replace(known, senders=each.senders))
            changed.append(each)
        self._book = replace(self._book, remote=remote)
        return [event.ContentModified(each.name, each.senders, self._offer()) for each in changed]

    def _on_description_info(self, jingle: Element) -> list[Event]:
        contents = self._named(jingle)
        if any(each.application is None for each in contents):
            raise bad_request("a description-info without a <description/>")
        return [event.DescriptionReceived(each.name) for each in contents]

    # What the handlers share

    def _named(self, jingle: Element) -> tuple[Content, ...]:
        """The contents that an action names: some, and all of them known."""
        contents = read_contents(jingle).contents
        if not contents:
            raise bad_request("there is no <content/>")
        for each in contents:
            if each.name not in self._book.mids and each.name not in self._book.ignored:
                raise bad_request("a content is named that is not in the session")
        return contents

    def _answered(self, names: Sequence[str]) -> None:
        if not names:
            raise bad_request("there is no <content/>")
        if not self._book.adding.issuperset(names):
            raise out_of_order("a content was answered that is not waiting for an answer")

    def _drop(self, names: Iterable[str]) -> None:
        """Forget contents: their m-lines stay, refused, where an SDP has shown them."""
        gone = frozenset(names)
        book = self._book
        self._book = replace(
            book,
            remote=book.remote.with_contents(
                each for each in book.remote.contents if each.name not in gone
            ),
            mids={
                name: mid
                for name, mid in book.mids.items()
                if name not in gone or book.local.find(name) is not None
            },
            adding=book.adding - gone,
            added=book.added - gone,
            ignored=book.ignored | gone,
            held=tuple(each for each in book.held if each[0] not in gone),
        )

    def _hold(self, name: str, update: IceTransport) -> None:
        held = (*self._book.held, (name, update))
        if len(held) > limits.CANDIDATES * limits.CONTENTS or (
            sum(len(each.candidates) for owner, each in held if owner == name) > limits.CANDIDATES
        ):
            raise too_much(f"more than {limits.CANDIDATES} candidates before the description")
        self._book = replace(self._book, held=held)

    def _release(self, names: Iterable[str]) -> None:
        """Merge what was held for contents into the description that has now come."""
        wanted = frozenset(names)
        held = self._book.held
        self._book = replace(self._book, held=tuple(each for each in held if each[0] not in wanted))
        for name, update in held:
            known = self._book.remote.find(name)
            if name in wanted and known is not None:
                # What came earlier than the credentials in force can't be a restart of them.
                self._update_transport(known, replace(update, pwd=None))

    def _update_transport(self, known: Content, update: IceTransport) -> list[Event]:
        """Follow a transport-info for a content that the peer has described."""
        current = known.transport
        if not isinstance(current, IceTransport):
            return []
        restarted = (
            update.ufrag is not None
            and update.pwd is not None
            and (update.ufrag, update.pwd) != (current.ufrag, current.pwd)
        )
        if restarted:
            current = replace(
                current,
                ufrag=update.ufrag,
                pwd=update.pwd,
                candidates=(),
                gathering_complete=False,
            )
        elif update.ufrag is not None and update.ufrag != current.ufrag:
            return []  # a candidate of another generation of ICE than the one in force
        seen = {(each.ip, each.port, each.protocol, each.component) for each in current.candidates}
        fresh = tuple(
            each
            for each in update.candidates
            if (each.ip, each.port, each.protocol, each.component) not in seen
        )
        if len(current.candidates) + len(fresh) > limits.CANDIDATES:
            raise too_much(f"more than {limits.CANDIDATES} candidates of one content")
        transport = replace(
            current,
            candidates=current.candidates + fresh,
            gathering_complete=current.gathering_complete or update.gathering_complete,
        )
        remote = self._book.remote.with_content(replace(known, transport=transport))
        self._book = replace(self._book, remote=remote)
        return self._transport_events(known.name, transport, fresh, restarted, update)

    def _transport_events(
        self,
        name: str,
        transport: IceTransport,
        fresh: tuple[Candidate, ...],
        restarted: bool,
        update: IceTransport,
    ) -> list[Event]:
        mid = self._book.mids.get(name, to_mid(name))
        events: list[Event] = []
        if restarted:
            events.append(
                event.IceRestarted(
                    name, mid, transport.ufrag or "", transport.pwd or "", self._offer()
                )
            )
        usable = tuple(
            replace(each, sdp_mid=mid, ufrag=transport.ufrag) for each in fresh if each.usable
        )
        if usable:
            events.append(event.CandidatesReceived(name, usable))
        if update.gathering_complete:
            events.append(event.GatheringComplete(name))
        return events

    def _remote_sdp(self, *, answering: bool) -> str | None:
        """The peer's SDP, with the m-lines that ours and earlier ones have.

        Args:
            answering: as an answer to our last offer, else as an offer of the peer's.
        """
        book = self._book
        if not book.remote.contents:
            return None
        lines = [
            content
            for name in book.mids
            if name not in book.adding
            and (content := book.local.find(name) or book.remote.find(name)) is not None
        ]
        if answering:
            description = answer_for_sdp(book.remote, Description(tuple(lines)))
        else:
            description = fit(offer_for_sdp(book.remote), lines)
        return write_sdp(description.renamed(book.mids), self.role.other)

    def _offer(self) -> str:
        sdp = self._remote_sdp(answering=False)
        if sdp is None:
            raise bad_request("no content is left")
        return sdp

    def _answer(self) -> str:
        sdp = self._remote_sdp(answering=True)
        if sdp is None:
            raise bad_request("nothing that was offered was accepted")
        return sdp

    # What we send

    def initiate(self, offer: str) -> Element:
        """Offer the session (XEP-0166 §6.1).

        Args:
            offer: our SDP, candidates included if they are gathered.

        Raises:
            LocalProtocolError: if we are not the initiator, have already done so, or the SDP has
                nothing to offer.
        """
        state = self._next(Action.SESSION_INITIATE)
        description = read_sdp(offer, self.role)
        description = description.with_contents(
            each for each in description.contents if not each.rejected
        )
        names = names_of(description.names())
        local = description.renamed(names)
        if not local.contents or not all(each.supported for each in local.contents):
            raise LocalProtocolError("the offer has a medium that Jingle can't carry, or none")
        self._book = replace(
            self._book, local=local, mids={name: mid for mid, name in names.items()}
        )
        self.state = state
        return self._jingle(Action.SESSION_INITIATE, local)

    def accept(self, answer: str) -> Element:
        """Accept the session (XEP-0166 §6.5).

        Args:
            answer: our SDP. ``<group/>`` is written only if the offer had one; sections with port
                0 are left out, which refuses them.

        Raises:
            LocalProtocolError: if there is no acceptable offer to accept.
        """
        state = self._next(Action.SESSION_ACCEPT)
        local = self._read_local(answer)
        accepted = answer_for_jingle(local, self._book.remote)
        if not accepted.contents:
            raise LocalProtocolError("the answer accepts nothing of the offer")
        self._book = replace(self._book, local=local)
        self.state = state
        return self._jingle(Action.SESSION_ACCEPT, accepted, responder=True)

    def info(self, info: Info, content: str | None = None) -> Element:
        """Tell a state of ours (XEP-0167 §7), of one content (name or mid) or of all."""
        self._next(Action.SESSION_INFO)
        jingle = self._jingle(Action.SESSION_INFO)
        child = SubElement(jingle, f"{{{ns.RTP_INFO}}}{info.value}")
        if content is not None:
            known = self._find_local(content)
            child.set("creator", known.creator.value)
            child.set("name", known.name)
        return jingle

    def candidates(
        self, content: str, candidates: Sequence[Candidate], *, complete: bool = False
    ) -> Element:
        """Trickle candidates of one content (XEP-0176 §5.6), with the credentials in force.

        Args:
            content: its name or its mid.
            candidates: may be empty.
            complete: no further ones will come.
        """
        self._next(Action.TRANSPORT_INFO)
        known = self._find_local(content)
        transport = known.transport
        if not isinstance(transport, IceTransport):
            raise LocalProtocolError(f"content {content!r} has no ICE")
        told = IceTransport(
            ufrag=transport.ufrag,
            pwd=transport.pwd,
            candidates=tuple(candidates),
            gathering_complete=complete,
        )
        return self._jingle(
            Action.TRANSPORT_INFO,
            Description((replace(known, application=None, transport=told),)),
        )

    def restart(self, sdp: str) -> list[Element]:
        """Tell new ICE credentials, one transport-info a content (XEP-0176 §5.7).

        Args:
            sdp: our description after the restart, candidates included.
        """
        self._next(Action.TRANSPORT_INFO)
        restarted = self._read_local(sdp)
        local = self._book.local
        elements = []
        for content in restarted.contents:
            known, transport = local.find(content.name), content.transport
            if known is None or content.rejected or not isinstance(transport, IceTransport):
                continue
            local = local.with_content(replace(known, transport=transport))
            told = replace(transport, fingerprints=(), setup=None, association=None)
            only = replace(known, application=None, transport=told)
            elements.append(self._jingle(Action.TRANSPORT_INFO, Description((only,))))
        self._book = replace(self._book, local=local)
        return elements

    def add_contents(self, offer: str) -> Element:
        """Offer further contents (XEP-0166 §7.2.2).

        Args:
            offer: our whole SDP; its new sections are offered.
        """
        self._next(Action.CONTENT_ADD)
        book = self._book
        description = read_sdp(offer, self.role)
        known = {mid: name for name, mid in book.mids.items()}
        fresh = names_of(mid for mid in description.names() if mid not in known)
        if not fresh:
            raise LocalProtocolError("the offer has no new section")
        if any(name in book.mids for name in fresh.values()):
            raise LocalProtocolError("the peer has a content of that name already")
        whole = description.renamed({**known, **fresh})
        names = frozenset(fresh.values())
        self._book = replace(
            book,
            local=whole,
            mids={**book.mids, **{name: mid for mid, name in fresh.items()}},
            adding=book.adding | names,
        )
        added = tuple(each for each in whole.contents if each.name in names)
        return self._jingle(Action.CONTENT_ADD, Description(added, whole.groups))

    def accept_contents(self, answer: str) -> Element:
        """Accept the contents that the peer added (XEP-0166 §7.2.1), with our whole SDP."""
        self._next(Action.CONTENT_ACCEPT)
        local = self._read_local(answer)
        accepted = answer_for_jingle(local, self._book.remote)
        contents = tuple(each for each in accepted.contents if each.name in self._book.added)
        if not contents:
            raise LocalProtocolError("no added content is accepted by the answer")
        self._book = replace(
            self._book,
            local=local,
            added=self._book.added - {each.name for each in contents},
        )
        return self._jingle(Action.CONTENT_ACCEPT, Description(contents, accepted.groups))

    def reject_contents(self, names: Sequence[str], reason: Reason, text: str = "") -> Element:
        """Refuse contents that the peer added (XEP-0166 §7.2.4)."""
        self._next(Action.CONTENT_REJECT)
        contents = self._bare(names)
        self._drop(names)
        return self._with_reason(Action.CONTENT_REJECT, contents, reason, text)

    def remove_contents(self, names: Sequence[str], reason: Reason, text: str = "") -> Element:
        """Take contents away (XEP-0166 §7.2.5)."""
        self._next(Action.CONTENT_REMOVE)
        contents = self._bare(names)
        self._drop(names)
        return self._with_reason(Action.CONTENT_REMOVE, contents, reason, text)

    def modify_content(self, name: str, senders: Senders) -> Element:
        """Change who sends a content (XEP-0166 §7.2.3); toggle only our own sending."""
        self._next(Action.CONTENT_MODIFY)
        known = replace(self._find_local(name), senders=senders)
        self._book = replace(self._book, local=self._book.local.with_content(known))
        bare = replace(known, application=None, transport=None)
        jingle = self._jingle(Action.CONTENT_MODIFY, Description((bare,)))
        jingle[0].set("senders", senders.value)
        return jingle

    def reject_transport(self, names: Sequence[str]) -> Element:
        """Refuse a transport-replace (XEP-0166 §7.2.14)."""
        self._next(Action.TRANSPORT_REJECT)
        return self._jingle(Action.TRANSPORT_REJECT, self._bare(names))

    def terminate(self, reason: Reason, text: str = "") -> Element:
        """End the session (XEP-0166 §6.7).

        Args:
            reason: why.
            text: a sentence for people, may be empty.

        Raises:
            LocalProtocolError: if it has ended or never begun.
        """
        self.state = self._next(Action.SESSION_TERMINATE)
        return self._with_reason(Action.SESSION_TERMINATE, None, reason, text)

    def _next(self, action: Action) -> State:
        state = following(self.state, action, self.role)
        if state is None:
            raise LocalProtocolError(
                f"the {self.role} can't send {action.value} while the session is {self.state}"
            )
        return state

    def _read_local(self, sdp: str) -> Description:
        names = {mid: name for name, mid in self._book.mids.items()}
        return read_sdp(sdp, self.role).renamed(names)

    def _find_local(self, content: str) -> Content:
        by_mid = {mid: name for name, mid in self._book.mids.items()}
        local = self._book.local
        found = local.find(content) or local.find(by_mid.get(content, content))
        if found is None:
            raise LocalProtocolError(f"there is no content {content!r} of ours")
        known = self._book.remote.find(found.name)
        return found if known is None else replace(found, creator=known.creator)

    def _bare(self, names: Sequence[str]) -> Description:
        found = []
        for name in names:
            known = self._book.remote.find(name) or self._book.local.find(name)
            found.append(Content(name, known.creator if known else self.role.other))
        return Description(tuple(found))

    def _with_reason(
        self, action: Action, description: Description | None, reason: Reason, text: str
    ) -> Element:
        jingle = self._jingle(action, description)
        write_reason(jingle, reason, text)
        return jingle

    def _jingle(
        self,
        action: Action,
        description: Description | None = None,
        *,
        responder: bool = False,
    ) -> Element:
        return write_jingle(
            action.value,
            self.sid,
            description,
            initiator=self.initiator,
            responder=self.responder if responder else None,
        )

"""One Jingle session, sans-IO: elements in, events out; requests in, elements out (XEP-0166).

The tables of `state` say what is allowed, those of `reception` what it means. Nothing here knows of
sockets, tasks or time: acknowledging IQs, deadlines and media are the caller's.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from .. import namespaces as ns
from ..errors import LocalProtocolError, bad_request, out_of_order, unknown_session
from ..model import limits
from ..model.candidate import Candidate
from ..model.content import Content
from ..model.description import Description
from ..model.info import Info
from ..model.naming import names_of
from ..model.negotiation import answer_for_jingle
from ..model.reason import Reason
from ..model.role import Role, Senders
from ..model.transport import IceTransport
from ..sdp.reader import read_sdp
from ..xml.attributes import text_of
from ..xml.writer import write_jingle, write_reason
from .agreement import Agreement, is_gone
from .event import Event
from .reception import HANDLERS, judge_offer
from .state import Action, State, following


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
        self._agreement = Agreement(role)

    @property
    def remote_description(self) -> str | None:
        """The peer's SDP as known now, for setRemoteDescription; None before there is one.

        It is the answer to our offer for the initiator, the peer's offer for the responder.
        """
        if not self._agreement.remote.contents:
            return None
        if self.role is Role.INITIATOR:
            return self._agreement.remote_answer()
        return self._agreement.remote_offer()

    def mid(self, content: str) -> str | None:
        """The mid of a content in the descriptions, None if there is no such content."""
        return self._agreement.mids.get(content)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media of the contents that are in the session, in the order of the m-lines.

        Before the peer has accepted, those are all that were offered.
        """
        described = self._agreement.remote.names()
        names = (name for name in self._agreement.open if name in described or not described)
        found = (self.kind_of(name) for name in names)
        return tuple(dict.fromkeys(kind for kind in found if kind is not None))

    def kind_of(self, content: str) -> str | None:
        """The kind of media of a content, None if there is no such content."""
        contents = (*self._agreement.local.contents, *self._agreement.remote.contents)
        return next((each.kind for each in contents if each.name == content), None)

    def content_of(self, kind: str) -> str | None:
        """The name of our first content of a kind of media, None if there is none."""
        contents = self._agreement.local.contents
        return next((e.name for e in contents if e.kind == kind and not is_gone(e.name)), None)

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
        self._agreement, events = HANDLERS[action](self._agreement, jingle)
        self.state = state
        return events

    def settle(self) -> list[Event]:
        """Wait no longer for what the peer's offer lacks: take the contents that are complete.

        Returns:
            `Initiated`, or `Unacceptable` if there is no such content; empty if nothing lacks.
        """
        self._agreement, events = judge_offer(self._agreement, wait=False)
        return events

    def initiate(self, offer: str, *, without: Collection[str] = ()) -> Element:
        """Offer the session (XEP-0166 §6.1).

        Args:
            offer: our SDP, candidates included if they are gathered.
            without: kinds (audio, video, application) that are not offered though the SDP has
                them, as the peer can't take them. To the SDP it is as if the peer refused them.

        Raises:
            LocalProtocolError: if we are not the initiator, have already done so, or there is
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
        told = local.with_contents(each for each in local.contents if each.kind not in without)
        if not told.contents:
            raise LocalProtocolError("the peer can take nothing of what is to be offered")
        agreement = replace(
            self._agreement, local=local, mids={name: mid for mid, name in names.items()}
        )
        self._agreement = agreement.without(set(local.names()) - set(told.names()))
        self.state = state
        return self._jingle(Action.SESSION_INITIATE, told)

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
        accepted = answer_for_jingle(local, self._agreement.remote)
        if not accepted.contents:
            raise LocalProtocolError("the answer accepts nothing of the offer")
        refused = set(self._agreement.remote.names()) - set(accepted.names())
        self._agreement = replace(self._agreement, local=local).without(refused)
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

    def restart(self, sdp: str, *, answer: bool) -> list[Element]:
        """Tell new ICE credentials (XEP-0176 §5.7).

        Contents that share them are told at once: clients that put them into a description need
        all of a bundle. ``<gathering-complete/>`` is left out: some take a transport-info with it
        for nothing else.

        Args:
            sdp: our description after the restart, candidates included.
            answer: the peer began. Else credentials come first, without candidates: that is what
                tells a restart from the answer to one.
        """
        self._next(Action.TRANSPORT_INFO)
        restarted = self._read_local(sdp)
        local = self._agreement.local
        together: dict[tuple[str | None, str | None], list[Content]] = {}
        trickled: list[tuple[str, Sequence[Candidate]]] = []
        for content in restarted.contents:
            known, transport = local.find(content.name), content.transport
            if known is None or content.rejected or is_gone(content.name):
                continue
            if not isinstance(transport, IceTransport) or _same_ice(transport, known.transport):
                continue  # without a bundle one transport restarts and others don't
            local = local.with_content(replace(known, transport=transport))
            told = IceTransport(ufrag=transport.ufrag, pwd=transport.pwd)
            if answer:
                told = replace(told, candidates=transport.candidates)
            elif transport.candidates:
                trickled.append((content.name, transport.candidates))
            bare = replace(self._find_local(content.name), application=None, transport=told)
            together.setdefault((transport.ufrag, transport.pwd), []).append(bare)
        self._agreement = replace(self._agreement, local=local)
        return [
            *(
                self._jingle(Action.TRANSPORT_INFO, Description(tuple(contents)))
                for contents in together.values()
            ),
            *(self.candidates(name, candidates) for name, candidates in trickled),
        ]

    def add_contents(self, offer: str) -> Element:
        """Offer further contents (XEP-0166 §7.2.2).

        Args:
            offer: our whole SDP; its new sections are offered.
        """
        self._next(Action.CONTENT_ADD)
        agreement = self._agreement
        description = read_sdp(offer, self.role)
        known = {mid: name for name, mid in agreement.mids.items()}
        fresh = names_of(mid for mid in description.names() if mid not in known)
        if not fresh:
            raise LocalProtocolError("the offer has no new section")
        if any(name in agreement.mids for name in fresh.values()):
            raise LocalProtocolError("the peer has a content of that name already")
        whole = description.renamed({**known, **fresh})
        names = frozenset(fresh.values())
        self._agreement = replace(
            agreement,
            local=whole,
            mids={**agreement.mids, **{name: mid for mid, name in fresh.items()}},
            adding=agreement.adding | names,
        )
        added = tuple(each for each in whole.contents if each.name in names)
        living = whole.with_contents(each for each in whole.contents if not is_gone(each.name))
        return self._jingle(Action.CONTENT_ADD, Description(added, living.groups))

    def accept_contents(self, answer: str) -> Element:
        """Accept the contents that the peer added (XEP-0166 §7.2.1), with our whole SDP."""
        self._next(Action.CONTENT_ACCEPT)
        local = self._read_local(answer)
        accepted = answer_for_jingle(local, self._agreement.remote)
        contents = tuple(each for each in accepted.contents if each.name in self._agreement.added)
        if not contents:
            raise LocalProtocolError("no added content is accepted by the answer")
        self._agreement = replace(
            self._agreement,
            local=local,
            added=self._agreement.added - {each.name for each in contents},
        )
        return self._jingle(Action.CONTENT_ACCEPT, Description(contents, accepted.groups))

    def reject_contents(self, names: Sequence[str], reason: Reason, text: str = "") -> Element:
        """Refuse contents that the peer added (XEP-0166 §7.2.4), or accepted in a way of no use.

        The latter are ours, and so they are removed.
        """
        self._next(Action.CONTENT_REJECT)
        agreement = self._agreement
        if names and all(name in agreement.mids and name not in agreement.added for name in names):
            return self.remove_contents(names, reason, text)
        contents = self._bare(names)
        self._agreement = self._agreement.without(names)
        return self._with_reason(Action.CONTENT_REJECT, contents, reason, text)

    def remove_contents(
        self, names: Sequence[str], reason: Reason, text: str = "", *, asks: bool = False
    ) -> Element:
        """Take contents away (XEP-0166 §7.2.5).

        Args:
            names: of the contents.
            reason: why.
            text: a sentence for people, may be empty.
            asks: they stay until `forget_contents` is called when the peer has acknowledged it:
                some clients know of no removal.
        """
        self._next(Action.CONTENT_REMOVE)
        contents = self._bare(names)
        if not asks:
            self.forget_contents(names)
        return self._with_reason(Action.CONTENT_REMOVE, contents, reason, text)

    def forget_contents(self, names: Sequence[str]) -> None:
        """Have contents gone: the peer has taken their removal, or will never answer for them."""
        self._agreement = self._agreement.without(names)

    @property
    def adding(self) -> tuple[str, ...]:
        """The names of the contents that we added and that the peer has yet to answer."""
        return tuple(name for name in self._agreement.mids if name in self._agreement.adding)

    def modify_content(self, content: str, *, sends: bool) -> Element:
        """Stop to send a content, or go on (XEP-0166 §7.2.3).

        Each side decides for itself alone: clients refuse what would have them send or not. What
        was negotiated stays, so that a peer which refuses this has changed nothing.

        Args:
            content: its name or its mid.
            sends: whether we send it from now on.
        """
        self._next(Action.CONTENT_MODIFY)
        known = self._find_local(content)
        told = self._agreement.remote.find(known.name)
        peers = Senders.BOTH if told is None else told.senders
        senders = peers.with_party(self.role, sends)
        bare = replace(known, senders=senders, application=None, transport=None)
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
        names = {mid: name for name, mid in self._agreement.mids.items()}
        return read_sdp(sdp, self.role).renamed(names)

    def _find_local(self, content: str) -> Content:
        by_mid = {mid: name for name, mid in self._agreement.mids.items()}
        local = self._agreement.local
        found = local.find(content) or local.find(by_mid.get(content, content))
        if found is None:
            raise LocalProtocolError(f"there is no content {content!r} of ours")
        known = self._agreement.remote.find(found.name)
        return found if known is None else replace(found, creator=known.creator)

    def _bare(self, names: Sequence[str]) -> Description:
        found = []
        for name in names:
            known = self._agreement.remote.find(name) or self._agreement.local.find(name)
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


def _same_ice(one: IceTransport, other: object) -> bool:
    if not isinstance(other, IceTransport):
        return False
    return (one.ufrag, one.pwd) == (other.ufrag, other.pwd)

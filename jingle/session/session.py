"""One Jingle session (XEP-0166), without I/O: elements in, events out; requests in, elements out.

`state` says what is allowed, `reception` what an action of the peer's means, `requests` what one of
ours does. Nothing here knows of sockets, tasks or time: the caller acknowledges IQs, keeps
deadlines and moves media.
"""

from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element, SubElement

from .. import namespaces as ns
from ..errors import LocalProtocolError, bad_request, out_of_order, unknown_session
from ..model import limits
from ..model.candidate import Candidate
from ..model.description import Description
from ..model.info import Info
from ..model.reason import Reason
from ..model.role import Role
from ..sdp.reader import read_sdp
from ..xml.attributes import text_of
from ..xml.writer import write_jingle, write_reason
from . import requests
from .agreement import Agreement, is_gone
from .event import Event
from .reception import HANDLERS, judge_offer
from .state import Action, SessionState, following


class Session:
    """A session as one party sees it.

    Args:
        role: Our role.
        sid: The session id.
        initiator: Full JID of the party that starts the session.
        responder: Full JID of the other party.

    Attributes:
        role: Our role.
        sid: The session id.
        initiator: Full JID.
        responder: Full JID.
        state: How far the session is (see `SessionState`).
    """

    def __init__(self, role: Role, sid: str, *, initiator: str, responder: str) -> None:
        self.role = role
        self.sid = sid
        self.initiator = initiator
        self.responder = responder
        self.state = SessionState.NULL
        self._agreement = Agreement(role)
        self._ahead: tuple[str, Agreement, Element] | None = None

    @property
    def remote_description(self) -> str | None:
        """The peer's SDP as it stands now, for setRemoteDescription; None before there is one.

        For the initiator it is the answer to our offer, for the responder the peer's offer.
        """
        if not self._agreement.remote.contents:
            return None
        if self.role is Role.INITIATOR:
            return self._agreement.remote_answer()
        return self._agreement.remote_offer()

    def mid(self, content: str) -> str | None:
        """Return the mid of a content (RFC 5888); None if there is no such content."""
        return self._agreement.mids.get(content)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media in the session, in the order of the m-lines.

        Until the peer accepts, these are all that were offered.
        """
        described = self._agreement.remote.names()
        names = (name for name in self._agreement.open if name in described or not described)
        found = (self.kind_of(name) for name in names)
        return tuple(dict.fromkeys(kind for kind in found if kind is not None))

    def kind_of(self, content: str) -> str | None:
        """Return the kind of media of a content; None if there is no such content."""
        contents = (*self._agreement.local.contents, *self._agreement.remote.contents)
        return next((each.kind for each in contents if each.name == content), None)

    def content_of(self, kind: str) -> str | None:
        """Return the name of our first content of a kind of media; None if there is none."""
        contents = self._agreement.local.contents
        return next((e.name for e in contents if e.kind == kind and not is_gone(e.name)), None)

    def receive(self, jingle: Element) -> list[Event]:
        """Take a ``<jingle/>`` that the peer sent.

        Args:
            jingle: The element in an IQ of type set. If this returns, acknowledge the IQ.

        Returns:
            What happened, in order; empty for a ping.

        Raises:
            RemoteProtocolError: Answer the IQ with it. The session is as it was.
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
        if sid != self.sid or self.state is SessionState.ENDED:
            raise unknown_session(sid)
        state = following(self.state, action, self.role.other)
        if state is None:
            if self.state is SessionState.NULL and action is not Action.SESSION_INITIATE:
                raise unknown_session(sid)
            raise out_of_order(f"{action.value} is not allowed while the session is {self.state}")
        self._agreement, events = HANDLERS[action](self._agreement, jingle)
        self.state = state
        return events

    def settle(self) -> list[Event]:
        """Stop waiting for what the peer's offer lacks, and take the contents that are complete.

        Returns:
            `Initiated`, or `Unacceptable` if no content is complete; empty if nothing was lacking.
        """
        self._agreement, events = judge_offer(self._agreement, wait=False)
        return events

    def prepare(self, offer: str) -> Element:
        """Write the session-initiate before the peer can be told it.

        Args:
            offer: As `initiate` will get it; it may get another one.

        Returns:
            What `initiate` will return, if it gets this offer and the peer can take all of it.

        Raises:
            LocalProtocolError: It is no SDP, or we have nothing to offer.
        """
        agreement, told = requests.initiate(self._agreement, read_sdp(offer, self.role), ())
        jingle = self._jingle(Action.SESSION_INITIATE, told)
        self._ahead = offer, agreement, jingle
        return jingle

    def initiate(self, offer: str, *, without: Collection[str] = ()) -> Element:
        """Offer the session (XEP-0166 §6.1).

        Args:
            offer: Our SDP, with the candidates that are gathered.
            without: Kinds (audio, video, application) that are in the SDP but are not offered,
                because the peer can't take them. For the SDP it is as if the peer refused them.

        Returns:
            The session-initiate.

        Raises:
            LocalProtocolError: We are not the initiator, have already offered, or have nothing to
                offer.
        """
        state = self._next(Action.SESSION_INITIATE)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == offer and not without:
            _, self._agreement, jingle = ahead
        else:
            description = read_sdp(offer, self.role)
            self._agreement, told = requests.initiate(self._agreement, description, without)
            jingle = self._jingle(Action.SESSION_INITIATE, told)
        self.state = state
        return jingle

    def accept(self, answer: str) -> Element:
        """Accept the session (XEP-0166 §6.5).

        Args:
            answer: Our SDP. Sections with port 0 are left out, which refuses them. ``<group/>`` is
                written only if the offer had one.

        Returns:
            The session-accept.

        Raises:
            LocalProtocolError: There is no offer that can be accepted.
        """
        state = self._next(Action.SESSION_ACCEPT)
        self._agreement, accepted = requests.accept(self._agreement, answer)
        self.state = state
        return self._jingle(Action.SESSION_ACCEPT, accepted, responder=True)

    def info(self, info: Info, content: str | None = None) -> Element:
        """Tell the peer our state, such as ringing or mute (XEP-0167 §7).

        Args:
            info: The state.
            content: Name or mid of the content that it is about; None for all.

        Returns:
            The session-info.
        """
        self._next(Action.SESSION_INFO)
        jingle = self._jingle(Action.SESSION_INFO)
        child = SubElement(jingle, f"{{{ns.RTP_INFO}}}{info.value}")
        if content is not None:
            known = requests.find_local(self._agreement, content)
            child.set("creator", known.creator.value)
            child.set("name", known.name)
        return jingle

    def candidates(
        self, content: str, candidates: Sequence[Candidate], *, complete: bool = False
    ) -> Element:
        """Trickle candidates of one content (XEP-0176 §5.6), with the credentials in force.

        Args:
            content: Its name or mid.
            candidates: May be empty.
            complete: Whether these are the last ones.

        Returns:
            The transport-info.
        """
        self._next(Action.TRANSPORT_INFO)
        told = requests.candidates(self._agreement, content, candidates, complete=complete)
        return self._jingle(Action.TRANSPORT_INFO, told)

    def restart(self, sdp: str, *, answer: bool) -> list[Element]:
        """Tell the peer new ICE credentials (XEP-0176 §5.7).

        Contents that share credentials go into one stanza: clients that put them into a
        description need all of a bundle. ``<gathering-complete/>`` is left out: some clients read
        nothing else of a transport-info that has it.

        Args:
            sdp: Our description after the restart, with candidates.
            answer: Whether the peer began the restart. If not, the credentials go first, without
                candidates: that tells a restart from the answer to one.

        Returns:
            One transport-info or more, to be sent in order.
        """
        self._next(Action.TRANSPORT_INFO)
        self._agreement, told = requests.restart(self._agreement, sdp, answer=answer)
        return [self._jingle(Action.TRANSPORT_INFO, each) for each in told]

    def add_contents(self, offer: str) -> Element:
        """Offer further contents (XEP-0166 §7.2.2).

        Args:
            offer: Our whole SDP; its new sections are offered.

        Returns:
            The content-add.

        Raises:
            LocalProtocolError: There is no new section, or the peer has used its name.
        """
        self._next(Action.CONTENT_ADD)
        self._agreement, added = requests.add_contents(self._agreement, offer)
        return self._jingle(Action.CONTENT_ADD, added)

    def accept_contents(self, answer: str) -> Element:
        """Accept the contents that the peer added (XEP-0166 §7.2.1).

        Args:
            answer: Our whole SDP.

        Returns:
            The content-accept.

        Raises:
            LocalProtocolError: The answer accepts none of them.
        """
        self._next(Action.CONTENT_ACCEPT)
        self._agreement, accepted = requests.accept_contents(self._agreement, answer)
        return self._jingle(Action.CONTENT_ACCEPT, accepted)

    def reject_contents(self, names: Sequence[str], reason: Reason, text: str = "") -> Element:
        """Refuse contents that the peer added (XEP-0166 §7.2.4).

        Contents of ours that the peer accepted in a way that is of no use are removed instead.

        Args:
            names: Of the contents.
            reason: Why.
            text: A sentence for people; may be empty.

        Returns:
            The content-reject, or the content-remove.
        """
        self._next(Action.CONTENT_REJECT)
        known = self._agreement
        if names and all(name in known.mids and name not in known.added for name in names):
            return self.remove_contents(names, reason, text)
        self._agreement = known.without(names)
        contents = requests.named(known, names)
        return self._with_reason(Action.CONTENT_REJECT, contents, reason, text)

    def remove_contents(
        self, names: Sequence[str], reason: Reason, text: str = "", *, asks: bool = False
    ) -> Element:
        """Take contents out of the session (XEP-0166 §7.2.5).

        Args:
            names: Of the contents.
            reason: Why.
            text: A sentence for people; may be empty.
            asks: Keep the contents until the peer has acknowledged it, since some clients do not
                support removal. Then call `forget_contents`.

        Returns:
            The content-remove.
        """
        self._next(Action.CONTENT_REMOVE)
        contents = requests.named(self._agreement, names)
        if not asks:
            self.forget_contents(names)
        return self._with_reason(Action.CONTENT_REMOVE, contents, reason, text)

    def forget_contents(self, names: Sequence[str]) -> None:
        """Forget contents: the peer has taken their removal, or will never answer for them.

        Args:
            names: Of the contents.
        """
        self._agreement = self._agreement.without(names)

    @property
    def adding(self) -> tuple[str, ...]:
        """The names of contents that we added and the peer has not answered."""
        return tuple(name for name in self._agreement.mids if name in self._agreement.adding)

    def modify_content(self, content: str, *, sends: bool) -> Element:
        """Stop sending a content, or resume (XEP-0166 §7.2.3).

        Each side decides only for itself: clients refuse to be told whether they send. What was
        negotiated stays, so a peer that refuses this has changed nothing.

        Args:
            content: Its name or mid.
            sends: Whether we send it from now on.

        Returns:
            The content-modify.
        """
        self._next(Action.CONTENT_MODIFY)
        modified = requests.modified(self._agreement, content, sends=sends)
        jingle = self._jingle(Action.CONTENT_MODIFY, Description((modified,)))
        jingle[0].set("senders", modified.senders.value)
        return jingle

    def reject_transport(self, names: Sequence[str]) -> Element:
        """Refuse a transport-replace (XEP-0166 §7.2.14).

        Args:
            names: Of the contents whose transports it would replace.

        Returns:
            The transport-reject.
        """
        self._next(Action.TRANSPORT_REJECT)
        return self._jingle(Action.TRANSPORT_REJECT, requests.named(self._agreement, names))

    def terminate(self, reason: Reason, text: str = "") -> Element:
        """End the session (XEP-0166 §6.7).

        Args:
            reason: Why.
            text: A sentence for people; may be empty.

        Returns:
            The session-terminate.

        Raises:
            LocalProtocolError: The session has ended or has never begun.
        """
        self.state = self._next(Action.SESSION_TERMINATE)
        return self._with_reason(Action.SESSION_TERMINATE, None, reason, text)

    def _next(self, action: Action) -> SessionState:
        state = following(self.state, action, self.role)
        if state is None:
            raise LocalProtocolError(
                f"the {self.role} can't send {action.value} while the session is {self.state}"
            )
        return state

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

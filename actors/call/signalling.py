"""How one call is said to the peer: call messages before there is a session, Jingle within it."""

import logging
from collections.abc import Collection, Sequence
from typing import Literal
from xml.etree.ElementTree import Element

from ...config.jid import bare, is_full
from ...jingle import (
    Accept,
    CallMessage,
    Event,
    Finish,
    Info,
    LocalProtocolError,
    Proceed,
    Propose,
    Reason,
    Reject,
    RemoteProtocolError,
    Retract,
    Ringing,
    Role,
    Session,
    State,
    unknown_session,
)
from ..context import LastWord
from ..messages.account import AccountRef, ReplyIq
from ..messages.call import JingleReceived
from ..messages.conversation import (
    ConversationRef,
    SendCallMessage,
    SendJingle,
)
from ..xmpp.stanza import call_message, iq_set

log = logging.getLogger(__name__)

#: What peers are told beside the reason. What our own record says in its place may have names in it
#: that mean nothing to them, or that are not for them: of bots, settings, files, servers.
WORDS = {
    Reason.BUSY: "too many calls at once",
    Reason.CONNECTIVITY_ERROR: "no way was found for the media",
    Reason.FAILED_TRANSPORT: "no way was found for the media",
    Reason.GENERAL_ERROR: "something went wrong on this side",
    Reason.MEDIA_ERROR: "something went wrong on this side",
    Reason.SECURITY_ERROR: "the media could not be secured",
    Reason.TIMEOUT: "it took too long",
}

ADDITION = "content-add"
"""By which the peer's acknowledgement of what we add is recognised."""

RESTART = "restart"
"""By which the peer's acknowledgement of our new ICE credentials and candidates is recognised."""


class Signalling:
    """One call's words.

    It keeps the session and knows at which stage the call is, so that each thing is said in the
    way that the stage asks for. Everything goes through the conversation.

    Args:
        session: the Jingle session.
        peer: the peer's JID; a proposal may go to the bare one.
        message: whether XEP-0353 is used.
        conversation: sends what is said.
        account: answers the peer's IQs.
        last_word: sends what is said when the conversation has ended.

    Attributes:
        peer: the peer's JID; full from the peer's ``proceed`` on.
        message: whether XEP-0353 is used.
        proceeded: whether a session-initiate may come now, from us or from the peer.
    """

    def __init__(
        self,
        session: Session,
        peer: str,
        *,
        message: bool,
        conversation: ConversationRef,
        account: AccountRef,
        last_word: LastWord,
    ) -> None:
        self._session = session
        self._conversation = conversation
        self._account = account
        self._last_word = last_word
        self.peer = peer
        self.message = message
        self.proceeded = not message
        self._modified = 0

    @property
    def sid(self) -> str:
        """The session's id."""
        return self._session.sid

    @property
    def outgoing(self) -> bool:
        """Whether we called."""
        return self._session.role is Role.INITIATOR

    @property
    def direction(self) -> Literal["in", "out"]:
        """Who called."""
        return "out" if self.outgoing else "in"

    @property
    def peer_role(self) -> Role:
        """The peer's part in the session."""
        return self._session.role.other

    @property
    def own(self) -> str:
        """Our bare JID."""
        session = self._session
        return bare(session.initiator if self.outgoing else session.responder)

    # -- before the session (XEP-0353) -------------------------------------------------------------

    def propose(self, media: tuple[str, ...]) -> None:
        """Ask all of the peer's devices to ring."""
        self._say(Propose(self.sid, media))

    def ring(self) -> None:
        """Tell the caller that we ring."""
        if self.message:
            self._say(Ringing(self.sid))
        else:
            self.inform(Info.RINGING)

    def proceed(self) -> None:
        """Take the call on this device, and let our other ones stop to ring."""
        self.proceeded = True
        self._say(Proceed(self.sid))
        self._say(Accept(self.sid), self.own)

    def proceeds(self, sender: str) -> bool:
        """Take note that a device of the peer's takes the call; tell whether it is the first."""
        if self.proceeded:
            return False
        self.proceeded, self.peer = True, sender
        self._session.responder = sender
        return True

    def bounced(self, sender: str) -> bool:
        """Tell whether an error in the place of an answer is one to our proposal."""
        waits = self.outgoing and self.message and not self.proceeded
        called = sender == self.peer if is_full(self.peer) else sender == bare(self.peer)
        return waits and called

    def _say(self, message: CallMessage, to: str | None = None) -> None:
        to = to or self.peer
        if not self._conversation.post(SendCallMessage(to, message)):
            self._last_word(call_message(to, message))

    # -- within the session (XEP-0166) -------------------------------------------------------------

    def receive(self, message: JingleReceived) -> list[Event]:
        """Take the peer's IQ and answer it; return what happened."""
        try:
            if message.sender != self.peer:
                raise unknown_session(self.sid)
            events = self._session.receive(message.jingle)
        except RemoteProtocolError as error:
            self._account.post(ReplyIq(message.sender, message.iq, error.to_element()))
            return []
        self._account.post(ReplyIq(message.sender, message.iq))
        return events

    def settle(self) -> list[Event]:
        """Wait no longer for what the peer's offer lacks; return what happened."""
        return self._session.settle()

    def initiate(self, sdp: str, *, without: Collection[str] = ()) -> None:
        """Send our offer, without the kinds of content that the peer can't take.

        Raises:
            LocalProtocolError: it can take nothing of it.
        """
        self._send(self._session.initiate(sdp, without=without), "initiate")

    def accept(self, sdp: str) -> None:
        """Send our answer."""
        self._send(self._session.accept(sdp), "accept")

    def inform(self, info: Info, kind: str | None = None) -> None:
        """Tell a state of ours (XEP-0167 §7), of one kind of media or of all."""
        content = None if kind is None else self._session.content_of(kind)
        try:
            self._send(self._session.info(info, content), "info")
        except LocalProtocolError:
            log.debug("%s: too early or too late for %s", self.sid, info)

    def kinds_of(self, content: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """Return the kind of a content's media; all kinds if no content was named."""
        if content is None:
            return otherwise
        kind = self._session.kind_of(content)
        return () if kind is None else (kind,)

    def accept_contents(self, sdp: str) -> None:
        """Take contents that the peer adds, with our whole description."""
        self._send(self._session.accept_contents(sdp), "content-accept")

    def add_contents(self, sdp: str) -> None:
        """Add contents, with our whole description."""
        self._send(self._session.add_contents(sdp), ADDITION)

    def remove(self, kind: str, token: str) -> bool:
        """Ask to take a kind of media away; tell whether there is any.

        Args:
            kind: of media.
            token: what the answer is recognised by; `removed` is called if it is a result.
        """
        content = self._session.content_of(kind)
        if content is None:
            return False
        removal = self._session.remove_contents((content,), Reason.SUCCESS, asks=True)
        self._send(removal, token)
        return True

    def removed(self, kind: str) -> None:
        """The peer has taken the removal of a kind of media."""
        content = self._session.content_of(kind)
        if content is not None:
            self._session.forget_contents((content,))

    def take_back_addition(self, *, tell: bool) -> None:
        """Do without the contents that we added and that the peer does not take.

        Args:
            tell: the peer has not answered, so it is told.
        """
        names = self._session.adding
        if not names or self._session.state is not State.ACTIVE:
            return
        if tell:
            removal = self._session.remove_contents(names, Reason.TIMEOUT)
            self._send(removal, "content-remove")
        else:
            self._session.forget_contents(names)

    def modify(self, kind: str, *, sends: bool) -> str:
        """Tell whether we send a kind of media; return what the answer is recognised by.

        Raises:
            ValueError: there is none of this kind.
        """
        content = self._session.content_of(kind)
        if content is None:
            raise ValueError(f"the call has no {kind}")
        self._modified += 1
        token = f"content-modify {self._modified}"
        self._send(self._session.modify_content(content, sends=sends), token)
        return token

    def restart(self, sdp: str, *, answer: bool) -> None:
        """Tell our new ICE credentials and candidates, of our own accord or in answer.

        What is said in order is taken in order: the answer to the last stanza is one to them all.
        """
        elements = self._session.restart(sdp, answer=answer)
        for element in elements:
            token = RESTART if element is elements[-1] else "transport-info"
            self._send(element, token)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media that the session has now."""
        return self._session.kinds

    def refuse_contents(
        self,
        contents: Sequence[str],
        reason: Reason = Reason.UNSUPPORTED_APPLICATIONS,
        text: str = "",
    ) -> None:
        """Do not take contents that the peer adds."""
        refusal = self._session.reject_contents(contents, reason, text)
        self._send(refusal, "content-reject")

    def refuse_transport(self, contents: Sequence[str]) -> None:
        """Do not change to another transport."""
        refusal = self._session.reject_transport(contents)
        self._send(refusal, "transport-reject")

    def goodbye(self, reason: Reason, told: str = "") -> None:
        """End the call in the way that its stage asks for.

        Args:
            reason: why.
            told: a sentence on what the peer said; left out, what is told to everybody.
        """
        if self._session.state in (State.PENDING, State.ACTIVE):
            terminate = self._session.terminate(reason, told or WORDS.get(reason, ""))
            self._send(terminate, "terminate")
            if self.message:
                self._say(Finish(self.sid, reason))
        elif self.message:
            tie_break = reason is Reason.EXPIRED
            kind = Retract if self.outgoing else Reject
            self._say(kind(self.sid, reason, tie_break))
            if self.proceeded:  # once a call is taken some wait for nothing but this (§3.7)
                self._say(Finish(self.sid, reason))

    def _send(self, jingle: Element, token: str) -> None:
        if not self._conversation.post(SendJingle(self.sid, self.peer, jingle, token)):
            self._last_word(iq_set(self.peer, jingle))

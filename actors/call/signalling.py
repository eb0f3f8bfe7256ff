"""How one call is said to the peer: call messages before there is a session, Jingle within it."""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Literal
from xml.etree.ElementTree import Element

from msgspec import Struct

from ...config.jid import bare, is_full
from ...jingle import (
    Accept,
    Action,
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
    SessionState,
    unknown_session,
)
from ..context import LastWord
from ..messages.account import ReplyIq
from ..messages.call import JingleReceived
from ..messages.conversation import CallAccepted, ConversationRef, SendCallMessage, SendJingle
from ..runtime.future import AsyncioFuture
from ..xmpp.events import IqAnswered
from ..xmpp.markup import Written
from ..xmpp.stanza import call_message, error_condition, iq, iq_reply, iq_set
from .trace import Trace

log = logging.getLogger(__name__)

#: What peers are told beside the reason. What our own record says in its place may have names in it
#: that mean nothing to them, or that are not for them: of bots, settings, files, servers.
WORDS = {
    Reason.BUSY: "too many calls at once",
    Reason.CONNECTIVITY_ERROR: "no way was found for the media",
    Reason.FAILED_TRANSPORT: "no way was found for the media",
    Reason.GENERAL_ERROR: "something went wrong here",
    Reason.MEDIA_ERROR: "something went wrong here",
    Reason.SECURITY_ERROR: "the media could not be secured",
    Reason.TIMEOUT: "it took too long",
}


class Acknowledgement(Struct, frozen=True):
    """What the peer answered to an IQ of ours.

    Attributes:
        came: whether it answered at all. Some clients leave IQs of unknown content unanswered.
        condition: of its error (RFC 6120 §8.3.3); None: it goes along, or no answer came.
    """

    came: bool
    condition: str | None = None

    def failure(self, what: str) -> str | None:
        """Say why the peer does not go along; None if it does.

        Args:
            what: the action that it was asked for.
        """
        if not self.came:
            return f"the peer did not answer the {what}"
        return None if self.condition is None else f"the peer did not take it: {self.condition}"


#: What is done when the peer has answered an IQ.
Then = Callable[[Acknowledgement], None]


class Signalling:
    """One call's words.

    It keeps the session. Everything that is said goes through the conversation: messages, IQs and
    the answers to the peer's IQs.

    Args:
        session: the Jingle session.
        peer: the peer's JID; a proposal may go to the bare one.
        message: whether XEP-0353 is used.
        conversation: sends what is said.
        last_word: sends what is said when the conversation has ended.
        trace: is given what is said and heard.

    Attributes:
        peer: the peer's JID; full once a device has taken the call.
        message: whether XEP-0353 is used.
    """

    def __init__(
        self,
        session: Session,
        peer: str,
        *,
        message: bool,
        conversation: ConversationRef,
        last_word: LastWord,
        trace: Trace,
    ) -> None:
        self._session = session
        self._trace = trace
        self._conversation = conversation
        self._last_word = last_word
        self._expected: dict[str, Then] = {}
        self._sent = 0
        self._said: AsyncioFuture[None] | None = None
        self._prepared: tuple[Element, Written] | None = None
        self.peer = peer
        self.message = message

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
        self._say(Proceed(self.sid))
        self._say(Accept(self.sid), self.own)

    def taken_by(self, device: str) -> None:
        """Note which of the peer's devices takes our call, by its full JID."""
        self.peer = self._session.responder = device

    def reaches(self, sender: str) -> bool:
        """Tell whether an error comes from whom our proposal went to."""
        return sender == self.peer if is_full(self.peer) else sender == bare(self.peer)

    def _say(self, message: CallMessage, to: str | None = None) -> None:
        to = to or self.peer
        if self._trace.is_on:
            ours = to == self.own
            of = "our other devices" if ours else ""
            self._trace.stanza("" if ours else "out", call_message(to, message), of)
        said: AsyncioFuture[None] = AsyncioFuture()
        self._said = said
        if not self._conversation.post(SendCallMessage(to, message, said)):
            self._last_word(call_message(to, message))
            said.set()

    # -- the session (XEP-0166) --------------------------------------------------------------------

    def receive(self, message: JingleReceived) -> list[Event]:
        """Take the peer's IQ and answer it; return what happened."""
        heard = iq("set", message.jingle, sender=message.sender, id=message.iq)
        self._trace.stanza("in", heard)
        action = message.jingle.get("action", "")
        try:
            if message.sender != self.peer:
                raise unknown_session(self.sid)
            events = self._session.receive(message.jingle)
        except RemoteProtocolError as error:
            self._reply(ReplyIq(message.sender, message.iq, error.to_element()), action)
            return []
        # Who has accepted waits for our checks of ICE, and those for nothing else that we do. That
        # an offer has come is said at once: the server handles that while we make our answer.
        at_leisure = action == Action.SESSION_ACCEPT
        self._reply(ReplyIq(message.sender, message.iq, at_leisure=at_leisure), action)
        return events

    def answered(self, message: IqAnswered) -> None:
        """Go on with the peer's answer to one of our IQs."""
        then = self._expected.pop(message.token, None)
        if then is None:
            return
        answer = message.answer
        refused = answer is not None and answer.get("type") == "error"
        condition = error_condition(answer) if answer is not None and refused else None
        then(Acknowledgement(answer is not None, condition))

    def heard_answer(self, message: IqAnswered) -> None:
        """Take note of the peer's answer to one of our IQs, also when the call is over."""
        of = message.token.partition(" ")[0]
        if message.answer is None:
            self._trace.note("stanza", f"no answer to {of}", "in")
        else:
            self._trace.stanza("in", message.answer, of)

    def settle(self) -> list[Event]:
        """Wait no longer for what the peer's offer lacks; return what happened."""
        return self._session.settle()

    def prepare(self, sdp: str) -> None:
        """Write our offer while the peer still rings; what is wrong with it shows in `initiate`."""
        with suppress(LocalProtocolError):
            jingle = self._session.prepare(sdp)
            self._prepared = jingle, Written(jingle)

    def initiate(self, sdp: str, then: Then, *, without: Collection[str] = ()) -> None:
        """Send our offer, without the kinds of content that the peer can't take.

        Raises:
            LocalProtocolError: it can take nothing of it.
        """
        jingle = self._session.initiate(sdp, without=without)
        prepared, self._prepared = self._prepared, None
        if prepared is not None and jingle is prepared[0]:
            jingle = prepared[1]
        self._send(jingle, then)

    def accept(self, sdp: str, then: Then) -> None:
        """Send our answer."""
        self._send(self._session.accept(sdp), then)

    def accepted(self) -> None:
        """The peer has accepted: let the conversation know, which decides ties."""
        self._conversation.post(CallAccepted(self.sid))

    def inform(self, info: Info, kind: str | None = None) -> bool:
        """Tell a state of ours (XEP-0167 §8); return whether the session can take it now.

        Args:
            info: the state.
            kind: of media that the session has; None: of all.
        """
        content = None if kind is None else self._session.content_of(kind)
        try:
            self._send(self._session.info(info, content))
        except LocalProtocolError:
            log.debug("%s: too early or too late for %s", self.sid, info)
            return False
        return True

    # -- its contents ------------------------------------------------------------------------------

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media that the session has now."""
        return self._session.kinds

    def kinds_of(self, content: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """Return the kind of a content's media; all kinds if no content was named."""
        if content is None:
            return otherwise
        kind = self._session.kind_of(content)
        return () if kind is None else (kind,)

    def accept_contents(self, sdp: str) -> None:
        """Take contents that the peer adds, with our whole description."""
        self._send(self._session.accept_contents(sdp))

    def refuse_contents(
        self,
        contents: Sequence[str],
        reason: Reason = Reason.UNSUPPORTED_APPLICATIONS,
        text: str = "",
    ) -> None:
        """Do not take contents that the peer adds."""
        self._send(self._session.reject_contents(contents, reason, text))

    def add_contents(self, sdp: str, then: Then) -> None:
        """Add contents, with our whole description."""
        self._send(self._session.add_contents(sdp), then)

    def take_back_addition(self, *, tell: bool) -> None:
        """Do without the contents that we added and that the peer does not take.

        Args:
            tell: the peer has not answered, so it is told.
        """
        names = self._session.adding
        if not names or self._session.state is not SessionState.ACTIVE:
            return
        if tell:
            self._send(self._session.remove_contents(names, Reason.TIMEOUT))
        else:
            self._session.forget_contents(names)

    def remove(self, kind: str, then: Then) -> bool:
        """Ask to take a kind of media away; tell whether there is any.

        Args:
            kind: of media.
            then: is to call `removed` if the peer goes along.
        """
        content = self._session.content_of(kind)
        if content is None:
            return False
        self._send(self._session.remove_contents((content,), Reason.SUCCESS, asks=True), then)
        return True

    def removed(self, kind: str) -> None:
        """The peer has taken the removal of a kind of media."""
        content = self._session.content_of(kind)
        if content is not None:
            self._session.forget_contents((content,))

    def modify(self, kind: str, then: Then, *, sends: bool) -> None:
        """Tell whether we send a kind of media.

        Raises:
            ValueError: there is none of this kind.
        """
        content = self._session.content_of(kind)
        if content is None:
            raise ValueError(f"the call has no {kind}")
        self._send(self._session.modify_content(content, sends=sends), then)

    # -- its transport -----------------------------------------------------------------------------

    def restart(self, sdp: str, then: Then, *, answer: bool) -> None:
        """Tell our new ICE credentials and candidates, of our own accord or in answer.

        What is said in order is taken in order: the answer to the last stanza is one to them all.
        """
        elements = self._session.restart(sdp, answer=answer)
        for element in elements:
            self._send(element, then if element is elements[-1] else None)

    def refuse_transport(self, contents: Sequence[str]) -> None:
        """Do not change to another transport."""
        self._send(self._session.reject_transport(contents))

    # -- the end -----------------------------------------------------------------------------------

    def goodbye(self, reason: Reason, told: str = "", *, taken: bool) -> None:
        """End the call in the way that its stage asks for.

        Args:
            reason: why.
            told: a sentence on what the peer said; left out, what is told to everybody.
            taken: a device has taken the call already, should there be no session yet.
        """
        if self._session.state in (SessionState.PENDING, SessionState.ACTIVE):
            self._send(self._session.terminate(reason, told or WORDS.get(reason, "")))
            if self.message:
                self._say(Finish(self.sid, reason))
        elif self.message:
            tie_break = reason is Reason.EXPIRED
            kind = Retract if self.outgoing else Reject
            self._say(kind(self.sid, reason, tie_break))
            if taken:  # then some wait for nothing but this (§3.7)
                self._say(Finish(self.sid, reason))

    # -- the way out -------------------------------------------------------------------------------

    async def said(self) -> None:
        """Return once the stream has what was said last, so that it does not wait for our work.

        While the stream is down it has that too, and keeps it.
        """
        if self._said is not None:
            await self._said

    def when_said(self, then: Callable[[], object]) -> None:
        """Call a function once the stream has what was said last, or at once if it has."""
        if self._said is None or self._said.done():
            then()
        else:
            self._said.add_done_callback(lambda _: then())

    def _send(self, jingle: Element, then: Then | None = None) -> None:
        self._sent += 1
        token = f"{jingle.get('action')} {self._sent}"
        self._trace.stanza("out", iq("set", jingle, to=self.peer))
        said: AsyncioFuture[None] = AsyncioFuture()
        self._said = said
        if not self._conversation.post(SendJingle(self.sid, self.peer, jingle, token, said)):
            self._last_word(iq_set(self.peer, jingle))
            said.set()
        elif then is not None:
            self._expected[token] = then

    def _reply(self, reply: ReplyIq, of: str) -> None:
        self._trace.stanza("out", iq_reply(reply.to, reply.id, reply.error), of)
        if not self._conversation.post(reply):
            self._last_word(iq_reply(reply.to, reply.id, reply.error))

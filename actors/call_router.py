"""Where the stanzas of one account's calls go: to a call, to a conversation, or back."""

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from ..config.jid import bare
from ..jingle import CallMessage, Propose, Reject, unknown_session
from . import messages
from .call_policy import refusal
from .call_rate import CallRate
from .call_routes import Routes
from .context import Context
from .conversations import Conversations
from .login_session import LoginSession
from .records.call_record import CallRecord
from .xmpp.incoming import Letter
from .xmpp.stanza import call_message, iq_reply, stanza_error

if TYPE_CHECKING:
    from .messages.call import JingleReceived

#: Seconds after which a proposal that the server kept for us is a missed call, not one that rings.
STALE = 30.0
#: Proposals and invites that are remembered, to know a copy by.
MAX_HEARD_LAST = 64


class CallRouter:
    """Routes what comes in for calls, a part of the account's actor.

    What is of a call that there is goes to the call (Jingle) or to its peer's conversation (call
    messages); a new call begins in the conversation, unless it is refused here already.

    Args:
        session: sends what is refused.
        context: what the account works with.
        routes: the account's calls.
        conversations: the account's conversations.

    Attributes:
        is_draining: the account takes no new calls.
    """

    __slots__ = (
        "_call_rate",
        "_context",
        "_conversations",
        "_heard_last",
        "_routes",
        "_session",
        "is_draining",
    )

    def __init__(
        self,
        session: LoginSession,
        context: Context,
        routes: Routes,
        conversations: Conversations,
    ) -> None:
        self.is_draining = False
        self._session = session
        self._context = context
        self._routes = routes
        self._conversations = conversations
        self._call_rate = CallRate(session.account_jid)
        # An empty deque would be 760 octets, which most accounts never need.
        self._heard_last: tuple[tuple[str, ...], ...] = ()

    def change(self, context: Context) -> None:
        """Follow another policy."""
        self._context = context

    def drain(self) -> None:
        """Take no new calls."""
        self.is_draining = True

    # -- Jingle (XEP-0166) -------------------------------------------------------------------------

    def jingle(self, sender: str, identifier: str, jingle: Element) -> None:
        """Route a Jingle IQ.

        Args:
            sender: full JID of who sent it.
            identifier: the IQ's id.
            jingle: the ``<jingle/>``.
        """
        peer, sid = bare(sender), jingle.get("sid", "")
        received = messages.call.JingleReceived(sender, identifier, jingle)
        if self._routes.deliver(peer, sid, received):
            return
        if (peer, sid) in self._routes or jingle.get("action") != "session-initiate" or not sid:
            self.unknown_session(received)
            return
        if not self._call_rate.admit(peer):
            self._too_many(received)
            return
        self._routes.reserve(peer, sid)
        initiated = messages.conversation.SessionInitiated(
            sender, identifier, jingle, len(self._routes), self.is_draining
        )
        if not self._conversations.tell(peer, initiated):
            self._routes.forget(peer, sid)
            self._too_many(received)

    def unknown_session(self, received: "JingleReceived") -> None:
        """Answer what is of no session (XEP-0166 §7.2.11)."""
        error = unknown_session(received.jingle.get("sid", "")).to_element()
        self._session.transmit(iq_reply(received.sender, received.iq, error))

    def _too_many(self, received: "JingleReceived") -> None:
        error = stanza_error("wait", "resource-constraint")
        self._session.transmit(iq_reply(received.sender, received.iq, error))

    # -- call messages (XEP-0353) ------------------------------------------------------------------

    def bounced(self, letter: Letter) -> None:
        """Tell a call that its proposal came back.

        The server's error has the id of the proposal alone, which is the session's.
        """
        if not letter.copy:
            unreachable = messages.call.PeerUnreachable(letter.sender, letter.stanza)
            self._routes.tell(bare(letter.sender), letter.id, unreachable)

    def call_message(self, letter: Letter, message: CallMessage) -> None:
        """Route a call message.

        Args:
            letter: the message that it is in.
            message: what it says.
        """
        sender, own_bare = letter.sender, self._session.own_bare
        own = bare(sender) == own_bare
        if sender == self._session.jid:
            return
        peer = bare(letter.to) if own else bare(sender)
        if own and peer == own_bare:  # an <accept/> or <reject/> to our other resources
            found = self._routes.peer_of(message.id)
            if found is None:
                return
            peer = found
        known = (peer, message.id) in self._routes
        if isinstance(message, Propose):
            if own or known or letter.age > STALE or self.is_copy("call", peer, message.id):
                return  # ours, heard before, or kept since long before we came
            if not self._call_rate.admit(peer):
                return
            if peer not in self._conversations and self._refuses(sender, message, letter):
                return
            self._routes.reserve(peer, message.id)
        elif not known:
            return
        received = messages.conversation.CallMessageReceived(
            sender, message, own, len(self._routes), self.is_draining, letter.stanza
        )
        if not self._conversations.tell(peer, received) and not known:
            self._routes.forget(peer, message.id)

    def is_copy(self, *key: str) -> bool:
        """Tell whether something was heard before, and remember it."""
        if key in self._heard_last:
            return True
        self._heard_last = (*self._heard_last[1 - MAX_HEARD_LAST :], key)
        return False

    def _refuses(self, sender: str, proposal: Propose, letter: Letter) -> bool:
        """Refuse a stranger's proposal, if it is to be, without beginning a conversation for it."""
        policy, calls = self._context.settings.calls, len(self._routes) + 1
        refused = refusal(policy, sender, proposal.media, calls=calls, draining=self.is_draining)
        if refused is None:
            return False
        from .call.trace import keep_refusal  # noqa: PLC0415 - imported by now, with all of calls

        reason, text = refused
        answer = call_message(sender, Reject(proposal.id, reason))
        self._session.transmit(answer)
        record = CallRecord.refused(proposal.id, self._session.own_bare, sender, reason, text)
        self._context.log.post(record)
        keep_refusal(self._context, record, letter.stanza, answer)
        return True

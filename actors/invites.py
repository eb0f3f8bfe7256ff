"""Invites to calls, from others and to others (XEP-0482)."""

import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from ..config.account import CallPolicy
from ..config.jid import bare, normal_jid
from ..jingle.call_messages.invite import Invite, InviteAnswer, JingleMethod
from . import messages
from .call_router import STALE
from .login_session import LoginSession
from .messages.account import AnswerInvite, Invitation, SendInvite
from .runtime.actor import handles
from .xmpp.incoming import Letter
from .xmpp.stanza import CLIENT

if TYPE_CHECKING:
    from .messages.call import TraceStanza

#: Sessions whose invites are kept until their call begins, and messages of each.
MOST_NOTED = 64
MOST_SAID = 4

log = logging.getLogger(__name__)


class Invites:
    """The invites of one account, a part of the account's actor.

    Args:
        session: sends them.
        policy: who may invite, and to calls with whom.
        is_copy: tells whether something was heard before, and remembers it.
    """

    __slots__ = (
        "_is_copy",
        "_messages",
        "_policy",
        "_sent",
        "_session",
    )

    def __init__(
        self, session: LoginSession, policy: CallPolicy, is_copy: Callable[..., bool]
    ) -> None:
        self._session = session
        self._policy = policy
        self._is_copy = is_copy
        self._messages: dict[str, list[TraceStanza]] = {}
        self._sent: dict[str, tuple[str, str]] = {}  # id → to whom, and to which session

    def change(self, policy: CallPolicy) -> None:
        """Follow another policy."""
        self._policy = policy

    def invited(self, letter: Letter, invite: Invite) -> Invitation | None:
        """Take an invite.

        Returns:
            What the bot is told; None if the policy does not allow it, or it was heard before.
        """
        sender = letter.sender
        if not self._policy.allows(sender) or letter.age > STALE:
            return None
        # Who may call us may not have us call whom it likes.
        method = next(
            (
                one
                for one in invite.methods
                if isinstance(one, JingleMethod) and self._leads_on(one.jid or sender)
            ),
            None,
        )
        if method is None:
            log.debug("%s invites to no call with anybody whom calls.from lists", sender)
            return None
        try:
            jid = normal_jid(method.jid) if method.jid else sender
        except ValueError as error:
            log.debug("%s: an invite was dropped: %s", self._session.account_jid, error)
            return None
        if self._is_copy("invite", sender, method.sid):
            return None
        if letter.stanza is not None:
            self.note(method.sid, messages.call.TraceStanza(letter.stanza))
        return Invitation(
            sender=sender,
            id=letter.id,
            sid=method.sid,
            jid=jid,
            audio=invite.audio,
            video=invite.video,
        )

    def answered(self, letter: Letter, answer: InviteAnswer) -> "tuple[str, TraceStanza] | None":
        """Take an answer to an invite of ours.

        Returns:
            The session that it was to, and what the ladder of that has of it; None if no invite of
            ours is answered.
        """
        to, sid = self._sent.get(answer.id, ("", ""))
        if to != bare(letter.sender) or letter.stanza is None:
            return None
        return sid, messages.call.TraceStanza(letter.stanza)

    def _leads_on(self, jid: str) -> bool:
        is_other = bare(jid) != bare(self._session.account_jid)
        return is_other and self._policy.allows(jid)

    @handles(SendInvite)
    def _send_invite(self, message: SendInvite) -> None:
        invite = Invite((JingleMethod(message.sid, self._session.jid),), video=message.video)
        identifier = self._send_chat(message.to, invite.to_element(), message.sid)
        if len(self._sent) >= MOST_NOTED:
            del self._sent[next(iter(self._sent))]
        self._sent[identifier] = bare(message.to), message.sid

    @handles(AnswerInvite)
    def _answer_invite(self, message: AnswerInvite) -> None:
        invitation = message.invitation
        method = JingleMethod(invitation.sid, invitation.jid) if message.accept else None
        answer = InviteAnswer("accept" if message.accept else "reject", invitation.id, method)
        self._send_chat(invitation.sender, answer.to_element(), invitation.sid)

    def of(self, sid: str) -> "list[TraceStanza]":
        """Return what was said of invites to a session, once: its call has begun."""
        return self._messages.pop(sid, [])

    def note(self, sid: str, said: "TraceStanza") -> None:
        """Keep what is said before there is a call, for the ladder of the call."""
        if sid not in self._messages and len(self._messages) >= MOST_NOTED:
            del self._messages[next(iter(self._messages))]
        said_of_it = self._messages.setdefault(sid, [])
        if len(said_of_it) < MOST_SAID:
            said_of_it.append(said)

    def _send_chat(self, to: str, payload: Element, sid: str) -> str:
        """Send a message, and return its id."""
        attributes = {"to": to, "type": "chat", "id": secrets.token_hex(8)}
        stanza = Element(f"{{{CLIENT}}}message", attributes)
        stanza.append(payload)
        self._session.transmit(stanza)
        self.note(sid, messages.call.TraceStanza(stanza, "out"))
        return attributes["id"]

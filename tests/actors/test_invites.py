"""Answers to invites of ours: whose count, and for how long."""

from types import SimpleNamespace
from typing import Any, cast
from xml.etree.ElementTree import Element

from callboard.actors.invites import MOST_NOTED, Invites
from callboard.actors.login_session import LoginSession
from callboard.actors.messages.account import SendInvite
from callboard.actors.xmpp.incoming import Letter
from callboard.actors.xmpp.stanza import CLIENT
from callboard.config.account import CallPolicy
from callboard.jingle.call_messages.invite import InviteAnswer

BOB, EVE = "bob@example.org/phone", "eve@example.org/phone"


def sent_by(count: int) -> tuple[Invites, list[str]]:
    """Invites that were sent to Bob, and the ids of their messages."""
    sent: list[Element] = []
    session: Any = SimpleNamespace(jid="alice@example.org/x", transmit=sent.append)
    invites = Invites(cast(LoginSession, session), CallPolicy(), lambda *_: False)
    for number in range(count):
        invites._send_invite(SendInvite("bob@example.org", f"sid-{number}", False))
    return invites, [one.attrib["id"] for one in sent]


def answered(invites: Invites, sender: str, identifier: str) -> str | None:
    """The session that an answer is about, or None if it counts for nothing."""
    stanza = Element(f"{{{CLIENT}}}message")
    letter = Letter(sender, "alice@example.org", "1", "chat", stanza=stanza)
    found = invites.answered(letter, InviteAnswer("accept", identifier))
    return None if found is None else found[0]


def test_an_answer_counts_from_who_was_invited_to_what_it_answers() -> None:
    invites, (identifier,) = sent_by(1)
    assert answered(invites, BOB, identifier) == "sid-0"
    assert answered(invites, EVE, identifier) is None
    assert answered(invites, BOB, "another") is None


def test_only_the_last_invites_are_remembered() -> None:
    invites, identifiers = sent_by(MOST_NOTED + 1)
    assert answered(invites, BOB, identifiers[0]) is None
    assert answered(invites, BOB, identifiers[1]) == "sid-1"
    assert answered(invites, BOB, identifiers[-1]) == f"sid-{MOST_NOTED}"

"""XEP-0482: invites and their answers."""

from xml.etree import ElementTree as ET

import pytest
from callboard.jingle.call_messages.invite import (
    ExternalMethod,
    Invite,
    InviteAnswer,
    JingleMethod,
    parse_invite,
)

NS = "xmlns='urn:xmpp:call-invites:0'"


@pytest.mark.parametrize(
    "invite",
    [
        Invite((JingleMethod("s"),), video=True),
        Invite((JingleMethod("s", "mixer@example.org/x"), ExternalMethod("tel:+1234")), multi=True),
        Invite((), audio=False),
        InviteAnswer("accept", "i", JingleMethod("s")),
        InviteAnswer("accept", "i", ExternalMethod("https://example.org/")),
        InviteAnswer("reject", "i"),
        InviteAnswer("retract", "i"),
        InviteAnswer("left", "i"),
    ],
)
def test_what_is_written_is_read(invite: Invite | InviteAnswer) -> None:
    assert parse_invite(ET.fromstring(ET.tostring(invite.to_element()))) == invite


@pytest.mark.parametrize(
    "text",
    [
        f"<accept {NS}/>",
        f"<dance {NS} id='i'/>",
        f"<invite {NS}><jingle/></invite>",
        f"<invite {NS}>" + "<jingle sid='s'/>" * 17 + "</invite>",
        "<invite xmlns='urn:other'/>",
    ],
)
def test_nonsense_is_no_invite(text: str) -> None:
    assert parse_invite(ET.fromstring(text)) is None

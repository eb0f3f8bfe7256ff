"""XEP-0353: each message is read as it was written, and nonsense is no message."""

from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import Reason, tie_break
from callboard.jingle.call_messages.message import (
    Accept,
    CallMessage,
    Finish,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
    parse_call_message,
)

NS = "xmlns='urn:xmpp:jingle-message:0'"


@pytest.mark.parametrize(
    "message",
    [
        Propose("i", ("audio", "video")),
        Propose("i", ()),
        Ringing("i"),
        Proceed("i"),
        Accept("i"),
        Reject("i"),
        Reject("i", Reason.BUSY, text="Busy"),
        Reject("i", Reason.EXPIRED, tie_break=True),
        Retract("i", Reason.CANCEL),
        Retract("i", Reason.EXPIRED, tie_break=True),
        Finish("i", Reason.SUCCESS),
        Finish("i", Reason.EXPIRED, migrated_to="j", text="Session migrated"),
    ],
)
def test_what_is_written_is_read(message: CallMessage) -> None:
    assert parse_call_message(ET.fromstring(ET.tostring(message.to_element()))) == message


@pytest.mark.parametrize(
    "text",
    [
        f"<propose {NS}/>",
        f"<propose {NS} id=''/>",
        f"<propose {NS} id='{'x' * 300}'/>",
        f"<propose {NS} id='a&#10;b'/>",
        f"<dance {NS} id='i'/>",
        "<propose xmlns='urn:other' id='i'/>",
        "<body>hello</body>",
    ],
)
def test_nonsense_is_no_message(text: str) -> None:
    assert parse_call_message(ET.fromstring(text)) is None


def test_a_proposal_of_something_else_has_no_media() -> None:
    text = f"<propose {NS} id='i'><description xmlns='urn:xmpp:jingle:apps:other:0'/></propose>"
    assert parse_call_message(ET.fromstring(text)) == Propose("i", ())


def test_dinos_device_in_a_proceed_is_no_matter() -> None:
    text = f"<proceed {NS} id='i'><device xmlns='http://gultsch.de/x' id='1'/></proceed>"
    assert parse_call_message(ET.fromstring(text)) == Proceed("i")


def test_the_lower_id_wins_a_tie_then_the_lower_jid() -> None:
    assert tie_break("a", "b", "z@x", "a@x")
    assert not tie_break("b", "a", "a@x", "z@x")
    assert tie_break("a", "a", "a@x", "b@x")
    assert not tie_break("a", "a", "b@x", "a@x")
    assert tie_break("Z", "a", "", "")

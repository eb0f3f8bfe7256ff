"""What an account makes of stanzas, also of those that nobody should send."""

import math
from xml.etree import ElementTree as ET

import pytest
from callboard.actors.xmpp.incoming import Letter, Notice, Request, read_stanza
from callboard.actors.xmpp.roster import read_items

OWN = "a@example.org"


def read(inner: str, name: str = "presence", **attributes: str) -> Request | Letter | Notice | None:
    written = {"from": "b@example.org/2", "to": OWN, **attributes}
    text = " ".join(f"{key}='{value}'" for key, value in written.items())
    return read_stanza(ET.fromstring(f"<{name} xmlns='jabber:client' {text}>{inner}</{name}>"), OWN)


@pytest.mark.parametrize(
    ("priority", "number"),
    [
        ("5", 5),
        ("-128", -128),
        ("+7", 7),
        (" 3\n", 3),
        ("128", 127),
        ("-9999", -128),
        ("--5", 0),
        ("-", 0),
        ("", 0),
        ("1e3", 0),
        ("٣", 0),
        ("-²", 0),
        ("99999999999999999999", 0),
    ],
)
def test_a_priority_is_a_number_or_counts_as_none(priority: str, number: int) -> None:
    notice = read(f"<priority>{priority}</priority>")
    assert isinstance(notice, Notice)
    assert notice.resource is not None
    assert notice.resource.priority == number


@pytest.mark.parametrize(
    "stamp",
    ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+23:59"],
)
def test_a_time_that_is_none_is_long_ago(stamp: str) -> None:
    letter = read(f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}'/>", "message")
    assert isinstance(letter, Letter)
    assert letter.age > 30


def test_a_time_to_come_is_now() -> None:
    letter = read("<delay xmlns='urn:xmpp:delay' stamp='9999-12-31T23:59:59-14:00'/>", "message")
    assert isinstance(letter, Letter)
    assert letter.age in (0.0, math.inf)


@pytest.mark.parametrize("name", ["message", "presence", "iq"])
@pytest.mark.parametrize("sender", ["@", "a b@x", "a@x/", "a@xn--a", "a@" + "x" * 5000])
def test_a_stanza_of_nobody_is_none(name: str, sender: str) -> None:
    with pytest.raises(ValueError, match=r"user name|@|domain|resource|address|leave"):
        read("", name, **{"from": sender})


def test_a_stanza_without_a_sender_is_our_own_accounts() -> None:
    letter = read_stanza(ET.fromstring("<message xmlns='jabber:client'/>"), OWN)
    assert isinstance(letter, Letter)
    assert (letter.sender, letter.to) == (OWN, OWN)


def test_items_that_can_not_be_read_do_not_spoil_the_others() -> None:
    query = ET.fromstring(
        "<query xmlns='jabber:iq:roster'><item/><item jid='@'/><item jid='B@Example.org/x'"
        " subscription='both' name='b'/><item jid='a b@x'/><item jid='c@x'/></query>"
    )
    assert [(one.jid, one.name, one.subscription) for one in read_items(query)] == [
        ("b@example.org", "b", "both"),
        ("c@x", "", "none"),
    ]

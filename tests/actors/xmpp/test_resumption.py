"""The counts of XEP-0198: what is acknowledged goes, what is not is kept."""

from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp.resumption import (
    MAX_ID,
    MAX_UNACKNOWLEDGED,
    SM,
    WINDOW,
    HandledTooManyError,
    Resumption,
)


def element(name: str, **attributes: str) -> Element:
    return Element(f"{{{SM}}}{name}", attributes)


def session(sent: int) -> tuple[Resumption, list[Element]]:
    one = Resumption()
    one.enable()
    stanzas = [Element("stanza", {"id": str(number)}) for number in range(sent)]
    for stanza in stanzas:
        one.sent(stanza)
    one.enabled(element("enabled", id="some-id", resume="true"))
    return one, stanzas


def test_stanzas_count_from_the_request_to_enable() -> None:
    one = Resumption()
    one.sent(Element("before"))
    one.enable()
    stanza = Element("after")
    one.sent(stanza)
    assert list(one.unacknowledged) == [stanza]


def test_what_is_acknowledged_is_let_go_of() -> None:
    one, stanzas = session(4)
    one.acknowledged(element("a", h="3"))
    assert list(one.unacknowledged) == stanzas[3:]
    one.acknowledged(element("a", h="4"))
    assert not one.unacknowledged


def test_a_resumed_session_still_has_what_the_server_has_not() -> None:
    one, stanzas = session(4)
    one.acknowledged(element("a", h="1"))
    one.received()
    one.received()
    one.pause()
    assert one.resume() == f"<resume xmlns='{SM}' h='2' previd='some-id'/>"
    one.resumed(element("resumed", h="2", previd="some-id"))
    assert list(one.unacknowledged) == stanzas[2:]
    one.received()
    assert one.acknowledgement() == f"<a xmlns='{SM}' h='3'/>"


def test_what_comes_before_it_is_enabled_or_after_the_end_is_not_counted() -> None:
    one = Resumption()
    one.enable()
    one.received()
    one.enabled(element("enabled", id="x", resume="1"))
    one.received()
    one.pause()
    one.received()
    assert "h='1'" in one.acknowledgement()


def test_the_counts_begin_anew_after_two_to_the_thirty_two() -> None:
    one, _ = session(0)
    one._acknowledged = 2**32 - 1
    stanzas = [Element("a"), Element("b"), Element("c")]
    for stanza in stanzas:
        one.sent(stanza)
    one.acknowledged(element("a", h="1"))
    assert list(one.unacknowledged) == stanzas[2:]


@pytest.mark.parametrize("count", ["", "-1", "x", "99999999999999999999", "٣", "1.0", " 1"])
def test_a_count_that_can_not_be_read_changes_nothing(count: str) -> None:
    one, stanzas = session(2)
    assert not one.acknowledged(element("a", h=count))
    assert not one.acknowledged(element("a"))
    assert list(one.unacknowledged) == stanzas


@pytest.mark.parametrize("count", ["3", "7", "4294967295", "4294967296", "9999999999"])
def test_more_than_was_sent_is_not_all(count: str) -> None:
    one, stanzas = session(2)
    with pytest.raises(HandledTooManyError, match=f"{count} stanzas of the 2 "):
        one.acknowledged(element("a", h=count))
    assert list(one.unacknowledged) == stanzas


def test_less_than_was_acknowledged_is_too_much_as_well() -> None:
    one, _ = session(3)
    one.acknowledged(element("a", h="2"))
    with pytest.raises(HandledTooManyError):
        one.acknowledged(element("a", h="1"))


@pytest.mark.parametrize(("count", "left"), [({}, 3), ({"h": "2"}, 1), ({"h": "9"}, 3)])
def test_a_session_that_can_not_be_resumed_leaves_what_the_server_has_not(
    count: dict[str, str], left: int
) -> None:
    one, stanzas = session(3)
    one.pause()
    one.not_resumed(element("failed", **count))
    assert (one.id, one.unacknowledged) == ("", ())
    assert list(one.take_left()) == stanzas[3 - left :]
    assert one.take_left() == ()


def test_a_stream_that_manages_nothing_after_all_keeps_nothing() -> None:
    one = Resumption()
    one.enable()
    one.sent(Element("stanza"))
    one.not_enabled()
    assert not one.counting
    assert one.take_left() == ()


def test_what_is_kept_is_bounded() -> None:
    one, _ = session(MAX_UNACKNOWLEDGED)
    assert one.is_full
    one.acknowledged(element("a", h="1"))
    assert not one.is_full


def test_an_id_beyond_measure_is_not_kept() -> None:
    one = Resumption()
    one.enable()
    one.enabled(element("enabled", id="x" * (MAX_ID + 1), resume="true"))
    assert one.id == ""


def test_a_session_that_the_server_would_not_resume_has_no_id() -> None:
    one = Resumption()
    one.enable()
    one.enabled(element("enabled"))
    assert one.id == ""


def test_it_asks_for_an_acknowledgement_now_and_then() -> None:
    one = Resumption()
    one.enable()
    asked = [one.sent(Element("stanza")) for _ in range(3 * WINDOW)]
    assert asked.count(True) == 3

"""The counts of XEP-0198: what is acknowledged goes, what is not is kept."""

from xml.etree.ElementTree import Element

import pytest
from callboard.actors.resumption import SM, WINDOW, Resumption


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
    one.acknowledged(element("a", h=str(2**32 - 1)))
    stanzas = [Element("a"), Element("b"), Element("c")]
    for stanza in stanzas:
        one.sent(stanza)
    one.acknowledged(element("a", h="1"))
    assert list(one.unacknowledged) == stanzas[2:]


@pytest.mark.parametrize("count", ["", "-1", "x", "99999999999999999999", "7"])
def test_a_count_that_makes_no_sense_breaks_nothing(count: str) -> None:
    one, _ = session(2)
    one.acknowledged(element("a", h=count))
    assert len(one.unacknowledged) in (0, 2)


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

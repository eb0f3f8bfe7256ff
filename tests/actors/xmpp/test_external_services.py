"""One look at a server's STUN and TURN (XEP-0215), answer by answer."""

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.external_services import MINIMUM, REFRESH, Services, until_again
from callboard.actors.xmpp.safe_reader import Reader
from callboard.actors.xmpp.stanza import CLIENT
from callboard.jingle import namespaces as ns
from callboard.jingle.external_service import Service

STUN = {"type": "stun", "host": "stun.x", "port": "3478"}
OPEN = {"type": "turn", "host": "open.x", "port": "3478", "username": "u", "password": "p"}
CLOSED = {"type": "turn", "host": "closed.x", "port": "3478", "restricted": "1"}
FTP = {"type": "ftp", "host": "files.x"}


def answer(*services: dict[str, str], name: str = "services", kind: str = "result") -> Element:
    iq = Element(f"{{{CLIENT}}}iq", {"type": kind})
    payload = SubElement(iq, f"{{{ns.SERVICES}}}{name}")
    for one in services:
        SubElement(payload, f"{{{ns.SERVICES}}}service", one)
    return iq


def hosts(look: Services) -> list[str]:
    return [one.url for one in look.ice_servers()]


def test_what_needs_no_credentials_is_known_at_once() -> None:
    look = Services(Reader("alice@x"))
    assert Services.ask().tag == f"{{{ns.SERVICES}}}services"
    assert not look.is_complete
    assert look.listed(answer(STUN, OPEN, FTP)) == []
    assert look.is_complete
    assert len(hosts(look)) == 2


def test_what_is_restricted_is_asked_for_and_waited_for() -> None:
    look = Services(Reader("alice@x"))
    [one, other] = look.listed(answer(STUN, CLOSED, {**CLOSED, "host": "other.x"}))
    assert [each[0].get("host") for each in (one, other)] == ["closed.x", "other.x"]
    assert not look.is_complete
    look.admitted(answer({**CLOSED, "username": "u", "password": "p"}, name="credentials"))
    assert not look.is_complete
    look.admitted(None)
    assert look.is_complete
    assert len(hosts(look)) == 2


@pytest.mark.parametrize(
    "nothing",
    [None, answer(kind="error"), Element(f"{{{CLIENT}}}iq", {"type": "result"}), answer(FTP)],
)
def test_what_is_no_answer_ends_the_look(nothing: Element | None) -> None:
    look = Services(Reader("alice@x"))
    assert look.listed(nothing) == []
    assert look.is_complete
    assert hosts(look) == []
    assert look.until_again() == REFRESH


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (None, REFRESH),
        ("no time", REFRESH),
        ((NOW + timedelta(seconds=1000)).isoformat(), 500),
        ((NOW + timedelta(days=9)).isoformat(), REFRESH),
        ((NOW - timedelta(days=9)).isoformat(), MINIMUM),
        ("2026-01-01T00:16:40", 500),
    ],
)
def test_it_looks_again_when_half_of_what_is_left_has_passed(
    expires: str | None, seconds: float
) -> None:
    found = Service(type="turn", host="x", expires=expires)
    assert until_again([found], NOW) == pytest.approx(seconds)

"""How old a stanza is that a server kept (XEP-0203), and which texts one can carry."""

import math
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.stanza import CLIENT, DELAY, age, check_text


def kept(stamp: str) -> Element:
    stanza = Element(f"{{{CLIENT}}}message")
    SubElement(stanza, f"{{{DELAY}}}delay", {"stamp": stamp})
    return stanza


def test_what_came_at_once_has_no_age() -> None:
    assert age(Element(f"{{{CLIENT}}}message")) == 0


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f+00:00"])
def test_what_was_kept_has_the_age_of_its_stamp(form: str) -> None:
    stamp = (datetime.now(UTC) - timedelta(hours=1)).strftime(form)
    assert age(kept(stamp)) == pytest.approx(3600, abs=5)


def test_a_clock_ahead_of_ours_makes_nothing_younger_than_now() -> None:
    assert age(kept((datetime.now(UTC) + timedelta(hours=1)).isoformat())) == 0


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-13-40T00:00:00Z"])
def test_a_stamp_that_is_none_is_older_than_anything(stamp: str) -> None:
    assert age(kept(stamp)) == math.inf


#: What XML 1.0 §2.2 allows.
CARRIED = (
    range(0x9, 0xB),
    range(0xD, 0xE),
    range(0x20, 0xD800),
    range(0xE000, 0xFFFE),
    range(0x10000, 0x110000),
)


def test_a_stanza_carries_what_xml_allows_and_nothing_else() -> None:
    allowed = "".join(chr(code) for part in CARRIED for code in part)
    assert check_text(allowed) == allowed
    for code in sorted(set(range(0x110000)) - set(map(ord, allowed))):
        with pytest.raises(ValueError, match="can't be sent over XMPP"):
            check_text(f"a{chr(code)}b")

"""How old a stanza is that a server kept (XEP-0203)."""

import math
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.stanza import CLIENT, DELAY, age


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

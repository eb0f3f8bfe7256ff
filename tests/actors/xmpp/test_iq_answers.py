"""What an account answers by itself: each kind of IQ has one answer, to whom asked."""

from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp import capabilities
from callboard.actors.xmpp.incoming import Request
from callboard.actors.xmpp.iq_answers import answer
from callboard.actors.xmpp.stanza import CLIENT, error_condition
from callboard.config.account import CallPolicy

INFO = f"{{{capabilities.DISCO_INFO}}}query"
ITEMS = f"{{{capabilities.DISCO_ITEMS}}}query"
PING = f"{{{capabilities.PING}}}ping"


@pytest.mark.parametrize(
    ("kind", "tag", "condition"),
    [
        ("get", PING, ""),
        ("get", INFO, ""),
        ("get", ITEMS, ""),
        ("set", PING, "service-unavailable"),
        ("set", INFO, "service-unavailable"),
        ("get", "{urn:x}unknown", "service-unavailable"),
        ("get", "unknown", "service-unavailable"),
        ("get", None, "bad-request"),
        ("set", None, "bad-request"),
        ("", PING, "bad-request"),
        ("nonsense", PING, "bad-request"),
    ],
)
def test_each_request_has_one_answer(kind: str, tag: str | None, condition: str) -> None:
    payload = None if tag is None else Element(tag, {"node": "urn:x#1"})
    iq = answer(Request("bob@x/desk", "7", kind, payload), CallPolicy())
    assert (iq.tag, iq.get("id"), iq.get("to")) == (f"{{{CLIENT}}}iq", "7", "bob@x/desk")
    assert iq.get("type") == ("error" if condition else "result")
    if condition:
        assert error_condition(iq) == condition
    elif tag == INFO:
        assert iq[0].get("node") == "urn:x#1"


def test_our_own_server_is_answered_without_an_address() -> None:
    iq = answer(Request("", "7", "get", Element(PING)), CallPolicy())
    assert "to" not in iq.attrib
    assert len(iq) == 0

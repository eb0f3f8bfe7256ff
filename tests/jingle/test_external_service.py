"""XEP-0215: STUN and TURN as a server lists them."""

from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import RemoteProtocolError
from callboard.jingle.external_service import Service, parse_services


def services(inner: str) -> tuple[Service, ...]:
    return parse_services(
        ET.fromstring(f"<services xmlns='urn:xmpp:extdisco:2'>{inner}</services>")
    )


def test_services_are_read_and_become_urls() -> None:
    stun, turn, six = services(
        "<service type='stun' host='stun.example.org' port='3478' transport='udp'/>"
        "<service type='turn' host='192.0.2.1' port='3478' transport='tcp' username='u'"
        " password='secret' expires='2030-01-01T00:00:00Z' restricted='true'/>"
        "<service type='STUN' host='::1'/>"
    )
    assert stun.url == "stun:stun.example.org:3478"
    assert turn.url == "turn:192.0.2.1:3478?transport=tcp"
    assert (turn.username, turn.password, turn.restricted) == ("u", "secret", True)
    assert "secret" not in repr(turn)
    assert six.url == "stun:[::1]"


def test_a_malformed_service_is_left_out() -> None:
    [good] = services(
        "<service type='stun'/><service type='stun' host='a' port='x'/>"
        "<service type='stun' host='b'/>"
    )
    assert good.host == "b"


def test_too_many_services_and_other_elements_are_errors() -> None:
    with pytest.raises(RemoteProtocolError):
        services("<service type='stun' host='a'/>" * 65)
    with pytest.raises(RemoteProtocolError):
        parse_services(ET.fromstring("<services xmlns='urn:other'/>"))

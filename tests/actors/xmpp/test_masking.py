"""What the log shows of stanzas: all but secrets."""

from xml.etree.ElementTree import fromstring

import pytest
from callboard.actors.xmpp.masking import HIDDEN, MAX_LENGTH, masked
from callboard.actors.xmpp.resumption import SM
from callboard.actors.xmpp.sasl_profile import SASL
from callboard.jingle import namespaces as ns

SECRET = "c2VjcmV0"
FORM = "<x xmlns='jabber:x:data'><field var='{}' type='{}'><value>c2VjcmV0</value></field></x>"


def iq(namespace: str, payload: str) -> str:
    return f"<iq><query xmlns='{namespace}'>{payload}</query></iq>"


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"<{name} xmlns='{SASL}' mechanism='PLAIN'>{SECRET}</{name}>"
            for name in ("auth", "challenge", "response", "success")
        ),
        f"<authenticate xmlns='urn:xmpp:sasl:2'><x><y>{SECRET}</y></x></authenticate>",
        f"<x xmlns='urn:xmpp:sasl:2'><initial-response>{SECRET}</initial-response></x>",
        iq("urn:xmpp:fast:0", f"<token token='{SECRET}'/>"),
        iq("jabber:iq:register", f"<password>{SECRET}</password>"),
        iq("jabber:iq:auth", f"<digest>{SECRET}</digest>"),
        iq("jabber:iq:register", FORM.format("Password", "")),
        iq("jabber:iq:register", FORM.format("other", "text-private")),
        iq(ns.SERVICES, f"<service type='turn' username='{SECRET}' password='{SECRET}'/>"),
        iq(ns.JINGLE, f"<content><transport ufrag='a' pwd='{SECRET}'/></content>"),
        iq(ns.JINGLE, f"<content><crypto key-params='{SECRET}'/></content>"),
        iq("urn:xmpp:http:upload:0", f"<put><header>{SECRET}</header></put>"),
        f"<enabled xmlns='{SM}' id='{SECRET}'/>",
        f"<resume xmlns='{SM}' previd='{SECRET}' h='1'/>",
        iq(ns.JINGLE, f"<dtmf xmlns='{ns.DTMF}' code='{SECRET}' duration='100'/>"),
    ],
)
def test_no_secret_is_shown(text: str) -> None:
    for shown in (masked(text), masked(fromstring(text))):
        assert SECRET not in shown
        assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "<message to='a@b.c' type='chat'><body>a &lt; b</body></message>",
        "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
        "<stream:stream to='localhost' version='1.0'>",
        "</stream:stream>",
        f"<auth xmlns='{SASL}' mechanism='PLAIN'/>",
    ],
)
def test_all_else_is_shown_as_it_is(text: str) -> None:
    assert masked(text) == text


def test_a_stanza_is_one_line_of_bounded_length() -> None:
    shown = masked(
        "<message><body>one\ntwo\u2028\x9b\u202e" + "x" * 2 * MAX_LENGTH + "</body></message>"
    )
    assert shown.isprintable()
    assert len(shown) < MAX_LENGTH + 100

"""What ladders show of stanzas: no secret, no words, no digits, and always XML of bounded size."""

from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from callboard.actors.xmpp.masking import HIDDEN
from callboard.actors.xmpp.redaction import MAX_LENGTH, redacted
from callboard.actors.xmpp.stanza import CLIENT
from callboard.actors.xmpp.stanza_title import title
from callboard.jingle import namespaces as ns
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit

SECRET = "c2VjcmV0"
JINGLE = f"<iq xmlns='{CLIENT}' type='set'><jingle xmlns='{ns.JINGLE}'>{{}}</jingle></iq>"
MESSAGE = f"<message xmlns='{CLIENT}'><propose xmlns='{ns.CALL_MESSAGE}' id='1'/>{{}}</message>"


@pytest.mark.parametrize(
    "stanza",
    [
        JINGLE.format(f"<transport xmlns='{ns.ICE_UDP}' ufrag='a' pwd='{SECRET}'/>"),
        JINGLE.format(f"<encryption><crypto xmlns='{ns.RTP}' key-params='{SECRET}'/></encryption>"),
        JINGLE.format(f"<crypto xmlns='{ns.RTP}' session-params='{SECRET}'/>"),
        JINGLE.format(f"<dtmf xmlns='{ns.DTMF}' code='{SECRET}' duration='100'/>"),
        JINGLE.format(f"<security xmlns='urn:example:new' any='{SECRET}'/>"),
        JINGLE.format(f"<security xmlns='urn:example:new'><a><b>{SECRET}</b></a></security>"),
        JINGLE.format(f"<content><description xmlns='{ns.RTP}'>{SECRET}</description></content>"),
        MESSAGE.format(f"<body>{SECRET}</body>"),
        MESSAGE.format(f"<subject>{SECRET}</subject>"),
        MESSAGE.format(f"<html xmlns='http://jabber.org/protocol/xhtml-im'><p>{SECRET}</p></html>"),
        MESSAGE.format(
            "<encrypted xmlns='eu.siacs.conversations.axolotl'>"
            f"<header sid='{SECRET}'><key rid='1'>{SECRET}</key><iv>{SECRET}</iv></header>"
            f"<payload>{SECRET}</payload></encrypted>"
        ),
        MESSAGE.format(f"<device xmlns='urn:example:omemo' id='{SECRET}'/>"),
        MESSAGE.format(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{SECRET}</auth>"),
        MESSAGE.format(f"<x xmlns='jabber:x:data'><field><value>{SECRET}</value></field></x>"),
        MESSAGE.format(f"<dtmf xmlns='{ns.DTMF}' code='{SECRET}'/>"),
        MESSAGE.format(
            f"<services xmlns='{ns.SERVICES}'><service password='{SECRET}'/></services>"
        ),
        MESSAGE.format(f"<token token='{SECRET}'/>"),
        MESSAGE.format(f"<store xmlns='urn:xmpp:hints'/>{SECRET}"),
    ],
)
def test_no_secret_is_shown(stanza: str) -> None:
    shown = redacted(fromstring(stanza))
    assert SECRET not in shown
    fromstring(shown)


def test_what_says_why_a_call_fails_is_shown() -> None:
    text = (
        f"<iq type='set' from='a@b.c/d'><jingle xmlns='{ns.JINGLE}' action='session-accept'>"
        "<content name='0' creator='initiator'>"
        f"<description xmlns='{ns.RTP}' media='audio'>"
        "<payload-type id='111' name='opus' clockrate='48000'>"
        "<parameter name='useinbandfec' value='1'/></payload-type></description>"
        f"<transport xmlns='{ns.ICE_UDP}' ufrag='u'>"
        "<candidate component='1' ip='192.0.2.1' port='5' type='host'/>"
        f"<fingerprint xmlns='{ns.DTLS}' hash='sha-256' setup='active'>AB:CD</fingerprint>"
        "</transport></content><reason><busy/><text>in a &lt;meeting&gt;</text></reason>"
        "</jingle></iq>"
    )
    element = fromstring(text.replace("<iq", f"<iq xmlns='{CLIENT}'", 1))
    before = tostring(element)
    assert redacted(element) == text
    assert tostring(element) == before


NAMES = st.sampled_from(
    ["body", "transport", "candidate", "key", "fingerprint", "text", "x", "dtmf", "a" * 4000]
)
HOMES = st.sampled_from(
    [CLIENT, ns.JINGLE, ns.ICE_UDP, ns.RTP, ns.DTMF, ns.CALL_MESSAGE, "urn:example:new", ""]
)
#: What expat may give us: no control characters but white space.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
SHOWN_TEXTS = {f"{{{ns.JINGLE}}}text"}


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> Element:
    """Make elements whose every text is a secret, and every secret attribute too."""
    home, name = draw(HOMES), draw(NAMES)
    element = Element(f"{{{home}}}{name}" if home else name)
    if element.tag not in SHOWN_TEXTS:
        element.text = draw(st.sampled_from([None, " ", f"{SECRET}1", f"a{SECRET}" * 200]))
    element.tail = draw(st.sampled_from([None, SECRET]))
    for key in draw(st.sets(st.sampled_from(["pwd", "code", "key-params", "token", "password"]))):
        element.set(key, SECRET)
    if home == "urn:example:new":
        element.set(draw(st.sampled_from(["id", "name", "value"])), SECRET)
    else:
        element.set("name", draw(TEXT | st.just("x" * 3_000)))
    if draw(st.booleans()):
        element.set(f"{{{draw(st.sampled_from(['urn:a', 'urn:b']))}}}name", SECRET)
    if depth:
        element.extend(draw(st.lists(elements(depth=depth - 1), max_size=4)))
    return element


@given(elements())
def test_nothing_that_goes_in_hidden_comes_out(element: Element) -> None:
    shown = redacted(element)
    assert SECRET not in shown + title(element)
    assert shown.isprintable()
    fromstring(f"<x xmlns='{CLIENT}'>{shown}</x>")


def test_a_huge_stanza_is_cut_and_still_xml() -> None:
    jingle = Element(f"{{{ns.JINGLE}}}jingle")
    for number in range(100_000):
        jingle.append(Element(f"{{{ns.ICE_UDP}}}candidate", {"ip": str(number)}))
    jingle.set("sid", "x" * 10_000_000)
    iq = Element(f"{{{CLIENT}}}iq")
    iq.append(jingle)
    shown = redacted(iq)
    assert len(shown) < MAX_LENGTH + 2_000
    assert shown.endswith("…</jingle></iq>")
    fromstring(shown)


def test_hidden_stands_where_something_was() -> None:
    assert redacted(fromstring(MESSAGE.format("<body>hello</body>"))).count(HIDDEN) == 1

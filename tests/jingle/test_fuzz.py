"""Whatever a stranger sends, only RemoteProtocolError comes out, and SDP stays SDP."""

import contextlib
import copy
import re
from xml.etree import ElementTree as ET

from aiortc.sdp import SessionDescription, candidate_from_sdp
from callboard.jingle import (
    CandidatesReceived,
    LocalProtocolError,
    Reason,
    RemoteProtocolError,
    Role,
    Session,
    to_jingle,
    to_sdp,
)
from callboard.jingle.invite import parse_invite
from callboard.jingle.message import parse_call_message
from callboard.jingle.service import parse_services
from callboard.jingle.state import Action
from callboard.tests.jingle.samples import (
    AUDIO,
    DATA,
    VIDEO,
    answer,
    candidate,
    content,
    jingle,
    sdp,
    trickle,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OFFER = sdp(AUDIO, VIDEO, DATA)
LINE = re.compile(r"[a-z]=[^\r\n]*\Z")


def _seeds() -> list[ET.Element]:
    offer = to_jingle(OFFER, role=Role.INITIATOR, sid="s", action="session-initiate")
    accept = to_jingle(
        answer(OFFER), role=Role.RESPONDER, sid="s", action="session-accept", offer=OFFER
    )
    added = to_jingle(
        sdp(VIDEO.replace("mid:1", "mid:9")), role=Role.INITIATOR, sid="s", action="content-add"
    )
    infos = [
        jingle("session-info", f"<info:{name} name='0' creator='initiator'/>")
        for name in ("ringing", "mute", "hold")
    ]
    named = [
        jingle(action, "<content name='0' creator='initiator' senders='none'/>")
        for action in ("content-modify", "content-remove", "content-reject", "transport-reject")
    ]
    reason = jingle("session-terminate", "<reason><success/><text>bye</text></reason>")
    trickled = trickle(inner=candidate() + "<ice:gathering-complete/>")
    restart = trickle(credentials="ufrag='nnnn' pwd='nnnnnnnnnnnnnnnnnnnnnn'", inner=candidate())
    more = [jingle("content-add", content("8")), jingle("session-info")]
    return [offer, accept, added, *more, *infos, *named, reason, trickled, restart]


SEEDS = _seeds()
PARTS = [element for seed in SEEDS for element in seed.iter()]
NAMES = sorted({name for element in PARTS for name in element.attrib})
VALUES = [
    "", "0", "1", "9", "both", "none", "audio", "video", "initiator", "responder", "s", "111",
    "-1", "4294967296", "99999999999999999999", "74", "1e3", "٣", "apt", "minptime",
    "packetization-mode", "a b", "a\r\na=x:y", "a\nb", "a\x00", "\u2028", "\x85", "é", "\ud800",
    "x" * 2000, "%41", "a/b", "a;b", "a=b", "=", ";", " ", "::1", "1.2.3.4", "fe80::1%x", "x.local",
    "actpass", "active", "holdconn", "sha-1", "udp", "tcp", "srflx", "prflx",
]  # fmt: skip
values = st.one_of(st.sampled_from(VALUES), st.text(max_size=20))


@st.composite
def mutated(draw: st.DrawFn) -> ET.Element:
    stanza = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        elements = list(stanza.iter())
        target = draw(st.sampled_from(elements))
        match draw(st.integers(0, 7)):
            case 0:
                target.set(draw(st.sampled_from(NAMES)), draw(values))
            case 1 if target.attrib:
                del target.attrib[draw(st.sampled_from(sorted(target.attrib)))]
            case 2 if target.attrib:
                target.set(draw(st.sampled_from(sorted(target.attrib))), draw(values))
            case 3:
                target.text = draw(values)
            case 4:
                target.append(copy.deepcopy(draw(st.sampled_from(PARTS))))
            case 5 if len(target):
                target.remove(draw(st.sampled_from(list(target))))
            case 6:
                target.tag = draw(st.sampled_from(PARTS)).tag
            case 7:
                stanza.set("action", draw(st.sampled_from(list(Action))).value)
    return stanza


def check_sdp(text: str) -> None:
    assert text.splitlines() == text.split("\r\n")[:-1]
    assert all(LINE.match(line) for line in text.splitlines())
    parsed = SessionDescription.parse(text)
    for media in parsed.media:
        assert media.ice is not None
        assert media.ice.usernameFragment
        assert media.ice.password
    assert all(media.dtls is not None and media.dtls.fingerprints for media in parsed.media)
    assert all(media.rtcp_mux for media in parsed.media if media.kind != "application")


def feed(session: Session, stanza: ET.Element) -> None:
    state, before = session.state, session.remote_description
    error = None
    try:
        events = session.receive(stanza)
    except RemoteProtocolError as caught:
        error = caught
    if error is not None:
        assert error.to_element().get("type") in {"cancel", "modify", "wait"}
        assert (session.state, session.remote_description) == (state, before)
        return
    for event in events:
        for name in ("offer", "answer", "description"):
            if hasattr(event, name):
                check_sdp(getattr(event, name))
        if isinstance(event, CandidatesReceived):
            for each in event.candidates:
                candidate_from_sdp(each.to_sdp())
    if session.remote_description is not None:
        check_sdp(session.remote_description)


bounded = settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@bounded
@given(st.lists(mutated(), min_size=1, max_size=5))
def test_a_responder_survives(stanzas: list[ET.Element]) -> None:
    session = Session(Role.RESPONDER, "s", initiator="a@x/1", responder="b@x/2")
    for stanza in stanzas:
        feed(session, stanza)


@bounded
@given(st.lists(mutated(), min_size=1, max_size=5))
def test_a_responder_in_a_call_survives(stanzas: list[ET.Element]) -> None:
    session = Session(Role.RESPONDER, "s", initiator="a@x/1", responder="b@x/2")
    session.receive(SEEDS[0])
    session.accept(answer(OFFER))
    for stanza in stanzas:
        feed(session, stanza)
    try:
        session.terminate(Reason.SUCCESS)
    except LocalProtocolError:
        assert session.state == "ended"


@bounded
@given(st.booleans(), st.lists(mutated(), min_size=1, max_size=5))
def test_an_initiator_survives(adding: bool, stanzas: list[ET.Element]) -> None:
    session = Session(Role.INITIATOR, "s", initiator="a@x/1", responder="b@x/2")
    session.initiate(OFFER)
    if adding:
        session.add_contents(sdp(AUDIO, VIDEO, DATA, VIDEO.replace("mid:1", "mid:3")))
    for stanza in stanzas:
        feed(session, stanza)


@bounded
@given(mutated(), st.booleans())
def test_the_translation_survives(stanza: ET.Element, answering: bool) -> None:
    try:
        text = to_sdp(stanza, role=Role.RESPONDER, offer=OFFER if answering else None)
    except RemoteProtocolError:
        return
    assert text.splitlines() == text.split("\r\n")[:-1]
    SessionDescription.parse(text)


@bounded
@given(mutated())
def test_messages_and_services_survive(stanza: ET.Element) -> None:
    for element in stanza.iter():
        for namespace in ("urn:xmpp:jingle-message:0", "urn:xmpp:call-invites:0"):
            for name in ("propose", "finish", "reject", "invite", "accept"):
                element.tag = f"{{{namespace}}}{name}"
                parse_call_message(element)
                parse_invite(element)
        element.tag = "{urn:xmpp:extdisco:2}services"
        with contextlib.suppress(RemoteProtocolError):
            parse_services(element)

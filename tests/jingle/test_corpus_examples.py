"""The XEPs' examples and all that is no conversation; and a count that leaves out no file."""

import re
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest
from callboard.actors.xmpp.capabilities import DISCO_INFO, Known, announced, info
from callboard.actors.xmpp.stanza import error_condition
from callboard.jingle import (
    Accepted,
    ContentAdded,
    Initiated,
    Reason,
    RemoteProtocolError,
    Role,
    Session,
    SessionState,
    Unacceptable,
    parse_call_message,
    tie_break_error,
    to_jingle,
    unknown_session,
)
from callboard.jingle.call_messages.invite import parse_invite
from callboard.jingle.errors import unsupported_info
from callboard.jingle.external_service import parse_services
from callboard.jingle.model.application import Rtp
from callboard.jingle.sdp.reader import read_sdp
from callboard.jingle.xml.reader import read_contents
from callboard.tests.jingle.corpus import FOLDER, jingle_of, name_of, needs_corpus
from callboard.tests.jingle.plan import (
    FILES,
    KINDS,
    NOT_PLAYED,
    OLD_JINGLE,
    PLAN,
    RTP,
    of_kind,
    played,
    roots,
)
from callboard.tests.jingle.replay import (
    conversations,
    listen,
    own_answer,
    own_offer,
    session_for,
)
from callboard.tests.jingle.samples import AUDIO, VIDEO, content, fingerprint, sdp

pytestmark = needs_corpus

CLIENT = "{jabber:client}"
ICE = "{urn:xmpp:jingle:transports:ice-udp:1}transport"


def test_no_file_is_left_out() -> None:
    assert len(PLAN) == len(FILES) >= 370
    kinds = {"poke", "browser", "conversation", "example", "discovery", "list", "sdp", "fragment"}
    kinds |= {*KINDS.values(), "error", "acknowledgement", ""}
    assert set(PLAN.values()) == kinds
    assert {name for name, kind in PLAN.items() if not kind} == NOT_PLAYED.keys()
    heard = {each.path for talk in conversations().values() for each in talk}
    assert heard == set(of_kind("conversation"))


@played("")
def test_what_is_not_played_is_no_xml(path: Path) -> None:
    with pytest.raises(ET.ParseError):
        roots(path)


# <jingle/> of the XEPs: most are older than DTLS, and refused for that; with it they are taken.

ERRORS = {
    "0166/ex30": (
        "feature-not-implemented",
        "the namespace of its <ringing/> was never registered",
    ),
    "0166/ex36": ("feature-not-implemented", "security-info"),
    "0176/ex13": ("unexpected-request", "transport-accept; we never ask for another transport"),
    "0251/ex05": ("feature-not-implemented", "call transfer"),
    "0251/ex17": ("feature-not-implemented", "call transfer"),
    "0269/ex05": ("bad-request", "a transport-info without <transport/>"),
    "0293/ex05": ("bad-request", "neither sid nor action"),
    "0371/ex04": ("bad-request", "another transport than the content's"),
    "0371/ex05": ("bad-request", "another transport than the content's"),
    "0371/ex07": ("bad-request", "another transport than the content's"),
    "0371/ex13": ("unexpected-request", "transport-accept"),
    "0371/ex17": ("bad-request", "another transport than the content's"),
}
STATES = {
    "session-initiate": SessionState.PENDING,
    "session-accept": SessionState.ACTIVE,
    "session-terminate": SessionState.ENDED,
}
OFFERING = {"session-initiate", "session-accept", "content-add", "content-accept"}


def addressee(jingle: ET.Element) -> Session:
    """A session in the state in which an example is said, its contents named as there."""
    action, sid = jingle.get("action"), jingle.get("sid", "s")
    if action in {"session-initiate", None}:
        return session_for(Role.RESPONDER, sid)
    names = ["0", "1"]
    session = session_for(Role.INITIATOR, sid)
    session.initiate(own_offer(*names))
    if action != "session-accept":
        accept = to_jingle(
            own_answer(*names),
            role=Role.RESPONDER,
            sid=sid,
            action="session-accept",
            offer=own_offer(*names),
        )
        session.receive(accept)
    contents = jingle.findall("{urn:xmpp:jingle:1}content")
    if action in {"content-accept", "content-reject"}:
        media = contents[0].find(f"{RTP}description")
        kind = AUDIO if media is not None and media.get("media") == "audio" else VIDEO
        added = re.sub(r"a=mid:\d", "a=mid:2", kind)
        session.add_contents(sdp(AUDIO, VIDEO, added))
        names = ["2"]
    if action != "content-add":  # an answer names what was offered
        kinds = [each.find(f"{RTP}description") for each in contents]
        if [each.get("media") for each in kinds if each is not None] == ["video"] and "1" in names:
            names.reverse()
        for each, name in zip(contents, names, strict=False):
            each.set("name", name)
    return session


def refusal(text: str) -> Reason | None:
    """Why an example's contents can't be carried, by its text alone."""
    for needle, reason in (
        ("urn:xmpp:jingle:apps:rtp:1", Reason.UNSUPPORTED_APPLICATIONS),
        ("urn:xmpp:jingle:transports:ice-udp:1", Reason.UNSUPPORTED_TRANSPORTS),
        ("urn:xmpp:jingle:apps:dtls:0", Reason.SECURITY_ERROR),
        ("ufrag=", Reason.FAILED_TRANSPORT),
        ("rtcp-mux", Reason.INCOMPATIBLE_PARAMETERS),
    ):
        if needle not in text:
            return reason
    return None


@played("example")
def test_an_example(path: Path) -> None:
    jingle = jingle_of(path)
    assert jingle is not None
    action = jingle.get("action", "")
    session = addressee(jingle)
    before = session.state
    error = ERRORS.get(name_of(path)[4:].partition("-")[0])
    if error is not None:
        with pytest.raises(RemoteProtocolError) as caught:
            listen(session, jingle)
        assert caught.value.condition == error[0]
        assert session.state is before
        return
    events = listen(session, jingle)
    assert session.state is STATES.get(action, before)
    refused = [event.reason for event in events if isinstance(event, Unacceptable)]
    if action in OFFERING:
        assert refused == [refusal(path.read_text())]
    else:
        assert not refused
        assert events or not len(jingle)


@played("example")
def test_an_example_with_dtls(path: Path) -> None:
    """What the WebRTC of today asks for is added: a fingerprint, rtcp-mux, credentials."""
    jingle = jingle_of(path)
    assert jingle is not None
    wanted = {Reason.FAILED_TRANSPORT, Reason.SECURITY_ERROR, Reason.INCOMPATIBLE_PARAMETERS}
    if jingle.get("action") not in OFFERING or refusal(path.read_text()) not in wanted:
        return
    session = addressee(jingle)
    setup = "actpass" if "accept" not in jingle.get("action", "") else "active"
    for transport in jingle.iter(ICE):
        for key, value in (("ufrag", "uuuu"), ("pwd", "p" * 22)):
            transport.set(key, transport.get(key, value))
        if transport.find("{urn:xmpp:jingle:apps:dtls:0}fingerprint") is None:
            dtls = " xmlns:dtls='urn:xmpp:jingle:apps:dtls:0'"
            element = fingerprint(setup).replace("<dtls:fingerprint", f"<dtls:fingerprint{dtls}", 1)
            transport.append(ET.fromstring(element))
    for description in jingle.iter(f"{RTP}description"):
        ET.SubElement(description, f"{RTP}rtcp-mux")
    [event] = listen(session, jingle)
    assert isinstance(event, Initiated | Accepted | ContentAdded)


@played("description")
def test_a_description_alone(path: Path) -> None:
    [root] = roots(path)
    session = session_for(Role.RESPONDER, "s")
    jingle = ET.fromstring(
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'"
        " xmlns:rtp='urn:xmpp:jingle:apps:rtp:1' xmlns:dtls='urn:xmpp:jingle:apps:dtls:0'"
        f" xmlns:ice='urn:xmpp:jingle:transports:ice-udp:1'>{content()}</jingle>"
    )
    jingle[0].remove(jingle[0][0])
    ET.SubElement(root, f"{RTP}rtcp-mux")
    if root.find(f"{RTP}payload-type") is None:  # an extract with header extensions only
        ET.SubElement(root, f"{RTP}payload-type", {"id": "0"})
    jingle[0].insert(0, root)
    [event] = listen(session, jingle)
    assert isinstance(event, Initiated)
    for word in ("nack", "trr-int", "extmap-allow-mixed"):
        assert (word in event.offer) == (word in ET.tostring(root, encoding="unicode"))


# What is no session: discovery, messages, services, errors.


@played("discovery")
def test_discovery(path: Path) -> None:
    for root in roots(path):
        query = next(root.iter(f"{{{DISCO_INFO}}}query"))
        if root.get("type") == "get":
            answer = info(True, True, query.get("node"))
            assert answer.get("node") == query.get("node")
            assert len(answer) > 10
        else:
            offered = Known().learn("", query)
            assert len(offered) == len(query.findall(f"{{{DISCO_INFO}}}feature")) > 0


@played("list")
def test_a_browsers_features(path: Path) -> None:
    query = ET.Element(f"{{{DISCO_INFO}}}query")
    for line in path.read_text().split():
        ET.SubElement(query, f"{{{DISCO_INFO}}}feature", {"var": line})
    offered = Known().learn("", query)
    assert "urn:xmpp:jingle:apps:rtp:video" in offered
    assert "urn:xmpp:jingle-message:0" not in offered  # full JIDs only


@played("presence")
def test_a_presence(path: Path) -> None:
    [presence] = roots(path)
    [caps] = presence
    assert announced(presence) == f"{caps.get('node')}#{caps.get('ver')}"


@played("call message")
def test_call_messages(path: Path) -> None:
    verbs = ["propose", "ringing", "proceed", "reject", "retract", "finish"]
    for root in roots(path):
        [child] = [each for each in root if "jingle-message" in each.tag]
        parsed = parse_call_message(child)
        assert parsed is not None
        assert type(parsed).__name__.lower() == child.tag.rpartition("}")[2]
        assert child.tag.rpartition("}")[2] in verbs
        assert parsed.id == child.get("id")
        assert parse_call_message(parsed.to_element()) == parsed


@played("invite")
def test_invites(path: Path) -> None:
    for root in roots(path):
        [child] = [each for each in root if "call-invites" in each.tag]
        parsed = parse_invite(child)
        assert parsed is not None
        assert parse_invite(parsed.to_element()) == parsed


@played("services")
def test_services(path: Path) -> None:
    [root] = roots(path)
    services = parse_services(root[0])
    assert len(services) == len(root[0])
    if root.get("type") == "result":
        assert all(each.url.startswith(each.type + ":") for each in services)


@played("error")
def test_an_error(path: Path) -> None:
    """Its condition is found, and where we give the same error it looks the same."""
    [root] = roots(path)
    for each in root.iter():
        each.tag = each.tag if each.tag.startswith("{") else CLIENT + each.tag
    [error] = root
    defined = [each.tag.rpartition("}")[2] for each in error if "xmpp-stanzas" in each.tag]
    assert error_condition(root) == next(each for each in defined if each != "text")
    ours = {
        e.jingle_condition: e for e in (unknown_session(), unsupported_info(""), tie_break_error())
    }
    for each in error:
        known = ours.get(each.tag.rpartition("}")[2])
        if "jingle:errors" in each.tag and known is not None:
            written = known.to_element()
            assert written.get("type") == error.get("type")
            assert {e.tag for e in written if not e.tag.endswith("}text")} == {e.tag for e in error}


@played("acknowledgement")
def test_an_acknowledgement_holds_nothing(path: Path) -> None:
    [root] = roots(path)
    assert (root.get("type"), len(root), (root.text or "").strip()) == ("result", 0, "")


@played("old")
def test_jingle_of_another_version_is_refused(path: Path) -> None:
    [root] = roots(path)
    with pytest.raises(RemoteProtocolError, match="bad-request"):
        session_for(Role.RESPONDER, "s").receive(next(root.iter(OLD_JINGLE)))


# Descriptions: what the browser wrote, what our forerunner wrote, fragments of the XEPs.


@played("browser")
def test_a_browsers_descriptions(path: Path) -> None:
    """Offer and answer, each from its SDP and as stanza.js wrote it."""
    stem = path.name.partition(".")[0]
    offer = path.with_name(stem.replace("answer", "offer") + ".sdp").read_text()
    stanza = jingle_of(path) if path.suffix == ".xml" else None
    sid = stanza.get("sid", "") if stanza is not None else "s"
    offerer, answerer = session_for(Role.INITIATOR, sid), session_for(Role.RESPONDER, sid)
    initiate = offerer.initiate(offer)
    offered = stanza if stanza is not None and "offer" in stem else initiate
    [initiated] = listen(answerer, offered)
    assert isinstance(initiated, Initiated)
    if "answer" in stem:
        accept = stanza if stanza is not None else answerer.accept(path.read_text())
        [accepted] = listen(offerer, accept)
        assert isinstance(accepted, Accepted)
        assert offerer.state is SessionState.ACTIVE


@played("sdp")
def test_the_descriptions_beside_a_capture(path: Path) -> None:
    remote, local = re.split(r"^--- .*\n", path.read_text(), flags=re.MULTILINE)[1:]
    offer, answer = (remote, local) if "-in-" in path.name else (local, remote)
    session = session_for(Role.INITIATOR, "s")
    peer = session_for(Role.RESPONDER, "s")
    [initiated] = listen(peer, session.initiate(offer))
    [accepted] = listen(session, peer.accept(answer))
    assert isinstance(initiated, Initiated)
    assert isinstance(accepted, Accepted)


@played("fragment")
def test_a_fragment_of_sdp_says_what_its_xml_says(path: Path) -> None:
    """Its direction has senders='initiator' beside 'recvonly': so its writer is the responder."""
    text = path.read_text().replace("\n ", "\n").replace("m=video\n", "m=video 9 RTP/AVPF 0\n")
    [described] = [
        each for each in read_sdp(dedent(text), Role.RESPONDER).contents if each.kind == "video"
    ]
    [twin] = FOLDER.glob(f"xep/{path.parent.name}/ex05-*.xml")
    [root] = roots(twin)
    holder = next(root.iter("{urn:xmpp:jingle:1}jingle"), None)
    if holder is None:
        holder = ET.fromstring("<jingle xmlns='urn:xmpp:jingle:1'><content name='v'/></jingle>")
        holder[0].append(root)
    for each in holder.iter("{urn:xmpp:jingle:1}content"):
        each.set("creator", "initiator")
    told = read_contents(holder).contents[-1].application
    ours = described.application
    assert isinstance(told, Rtp)
    assert isinstance(ours, Rtp)
    assert (ours.kind, told.kind) == ("video", "video")
    assert ours.feedback == told.feedback
    assert ours.header_extensions == told.header_extensions
    assert ours.allow_mixed == told.allow_mixed

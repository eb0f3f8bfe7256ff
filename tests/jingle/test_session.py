"""The session machine: what each action does, and which error answers what is wrong."""

import itertools
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import (
    Accepted,
    Candidate,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    DescriptionReceived,
    DtmfReceived,
    GatheringComplete,
    IceRestarted,
    Info,
    InfoReceived,
    Initiated,
    LocalProtocolError,
    Reason,
    RemoteProtocolError,
    Role,
    Senders,
    Session,
    SessionState,
    Terminated,
    TransportReplaced,
    Unacceptable,
    tie_break_error,
    unknown_session,
)
from callboard.jingle.session.state import RULES, Action, following
from callboard.tests.jingle.samples import (
    AUDIO,
    VIDEO,
    answer,
    candidate,
    content,
    fingerprint,
    jingle,
    sdp,
    trickle,
)

ALICE, BOB = "alice@example.org/a", "bob@example.org/b"

BUNDLE = (
    "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='0'/></group>"
)


def responder() -> Session:
    return Session(Role.RESPONDER, "s", initiator=ALICE, responder=BOB)


def initiator(offer: str | None = None) -> Session:
    session = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    session.initiate(offer or sdp(AUDIO, VIDEO))
    return session


def called(*contents: str) -> Session:
    session = responder()
    session.receive(jingle("session-initiate", "".join(contents or [content()])))
    return session


def accept(*contents: str) -> ET.Element:
    return jingle("session-accept", "".join(contents))


def accepted_content(name: str = "0", **kwargs: str) -> str:
    return content(name, security=fingerprint("active"), **kwargs)


def in_call() -> Session:
    session = initiator()
    session.receive(accept(accepted_content("0"), accepted_content("1", media="video")))
    return session


def refusal(session: Session, stanza: ET.Element) -> RemoteProtocolError:
    before = session.state
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(stanza)
    assert session.state is before
    return caught.value


# The tables


@pytest.mark.parametrize(
    ("state", "action", "sender"), list(itertools.product(SessionState, Action, Role))
)
def test_what_the_table_forbids_is_refused_with_the_right_error(
    state: SessionState, action: Action, sender: Role
) -> None:
    if following(state, action, sender) is not None:
        return
    session = Session(sender.other, "s", initiator=ALICE, responder=BOB)
    session.state = state
    error = refusal(session, jingle(action.value, content()))
    unknown = state is SessionState.ENDED or (
        state is SessionState.NULL and action is not Action.SESSION_INITIATE
    )
    assert error.jingle_condition == ("unknown-session" if unknown else "out-of-order")
    assert error.condition == ("item-not-found" if unknown else "unexpected-request")


def test_the_table_knows_every_action() -> None:
    assert len(Action) == 15
    assert set(RULES) == set(SessionState)
    assert {action for rules in RULES.values() for action in rules} == set(Action)


# Beginning


def test_initiate_and_accept_make_the_session_active() -> None:
    ours, theirs = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB), responder()
    stanza = ours.initiate(sdp(AUDIO, VIDEO))
    assert (stanza.get("action"), stanza.get("initiator")) == ("session-initiate", ALICE)
    [initiated] = theirs.receive(stanza)
    assert isinstance(initiated, Initiated)
    assert initiated.media == ("audio", "video")
    assert initiated.offer == theirs.remote_description
    assert "a=sendonly" in initiated.offer
    assert (ours.state, theirs.state) == (SessionState.PENDING, SessionState.PENDING)
    assert ours.remote_description is None

    stanza = theirs.accept(answer(sdp(AUDIO, VIDEO)))
    assert (stanza.get("initiator"), stanza.get("responder")) == (ALICE, BOB)
    [accepted] = ours.receive(stanza)
    assert isinstance(accepted, Accepted)
    assert accepted.answer == ours.remote_description
    assert "a=group:BUNDLE 0 1\r\n" in accepted.answer
    assert (ours.state, theirs.state) == (SessionState.ACTIVE, SessionState.ACTIVE)


def test_a_group_is_named_only_if_the_offer_had_one() -> None:
    session = called(content("0"), content("1", media="video"))
    stanza = session.accept(answer(sdp(AUDIO, VIDEO, bundle=True)))
    assert stanza.find("{urn:xmpp:jingle:apps:grouping:0}group") is None


def test_a_refused_content_is_left_out_and_comes_back_as_port_0_inside_the_bundle() -> None:
    session = initiator(sdp(VIDEO, AUDIO))
    [accepted] = session.receive(accept(accepted_content("0")))
    assert isinstance(accepted, Accepted)
    media = [line for line in accepted.answer.splitlines() if line.startswith("m=")]
    assert [line.split()[:2] for line in media] == [["m=video", "0"], ["m=audio", "9"]]
    assert "a=group:BUNDLE 0 1\r\n" in accepted.answer
    assert accepted.answer.count("a=ice-ufrag:uuuu") == 2
    assert accepted.answer.count("a=setup:active") == 2


@pytest.mark.parametrize("group", ["", BUNDLE])
def test_a_refused_content_may_be_written_with_nothing_on_its_transport(group: str) -> None:
    """As stanza.js writes the m-line with port 0 of Firefox, where it has no encoder."""
    session = initiator(sdp(AUDIO, VIDEO))
    refused = (
        "<content creator='initiator' name='1' senders='none'>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>"
        "<payload-type id='120' name='VP8' clockrate='90000' channels='1'/></description>"
        "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></content>"
    )
    [accepted] = session.receive(accept(accepted_content("0"), refused, group))
    assert isinstance(accepted, Accepted)
    assert "m=audio 9 " in accepted.answer
    assert "m=video 0 " in accepted.answer
    assert session.kinds == ("audio",)


def test_an_accept_of_refused_contents_alone_is_unacceptable() -> None:
    session = initiator(sdp(AUDIO))
    refused = content(security="", credentials="", attributes="creator='initiator' senders='none'")
    [found] = session.receive(accept(refused))
    assert isinstance(found, Unacceptable)


def test_an_answer_of_port_0_is_not_written() -> None:
    session = called(content("0"), content("1", media="video"))
    refused = VIDEO.replace("m=video 9", "m=video 0")
    stanza = session.accept(answer(sdp(AUDIO, refused)))
    names = [each.get("name") for each in stanza.iter("{urn:xmpp:jingle:1}content")]
    assert names == ["0"]
    assert "m=video 0" in str(session.remote_description)
    assert session.receive(trickle("1", inner=candidate())) == []


def test_names_that_are_no_mids_come_back_unchanged() -> None:
    session = called(content("hold music % é"))
    offer = session.remote_description
    assert offer is not None
    [mid] = [line[6:] for line in offer.splitlines() if line.startswith("a=mid:")]
    assert mid == "hold%20music%20%25%20%C3%A9" == session.mid("hold music % é")
    stanza = session.accept(answer(sdp(AUDIO.replace("mid:0", f"mid:{mid}"))))
    assert [each.get("name") for each in stanza] == ["hold music % é"]


def test_long_mids_of_ours_become_short_names() -> None:
    mid = "a-mid-of-more-than-16-characters"
    session = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    stanza = session.initiate(sdp(AUDIO.replace("mid:0", f"mid:{mid}")))
    name = stanza[0].get("name") or ""
    assert 0 < len(name) <= 16
    [accepted] = session.receive(accept(accepted_content(name)))
    assert isinstance(accepted, Accepted)
    assert f"a=mid:{mid}\r\n" in accepted.answer


def test_actpass_in_an_answer_is_read_as_active() -> None:
    session = initiator(sdp(AUDIO))
    [accepted] = session.receive(accept(content("0")))
    assert isinstance(accepted, Accepted)
    assert "a=setup:active" in accepted.answer


def test_what_a_bundle_says_once_holds_for_all() -> None:
    bare = content("1", media="video", credentials="", security="")
    group = (
        "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"
        "<content name='0'/><content name='1'/></group>"
    )
    [initiated] = responder().receive(jingle("session-initiate", content("0") + bare + group))
    assert isinstance(initiated, Initiated)
    assert initiated.offer.count("a=ice-ufrag:uuuu") == 2
    assert initiated.offer.count("a=fingerprint") == 2


# Not acceptable, but well-formed: acknowledged, then terminated

OTHER = "<transport xmlns='urn:y'/>"
UNKNOWN = "<description xmlns='urn:x'/>"
RAW = "<raw:transport><raw:candidate component='1' ip='1.2.3.4' port='5'/></raw:transport>"


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (f"<content name='f' creator='initiator'>{UNKNOWN}{RAW}</content>",
         Reason.UNSUPPORTED_APPLICATIONS),
        (f"<content name='0' creator='initiator'><rtp:description media='audio'/>{RAW}</content>",
         Reason.UNSUPPORTED_TRANSPORTS),
        (f"<content name='0' creator='initiator'><rtp:description media='audio'/>{OTHER}</content>",
         Reason.UNSUPPORTED_TRANSPORTS),
        (content(media="text"), Reason.UNSUPPORTED_APPLICATIONS),
        (content(security=""), Reason.SECURITY_ERROR),
        (content(security="<dtls:fingerprint hash='md5' setup='actpass'>"
                 + ":".join(["AA"] * 16) + "</dtls:fingerprint>"), Reason.SECURITY_ERROR),
        (content(security=fingerprint(value="AB:CD")), Reason.SECURITY_ERROR),
        (content(security=fingerprint(value="not a hash")), Reason.SECURITY_ERROR),
        (content(security=fingerprint(value="")), Reason.SECURITY_ERROR),
        (content(security=fingerprint(value="CD") + fingerprint(value="AB")),
         Reason.SECURITY_ERROR),
        (content(security=fingerprint().replace("sha-256", "")), Reason.SECURITY_ERROR),
        (content(security=fingerprint().replace("sha-256", "sha-3")), Reason.SECURITY_ERROR),
        (content(credentials=""), Reason.FAILED_TRANSPORT),
        (content(mux=""), Reason.INCOMPATIBLE_PARAMETERS),
        (content(codecs=""), Reason.INCOMPATIBLE_PARAMETERS),
        (content(codecs="<rtp:payload-type id='73' name='x'/>"), Reason.INCOMPATIBLE_PARAMETERS),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_unacceptable(contents: str, reason: Reason) -> None:
    session = responder()
    [event] = session.receive(jingle("session-initiate", contents))
    assert isinstance(event, Unacceptable)
    assert (event.reason, event.contents) == (reason, ())
    assert event.text
    assert session.remote_description is None
    with pytest.raises(LocalProtocolError):
        session.accept(answer(sdp(AUDIO)))
    stanza = session.terminate(event.reason, event.text)
    assert stanza.find(f"{{urn:xmpp:jingle:1}}reason/{{urn:xmpp:jingle:1}}{reason}") is not None
    assert session.state is SessionState.ENDED


def test_an_unknown_content_beside_a_known_one_is_left_out() -> None:
    other = f"<content name='file' creator='initiator'>{UNKNOWN}{RAW}</content>"
    session = called(content("0"), other)
    assert session.remote_description is not None
    assert session.remote_description.count("m=") == 1
    assert session.receive(trickle("file", inner=candidate())) == []
    stanza = session.accept(answer(sdp(AUDIO)))
    assert [each.get("name") for each in stanza] == ["0"]


# Malformed: an IQ error

CANDIDATE = candidate()
WITH_PARAMETER = (
    "<rtp:payload-type id='96' name='a'><rtp:parameter name='x' value='{}'/></rtp:payload-type>"
)


@pytest.mark.parametrize(
    "contents",
    [
        "",
        "<content creator='initiator'/>",
        "<content name='0' creator='initiator'/>",
        f"<content name='0' creator='initiator'>{UNKNOWN}</content>",
        "<content name='0' creator='initiator'><rtp:description media='audio'/></content>",
        content() + content(),
        content(attributes="creator='me'"),
        content(attributes="creator='initiator' senders='all'"),
        content(codecs="<rtp:payload-type id='111'/>"),
        content(codecs="<rtp:payload-type id='128' name='opus'/>"),
        content(codecs="<rtp:payload-type id='96' name='a/b'/>"),
        content(codecs="<rtp:payload-type id='96' name='a'/>" * 2),
        content(codecs="<rtp:payload-type id='96' name='a' clockrate='fast'/>"),
        content(codecs="<rtp:payload-type id='96' name='a&#13;&#10;a=setup:active'/>"),
        content(codecs=WITH_PARAMETER.format("1&#10;a=x")),
        content(codecs=WITH_PARAMETER.format("1;y=2")),
        content(ice=CANDIDATE.replace("192.0.2.7", "not an address")),
        content(ice=CANDIDATE.replace("192.0.2.7", "1.2.3.4&#10;")),
        content(ice=CANDIDATE.replace("'host'", "'bogus'")),
        content(ice=CANDIDATE.replace("component='1'", "")),
        content(ice=CANDIDATE.replace("5000", "70000")),
        content(credentials="ufrag='a b' pwd='c'"),
        content(credentials="ufrag='a&#8232;a=x' pwd='c'"),
        content(credentials="ufrag='a&#133;' pwd='c'"),
        content(security=fingerprint(setup="holdconn")),
        content("name&#10;a=x"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_a_bad_request(contents: str) -> None:
    session = responder()
    error = refusal(session, jingle("session-initiate", contents))
    assert (error.condition, error.jingle_condition) == ("bad-request", None)
    assert session.state is SessionState.NULL


def test_a_nul_that_no_parser_would_let_through_is_a_bad_request() -> None:
    stanza = jingle("session-initiate", content())
    stanza[0].set("name", "a\x00b")
    assert refusal(responder(), stanza).condition == "bad-request"


@pytest.mark.parametrize(
    "contents",
    [
        content(ice=CANDIDATE * 10_000),
        "".join(content(str(index)) for index in range(17)),
        content(codecs="".join(
            f"<rtp:payload-type id='{index % 128}' name='x'/>" for index in range(129)
        )),
        content("n" * 300),
        content(codecs=f"<rtp:payload-type id='96' name='{'x' * 2000}'/>"),
    ],
)  # fmt: skip
def test_what_is_too_much_is_a_policy_violation(contents: str) -> None:
    error = refusal(responder(), jingle("session-initiate", contents))
    assert error.condition == "policy-violation"


@pytest.mark.parametrize(
    "stanza",
    [
        ET.Element("{urn:xmpp:jingle:1}jingle", {"action": "session-initiate"}),
        ET.Element("{urn:xmpp:jingle:1}jingle", {"sid": "s"}),
        ET.Element("{urn:xmpp:jingle:1}jingle", {"sid": "s", "action": "dance"}),
        ET.Element("{urn:xmpp:jingle:0}jingle", {"sid": "s", "action": "session-initiate"}),
    ],
)
def test_what_is_no_jingle_is_a_bad_request(stanza: ET.Element) -> None:
    assert refusal(responder(), stanza).condition == "bad-request"


def test_another_session_is_unknown() -> None:
    error = refusal(responder(), jingle("session-initiate", content(), sid="other"))
    assert error.jingle_condition == "unknown-session"


def test_twice_is_out_of_order() -> None:
    stanza = jingle("session-initiate", content())
    assert refusal(called(), stanza).jingle_condition == "out-of-order"
    assert refusal(in_call(), accept(accepted_content())).jingle_condition == "out-of-order"


@pytest.mark.parametrize(
    "contents",
    ["", accepted_content("unknown"), accepted_content("0", media="video")],
)
def test_an_accept_of_what_was_not_offered_is_a_bad_request(contents: str) -> None:
    session = initiator()
    assert refusal(session, accept(contents)).condition == "bad-request"
    assert session.receive(accept(accepted_content("0")))


@pytest.mark.parametrize("security", ["", fingerprint(value="AB:CD"), fingerprint(value="\x80")])
def test_an_accept_without_a_true_fingerprint_is_unacceptable(security: str) -> None:
    [event] = initiator().receive(accept(content("0", security=security)))
    assert isinstance(event, Unacceptable)
    assert event.reason is Reason.SECURITY_ERROR


# Trickle


def test_candidates_before_the_description_are_held() -> None:
    session = initiator()
    assert session.receive(trickle("0", inner=CANDIDATE)) == []
    assert session.receive(trickle("0", "", candidate("192.0.2.8"))) == []
    assert session.receive(trickle("0", "ufrag='old!'", candidate("192.0.2.9"))) == []
    [accepted] = session.receive(accept(accepted_content("0")))
    assert isinstance(accepted, Accepted)
    assert "192.0.2.7" in accepted.answer
    assert "192.0.2.8" in accepted.answer
    assert "192.0.2.9" not in accepted.answer


def test_candidates_after_the_description_are_told_one_by_one() -> None:
    session = called()
    [event] = session.receive(trickle(inner=CANDIDATE))
    assert isinstance(event, CandidatesReceived)
    [received] = event.candidates
    assert (event.content, received.sdp_mid, received.ip) == ("0", "0", "192.0.2.7")
    assert received.to_sdp() == "f 1 udp 1 192.0.2.7 5000 typ host"
    assert session.receive(trickle(inner=CANDIDATE)) == []
    assert "192.0.2.7" in str(session.remote_description)


def test_candidates_of_no_use_are_kept_to_ourselves() -> None:
    session = called()
    useless = [
        candidate(protocol="tcp"),
        candidate(component=2),
        candidate("x.local"),
        candidate().replace("'host'", "'prflx'"),
    ]
    for each in useless:
        assert session.receive(trickle(inner=each)) == []
    assert "a=candidate" not in str(session.remote_description)


def test_the_end_of_gathering_is_told_and_written_with_a_usable_candidate_only() -> None:
    session = called()
    complete = "<ice:gathering-complete/>"
    assert session.receive(trickle(inner=complete)) == [GatheringComplete("0")]
    assert "end-of-candidates" not in str(session.remote_description)
    session.receive(trickle(inner=CANDIDATE))
    assert "end-of-candidates" in str(session.remote_description)


def test_candidates_without_end_are_a_policy_violation() -> None:
    session = called()
    for index in range(256):
        session.receive(trickle(inner=candidate(port=index + 1)))
    assert refusal(session, trickle(inner=CANDIDATE)).condition == "policy-violation"
    early = initiator()
    for index in range(256):
        early.receive(trickle(inner=candidate(port=index + 1)))
    assert refusal(early, trickle(inner=CANDIDATE)).condition == "policy-violation"


def test_candidates_of_an_unknown_content_are_a_bad_request() -> None:
    assert refusal(called(), trickle("nope", inner=CANDIDATE)).condition == "bad-request"


def test_our_candidates_carry_the_credentials_in_force() -> None:
    session = initiator()
    ours = Candidate.from_sdp("1 1 udp 1 192.0.2.1 5 typ host")
    stanza = session.candidates("1", [ours], complete=True)
    [transport] = stanza.iter("{urn:xmpp:jingle:transports:ice-udp:1}transport")
    assert transport.get("ufrag") == "uf+r"
    assert transport.get("pwd") == "pwpwpwpwpwpwpwpwpwpwpw"
    assert len(transport) == 2
    with pytest.raises(LocalProtocolError):
        session.candidates("nope", [ours])


def test_new_credentials_are_a_restart() -> None:
    session = called(content(ice=candidate("192.0.2.1")))
    new = "ufrag='nnnn' pwd='nnnnnnnnnnnnnnnnnnnnnn'"
    [restarted, received] = session.receive(trickle(credentials=new, inner=CANDIDATE))
    assert isinstance(restarted, IceRestarted)
    assert (restarted.mid, restarted.ufrag) == ("0", "nnnn")
    assert "a=ice-ufrag:nnnn" in restarted.description
    assert "192.0.2.1 " not in restarted.description
    assert isinstance(received, CandidatesReceived)
    assert session.receive(trickle(credentials="ufrag='uuuu'", inner=candidate("192.0.2.3"))) == []


def test_a_restart_of_a_bundle_is_told_once() -> None:
    group = (
        "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"
        "<content name='0'/><content name='1'/></group>"
    )
    session = called(content("0"), content("1", media="video"), group)
    new = "ufrag='nnnn' pwd='nnnnnnnnnnnnnnnnnnnnnn'"
    [restarted] = session.receive(trickle("0", new))
    assert isinstance(restarted, IceRestarted)
    assert restarted.description.count("a=ice-ufrag:nnnn") == 2
    assert session.receive(trickle("1", new)) == []


def test_our_answer_to_a_restart_is_told_at_once_with_the_candidates() -> None:
    session = in_call()
    [stanza] = session.restart(sdp(AUDIO, VIDEO).replace("uf+r", "next"), answer=True)
    assert stanza.get("action") == "transport-info"
    assert [one.get("name") for one in stanza] == ["0", "1"]
    for one in stanza:
        assert one[0].get("ufrag") == "next"
    assert [child.tag.rpartition("}")[2] for one in stanza for child in one[0]] == (
        ["candidate"] * 5
    )
    assert session.candidates("0", [])[0][0].get("ufrag") == "next"


def test_our_own_restart_tells_the_credentials_before_the_candidates() -> None:
    session = in_call()
    first, *others = session.restart(sdp(AUDIO, VIDEO).replace("uf+r", "next"), answer=False)
    assert [(len(one[0]), one[0].get("ufrag")) for one in first] == [(0, "next")] * 2
    [[trickled]] = others
    assert trickled.get("name") == "0"
    assert trickled[0].get("pwd") == first[0][0].get("pwd")
    assert len(trickled[0]) == 5


def test_a_transport_that_did_not_restart_is_left_out() -> None:
    session = in_call()
    restarted = sdp(AUDIO, VIDEO.replace("uf+r", "next"))
    [stanza] = session.restart(restarted, answer=True)
    assert [each.get("name") for each in stanza] == ["1"]
    assert session.restart(restarted, answer=True) == []


def test_our_restart_of_separate_transports_is_told_apart() -> None:
    session = in_call()
    audio, video = AUDIO.replace("uf+r", "one"), VIDEO.replace("uf+r", "two")
    stanzas = session.restart(sdp(audio, video), answer=True)
    assert [[one[0].get("ufrag") for one in stanza] for stanza in stanzas] == [["one"], ["two"]]


# Information


def test_session_info_is_told_and_a_ping_is_silent() -> None:
    session = called()
    assert session.receive(jingle("session-info")) == []
    told = jingle("session-info", "<info:mute name='0' creator='initiator'/><info:hold/>")
    assert session.receive(told) == [InfoReceived(Info.MUTE, "0"), InfoReceived(Info.HOLD)]


@pytest.mark.parametrize("payload", ["<x xmlns='urn:x'/>", "<info:dance/>"])
def test_unknown_information_is_unsupported(payload: str) -> None:
    error = refusal(called(), jingle("session-info", payload))
    assert error.condition == "feature-not-implemented"
    assert error.jingle_condition == "unsupported-info"


def test_security_info_is_unsupported() -> None:
    error = refusal(called(), jingle("security-info", "<content name='0' creator='initiator'/>"))
    assert error.jingle_condition == "unsupported-info"


@pytest.mark.parametrize("info", Info)
def test_our_information_reaches_a_session(info: Info) -> None:
    ours, theirs = initiator(), called(content("0"), content("1", media="video"))
    assert theirs.receive(ours.info(info, "1")) == [InfoReceived(info, "1")]
    assert theirs.receive(ours.info(info)) == [InfoReceived(info)]


def test_description_info_is_a_hint() -> None:
    assert called().receive(jingle("description-info", content())) == [DescriptionReceived("0")]


# Contents and transports


def test_the_peer_adds_a_content() -> None:
    session = in_call()
    [added] = session.receive(jingle("content-add", content("camera", media="video")))
    assert isinstance(added, ContentAdded)
    assert (added.contents, added.media) == (("camera",), ("video",))
    assert added.offer.count("m=") == 3
    mids = [line for line in added.offer.splitlines() if line.startswith("a=mid:")]
    assert mids == ["a=mid:0", "a=mid:1", "a=mid:camera"]
    camera = VIDEO.replace("mid:1", "mid:camera")
    stanza = session.accept_contents(answer(sdp(AUDIO, VIDEO, camera)))
    assert stanza.get("action") == "content-accept"
    assert [each.get("name") for each in stanza.findall("{urn:xmpp:jingle:1}content")] == ["camera"]


def test_the_peer_adds_what_we_refuse() -> None:
    session = in_call()
    session.receive(jingle("content-add", content("camera", media="video")))
    stanza = session.reject_contents(["camera"], Reason.DECLINE)
    assert stanza.get("action") == "content-reject"
    assert stanza[0].get("name") == "camera"
    assert str(session.remote_description).count("m=") == 2


def test_the_peer_adds_what_cannot_be_carried() -> None:
    session = in_call()
    [event] = session.receive(jingle("content-add", content("x", media="video", security="")))
    assert isinstance(event, Unacceptable)
    assert (event.reason, event.contents) == (Reason.SECURITY_ERROR, ("x",))
    session.reject_contents(event.contents, event.reason, event.text)
    assert session.state is SessionState.ACTIVE


def test_the_peer_adds_a_content_twice() -> None:
    error = refusal(in_call(), jingle("content-add", content("0")))
    assert error.condition == "bad-request"


def test_we_add_a_content() -> None:
    session = in_call()
    more = sdp(AUDIO, VIDEO, VIDEO.replace("mid:1", "mid:2"))
    stanza = session.add_contents(more)
    assert [each.get("name") for each in stanza.findall("{urn:xmpp:jingle:1}content")] == ["2"]
    assert session.receive(trickle("2", "", CANDIDATE)) == []
    [event] = session.receive(jingle("content-accept", accepted_content("2", media="video")))
    assert isinstance(event, ContentAccepted)
    assert event.answer.count("m=video 9") == 2
    assert "192.0.2.7" in event.answer


def test_what_we_add_is_refused() -> None:
    session = in_call()
    session.add_contents(sdp(AUDIO, VIDEO, VIDEO.replace("mid:1", "mid:2")))
    inner = "<content name='2' creator='initiator'/><reason><failed_application/></reason>"
    [event] = session.receive(jingle("content-reject", inner))
    assert event == ContentRejected(("2",), Reason.FAILED_APPLICATION, "")
    assert "m=video 0" in str(session.remote_description)


def test_a_refusal_that_names_nothing_means_what_we_added() -> None:
    session = in_call()
    session.add_contents(sdp(AUDIO, VIDEO, VIDEO.replace("mid:1", "mid:2")))
    reason = "<reason><failed-application/><text>content-add is not supported</text></reason>"
    [event] = session.receive(jingle("content-reject", reason))
    text = "content-add is not supported"
    assert event == ContentRejected(("2",), Reason.FAILED_APPLICATION, text)
    assert refusal(session, jingle("content-reject", reason)).condition == "bad-request"


def test_answers_to_what_we_did_not_add_are_out_of_order() -> None:
    session = in_call()
    for action in ("content-accept", "content-reject"):
        assert refusal(session, jingle(action, content("0"))).jingle_condition == "out-of-order"
    for action in ("transport-accept", "transport-reject"):
        assert refusal(session, jingle(action, content("0"))).jingle_condition == "out-of-order"


def test_the_initiators_content_add_wins() -> None:
    session = in_call()
    session.add_contents(sdp(AUDIO, VIDEO, VIDEO.replace("mid:1", "mid:2")))
    error = refusal(session, jingle("content-add", content("camera", media="video")))
    assert (error.condition, error.jingle_condition) == ("conflict", "tie-break")


def test_the_peer_removes_contents() -> None:
    session = in_call()
    [event] = session.receive(jingle("content-remove", "<content name='1' creator='initiator'/>"))
    assert event == ContentRemoved(("1",), None, "", remaining=True)
    assert "m=video 0" in str(session.remote_description)
    [event] = session.receive(jingle("content-remove", "<content name='0' creator='initiator'/>"))
    assert event == ContentRemoved(("0",), None, "", remaining=False)
    assert session.remote_description is None


@pytest.mark.parametrize("action", ["content-reject", "content-remove"])
def test_a_part_of_our_offer_may_be_refused_before_the_rest_is_accepted(action: str) -> None:
    session = initiator()
    [event] = session.receive(jingle(action, "<content name='1' creator='initiator'/>"))
    assert event == ContentRemoved(("1",), None, "", remaining=True)
    assert session.kinds == ("audio",)
    [accepted] = session.receive(accept(accepted_content("0")))
    assert isinstance(accepted, Accepted)
    assert "m=video 0" in accepted.answer


def test_what_the_peer_cannot_take_is_not_offered() -> None:
    session = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    stanza = session.initiate(sdp(AUDIO, VIDEO), without=("video",))
    assert [each.get("name") for each in stanza.iter("{urn:xmpp:jingle:1}content")] == ["0"]
    assert session.kinds == ("audio",)
    [accepted] = session.receive(accept(accepted_content("0")))
    assert isinstance(accepted, Accepted)
    media = [line for line in accepted.answer.splitlines() if line.startswith("m=")]
    assert [line.split()[:2] for line in media] == [["m=audio", "9"], ["m=video", "0"]]
    alone = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    with pytest.raises(LocalProtocolError):
        alone.initiate(sdp(VIDEO), without=("video",))
    assert alone.state is SessionState.NULL


def test_a_removal_that_the_peer_may_refuse_is_done_when_it_is_taken() -> None:
    session = in_call()
    before = session.remote_description
    assert session.remove_contents(["1"], Reason.SUCCESS, asks=True).get("action")
    assert session.remote_description == before
    session.forget_contents(["1"])
    assert "m=video 0" in str(session.remote_description)
    assert session.kinds == ("audio",)


def test_we_remove_a_content() -> None:
    session = in_call()
    stanza = session.remove_contents(["1"], Reason.SUCCESS)
    assert stanza.get("action") == "content-remove"
    assert "m=video 0" in str(session.remote_description)


def test_the_peer_changes_who_sends() -> None:
    session = called()
    inner = "<content name='0' creator='initiator' senders='responder'/>"
    [event] = session.receive(jingle("content-modify", inner))
    assert isinstance(event, ContentModified)
    assert event.senders is Senders.RESPONDER
    assert "a=recvonly" in event.description


def test_the_peer_decides_for_itself_alone_who_sends() -> None:
    session = called()
    inner = "<content name='0' creator='initiator' senders='none'/>"
    [event] = session.receive(jingle("content-modify", inner))
    assert isinstance(event, ContentModified)
    assert event.senders is Senders.NONE
    assert "a=recvonly" in event.description


@pytest.mark.parametrize("role", Role)
def test_we_stop_sending_and_go_on(role: Role) -> None:
    session = in_call() if role is Role.INITIATOR else called(content("0"), content("1"))
    if role is Role.RESPONDER:
        session.accept(answer(sdp(AUDIO, VIDEO)))
    before = session.remote_description
    for sends, senders in ((False, role.other), (True, "both")):
        stanza = session.modify_content("0", sends=sends)
        assert (stanza.get("action"), stanza[0].get("senders")) == ("content-modify", senders)
        assert len(stanza[0]) == 0
    assert session.remote_description == before
    inner = f"<content name='0' creator='initiator' senders='{role}'/>"
    session.receive(jingle("content-modify", inner))
    for sends, senders in ((False, "none"), (True, role)):
        assert session.modify_content("0", sends=sends)[0].get("senders") == senders


def test_a_transport_replace_is_told_and_refused() -> None:
    session = in_call()
    inner = f"<content name='0' creator='initiator'>{RAW}</content>"
    assert session.receive(jingle("transport-replace", inner)) == [TransportReplaced(("0",))]
    assert session.reject_transport(["0"]).get("action") == "transport-reject"


# The end


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_arrives(reason: Reason) -> None:
    ours, theirs = initiator(), called()
    assert theirs.receive(ours.terminate(reason, "text")) == [Terminated(reason, "text")]
    assert (ours.state, theirs.state) == (SessionState.ENDED, SessionState.ENDED)


@pytest.mark.parametrize(
    ("inner", "reason", "text"),
    [
        ("", None, ""),
        ("<reason/>", None, ""),
        ("<reason><made-up/></reason>", None, ""),
        ("<reason><failed_application/></reason>", Reason.FAILED_APPLICATION, ""),
        (f"<reason><busy/><text> {'x' * 5000} </text></reason>", Reason.BUSY, "x" * 1000),
        ("<reason><busy/><text>a&#10;b</text></reason>", Reason.BUSY, "a b"),
    ],
)
def test_a_reason_is_read_leniently(inner: str, reason: Reason | None, text: str) -> None:
    assert called().receive(jingle("session-terminate", inner)) == [Terminated(reason, text)]


def test_an_alternative_session_is_named() -> None:
    inner = "<reason><alternative-session><sid>t</sid></alternative-session></reason>"
    [event] = called().receive(jingle("session-terminate", inner))
    assert event == Terminated(Reason.ALTERNATIVE_SESSION, "", "t")


def test_after_the_end_nothing_is_known_or_allowed() -> None:
    session = initiator()
    session.terminate(Reason.CANCEL)
    error = refusal(session, accept(accepted_content()))
    assert error.jingle_condition == "unknown-session"
    with pytest.raises(LocalProtocolError):
        session.terminate(Reason.CANCEL)


def test_we_may_not_do_what_the_table_forbids() -> None:
    session = initiator()
    forbidden: list[Callable[[], object]] = [
        lambda: session.initiate(sdp(AUDIO)),
        lambda: session.accept(sdp(AUDIO)),
        lambda: responder().initiate(sdp(AUDIO)),
        lambda: responder().terminate(Reason.SUCCESS),
        lambda: responder().info(Info.RINGING),
    ]
    for send in forbidden:
        with pytest.raises(LocalProtocolError):
            send()


# Errors as stanzas


def test_an_error_becomes_an_element() -> None:
    element = unknown_session("s" * 500).to_element()
    assert (element.tag, element.get("type")) == ("{jabber:client}error", "cancel")
    assert [child.tag for child in element] == [
        "{urn:ietf:params:xml:ns:xmpp-stanzas}item-not-found",
        "{urn:ietf:params:xml:ns:xmpp-stanzas}text",
        "{urn:xmpp:jingle:errors:1}unknown-session",
    ]
    assert tie_break_error().to_element().get("type") == "cancel"


@pytest.mark.parametrize("again", ["theirs", "ours"])
def test_the_name_of_a_rejected_content_is_free_again(again: str) -> None:
    """Each side's peer connection counts its mids alone, so both come to the same name."""
    audio, video = sdp(AUDIO), sdp(AUDIO, VIDEO)
    ours = Session(Role.INITIATOR, "s", initiator="a@x/1", responder="b@x/2")
    theirs = Session(Role.RESPONDER, "s", initiator="a@x/1", responder="b@x/2")
    theirs.receive(ours.initiate(audio))
    ours.receive(theirs.accept(answer(audio)))
    theirs.receive(ours.add_contents(video))
    ours.receive(theirs.reject_contents(["1"], Reason.DECLINE))

    adding, answering = (theirs, ours) if again == "theirs" else (ours, theirs)
    fresh = video if adding is theirs else video + VIDEO.replace("mid:1", "mid:2")
    [added] = answering.receive(adding.add_contents(fresh))
    assert isinstance(added, ContentAdded)
    mids = [line for line in added.offer.splitlines() if line.startswith("a=mid:")]
    assert len(set(mids)) == len(mids)
    if adding is theirs:  # our own m-line of that name is there, refused
        assert mids == ["a=mid:0", "a=mid:1", "a=mid:1+"]
        lines = [line for line in added.offer.splitlines() if line.startswith("m=")]
        assert [line.split()[1] for line in lines] == ["9", "0", "9"]
        accepted = answering.accept_contents(
            sdp(AUDIO, VIDEO.replace("m=video 9", "m=video 0"), VIDEO.replace("mid:1", "mid:1+"))
        )
        [done] = adding.receive(accepted)
        assert isinstance(done, ContentAccepted)
        assert done.contents == ("1",)


@pytest.mark.parametrize("code", "0123456789*#ABCDa")
def test_a_key_that_is_pressed(code: str) -> None:
    """XEP-0181, with what it has beside the key."""
    payload = f"<dtmf xmlns='urn:xmpp:jingle:dtmf:0' code='{code}' duration='400' volume='42'/>"
    assert called().receive(jingle("session-info", payload)) == [DtmfReceived(code.upper())]


def test_a_key_that_is_let_go_is_taken_and_says_nothing() -> None:
    payload = "<dtmf xmlns='urn:xmpp:jingle:dtmf:0' action='button-up'/>"
    assert called().receive(jingle("session-info", payload)) == []


@pytest.mark.parametrize("code", ["", "E", "12", "\u0661", " 1"])
def test_what_is_no_key_is_unsupported(code: str) -> None:
    payload = f"<dtmf xmlns='urn:xmpp:jingle:dtmf:0' code='{code}'/>"
    error = refusal(called(), jingle("session-info", payload))
    assert error.condition == "feature-not-implemented"


def test_a_key_is_not_shown() -> None:
    assert "7" not in repr(DtmfReceived("7"))

"""Descriptions that come in parts: they are put together first and judged afterwards."""

import itertools
from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import (
    Accepted,
    ContentAccepted,
    ContentAdded,
    ContentRemoved,
    Event,
    Initiated,
    LocalProtocolError,
    Reason,
    RemoteProtocolError,
    Role,
    Session,
    SessionState,
    Unacceptable,
)
from callboard.tests.jingle.samples import (
    AUDIO,
    OTHER_FINGERPRINT,
    VIDEO,
    answer,
    candidate,
    content,
    fingerprint,
    jingle,
    sdp,
    trickle,
)
from callboard.tests.jingle.test_session import (
    accept,
    accepted_content,
    in_call,
    initiator,
    refusal,
    responder,
)

CREDENTIALS = "ufrag='uuuu' pwd='pppppppppppppppppppppp'"
PARTS: dict[str, tuple[dict[str, str], ET.Element]] = {
    "fingerprint": ({"security": ""}, trickle(credentials="", inner=fingerprint("active"))),
    "fingerprint-with-credentials": (
        {"security": ""},
        trickle(credentials=CREDENTIALS, inner=fingerprint("active")),
    ),
    "credentials": ({"credentials": ""}, trickle(credentials=CREDENTIALS)),
    "credentials-with-candidate": (
        {"credentials": ""},
        trickle(credentials=CREDENTIALS, inner=candidate()),
    ),
    "password": (
        {"credentials": "ufrag='uuuu'"},
        trickle(credentials="pwd='pppppppppppppppppppppp'"),
    ),
    "codecs": ({"codecs": ""}, jingle("description-info", content())),
    "fingerprint-as-security": (
        {"security": ""},
        jingle("security-info", trickle_content := ET.tostring(
            trickle(credentials="", inner=fingerprint("active"))[0], encoding="unicode"
        )),
    ),
}  # fmt: skip


def missing(kind: str, setup: str, **more: str) -> str:
    """A content without a part."""
    return content("0", **{"security": fingerprint(setup), **PARTS[kind][0], **more})


def is_whole(text: str) -> bool:
    lines = ("a=ice-ufrag:uuuu", "a=ice-pwd:pppp", "a=fingerprint:sha-256 AB:", "a=rtpmap:111 opus")
    return all(line in text for line in lines)


def only(events: list[Event]) -> Event:
    [event] = events
    return event


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_that_comes_before_the_accept_is_a_part_of_it(kind: str) -> None:
    session = initiator(sdp(AUDIO))
    session.receive(PARTS[kind][1])
    accepted = only(session.receive(accept(missing(kind, "active"))))
    assert isinstance(accepted, Accepted)
    assert is_whole(accepted.answer)
    assert session.state is SessionState.ACTIVE


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_may_follow_the_offer(kind: str) -> None:
    session = responder()
    lacks = only(session.receive(jingle("session-initiate", missing(kind, "actpass"))))
    assert isinstance(lacks, Unacceptable)
    assert (lacks.lacking, lacks.media, lacks.contents) == (True, ("audio",), ())
    assert session.remote_description is None
    with pytest.raises(LocalProtocolError):
        session.accept(answer(sdp(AUDIO)))
    assert session.receive(trickle("0", "", candidate("192.0.2.77"))) == []
    *_, initiated = session.receive(PARTS[kind][1])
    assert isinstance(initiated, Initiated)
    assert is_whole(initiated.offer)
    assert "192.0.2.77" in initiated.offer
    assert initiated.offer == session.remote_description
    session.accept(answer(sdp(AUDIO)))
    assert session.state is SessionState.ACTIVE


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["fingerprint", "credentials", "codecs"]))
)
def test_parts_may_come_in_any_order(order: tuple[str, ...]) -> None:
    session = responder()
    bare = content("0", security="", credentials="", codecs="")
    session.receive(jingle("session-initiate", bare))
    *early, last = order
    for kind in early:
        assert not [e for e in session.receive(PARTS[kind][1]) if isinstance(e, Initiated)]
    *_, initiated = session.receive(PARTS[last][1])
    assert isinstance(initiated, Initiated)
    assert is_whole(initiated.offer)


def test_parts_that_do_not_come_are_not_waited_for_without_end() -> None:
    session = responder()
    lacking = content("1", media="video", security="")
    only(session.receive(jingle("session-initiate", content("0") + lacking)))
    initiated = only(session.settle())
    assert isinstance(initiated, Initiated)
    assert initiated.media == ("audio",)
    assert session.settle() == []
    alone = responder()
    alone.receive(jingle("session-initiate", content("0", security="")))
    refused = only(alone.settle())
    assert isinstance(refused, Unacceptable)
    assert (refused.reason, refused.lacking) == (Reason.SECURITY_ERROR, False)
    assert alone.terminate(refused.reason).get("action") == "session-terminate"


def test_what_is_wrong_is_not_waited_for() -> None:
    session = responder()
    session.receive(jingle("session-initiate", content("0", security="")))
    wrong = trickle(credentials="", inner=fingerprint(value="AB:CD"))
    refused = only(session.receive(wrong))
    assert isinstance(refused, Unacceptable)
    assert (refused.reason, refused.lacking) == (Reason.SECURITY_ERROR, False)


def test_what_the_accept_says_itself_counts() -> None:
    session = initiator(sdp(AUDIO))
    session.receive(trickle(credentials="", inner=fingerprint(value=OTHER_FINGERPRINT)))
    session.receive(trickle(credentials="ufrag='old!' pwd='x'", inner=candidate("192.0.2.66")))
    session.receive(trickle(credentials="", inner=candidate("192.0.2.67")))
    accepted = only(session.receive(accept(accepted_content("0"))))
    assert isinstance(accepted, Accepted)
    assert is_whole(accepted.answer)
    assert OTHER_FINGERPRINT not in accepted.answer
    assert "192.0.2.66" not in accepted.answer
    assert "192.0.2.67" in accepted.answer


def test_a_later_part_counts_before_an_earlier_one() -> None:
    session = responder()
    session.receive(
        jingle("session-initiate", content("0", security="", ice=candidate("192.0.2.66")))
    )
    new = "ufrag='nnnn' pwd='nnnnnnnnnnnnnnnnnnnnnn'"
    initiated = only(session.receive(trickle("0", new, fingerprint() + candidate("192.0.2.67"))))
    assert isinstance(initiated, Initiated)
    assert "a=ice-ufrag:nnnn" in initiated.offer
    assert "192.0.2.66" not in initiated.offer
    assert "192.0.2.67" in initiated.offer


def test_a_fingerprint_in_force_is_not_changed_by_a_part() -> None:
    session = in_call()
    before = session.remote_description
    assert session.receive(trickle("0", "", fingerprint(value=OTHER_FINGERPRINT))) == []
    assert session.remote_description == before


def test_an_offer_that_lacks_something_can_be_reduced_or_ended() -> None:
    session = responder()
    session.receive(jingle("session-initiate", content("0") + content("1", security="")))
    removed, initiated = session.receive(jingle("content-remove", "<content name='1'/>"))
    assert removed == ContentRemoved(("1",), None, "", remaining=True)
    assert isinstance(initiated, Initiated)
    alone = responder()
    alone.receive(jingle("session-initiate", content("0", security="")))
    removed = only(alone.receive(jingle("content-remove", "<content name='0'/>")))
    assert removed == ContentRemoved(("0",), None, "", remaining=False)
    third = responder()
    third.receive(jingle("session-initiate", content("0", security="")))
    assert refusal(third, jingle("content-add", content("1"))).jingle_condition == "out-of-order"
    third.receive(jingle("session-terminate", "<reason><cancel/></reason>"))
    assert third.state is SessionState.ENDED


def test_candidates_of_an_offer_that_lacks_something_are_bounded() -> None:
    session = responder()
    session.receive(jingle("session-initiate", content("0", security="")))
    for port in range(1, 257):
        session.receive(trickle("0", "", candidate(port=port)))
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(trickle("0", "", candidate(port=5000)))
    assert caught.value.condition == "policy-violation"


# Into a bundle

GROUP = (
    "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"
    "<content name='0'/>{}</group>"
)
BARE = {"credentials": "", "security": ""}


def bundled(role: Role) -> Session:
    """A call of audio alone, in a bundle of one."""
    if role is Role.RESPONDER:
        session = responder()
        session.receive(jingle("session-initiate", content("0") + GROUP.format("")))
        session.accept(answer(sdp(AUDIO)))
        return session
    session = initiator(sdp(AUDIO))
    session.receive(accept(accepted_content("0"), GROUP.format("")))
    return session


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("group", [GROUP.format("<content name='camera'/>"), ""])
def test_a_content_that_joins_a_bundle_need_say_nothing_of_its_transport(
    role: Role, group: str
) -> None:
    """As stanza.js has it from Firefox, and again when the camera comes for the second time."""
    session = bundled(role)
    gone = ""
    for mid in ("camera", "camera+"):
        added = content("camera", media="video", **BARE) + group
        event = only(session.receive(jingle("content-add", added)))
        assert isinstance(event, ContentAdded)
        assert event.media == ("video",)
        lines = event.offer.splitlines()
        [bundle] = [line for line in lines if line.startswith("a=group:BUNDLE")]
        assert bundle.split()[1:3] == ["0", mid]
        assert [line.split()[1] for line in lines if line.startswith("m=video")][-1] == "9"
        assert event.offer.count("a=fingerprint") == event.offer.count("m=")
        camera = VIDEO.replace("mid:1", f"mid:{mid}")
        session.accept_contents(answer(sdp(AUDIO + gone, camera)))
        gone = camera.replace("m=video 9", "m=video 0")
        removed = only(session.receive(jingle("content-remove", "<content name='camera'/>")))
        assert isinstance(removed, ContentRemoved)


@pytest.mark.parametrize("group", [GROUP.format("<content name='1'/>"), ""])
def test_a_content_of_ours_may_be_accepted_into_the_bundle(group: str) -> None:
    session = bundled(Role.INITIATOR)
    session.add_contents(sdp(AUDIO, VIDEO))
    taken = jingle("content-accept", content("1", media="video", **BARE) + group)
    event = only(session.receive(taken))
    assert isinstance(event, ContentAccepted)
    assert "a=group:BUNDLE 0 1\r\n" in event.answer


def test_parts_of_a_content_of_ours_may_come_before_it_is_accepted() -> None:
    session = in_call()
    session.add_contents(sdp(AUDIO, VIDEO, VIDEO.replace("mid:1", "mid:2")))
    session.receive(trickle("2", CREDENTIALS, fingerprint("active")))
    event = only(session.receive(jingle("content-accept", content("2", media="video", **BARE))))
    assert isinstance(event, ContentAccepted)


def test_a_content_outside_of_a_bundle_needs_a_fingerprint_of_its_own() -> None:
    session = in_call()
    added = jingle("content-add", content("camera", media="video", **BARE))
    event = only(session.receive(added))
    assert isinstance(event, Unacceptable)
    assert event.contents == ("camera",)

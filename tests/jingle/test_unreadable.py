"""One item that can't be read costs itself: a table of each item's each attribute, spoilt."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import (
    Accepted,
    CandidatesReceived,
    ContentAdded,
    Initiated,
    LocalProtocolError,
    Propose,
    RemoteProtocolError,
    Role,
    Session,
    Unacceptable,
    parse_call_message,
    to_jingle,
    to_sdp,
)
from callboard.jingle.call_messages.invite import Invite, JingleMethod, parse_invite
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
from callboard.tests.jingle.test_session import accept, accepted_content, in_call, initiator

SPOILT = [
    *(None, "", " ", "-1", "0", "128", "257", "65536", "99999999999999999999", "1e3", "٣"),
    *("HOST", "host.", "a b", "a/b", "a;b=c", "é", "::g", "fe80::1%eth0", "[::1]", "holdconn"),
    *("a\r\na=x:y", "a\na=x:y", "a\x00", "\u2028", "x=y"),
]
"""What an attribute may be in the place of what it should; None: missing."""

GROUPS = "urn:xmpp:jingle:apps:grouping:0"
SOURCES = "urn:xmpp:jingle:apps:rtp:ssma:0"
# A second item of each kind beside a good one, and what of the good one must be in the SDP.
CODECS = (
    "<rtp:payload-type id='111' name='opus' clockrate='48000' channels='2'>{}</rtp:payload-type>"
)
SECOND: dict[str, tuple[str, Callable[[str], str], str]] = {
    "candidate": (
        ("<ice:candidate component='1' foundation='f' generation='0' id='x' ip='192.0.2.8'"
        " network='0' port='5000' priority='1' protocol='udp' rel-addr='192.0.2.1' rel-port='9'"
        " tcptype='active' type='host'/>"),
        lambda item: content(ice=candidate("192.0.2.7") + item),
        "192.0.2.7 5000 typ host",
    ),
    "payload-type": (
        ("<rtp:payload-type id='96' name='PCMU' clockrate='8000' channels='1' ptime='20'"
        " maxptime='60'/>"),
        lambda item: content(codecs=CODECS.format("") + item),
        "a=rtpmap:111 opus/48000/2",
    ),
    "parameter": (
        "<rtp:parameter name='stereo' value='1'/>",
        lambda item: content(
            codecs=CODECS.format("<rtp:parameter name='useinbandfec' value='1'/>" + item)
        ),
        "useinbandfec=1",
    ),
    "rtcp-fb": (
        "<fb:rtcp-fb xmlns:fb='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack' subtype='pli'/>",
        lambda item: content(
            codecs=CODECS.format(
                "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/>" + item
            )
        ),
        "a=rtcp-fb:111 transport-cc",
    ),
    "rtcp-fb-trr-int": (
        "<fb:rtcp-fb-trr-int xmlns:fb='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' value='100'/>",
        lambda item: content(codecs=CODECS.format(item)),
        "a=rtpmap:111 opus/48000/2",
    ),
    "rtp-hdrext": (
        ("<h:rtp-hdrext xmlns:h='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='2' uri='urn:b'"
        " senders='both'/>"),
        lambda item: content(
            mux="<rtp:rtcp-mux/><rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1'"
            " uri='urn:a'/>" + item
        ),
        "a=extmap:1 urn:a",
    ),
    "source": (
        f"<s:source xmlns:s='{SOURCES}' ssrc='2'><s:parameter name='cname' value='d'/></s:source>",
        lambda item: content(
            mux=f"<rtp:rtcp-mux/><source xmlns='{SOURCES}' ssrc='1'>"
            "<parameter name='cname' value='c'/></source>" + item
        ),
        "a=ssrc:1 cname:c",
    ),
    "source's parameter": (
        f"<s:parameter xmlns:s='{SOURCES}' name='label' value='l'/>",
        lambda item: content(
            mux=f"<rtp:rtcp-mux/><source xmlns='{SOURCES}' ssrc='1'>"
            f"<parameter name='cname' value='c'/>{item}</source>"
        ),
        "a=ssrc:1 cname:c",
    ),
    "ssrc-group": (
        f"<s:ssrc-group xmlns:s='{SOURCES}' semantics='FID'><s:source ssrc='3'/></s:ssrc-group>",
        lambda item: content(
            mux=f"<rtp:rtcp-mux/><ssrc-group xmlns='{SOURCES}' semantics='FEC'>"
            "<source ssrc='1'/></ssrc-group>" + item
        ),
        "a=ssrc-group:FEC 1",
    ),
    "fingerprint": (
        (f"<dtls:fingerprint hash='sha-256' setup='actpass'>{':'.join(['CD'] * 32)}"
        "</dtls:fingerprint>"),
        lambda item: content(security=fingerprint() + item),
        "a=fingerprint:sha-256 AB:AB",
    ),
    "bandwidth": (
        "<rtp:bandwidth type='TIAS'>5</rtp:bandwidth>",
        lambda item: content(
            mux="<rtp:rtcp-mux/><rtp:bandwidth type='AS'>64</rtp:bandwidth>" + item
        ),
        "b=AS:64",
    ),
    "content": (
        content("1", media="video", attributes="creator='initiator' senders='both'"),
        lambda item: content("0") + item,
        "a=mid:0",
    ),
    "group": (
        f"<g:group xmlns:g='{GROUPS}' semantics='LS'><g:content name='0'/></g:group>",
        lambda item: content("0")
        + f"<group xmlns='{GROUPS}' semantics='BUNDLE'><content name='0'/></group>"
        + item,
        "a=group:BUNDLE 0",
    ),
    "group's content": (
        f"<g:content xmlns:g='{GROUPS}' name='1'/>",
        lambda item: content("0")
        + f"<group xmlns='{GROUPS}' semantics='BUNDLE'><content name='0'/>{item}</group>",
        "a=group:BUNDLE 0",
    ),
}  # fmt: skip


def keys(item: str) -> Iterator[str]:
    """The name of each attribute of an item; "" for its text, if it has one."""
    root = ET.fromstring(re.sub(r"^<(\w+):", r"<\1:", wrapped(item)))[0]
    yield from root.attrib
    if (root.text or "").strip():
        yield ""


@contextmanager
def naming(*case: object) -> Iterator[None]:
    """Name a case in what it raises: each of thousands is not worth a test of its own."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"with {case!a}")
        raise


def wrapped(inner: str) -> str:
    return ET.tostring(jingle("session-initiate", inner), encoding="unicode")


def spoilt_offer(kind: str, key: str, value: str | None) -> ET.Element:
    """An offer with a good item and a spoilt one."""
    item, around, _ = SECOND[kind]
    marked = re.sub(r"^<([\w:-]+)", r"<\1 spoil='yes'", item)
    offer = jingle("session-initiate", around(marked))
    [element] = [each for each in offer.iter() if each.attrib.pop("spoil", None)]
    if not key:
        element.text = value
    elif value is None:
        del element.attrib[key]
    else:
        element.set(key, value)
    return offer


CASES = [(kind, key) for kind in SECOND for key in keys(SECOND[kind][0])]


def responder() -> Session:
    return Session(Role.RESPONDER, "s", initiator="a@example.org/1", responder="b@example.org/2")


@pytest.mark.parametrize(("kind", "key"), CASES)
def test_an_item_that_cannot_be_read_is_left_out_of_an_offer(kind: str, key: str) -> None:
    for value in SPOILT:
        if (kind, key, value) == ("content", "name", "0"):
            continue  # neither can be told from the other
        with naming(value):
            offer = spoilt_offer(kind, key, value)
            [event] = responder().receive(offer)
            assert isinstance(event, Initiated)
            assert SECOND[kind][2] in event.offer
            assert SECOND[kind][2] in to_sdp(offer, role=Role.INITIATOR)
            assert event.offer.splitlines() == event.offer.split("\r\n")[:-1]
            assert "\r\na=x:y" not in event.offer


@pytest.mark.parametrize("key", list(keys(SECOND["candidate"][0])))
def test_a_candidate_that_cannot_be_read_is_left_out_everywhere(key: str) -> None:
    for value in SPOILT:
        with naming(value):
            see_a_candidate_left_out(spoilt_offer("candidate", key, value)[0][1][2])


def see_a_candidate_left_out(item: ET.Element) -> None:
    good = ET.fromstring(wrapped(candidate("192.0.2.9")))[0]
    session = initiator()
    early = trickle("0", inner="")
    early[0][0].extend([item, good])
    assert session.receive(early) == []
    accepting = accept(accepted_content("0"), accepted_content("1", media="video"))
    accepting[0][1].extend([item, good])
    [accepted] = session.receive(accepting)
    assert isinstance(accepted, Accepted)
    assert "192.0.2.9 5000 typ host" in accepted.answer
    late = trickle("0", inner=candidate("192.0.2.10"))
    late[0][0].insert(0, item)
    received = session.receive(late)
    found = [
        each.ip for e in received if isinstance(e, CandidatesReceived) for each in e.candidates
    ]
    assert found[-1:] == ["192.0.2.10"]
    adding = jingle("content-add", content("2", media="video", ice=candidate("192.0.2.11")))
    adding[0][1].append(item)
    [added] = session.receive(adding)
    assert isinstance(added, ContentAdded)
    assert "192.0.2.11" in added.offer


NONE_LEFT = {
    "candidates": content(ice=candidate("not an address") + candidate(port=65536)),
    "codecs": content(
        codecs="<rtp:payload-type id='128' name='opus'/><rtp:payload-type id='111'/>"
    ),
    "ids": content(
        codecs="<rtp:payload-type id='96' name='a'/><rtp:payload-type id='96' name='b'/>"
    ),
    "setups": content(security=fingerprint("holdconn") + fingerprint("maybe")),
    "fingerprints": content(security=fingerprint(value="AB") + fingerprint(value="CD")),
    "contents": content("", media="audio") + content("1", attributes="creator='me'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NONE_LEFT)
def test_where_nothing_is_left_the_offer_is_refused(kind: str) -> None:
    offer = jingle("session-initiate", NONE_LEFT[kind])
    if kind == "fingerprints":
        [event] = responder().receive(offer)
        assert isinstance(event, Unacceptable)
        assert not event.lacking
        return
    with pytest.raises(RemoteProtocolError) as caught:
        responder().receive(offer)
    assert caught.value.condition == "bad-request"


def test_payload_types_with_one_id_are_left_out_both() -> None:
    codecs = (
        CODECS.format("")
        + "<rtp:payload-type id='96' name='VP8'/><rtp:payload-type id='96' name='H264'/>"
    )
    [event] = responder().receive(jingle("session-initiate", content(codecs=codecs)))
    assert isinstance(event, Initiated)
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in event.offer


def test_contents_of_one_name_are_left_out_both() -> None:
    twice = content("1", media="video") + content("1")
    [event] = responder().receive(jingle("session-initiate", content("0") + twice))
    assert isinstance(event, Initiated)
    assert event.media == ("audio",)


def test_of_a_content_that_cannot_be_carried_the_others_are_taken() -> None:
    """And whatever the peer goes on to say of it is no error."""
    session = responder()
    broken = content("1", media="video", mux="")
    [event] = session.receive(jingle("session-initiate", content("0") + broken))
    assert isinstance(event, Initiated)
    assert event.media == ("audio",)
    assert session.receive(trickle("1", inner=candidate())) == []
    stanza = session.accept(answer(sdp(AUDIO)))
    assert [each.get("name") for each in stanza] == ["0"]


@pytest.mark.parametrize(
    "broken",
    [
        accepted_content("1", media="video", codecs="<rtp:payload-type id='128' name='VP8'/>"),
        accepted_content("1", media="video", attributes="creator='me'"),
        "<content name='1' creator='initiator'/>",
        (
            "<content name='1' creator='initiator'><description xmlns='urn:x'/>"
            "<ice:transport/></content>"
        ),
    ],
)
def test_of_contents_that_are_accepted_the_peer_is_told_which_is_of_no_use(broken: str) -> None:
    session = initiator()
    accepted, left = session.receive(accept(accepted_content("0"), broken))
    assert isinstance(accepted, Accepted)
    assert "m=video 0" in accepted.answer
    assert isinstance(left, Unacceptable)
    assert left.contents == ("1",)
    stanza = session.reject_contents(left.contents, left.reason, left.text)
    assert (stanza.get("action"), stanza[0].get("name")) == ("content-remove", "1")
    assert session.kinds == ("audio",)


def test_of_contents_that_are_added_the_peer_is_told_which_is_refused() -> None:
    session = in_call()
    added = content("2", media="video") + content("3", media="video", mux="")
    refused, taken = session.receive(jingle("content-add", added))
    assert isinstance(refused, Unacceptable)
    assert refused.contents == ("3",)
    assert isinstance(taken, ContentAdded)
    assert taken.contents == ("2",)
    assert [each.get("name") for each in session.reject_contents(["3"], refused.reason)][:1] == [
        "3"
    ]
    assert "a=mid:2\r\n" in str(session.remote_description)


def test_a_transport_info_may_name_a_content_that_is_not_there_beside_one_that_is() -> None:
    session = in_call()
    info = trickle("0", inner=candidate("192.0.2.7"))
    info.append(trickle("nope", inner=candidate("192.0.2.8"))[0])
    [event] = session.receive(info)
    assert isinstance(event, CandidatesReceived)


def test_proposals_and_invites_are_read_likewise() -> None:
    propose = ET.fromstring(
        "<propose xmlns='urn:xmpp:jingle-message:0' id='s'>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='au&#10;dio'/>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'/></propose>"
    )
    assert parse_call_message(propose) == Propose("s", ("video",))
    invite = ET.fromstring(
        "<invite xmlns='urn:xmpp:call-invites:0'><jingle/><external uri=''/><jingle sid='s'/>"
        "</invite>"
    )
    assert parse_invite(invite) == Invite((JingleMethod("s"),))


# SDP

LINES = {
    "candidate:7 1 udp 1 192.0.2.99 5000 typ host": "192.0.2.1",
    "rtpmap:0 PCMU/8000/1": "opus",
    "fmtp:111 stereo=1": "opus",
    "rtcp-fb:111 nack": "transport-cc",
    "extmap:3 urn:example:x": "urn:example:gps",
    "ssrc:7 cname:x": "1001",
    "ssrc-group:FID 1 2": "1001",
    f"fingerprint:sha-256 {':'.join(['EE'] * 32)}": "sha-256",
}


def spoilt_values(value: str) -> Iterator[str]:
    words = value.split()
    for index in range(len(words)):
        for odd in ("", "-1", "x", "99999999999999999999", "a/b/c", "HOST"):
            yield " ".join([*words[:index], odd, *words[index + 1 :]]).strip()
    yield ""


@pytest.mark.parametrize(("line", "kept"), LINES.items())
def test_a_line_of_sdp_that_cannot_be_read_is_left_out(line: str, kept: str) -> None:
    key, _, rest = line.partition(":")
    for value in spoilt_values(rest):
        with naming(value):
            text = sdp(AUDIO + f"a={key}:{value}\n", VIDEO)
            stanza = to_jingle(text, role=Role.INITIATOR, sid="s", action="session-initiate")
            written = ET.tostring(stanza, encoding="unicode")
            assert kept in written
            assert "VP8" in written
            [event] = responder().receive(stanza)
            assert isinstance(event, Initiated)


def test_sdp_of_which_nothing_is_left_is_refused() -> None:
    text = sdp(re.sub("a=candidate:.*", "a=candidate:x", AUDIO))
    with pytest.raises(LocalProtocolError):
        to_jingle(text, role=Role.INITIATOR, sid="s", action="session-initiate")

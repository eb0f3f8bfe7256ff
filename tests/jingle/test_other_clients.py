"""Clients that nobody has run here: how they write calls, and what they demand of ours.

The dialects are written after their source, the demands are the union of what their parsers refuse.
"""

import asyncio
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from aiortc import RTCSessionDescription
from callboard.jingle import (
    Accepted,
    CallMessage,
    Candidate,
    CandidatesReceived,
    ContentAdded,
    ContentModified,
    ContentRemoved,
    Finish,
    IceRestarted,
    Info,
    InfoReceived,
    Initiated,
    Proceed,
    Propose,
    Reason,
    Reject,
    RemoteProtocolError,
    Role,
    Session,
    SessionState,
    Terminated,
    Unacceptable,
    parse_call_message,
    to_jingle,
    to_sdp,
)
from callboard.jingle.call_messages.invite import ExternalMethod, Invite, JingleMethod, parse_invite
from callboard.tests.jingle import strict
from callboard.tests.jingle.dialects import (
    CANDIDATE,
    ICE,
    OPUS,
    REFUSED,
    RTP,
    SECURITY,
    TAKEN,
    content,
    initiate,
)
from callboard.tests.jingle.samples import AUDIO, FINGERPRINT, VIDEO, answer, sdp
from callboard.tests.jingle.test_aiortc import ALICE, BOB, connected, peer, wire
from slixmpp.plugins.xep_0353 import stanza as slixmpp_messages
from slixmpp.plugins.xep_0482 import stanza as slixmpp_invites

TRANSPORT = "{urn:xmpp:jingle:transports:ice-udp:1}transport"
DESCRIPTION = "{urn:xmpp:jingle:apps:rtp:1}description"


HEADER_EXTENSION = "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'"
FEEDBACK = "xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0'"
SOURCE = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'"
CNAME = "<parameter name='cname' value='c'/>"
BUNDLE = "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aioice gather 127.0.0.1, which it leaves out by itself, and nothing else."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


def responder(sid: str = "s") -> Session:
    return Session(Role.RESPONDER, sid, initiator=ALICE, responder=BOB)


def called(text: str) -> Session:
    session = responder()
    [initiated] = session.receive(ET.fromstring(text))
    assert isinstance(initiated, Initiated)
    return session


def offered(inner: str, **kwargs: str) -> str:
    """The SDP that an offer of one audio content becomes."""
    return to_sdp(ET.fromstring(initiate(content(inner, **kwargs))), role=Role.INITIATOR)


def say(action: str, inner: str) -> ET.Element:
    return ET.fromstring(
        f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='s'>{inner}</jingle>"
    )


# Whole offers


@pytest.mark.parametrize("dialect", TAKEN)
def test_an_offer_is_taken_and_answered_as_its_writer_reads_it(dialect: str) -> None:
    async def main() -> None:
        offer = ET.fromstring(TAKEN[dialect])
        session = responder()
        [initiated] = session.receive(offer)
        assert isinstance(initiated, Initiated)
        kinds = [each for each in initiated.media if each != "application"]
        async with peer(*kinds) as bob:
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            accept = wire(session.accept(bob.localDescription.sdp))
        assert session.state is SessionState.ACTIVE
        strict.read_answer(accept, offer)
        names = [each.get("name") for each in accept.findall("{urn:xmpp:jingle:1}content")]
        assert names[: len(initiated.media)] == names
        assert "spare" not in names
        [codec] = [
            each.get("id") for each in accept.iter() if (each.get("name") or "").lower() == "opus"
        ]
        assert codec == "111"

    asyncio.run(main())


@pytest.mark.parametrize("dialect", REFUSED)
def test_what_cannot_be_carried_is_refused_with_the_reason_that_the_xep_names(dialect: str) -> None:
    text, reason = REFUSED[dialect]
    session = responder()
    [unacceptable] = session.receive(ET.fromstring(text))
    assert isinstance(unacceptable, Unacceptable)
    assert unacceptable.reason == reason
    stanza = session.terminate(unacceptable.reason, unacceptable.text)
    assert stanza.find(f"{{urn:xmpp:jingle:1}}reason/{{urn:xmpp:jingle:1}}{reason}") is not None
    assert session.state is SessionState.ENDED


def test_what_we_offer_is_what_the_strictest_readers_take() -> None:
    async def main() -> None:
        async with peer("audio", "video") as alice:
            await alice.setLocalDescription(await alice.createOffer())
            text = alice.localDescription.sdp
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            offer = wire(ours.initiate(text))
            strict.read(offer)
            assert len(list(offer.iter(f"{TRANSPORT[:-9]}candidate"))) >= 2
            restart = text.replace("a=ice-ufrag:", "a=ice-ufrag:new")
            for stanza in ours.restart(restart, answer=False):
                tags = {each.tag for each in wire(stanza).iter() if "ice-udp" in each.tag}
                assert tags <= {TRANSPORT, f"{TRANSPORT[:-9]}candidate"}

    asyncio.run(main())


MANGLES: dict[str, Callable[[ET.Element], None]] = {}


def mangle(function: Callable[[ET.Element], None]) -> Callable[[ET.Element], None]:
    MANGLES[function.__name__] = function
    return function


@mangle
def rtcp_mux_in_the_transport(jingle: ET.Element) -> None:
    for each in jingle.iter("{urn:xmpp:jingle:1}content"):
        description, transport = each.find(DESCRIPTION), each.find(TRANSPORT)
        assert description is not None
        assert transport is not None
        for mux in description.findall(f"{DESCRIPTION[:-11]}rtcp-mux"):
            description.remove(mux)
        ET.SubElement(transport, f"{TRANSPORT[:-9]}rtcp-mux")


@mangle
def the_drafts_fingerprint_in_lower_case(jingle: ET.Element) -> None:
    for each in jingle.iter("{urn:xmpp:jingle:apps:dtls:0}fingerprint"):
        each.tag = "{urn:xmpp:tmp:jingle:apps:dtls:0}fingerprint"
        each.set("hash", "SHA-256")
        each.text = f"\n  {(each.text or '').lower()}\n"


@mangle
def unknown_elements_and_blanks_everywhere(jingle: ET.Element) -> None:
    for each in list(jingle.iter()):
        if not each.tag.endswith("fingerprint"):
            each.text = "\n  "
        each.tail = "\n  "
        each.set("{http://www.w3.org/XML/1998/namespace}lang", "de")
        each.set("extra", "é")
        if len(each):
            ET.SubElement(each, "{urn:example:extension}thing", {"id": "x"}).text = "thing"


@mangle
def attributes_with_defaults_left_out(jingle: ET.Element) -> None:
    for each in jingle.iter():
        for key in ("creator", "senders", "generation", "network", "id", "initiator", "channels"):
            if not each.tag.endswith("payload-type") or key == "channels":
                each.attrib.pop(key, None)


@mangle
def names_of_codecs_in_capitals_and_without_clock_rate(jingle: ET.Element) -> None:
    for each in jingle.iter(f"{DESCRIPTION[:-11]}payload-type"):
        each.set("name", each.get("name", "").upper())
        each.attrib.pop("clockrate", None)
        each.attrib.pop("channels", None)


@mangle
def candidates_with_unreadable_hints(jingle: ET.Element) -> None:
    for each in jingle.iter(f"{TRANSPORT[:-9]}candidate"):
        each.set("network", "eth0")
        each.set("generation", "none")
        each.set("rel-addr", "0.0.0.0")
        each.set("rel-port", "-1")
        each.set("protocol", "UDP")


@pytest.mark.parametrize("way", MANGLES)
def test_two_peers_connect_when_one_writes(way: str) -> None:
    async def main() -> None:
        async with peer("audio", "video") as alice, peer("audio", "video") as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = responder()
            initiate = wire(ours.initiate(alice.localDescription.sdp))
            MANGLES[way](initiate)
            [initiated] = theirs.receive(wire(initiate))
            assert isinstance(initiated, Initiated)
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            accept = wire(theirs.accept(bob.localDescription.sdp))
            MANGLES[way](accept)
            [accepted] = ours.receive(wire(accept))
            assert isinstance(accepted, Accepted)
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())


@pytest.mark.parametrize(
    "kinds", [["data", "audio"], ["audio", "audio"], ["video", "data", "audio"]]
)
def test_contents_in_any_order_and_number_connect(kinds: list[str]) -> None:
    async def main() -> None:
        async with peer(*kinds) as alice, peer("audio") as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = responder()
            offer = wire(ours.initiate(alice.localDescription.sdp))
            contents = offer.findall("{urn:xmpp:jingle:1}content")
            data = [each for each in contents if each.find(DESCRIPTION) is None]
            for each in data:  # in the order of the parameter, whatever aiortc's is
                offer.remove(each)
                offer.insert(kinds.index("data"), each)
            [initiated] = theirs.receive(offer)
            assert isinstance(initiated, Initiated)
            assert len(initiated.media) == len(kinds)
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            [accepted] = ours.receive(wire(theirs.accept(bob.localDescription.sdp)))
            assert isinstance(accepted, Accepted)
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())


# What is ours to write


def test_foundations_are_numbers_and_equal_ones_stay_equal() -> None:
    lines = AUDIO.replace("candidate:1 ", "candidate:16572de6 ").replace(
        "candidate:4 ", "candidate:16572de6 "
    )
    jingle = to_jingle(sdp(lines), role=Role.INITIATOR, sid="s", action="session-initiate")
    told = [each.get("foundation", "") for each in jingle.iter(f"{TRANSPORT[:-9]}candidate")]
    assert all(each.isdigit() for each in told)
    assert told[0] == told[3]
    assert told[1:3] == ["2", "3"]
    session = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    session.initiate(sdp(lines))
    later = Candidate.from_sdp("16572de6 1 udp 1 192.0.2.1 5 typ host")
    [trickled] = session.candidates("0", [later]).iter(f"{TRANSPORT[:-9]}candidate")
    assert trickled.get("foundation") == told[0]


def test_the_end_of_candidates_is_that_of_xep_0371_and_read_back() -> None:
    jingle = to_jingle(sdp(AUDIO), role=Role.INITIATOR, sid="s", action="session-initiate")
    assert jingle.find(f".//{TRANSPORT[:-9]}gathering-complete") is None
    assert jingle.find(".//{urn:xmpp:jingle:transports:ice:0}gathering-complete") is not None
    assert "a=end-of-candidates\r\n" in to_sdp(wire(jingle), role=Role.INITIATOR)


def test_a_bare_parameter_has_both_attributes_and_comes_back_bare() -> None:
    jingle = to_jingle(sdp(AUDIO), role=Role.INITIATOR, sid="s", action="session-initiate")
    strict.read(wire(strip(jingle)))
    assert "a=fmtp:63 111/111\r\n" in to_sdp(wire(jingle), role=Role.INITIATOR)


def strip(jingle: ET.Element) -> ET.Element:
    """The same without candidates that only aiortc's peers would not write."""
    jingle = wire(jingle)
    for transport in jingle.iter(TRANSPORT):
        for each in transport.findall(f"{TRANSPORT[:-9]}candidate"):
            if (each.get("component"), each.get("protocol")) != ("1", "udp") or "local" in each.get(
                "ip", ""
            ):
                transport.remove(each)
    return jingle


def test_nobody_sends_a_header_extension_who_was_not_offered_to() -> None:
    extension = (
        "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='4' uri='urn:x'"
        " senders='initiator'/>"
    )
    session = called(initiate(content(f"{OPUS}<rtcp-mux/>{extension}", name="0")))
    ours = answer(sdp(AUDIO)).replace("a=extmap:1 ", "a=extmap:4 urn:x\r\na=extmap:1 ")
    accept = session.accept(ours)
    told = {each.get("uri"): each.get("senders") for each in accept.iter() if each.get("uri")}
    assert told["urn:x"] == "initiator"


# What is a peer's to write


def test_a_refused_content_may_be_written_to_say_so() -> None:
    session = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
    session.initiate(sdp(AUDIO, VIDEO))
    refused = content("", "", name="1", media="video", attributes="senders='rejected'")
    accepted = content(f"{OPUS}<rtcp-mux/>", SECURITY.replace("actpass", "active"), name="0")
    [event] = session.receive(say("session-accept", accepted + refused))
    assert isinstance(event, Accepted)
    assert "m=video 0 " in event.answer
    assert session.state is SessionState.ACTIVE


def test_an_offer_of_refused_contents_alone_is_none() -> None:
    refused = content(OPUS, attributes="senders='rejected'")
    with pytest.raises(RemoteProtocolError, match="bad-request"):
        responder().receive(ET.fromstring(initiate(refused)))


@pytest.mark.parametrize(
    ("inner", "line"),
    [
        ("<payload-type id='8'/>", "a=rtpmap:8 PCMA/8000"),
        ("<payload-type id='0' channels='0'/>", "a=rtpmap:0 PCMU/8000"),
        ("<payload-type id='96' name='opus'/>", "a=rtpmap:96 opus/48000/2"),
        ("<payload-type id='96' name='opus' clockrate='48000' channels='1'/>", "opus/48000\r\n"),
        (f"{OPUS[:-2]}><parameter name='0-16' value=''/></payload-type>", "a=fmtp:111 0-16\r\n"),
        (
            f"{OPUS}<rtcp-fb {FEEDBACK} type='ccm' subtype=' tmmbr  smaxpr=120 '/>",
            "a=rtcp-fb:* ccm tmmbr smaxpr=120",
        ),
        (f"{OPUS}<bandwidth type='AS' value='64'/>", "b=AS:64"),
        (f"{OPUS}<bandwidth type='TIAS'> 64000 </bandwidth>", "b=TIAS:64000"),
        (f"{OPUS}{SOURCE} id='7'>{CNAME}</source>", "a=ssrc:7 cname:c"),
        (
            f"{OPUS}{SOURCE} ssrc='7'>{CNAME}</source>{SOURCE} ssrc='7'>{CNAME[:-4]}d'/></source>",
            "a=ssrc:7 cname:c\r\na=ssrc:7 cname:d",
        ),
    ],
)
def test_a_way_of_writing_is_understood(inner: str, line: str) -> None:
    assert line in offered(f"{inner}<rtcp-mux/>")


@pytest.mark.parametrize(
    "inner",
    [
        "<bandwidth type='AS'/>",
        "<bandwidth type='AS'><value>64</value></bandwidth>",
        "<bandwidth>lots</bandwidth>",
        f"<rtcp-fb {FEEDBACK}/>",
        f"<rtcp-fb-trr-int {FEEDBACK}/>",
        f"{HEADER_EXTENSION} id='x' uri='urn:x'/>",
        f"{HEADER_EXTENSION} id='1' uri='u' senders='sendonly'/>",
        f"{SOURCE} rid='hi'/>",
        "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='FID'/>",
        "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'><source ssrc='1'/></ssrc-group>",
        "<stream xmlns='urn:xmpp:jingle:apps:rtp:msid:0'/>",
        "<encryption><hash xmlns='urn:xmpp:jingle:apps:rtp:zrtp:1'>fe</hash></encryption>",
    ],
)
def test_what_a_call_does_not_hang_on_is_left_out_where_it_cannot_be_read(inner: str) -> None:
    assert offered(f"{OPUS}<rtcp-mux/>{inner}") == offered(f"{OPUS}<rtcp-mux/>")


def test_too_much_of_it_is_refused_all_the_same() -> None:
    many = "<bandwidth>lots</bandwidth>" * 17
    with pytest.raises(RemoteProtocolError, match="policy-violation"):
        offered(f"{OPUS}<rtcp-mux/>{many}")


def test_crypto_beside_dtls_goes_on_with_dtls() -> None:
    crypto = (
        "<encryption required='true'><crypto tag='1' crypto-suite='AES_CM_128_HMAC_SHA1_80'"
        " key-params='inline:c2VjcmV0'/></encryption>"
    )
    session = called(initiate(content(f"{OPUS}<rtcp-mux/>{crypto}", name="0")))
    assert "crypto" not in str(session.remote_description)
    accept = session.accept(answer(sdp(AUDIO)))
    assert b"crypto" not in ET.tostring(accept)


def test_a_fingerprint_of_the_standard_comes_before_one_of_the_draft() -> None:
    draft = SECURITY.replace("jingle:apps:dtls", "tmp:jingle:apps:dtls").replace("AB", "00")
    assert FINGERPRINT in offered(f"{OPUS}<rtcp-mux/>", transport=draft + SECURITY)
    assert "00:00" not in offered(f"{OPUS}<rtcp-mux/>", transport=draft + SECURITY)


def test_data_may_be_described_as_media() -> None:
    data = (
        f"<content name='data' creator='initiator'><description {RTP} media='application'/>"
        f"<transport {ICE} ufrag='uuuu' pwd='pppppppppppppppppppppp'>{SECURITY}<sctpmap"
        " xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000'/></transport></content>"
    )
    [initiated] = responder().receive(ET.fromstring(initiate(data)))
    assert isinstance(initiated, Initiated)
    assert initiated.media == ("application",)


def test_an_address_of_any_kind_in_a_candidate_ends_no_call() -> None:
    addresses = {
        "2001:db8::7": True,
        "fe80::1%eth0": False,
        "1c9d-aa.local": False,
        "turn.example.org": False,
    }
    candidates = "".join(
        CANDIDATE.replace("192.0.2.7", each).replace("k1", f"k{index}")
        for index, each in enumerate(addresses)
    )
    tcp = CANDIDATE.replace("udp", "tcp").replace("type=", "tcptype='active' type=")
    tls = CANDIDATE.replace("udp", "ssltcp")
    lonely = CANDIDATE.replace("type='host'", "type='relay' rel-addr='192.0.2.1'")
    text = offered(f"{OPUS}<rtcp-mux/>", transport=SECURITY + candidates + tcp + tls + lonely)
    told = [line.split()[4] for line in text.splitlines() if line.startswith("a=candidate")]
    assert told == [*(each for each, usable in addresses.items() if usable), "192.0.2.7"]


@pytest.mark.parametrize(
    "name", ["0", "a name with blanks", "Ton & Übertragung ☎", "x" * 200, "a%20b"]
)
@pytest.mark.parametrize("sid", ["s", "ü ☎/../<&>\"'", "0" * 256])
def test_names_and_ids_of_any_kind_come_back_as_they_are(name: str, sid: str) -> None:
    offer = ET.fromstring(initiate(content(f"{OPUS}<rtcp-mux/>")))
    offer.set("sid", sid)
    offer[0].set("name", name)
    session = responder(sid)
    [initiated] = session.receive(wire(offer))
    assert isinstance(initiated, Initiated)
    mid = session.mid(name)
    accept = wire(session.accept(answer(sdp(AUDIO.replace("a=mid:0", f"a=mid:{mid}")))))
    assert (accept.get("sid"), accept[0].get("name")) == (sid, name)


@pytest.mark.parametrize(
    "attributes",
    ["", "initiator='alice@example.org'", "initiator='mallory@example.net/x' responder='nobody'"],
)
def test_who_the_parties_are_is_not_taken_from_their_words(attributes: str) -> None:
    session = called(initiate(content(f"{OPUS}<rtcp-mux/>", name="0"), attributes))
    accept = session.accept(answer(sdp(AUDIO)))
    assert (accept.get("initiator"), accept.get("responder")) == (ALICE, BOB)


# What comes later in a call


def in_call() -> Session:
    session = called(initiate(content(f"{OPUS}<rtcp-mux/>", name="0")))
    session.accept(answer(sdp(AUDIO)))
    return session


def test_a_change_of_senders_may_bring_its_sources_along() -> None:
    """As Martin (Siskin, Beagle) writes it: a description of sources, no payload types."""
    source = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='7' id='7'/>"
    modify = (
        "<content creator='initiator' name='0' senders='responder'>"
        f"<description {RTP} media='audio'>{source}</description></content>"
        f"{BUNDLE}<content name='0'/></group>"
    )
    session = in_call()
    [event] = session.receive(say("content-modify", modify))
    assert isinstance(event, ContentModified)
    assert "a=recvonly" in event.description
    assert "a=rtpmap:111 opus/48000/2" in event.description


def test_a_content_is_added_and_taken_away_with_all_that_describes_it() -> None:
    video = content(
        "<payload-type id='96' name='VP8' clockrate='90000'/><rtcp-mux/>",
        name="1",
        media="video",
        attributes="creator='initiator'",
    )
    group = f"{BUNDLE}<content name='0'/><content name='1'/></group>"
    session = in_call()
    [added] = session.receive(say("content-add", video + group))
    assert isinstance(added, ContentAdded)
    assert added.media == ("video",)
    session.accept_contents(answer(sdp(AUDIO, VIDEO)))
    [removed] = session.receive(say("content-remove", video))
    assert isinstance(removed, ContentRemoved)
    assert removed.remaining


def test_candidates_may_come_with_everything_that_the_transport_says() -> None:
    """strophe.jingle repeats the fingerprint, Jitsi rtcp-mux, QXmpp the description, and Psi names
    the candidate that it chose."""
    chosen = "<remote-candidate component='1' ip='192.0.2.8' port='5'/>"
    inner = (
        "<content name='0' creator='initiator' senders='both'>"
        f"<description {RTP} media='audio' ssrc='7'>{OPUS}</description>"
        f"<transport {ICE} ufrag='Wq1z' pwd='Zm9vYmFyYmF6cXV1eGZvb2Jh'>"
        f"<rtcp-mux/>{SECURITY}{CANDIDATE.replace('192.0.2.7', '192.0.2.9')}{chosen}"
        "</transport></content>"
    )
    session = in_call()
    [received] = session.receive(say("transport-info", inner))
    assert isinstance(received, CandidatesReceived)
    assert [each.ip for each in received.candidates] == ["192.0.2.9"]


def test_a_restart_may_come_with_candidates_and_fingerprint() -> None:
    inner = (
        "<content name='0' creator='initiator'>"
        f"<transport {ICE} ufrag='new1' pwd='bmV3bmV3bmV3bmV3bmV3bmV3'>{SECURITY}{CANDIDATE}"
        "</transport></content>"
    )
    events = in_call().receive(say("transport-info", inner))
    assert [type(each) for each in events] == [IceRestarted, CandidatesReceived]


def test_known_information_beside_unknown_is_taken() -> None:
    unknown = "<thing xmlns='urn:example:info'/>"
    known = "<mute xmlns='urn:xmpp:jingle:apps:rtp:info:1' creator='initiator' name='0'/>"
    session = in_call()
    assert session.receive(say("session-info", unknown + known)) == [InfoReceived(Info.MUTE, "0")]
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(say("session-info", unknown))
    assert caught.value.jingle_condition == "unsupported-info"


@pytest.mark.parametrize("action", ["source-add", "source-remove", "content-replace"])
def test_an_action_of_ones_own_is_a_bad_request_and_the_call_goes_on(action: str) -> None:
    session = in_call()
    with pytest.raises(RemoteProtocolError, match="bad-request"):
        session.receive(say(action, "<content name='0'/>"))
    assert session.state is SessionState.ACTIVE


def test_a_reason_may_say_more_than_the_xep_does() -> None:
    reason = (
        "<reason>\n  <x xmlns='urn:example:errors'/><security-error/>"
        "<crypto-required xmlns='urn:xmpp:jingle:apps:rtp:errors:1'/>"
        "<text xml:lang='de'>Kein\nDTLS</text></reason><bridge xmlns='urn:example:bridge'/>"
    )
    [terminated] = in_call().receive(say("session-terminate", reason))
    assert terminated == Terminated(Reason.SECURITY_ERROR, "Kein DTLS")


# Before a call

MEDIA = f"<description {RTP} media="
OMEMO = "http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification"
EXPIRED = "<reason xmlns='urn:xmpp:jingle:1'><expired/><text>Again</text></reason>"


@pytest.mark.parametrize(
    ("name", "inner", "message"),
    [
        (
            "propose",
            f"\n  {MEDIA}'video'/>\n{MEDIA}'audio'/>{MEDIA}'audio'/>{MEDIA}'text'/><data/>\n",
            Propose("i", ("video", "audio")),
        ),
        ("proceed", f"<device xmlns='{OMEMO}' id='7'/>", Proceed("i")),
        ("reject", "", Reject("i")),
        (
            "reject",
            f"{EXPIRED}<tie-break/>",
            Reject("i", Reason.EXPIRED, tie_break=True, text="Again"),
        ),
        (
            "finish",
            f"{EXPIRED}<migrated to='j'/>",
            Finish("i", Reason.EXPIRED, migrated_to="j", text="Again"),
        ),
    ],
)
def test_call_messages_of_others_are_understood(
    name: str, inner: str, message: CallMessage
) -> None:
    element = f"<{name} xmlns='urn:xmpp:jingle-message:0' id='i'>{inner}</{name}>"
    assert parse_call_message(ET.fromstring(element)) == message


def test_slixmpp_reads_our_call_messages_and_invites() -> None:
    slixmpp_invites.register_plugins()
    ours = wire(Propose("i", ("audio", "video")).to_element())
    propose = slixmpp_messages.Propose(xml=ours)
    assert propose["id"] == "i"
    namespace = "urn:xmpp:jingle:apps:rtp:1"
    assert propose["descriptions"] == [(namespace, "audio"), (namespace, "video")]
    methods = (JingleMethod("s", "bob@example.org/b"), ExternalMethod("tel:+1"))
    theirs = slixmpp_invites.Invite(xml=wire(Invite(methods, video=True).to_element()))
    [jingle], [external] = theirs.get_methods()
    assert (jingle["sid"], str(jingle["jid"])) == ("s", "bob@example.org/b")
    assert external["uri"] == "tel:+1"
    assert theirs["video"]


def test_invites_that_slixmpp_writes_are_understood() -> None:
    slixmpp_invites.register_plugins()
    theirs = slixmpp_invites.Invite()
    theirs["video"] = True
    jingle = slixmpp_invites.Jingle()
    jingle["sid"], jingle["jid"] = "s", "bob@example.org/b"
    theirs.append(jingle)
    methods = (JingleMethod("s", "bob@example.org/b"),)
    assert parse_invite(wire(theirs.xml)) == Invite(methods, video=True)

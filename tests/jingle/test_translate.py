"""SDP to Jingle and back, on our own small samples."""

from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import LocalProtocolError, RemoteProtocolError, Role, to_jingle, to_sdp
from callboard.jingle.model.description import Description
from callboard.jingle.model.equivalence import equivalent
from callboard.jingle.sdp.reader import _read_what_can_be_sent, read_sdp
from callboard.tests.jingle.samples import AUDIO, DATA, VIDEO, answer, content, jingle, sdp

RTP = "{urn:xmpp:jingle:apps:rtp:1}"
ICE = "{urn:xmpp:jingle:transports:ice-udp:1}"
DTLS = "{urn:xmpp:jingle:apps:dtls:0}"


def wire(element: ET.Element) -> ET.Element:
    return ET.fromstring(ET.tostring(element))


def offered(text: str) -> ET.Element:
    return wire(to_jingle(text, role=Role.INITIATOR, sid="s", action="session-initiate"))


OFFERS = [
    sdp(AUDIO),
    sdp(AUDIO, VIDEO),
    sdp(AUDIO, VIDEO, bundle=False),
    sdp(VIDEO, AUDIO, DATA),
    sdp(DATA),
]


@pytest.mark.parametrize("text", OFFERS)
def test_an_offer_keeps_its_meaning(text: str) -> None:
    back = to_sdp(offered(text), role=Role.INITIATOR)
    assert equivalent(read_sdp(back, Role.INITIATOR), read_sdp(text, Role.INITIATOR))


@pytest.mark.parametrize("text", OFFERS)
def test_an_answer_keeps_its_meaning(text: str) -> None:
    theirs = answer(text)
    jingle = to_jingle(theirs, role=Role.RESPONDER, sid="s", action="session-accept", offer=text)
    back = to_sdp(wire(jingle), role=Role.RESPONDER, offer=text)
    assert equivalent(read_sdp(back, Role.RESPONDER), read_sdp(theirs, Role.RESPONDER))


def test_senders_are_named_by_role() -> None:
    element = offered(sdp(AUDIO))
    assert element[0].get("senders") == "initiator"
    text = answer(sdp(AUDIO)).replace("recvonly", "sendonly", 1)
    element = to_jingle(text, role=Role.RESPONDER, sid="s", action="session-accept")
    assert element[0].get("senders") == "responder"
    extension = element.find(".//{urn:xmpp:jingle:apps:rtp:rtp-hdrext:0}rtp-hdrext[@id='2']")
    assert extension is not None
    assert extension.get("senders") == "initiator"
    assert "a=sendrecv" in to_sdp(jingle("session-initiate", content()), role=Role.INITIATOR)


def test_a_fingerprint_that_is_none_has_no_place_in_sdp() -> None:
    element = to_jingle(sdp(AUDIO), role=Role.INITIATOR, sid="s", action="session-initiate")
    for each in element.iter(f"{DTLS}fingerprint"):
        each.text = "AB:CD"
    with pytest.raises(RemoteProtocolError, match="bad-request"):
        to_sdp(element, role=Role.INITIATOR)


def test_one_fingerprint_is_sent_and_it_is_sha_256() -> None:
    element = offered(sdp(AUDIO))
    assert [each.get("hash") for each in element.iter(f"{DTLS}fingerprint")] == ["sha-256"]


def test_the_stream_is_said_at_the_content_and_at_each_source() -> None:
    element = offered(sdp(AUDIO))
    stream = element.find(".//{urn:xmpp:jingle:apps:rtp:msid:0}stream")
    assert stream is not None
    assert (stream.get("id"), stream.get("track")) == ("stream", "track")
    parameters = {
        each.get("name"): each.get("value")
        for each in element.iter("{urn:xmpp:jingle:apps:rtp:ssma:0}parameter")
    }
    assert parameters == {"cname": "somebody", "msid": "stream track"}


def test_every_candidate_is_told_but_only_usable_ones_reach_sdp() -> None:
    element = offered(sdp(AUDIO))
    assert len(list(element.iter(f"{ICE}candidate"))) == 5
    back = to_sdp(element, role=Role.INITIATOR)
    assert [line.split()[4] for line in back.splitlines() if line.startswith("a=cand")] == [
        "192.0.2.1",
        "198.51.100.1",
    ]


def test_bare_parameters_in_all_their_spellings() -> None:
    spellings = [
        "<rtp:parameter name='0-15'/>",
        "<rtp:parameter value='0-15'/>",
        "<rtp:parameter name='' value='0-15'/>",
    ]
    for spelling in spellings:
        codecs = (
            "<rtp:payload-type id='101' name='telephone-event' clockrate='8000'>"
            f"{spelling}</rtp:payload-type>"
        )
        text = to_sdp(jingle("session-initiate", content(codecs=codecs)), role=Role.INITIATOR)
        assert "a=fmtp:101 0-15\r\n" in text


def test_a_parameter_that_aiortc_would_choke_on_is_left_out_of_sdp() -> None:
    codecs = (
        "<rtp:payload-type id='96' name='VP8' clockrate='90000'>"
        "<rtp:parameter name='max-fr' value='many'/><rtp:parameter name='x' value='y'/>"
        "</rtp:payload-type>"
    )
    text = to_sdp(
        jingle("session-initiate", content(media="video", codecs=codecs)), role=Role.INITIATOR
    )
    assert "a=fmtp:96 x=y\r\n" in text


def test_renomination_and_sdes_are_not_echoed() -> None:
    extra = "<renomination xmlns='http://gultsch.de/xmpp/drafts/jingle/transports/ice-udp/option'/>"
    crypto = (
        "<rtp:rtcp-mux/><rtp:encryption><rtp:crypto crypto-suite='AES_CM_128_HMAC_SHA1_80'"
        " key-params='inline:x' tag='1'/></rtp:encryption>"
    )
    text = to_sdp(jingle("session-initiate", content(ice=extra, mux=crypto)), role=Role.INITIATOR)
    assert "crypto" not in text
    assert "renomination" not in text
    written = ET.tostring(to_jingle(text, role=Role.INITIATOR, sid="s", action="session-initiate"))
    assert b"crypto" not in written
    assert b"renomination" not in written


def test_static_payload_types_need_no_name_or_clock_rate() -> None:
    text = to_sdp(
        jingle("session-initiate", content(codecs="<rtp:payload-type id='0'/>")),
        role=Role.INITIATOR,
    )
    assert "a=rtpmap:0 PCMU/8000\r\n" in text


def test_transport_info_and_description_info_carry_half_a_content() -> None:
    text = sdp(AUDIO)
    transport = to_jingle(text, role=Role.INITIATOR, sid="s", action="transport-info")
    assert [child.tag for child in transport[0]] == [f"{ICE}transport"]
    description = to_jingle(text, role=Role.INITIATOR, sid="s", action="description-info")
    assert [child.tag for child in description[0]] == [f"{RTP}description"]


def test_what_is_no_sdp_or_no_action_is_our_error() -> None:
    for text in (
        "m=\r\n",
        "m=audio x y z\r\n",
        "m=audio 9 A 0\r\na=candidate:x\r\n",
        "m=audio 9 A 0\r\na=extmap:1\r\n",
    ):
        with pytest.raises(LocalProtocolError):
            to_jingle(text, role=Role.INITIATOR, sid="s", action="session-initiate")
    with pytest.raises(LocalProtocolError):
        to_jingle(sdp(AUDIO), role=Role.INITIATOR, sid="s", action="session-info")


def test_what_cannot_be_carried_is_not_implemented() -> None:
    element = jingle(
        "session-initiate",
        "<content name='f'><description xmlns='urn:x'/><transport xmlns='urn:y'/></content>",
    )
    with pytest.raises(RemoteProtocolError) as caught:
        to_sdp(element, role=Role.INITIATOR)
    assert caught.value.condition == "feature-not-implemented"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("opus", "speex"),
        ("SAVPF 111", "SAVPF 112"),
        ("uf+r", "else"),
        ("sendonly", "recvonly"),
        ("somebody", "anybody"),
        ("setup:actpass", "setup:active"),
        ("192.0.2.1 50000", "192.0.2.9 50000"),
        ("minptime=10", "minptime=20"),
        ("a=rtcp-mux", "a=x"),
        ("BUNDLE", "LS"),
        ("AB:AB", "AB:BA"),
        ("a=end-of-candidates", "a=x"),
    ],
)
def test_a_difference_that_matters_is_seen(old: str, new: str) -> None:
    text = sdp(AUDIO)
    assert old in text
    changed = read_sdp(text.replace(old, new), Role.INITIATOR)
    assert not equivalent(read_sdp(text, Role.INITIATOR), changed)


def test_what_was_read_before_is_read_as_it_was_written() -> None:
    """Each line counts, whichever were read before, and whoever wrote them."""
    whole = sdp(AUDIO, VIDEO).splitlines()
    texts = [
        "\r\n".join(line for at, line in enumerate(whole) if at != left_out)
        for left_out in range(len(whole))
        if not whole[left_out].startswith("m=")
    ]

    def read(text: str, writer: Role) -> Description | str:
        try:
            return read_sdp(text, writer)
        except LocalProtocolError as error:
            return str(error)

    for writer in Role:
        apart = []
        for text in texts:
            _read_what_can_be_sent.cache_clear()
            apart.append(read(text, writer))
        for _ in range(2):
            assert [read(text, writer) for text in texts] == apart

"""What real clients said keeps its meaning through us, and aiortc takes it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from callboard.jingle import (
    Accepted,
    CandidatesReceived,
    ContentAdded,
    GatheringComplete,
    Info,
    InfoReceived,
    Initiated,
    Reason,
    RemoteProtocolError,
    Role,
    Session,
    SessionState,
    Terminated,
    to_jingle,
    to_sdp,
)
from callboard.jingle.call_messages.message import Proceed, Propose, Reject, parse_call_message
from callboard.jingle.model.application import Rtp
from callboard.jingle.model.description import Description
from callboard.jingle.model.equivalence import equivalent, meaning
from callboard.jingle.model.offer_answer_fit import offer_for_sdp
from callboard.jingle.model.replace import replace
from callboard.jingle.model.transport import IceTransport
from callboard.jingle.sdp.reader import read_sdp
from callboard.jingle.xml.reader import read_contents
from callboard.jingle.xml.writer import write_jingle
from callboard.tests.jingle.corpus import (
    FOLDER,
    descriptions,
    jingle_of,
    jingles,
    name_of,
    needs_corpus,
)

pytestmark = needs_corpus

INITIATING = ("session-initiate", "session-accept", "content-add")


def wire(element: ET.Element) -> ET.Element:
    return ET.fromstring(ET.tostring(element))


def read(path: Path) -> ET.Element:
    element = jingle_of(path)
    assert element is not None
    return element


def role_of(jingle: ET.Element) -> Role:
    return Role.RESPONDER if jingle.get("action") == "session-accept" else Role.INITIATOR


@pytest.mark.parametrize("path", descriptions(), ids=name_of)
def test_sdp_keeps_its_meaning_through_jingle(path: Path) -> None:
    text = path.read_text()
    if "answer" in path.name:
        role, action = Role.RESPONDER, "session-accept"
        offer = path.with_name(path.name.replace("answer", "offer")).read_text()
    else:
        role, action, offer = Role.INITIATOR, "session-initiate", None
    jingle = wire(to_jingle(text, role=role, sid="s", action=action, offer=offer))
    back = to_sdp(jingle, role=role, offer=offer)
    assert equivalent(read_sdp(back, role), read_sdp(text, role))
    again = to_jingle(back, role=role, sid="s", action=action, offer=offer)
    assert equivalent(read_contents(again), read_contents(jingle))


@pytest.mark.parametrize("path", jingles(), ids=name_of)
def test_jingle_keeps_its_meaning_through_the_model(path: Path) -> None:
    jingle = read(path)
    description = read_contents(jingle)
    written = wire(write_jingle("session-initiate", "s", description))
    assert equivalent(read_contents(written), description, of_sdp=False)


@pytest.mark.parametrize(
    "path", [each for each in jingles() if read(each).get("action") in INITIATING], ids=name_of
)
def test_jingle_keeps_its_meaning_through_sdp(path: Path) -> None:
    jingle = read(path)
    role = role_of(jingle)
    description = read_contents(jingle)
    if not any(each.supported for each in description.contents):
        with pytest.raises(RemoteProtocolError):
            to_sdp(jingle, role=role)
        return
    sdp = to_sdp(jingle, role=role)
    action = "session-accept" if role is Role.RESPONDER else "session-initiate"
    back = wire(to_jingle(sdp, role=role, sid="s", action=action))
    assert equivalent(read_contents(back), offer_for_sdp(description))


def essence(description: Description) -> list[object]:
    """What stanza.js keeps when it writes SDP as Jingle; it drops most sources and extras."""
    found: list[object] = []
    for each in meaning(description).contents:
        assert isinstance(each.application, Rtp)
        assert isinstance(each.transport, IceTransport)
        codecs = [replace(codec, channels=1) for codec in each.application.codecs]
        extensions = [(e.id, e.uri) for e in each.application.header_extensions]
        found += [each.kind, each.senders, codecs, extensions, each.transport]
    return [found, description.bundle]


@pytest.mark.parametrize("path", descriptions(), ids=name_of)
def test_stanza_js_writes_the_same_sdp_with_the_same_essence(path: Path) -> None:
    stanza = read(path.with_suffix(".stanza.xml"))
    role = role_of(stanza)
    theirs = read_contents(stanza)
    assert essence(theirs) == essence(read_sdp(path.read_text(), role))


OFFERS = [each for each in jingles() if read(each).get("action") == "session-initiate"]


@pytest.mark.parametrize("path", [each for each in OFFERS if "xep" not in each.parts], ids=name_of)
def test_aiortc_answers_every_captured_offer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])
    session = Session(Role.RESPONDER, read(path).get("sid", ""), initiator="a@x/1", responder="b")
    [initiated] = session.receive(read(path))
    assert isinstance(initiated, Initiated)
    # The captured addresses are strangers': aiortc is given the offer as if it had none yet.
    offer = "".join(
        line
        for line in initiated.offer.splitlines(keepends=True)
        if not line.startswith(("a=candidate", "a=end-of"))
    )

    async def main() -> str:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
            return str(connection.localDescription.sdp)
        finally:
            await connection.close()

    accept = wire(session.accept(asyncio.run(main())))
    answered = read_contents(accept)
    offered = read_contents(read(path))
    assert answered.names() == offered.names()
    assert bool(answered.groups) == bool(offered.groups)
    assert session.state is SessionState.ACTIVE


def replay(session: Session, names: Sequence[str]) -> list[object]:
    events: list[object] = []
    for name in names:
        events += session.receive(read(FOLDER / name))
    return events


def test_a_browser_calls_us() -> None:
    first = read(FOLDER / "stanza/stanza-in-video-03-in-session-initiate.xml")
    session = Session(
        Role.RESPONDER, first.get("sid", ""), initiator="alice@localhost/stanza", responder="b@x/1"
    )
    events = replay(
        session,
        [
            "stanza/stanza-in-video-03-in-session-initiate.xml",
            "stanza/stanza-in-video-04-in-transport-info.xml",
            "stanza/stanza-in-video-05-in-transport-info.xml",
        ],
    )
    assert isinstance(events[0], Initiated)
    assert events[0].media == ("audio", "video")
    assert [each.content for each in events[1:] if isinstance(each, CandidatesReceived)]
    accept = read(FOLDER / "stanza/stanza-in-video-07-out-session-accept.xml")
    answer = to_sdp(accept, role=Role.RESPONDER, offer=None)
    session.accept(answer)
    [complete] = replay(session, ["stanza/stanza-in-video-08-in-transport-info.xml"])
    assert isinstance(complete, GatheringComplete | CandidatesReceived)
    [ended] = replay(session, ["stanza/stanza-in-video-09-in-session-terminate.xml"])
    assert ended == Terminated(Reason.SUCCESS, "")
    assert session.state is SessionState.ENDED


def test_two_browsers_as_each_of_them_sees_it() -> None:
    """Transport-info of the answering side comes before its session-accept."""
    folder = FOLDER / "stanza"
    stanzas = [read(path) for path in sorted(folder.glob("c2c-*.xml"))]
    sid = stanzas[0].get("sid", "")
    tos = [ET.parse(path).getroot().get("to") for path in sorted(folder.glob("c2c-*.xml"))]
    to_responder = [each for each, to in zip(stanzas, tos, strict=True) if to == tos[0]]
    to_initiator = [each for each, to in zip(stanzas, tos, strict=True) if to != tos[0]]

    session = Session(Role.RESPONDER, sid, initiator="a@x/1", responder="b@x/1")
    events = [event for each in to_responder for event in session.receive(each)]
    assert isinstance(events[0], Initiated)
    assert InfoReceived(Info.MUTE, "0") in events
    assert session.state is SessionState.ENDED

    ours = Session(Role.INITIATOR, sid, initiator="a@x/1", responder="b@x/1")
    ours.initiate(to_sdp(stanzas[0], role=Role.INITIATOR))
    accept = next(each for each in to_initiator if each.get("action") == "session-accept")
    early = [each for each in to_initiator if each is not accept][:2]
    for each in early:
        assert ours.receive(each) == []
    [accepted] = ours.receive(accept)
    assert isinstance(accepted, Accepted)
    assert accepted.answer.count("a=candidate") == len(early)
    late = [e for each in to_initiator[3:] if each is not accept for e in ours.receive(each)]
    assert any(isinstance(each, GatheringComplete) for each in late)


def test_dino_answers_unbundled_and_adds_its_camera() -> None:
    accept = read(FOLDER / "dino/pu-02-session-accept.xml")
    session = Session(
        Role.INITIATOR, accept.get("sid", ""), initiator="alice@x/1", responder="dino@x/1"
    )
    session.initiate(to_sdp(accept, role=Role.INITIATOR))
    [accepted] = session.receive(accept)
    assert isinstance(accepted, Accepted)
    assert "a=group" not in accepted.answer
    infos = replay(session, ["dino/pu-03-session-info.xml", "dino/pu-04-session-info.xml"])
    assert infos == [InfoReceived(Info.MUTE, "0"), InfoReceived(Info.UNMUTE, "0")]
    [added] = replay(session, ["dino/pu-05-content-add.xml"])
    assert isinstance(added, ContentAdded)
    assert added.contents == ("video",)
    assert added.offer.count("m=") == 2
    rejected = session.reject_contents(added.contents, Reason.FAILED_APPLICATION)
    assert rejected.get("action") == "content-reject"
    [ended] = replay(session, ["dino/pu-06-session-terminate.xml"])
    assert ended == Terminated(Reason.SUCCESS, "")


@pytest.mark.parametrize("name", ["pp-02", "pa-02", "pv-02"])
def test_dinos_accept_answers_an_offer_of_audio_and_video(name: str) -> None:
    [path] = FOLDER.glob(f"dino/{name}*.xml")
    accept = read(path)
    offer = (FOLDER / "chromium/audio-video-offer.sdp").read_text()
    answer = to_sdp(accept, role=Role.RESPONDER, offer=offer)
    described = read_sdp(answer, Role.RESPONDER)
    assert described.names() == ("0", "1")
    rejected = [each.name for each in described.contents if each.rejected]
    assert rejected == [each for each in ("0", "1") if f'name="{each}"' not in path.read_text()]
    assert described.bundle == (("0", *rejected) if rejected else ())


def test_dinos_call_messages() -> None:
    def message(name: str) -> object:
        root = ET.parse(FOLDER / "dino" / name).getroot()
        return next(found for child in root if (found := parse_call_message(child)))

    assert message("pi-01-jmi-propose.xml") == Propose(
        "de0e96e2-5cd9-488d-b0c9-6cf152a93b4a", ("audio", "video")
    )
    assert message("pp-01-jmi-proceed.xml") == Proceed("53ae9054-8e06-4a2d-8e9f-c1ad8f6f2497")
    assert message("pr-01-jmi-reject.xml") == Reject("346bb432-fc5f-498d-b3ff-78a7cc360b4b")

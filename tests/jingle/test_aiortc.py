"""What we write is what the real aiortc accepts, and two of its peers connect over our stanzas."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp
from callboard.jingle import (
    Accepted,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    Event,
    Initiated,
    Role,
    Session,
    to_jingle,
    to_sdp,
)
from callboard.jingle.model.transport import IceTransport
from callboard.jingle.sdp.reader import read_sdp

ALICE, BOB = "alice@example.org/a", "bob@example.org/b"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aioice gather 127.0.0.1, which it leaves out by itself, and nothing else."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


def wire(element: ET.Element) -> ET.Element:
    return ET.fromstring(ET.tostring(element))


@asynccontextmanager
async def peer(*kinds: str) -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds:
        if kind == "data":
            connection.createDataChannel("chat")
        else:
            connection.addTrack(AudioStreamTrack() if kind == "audio" else VideoStreamTrack())
    try:
        yield connection
    finally:
        await connection.close()


async def connected(*peers: RTCPeerConnection) -> None:
    for each in peers:
        done = asyncio.Event()
        each.on("connectionstatechange", done.set)
        while each.connectionState != "connected":
            assert each.connectionState in {"new", "connecting"}
            done.clear()
            await done.wait()


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (["audio"], ["audio"]),
        (["audio", "video"], ["audio", "video"]),
        (["audio", "video"], ["audio"]),
        (["audio", "video"], []),
        (["audio", "video", "data"], ["audio"]),
        (["data"], []),
    ],
)
def test_two_peers_connect_through_sessions(offered: list[str], answered: list[str]) -> None:
    async def main() -> None:
        async with peer(*offered) as alice, peer(*answered) as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = Session(Role.RESPONDER, "s", initiator=ALICE, responder=BOB)

            [initiated] = theirs.receive(wire(ours.initiate(alice.localDescription.sdp)))
            assert isinstance(initiated, Initiated)
            assert initiated.offer == theirs.remote_description
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())

            [accepted] = ours.receive(wire(theirs.accept(bob.localDescription.sdp)))
            assert isinstance(accepted, Accepted)
            assert accepted.answer == ours.remote_description
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())


def test_the_functions_alone_carry_offer_and_answer() -> None:
    async def main() -> None:
        async with peer("audio", "video") as alice, peer("audio", "video") as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = alice.localDescription.sdp
            jingle = to_jingle(ours, role=Role.INITIATOR, sid="s", action="session-initiate")
            offer = to_sdp(wire(jingle), role=Role.INITIATOR)
            await bob.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            jingle = to_jingle(
                bob.localDescription.sdp,
                role=Role.RESPONDER,
                sid="s",
                action="session-accept",
                offer=offer,
            )
            answer = to_sdp(wire(jingle), role=Role.RESPONDER, offer=ours)
            await alice.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())


def without_group(stanza: ET.Element) -> ET.Element:
    stanza = wire(stanza)
    for group in stanza.findall("{urn:xmpp:jingle:apps:grouping:0}group"):
        stanza.remove(group)
    return stanza


def without_content(stanza: ET.Element, name: str) -> ET.Element:
    stanza = wire(stanza)
    content = stanza.find(f"{{urn:xmpp:jingle:1}}content[@name='{name}']")
    assert content is not None
    stanza.remove(content)
    return stanza


@pytest.mark.parametrize("refused", [[], ["0"], ["1"], ["0", "2"]])
@pytest.mark.parametrize("bundled", [True, False])
def test_two_peers_connect_when_one_does_not_bundle_or_refuses(
    bundled: bool, refused: list[str]
) -> None:
    """As Dino answers: separate transports, and what it does not want is not in its accept."""

    async def main() -> None:
        kinds = {"0": "audio", "1": "video"}
        wanted = [kind for name, kind in kinds.items() if name not in refused]
        async with peer("audio", "video", "data") as alice, peer(*wanted) as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = Session(Role.RESPONDER, "s", initiator=ALICE, responder=BOB)
            initiate = ours.initiate(alice.localDescription.sdp)
            for name in refused:
                initiate = without_content(initiate, name)
            if not bundled:
                initiate = without_group(initiate)

            [initiated] = theirs.receive(wire(initiate))
            assert isinstance(initiated, Initiated)
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            accept = theirs.accept(bob.localDescription.sdp)
            groups = accept.findall("{urn:xmpp:jingle:apps:grouping:0}group")
            assert bool(groups) == bundled

            [accepted] = ours.receive(wire(accept))
            assert isinstance(accepted, Accepted)
            assert accepted.answer.count(" 0 UDP/") == len(refused)
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())


def test_a_peer_that_trickles_connects() -> None:
    """As stanza.js: nothing in the descriptions, each candidate alone, some before the accept."""

    async def main() -> None:
        async with peer("audio", "video") as alice, peer("audio", "video") as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = Session(Role.RESPONDER, "s", initiator=ALICE, responder=BOB)
            initiate = ours.initiate(bare(alice.localDescription.sdp))
            [initiated] = theirs.receive(wire(initiate))
            assert isinstance(initiated, Initiated)
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            for stanza in trickled(ours, alice.localDescription.sdp):
                await take(bob, theirs.receive(wire(stanza)))
            accept = theirs.accept(bare(bob.localDescription.sdp))
            trickle = trickled(theirs, bob.localDescription.sdp)
            assert ours.receive(wire(trickle[0])) == []
            [accepted] = ours.receive(wire(accept))
            assert isinstance(accepted, Accepted)
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            for stanza in trickle[1:]:
                await take(alice, ours.receive(wire(stanza)))
            await connected(alice, bob)

    asyncio.run(main())


def bare(text: str) -> str:
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith(("a=candidate", "a=end-of"))
    )


def trickled(session: Session, text: str) -> list[ET.Element]:
    found = []
    for content in read_sdp(text, session.role).contents:
        assert isinstance(content.transport, IceTransport)
        found += [session.candidates(content.name, [each]) for each in content.transport.candidates]
    return found


async def take(connection: RTCPeerConnection, events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, CandidatesReceived):
            for each in event.candidates:
                candidate = candidate_from_sdp(each.to_sdp())
                candidate.sdpMid = each.sdp_mid
                await connection.addIceCandidate(candidate)


def test_a_content_is_added_in_a_running_call() -> None:
    async def main() -> None:
        async with peer("audio") as alice, peer("audio") as bob:
            await alice.setLocalDescription(await alice.createOffer())
            ours = Session(Role.INITIATOR, "s", initiator=ALICE, responder=BOB)
            theirs = Session(Role.RESPONDER, "s", initiator=ALICE, responder=BOB)
            [initiated] = theirs.receive(wire(ours.initiate(alice.localDescription.sdp)))
            assert isinstance(initiated, Initiated)
            await bob.setRemoteDescription(RTCSessionDescription(initiated.offer, "offer"))
            await bob.setLocalDescription(await bob.createAnswer())
            [accepted] = ours.receive(wire(theirs.accept(bob.localDescription.sdp)))
            assert isinstance(accepted, Accepted)
            await alice.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
            await connected(alice, bob)

            bob.addTrack(VideoStreamTrack())
            await bob.setLocalDescription(await bob.createOffer())
            [added] = ours.receive(wire(theirs.add_contents(bob.localDescription.sdp)))
            assert isinstance(added, ContentAdded)
            await alice.setRemoteDescription(RTCSessionDescription(added.offer, "offer"))
            await alice.setLocalDescription(await alice.createAnswer())
            [answered] = theirs.receive(wire(ours.accept_contents(alice.localDescription.sdp)))
            assert isinstance(answered, ContentAccepted)
            await bob.setRemoteDescription(RTCSessionDescription(answered.answer, "answer"))
            await connected(alice, bob)

    asyncio.run(main())

"""What we write is what the real aiortc accepts, and two of its peers connect over our stanzas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from callboard.jingle import Accepted, Initiated, Role, Session, to_jingle, to_sdp

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

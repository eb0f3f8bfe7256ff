"""STUN and TURN, proved with coturn on loopback."""

import re
from pathlib import Path
from typing import Literal

import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    IceRenewed,
    IceServer,
    Network,
    NetworkError,
    PeerConnection,
    ReceivePath,
    Tone,
)
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from callboard.tests.media.coturn import FIRST_RELAY, LAST_RELAY, coturn, needs_coturn
from callboard.tests.media.legs import Leg, connect, pitch

CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\w+)(?: raddr (\S+))?")
CLIENT = re.compile(r"user <callboard>.* remote 127\.0\.0\.1:(\d+)")


@pytest.mark.parametrize(
    ("url", "host", "port", "transport", "relays"),
    [
        ("stun:example.org", "example.org", 3478, "udp", False),
        ("STUN:192.0.2.1:3479", "192.0.2.1", 3479, "udp", False),
        ("stun:[2001:db8::1]:3479?transport=udp", "2001:db8::1", 3479, "udp", False),
        ("turn:example.org", "example.org", 3478, "udp", True),
        ("turn:example.org:80?transport=tcp", "example.org", 80, "tcp", True),
        ("turns:example.org", "example.org", 5349, "tcp", True),
    ],
)
def test_urls(url: str, host: str, port: int, transport: str, relays: bool) -> None:
    server = IceServer(url)
    assert (server.host, server.port, server.transport) == (host, port, transport)
    assert server.relays == relays
    assert Network(ice_servers=(url,)).servers == (server,)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "http://example.org", "stun:", "stun:a b", "turn:x:0", "turn:x:99999"],
)
def test_wrong_urls(url: str) -> None:
    with pytest.raises(ValueError, match="no STUN or TURN server"):
        Network(ice_servers=(url,))


def test_a_credential_is_not_shown() -> None:
    assert "s3cret" not in repr(Network(ice_servers=(IceServer("turn:x", "u", "s3cret"),)))


@needs_coturn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_media_flow_through_the_relay_alone(
    run: Run, tmp_path: Path, transport: str, loop: Literal["asyncio", "uvloop"]
) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            first, last = free_ports(20)
            hidden = Network(
                addresses=("127.0.0.1",),
                ports=(first, last),
                ice_servers=(server.stun, server.turn(transport)),
                relay_only=True,
            )
            a, b = Leg(network=hidden), Leg(network=hidden)
            told: list[str] = []

            def note(sdp: str) -> str:
                told.append(sdp)
                return sdp

            await connect(
                a,
                b,
                audio=Tone(440),
                video=ClockPattern(),
                back_audio=Tone(1000),
                back_video=ClockPattern(),
                change=note,
            )
            await a.event(Connected)
            await b.event(Connected)
            heard = await b.received("audio", 50)
            await a.received("video", 5)
            assert abs(pitch(heard) - 440) < 5
            candidates = CANDIDATE.findall(told[0])
            assert candidates
            for host, port, type_, related in candidates:
                assert (host, type_, related) == ("127.0.0.1", "relay", "0.0.0.0")
                assert FIRST_RELAY <= int(port) <= LAST_RELAY
            # The sockets to the server keep to the range, as those to peers do.
            if transport == "udp":
                while not (clients := {int(p) for p in CLIENT.findall(log(server.log))}):
                    await b.received("audio", 5)  # until it has given up what the bundle left over
                assert clients <= set(range(first, last + 1))
            await a.pc.close()
            await b.pc.close()

    run(main, loop=loop)


def log(path: Path) -> str:
    """What the server wrote; it adds the time or a number to the name."""
    return "".join(each.read_text() for each in path.parent.glob("turnserver*.log*"))


@needs_coturn
def test_one_side_behind_the_relay_meets_one_in_the_open(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            hidden = Network(("127.0.0.1",), ice_servers=(server.turn(),), relay_only=True)
            a, b = Leg(network=hidden), Leg(ReceivePath.PACKETS)
            await connect(a, b, audio=Tone(440), video=None, back_audio=Tone(1000))
            await a.received("audio", 5)
            await b.received("audio", 5)
            await a.pc.close()
            await b.pc.close()

    run(main)


@needs_coturn
def test_ice_is_restarted_over_the_relay(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            hidden = Network(("127.0.0.1",), ice_servers=(server.turn(),), relay_only=True)
            a, b = Leg(network=hidden), Leg(network=hidden)
            await connect(a, b, audio=Tone(440), video=None, back_audio=Tone(1000))
            await b.received("audio", 10)
            answer = await b.pc.restart_ice(await a.pc.renew_ice())
            assert {type_ for _, _, type_, _ in CANDIDATE.findall(answer)} == {"relay"}
            await a.pc.restart_ice(answer)
            await a.event(IceRenewed)
            await b.event(IceRenewed)
            await a.received("audio", 20)
            await b.received("audio", 20)
            assert b.statistics("audio").lost == a.statistics("audio").lost == 0
            await a.pc.close()
            await b.pc.close()

    run(main)


@needs_coturn
def test_stun_tells_how_we_are_seen(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            network = Network(("127.0.0.2", "127.0.0.3"), ice_servers=(server.stun, server.turn()))
            leg = Leg(network=network)
            offer = await leg.pc.offer(audio=Tone(), video=None)
            candidates = CANDIDATE.findall(offer)
            hosts = {(host, port) for host, port, type_, _ in candidates if type_ == "host"}
            seen = {(host, port) for host, port, type_, _ in candidates if type_ == "srflx"}
            assert len(hosts) == 2
            assert seen == hosts  # nothing translates addresses on loopback
            [relayed] = [each for each in candidates if each[2] == "relay"]
            assert relayed[3] == "127.0.0.2"
            await leg.pc.close()

    run(main)


@needs_coturn
def test_wrong_credentials_are_named(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            wrong = server.turn(password="wrong")
            hidden = Network(("127.0.0.1",), ice_servers=(wrong,), relay_only=True)
            leg = Leg(network=hidden)
            with pytest.raises(NetworkError, match=r"127\.0\.0\.1:\d+.* refused: .*401"):
                await leg.pc.offer(audio=Tone(), video=None)
            await leg.pc.close()
            # Where other ways are allowed, the call goes on without the relay.
            leg = Leg(network=Network(("127.0.0.1",), ice_servers=(wrong,)))
            assert " typ host" in await leg.pc.offer(audio=Tone(), video=None)
            await leg.pc.close()

    run(main)


def test_relay_only_needs_a_relay(run: Run) -> None:
    async def main() -> None:
        pc = PeerConnection(
            network=Network(("127.0.0.1",), relay_only=True),
            path=ReceivePath.PACKETS,
            on_event=lambda _: None,
        )
        with pytest.raises(NetworkError, match="no TURN server"):
            await pc.offer(audio=Tone(), video=None)
        await pc.close()

    run(main)


def test_a_private_network_resolves_no_names() -> None:
    assert not Network(relay_only=True).usable("1 1 udp 1 ab-cd.local 9 typ host")

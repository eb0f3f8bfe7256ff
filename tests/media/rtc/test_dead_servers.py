"""STUN and TURN servers that do not answer: no call waits for them for long, or again and again."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from callboard.media import IceServer, Network, NetworkError, Tone
from callboard.media.rtc.ice.reachability import AGAIN, FIRST, LONGEST, SHORTEST, Reachability
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import asked
from callboard.tests.media.coturn import coturn, needs_coturn
from callboard.tests.media.legs import Leg

DESK = "desk@example.org"


@contextmanager
def mute_server(
    kind: str = "turn", transport: str = "udp"
) -> Iterator[tuple[IceServer, socket.socket]]:
    """A server that takes everything and never answers."""
    family = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(type=family) as sock:
        sock.bind(("127.0.0.1", 0))
        if transport == "tcp":
            sock.listen()
        sock.setblocking(False)
        url = f"{kind}:127.0.0.1:{sock.getsockname()[1]}"
        if kind == "turn":
            url += f"?transport={transport}"
        yield IceServer(url, "user", "s3cret"), sock


async def offered(network: Network) -> tuple[str, float]:
    """Make an offer; gives it, and how long that took."""
    leg = Leg(network=network)
    began = asyncio.get_running_loop().time()
    try:
        sdp = await leg.pc.offer(audio=Tone(), video=None)
    finally:
        took = asyncio.get_running_loop().time() - began
        await leg.pc.close()
    return sdp, took


@pytest.mark.parametrize(("kind", "transport"), [("stun", "udp"), ("turn", "udp"), ("turn", "tcp")])
def test_a_server_that_is_dead_is_waited_for_once(
    run: Run, caplog: pytest.LogCaptureFixture, kind: str, transport: str
) -> None:
    async def main() -> None:
        with mute_server(kind, transport) as (server, sock):
            network = Network(("127.0.0.1",), ice_servers=(server,), account=DESK)
            sdp, _ = await offered(network)
            assert " typ host" in sdp
            known = Reachability.running()
            assert known.patience(server) is None
            if transport == "udp":
                assert asked(sock)
            for _ in range(3):  # the next calls do not even ask
                assert " typ host" in (await offered(network))[0]
            if transport == "udp":
                assert not asked(sock)

    with caplog.at_level(logging.WARNING):
        run(main)
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{DESK}: {kind}:127.0.0.1:")
    assert "did not answer within 2 s" in line
    assert "s3cret" not in line


@needs_coturn
def test_a_dead_server_keeps_no_other_one_from_its_turn(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as living:
            with mute_server() as (dead, _), mute_server("stun") as (deaf, _):
                servers = (dead, deaf, living.turn())
                for _ in range(2):
                    sdp, _ = await offered(Network(("127.0.0.1",), ice_servers=servers))
                    assert " typ relay" in sdp
                hidden = Network(("127.0.0.1",), ice_servers=servers, relay_only=True)
                assert " typ relay" in (await offered(hidden))[0]

    run(main)


def test_a_closed_port_is_not_waited_for(run: Run) -> None:
    async def main() -> None:
        with mute_server() as (server, _):
            pass
        hidden = Network(("127.0.0.1",), ice_servers=(server,), relay_only=True, account=DESK)
        with pytest.raises(NetworkError, match="can't be reached: Connection refused"):
            await offered(hidden)
        assert Reachability.running().patience(server) == FIRST

    run(main)


def test_with_a_relay_alone_allowed_a_silent_one_is_asked_each_time(run: Run) -> None:
    async def main() -> None:
        with mute_server() as (server, sock):
            hidden = Network(("127.0.0.1",), ice_servers=(server,), relay_only=True)
            for _ in range(2):
                with pytest.raises(NetworkError, match="did not answer within"):
                    await offered(hidden)
                assert asked(sock)

    run(main)


@needs_coturn
def test_a_server_that_comes_back_is_used_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as living:
            server = living.turn()
            network = Network(("127.0.0.1",), ice_servers=(server,))
            known = Reachability.running()
            known.silent(server)
            assert " typ relay" not in (await offered(network))[0]
            now = asyncio.get_running_loop().time()
            known._known[server.url].until = now
            assert known.patience(server) == AGAIN
            assert " typ relay" in (await offered(network))[0]
            assert known.patience(server) == FIRST

    run(main)


def test_the_longer_a_server_is_dead_the_less_it_is_asked(run: Run) -> None:
    server = IceServer("turn:192.0.2.1")

    async def main() -> None:
        known = Reachability.running()
        left_out = []
        for _ in range(8):
            left_out.append(known.silent(server))
            assert known.silent(server) == pytest.approx(left_out[-1])  # calls of the same time
            assert known.patience(server) is None
            await asyncio.sleep(left_out[-1] + 1)
        assert left_out[:3] == pytest.approx([SHORTEST, 2 * SHORTEST, 4 * SHORTEST])
        assert left_out[-1] == pytest.approx(LONGEST)
        known.answered(server)
        assert known.patience(server) == FIRST
        for number in range(1000):
            known.silent(IceServer(f"turn:192.0.2.1:{number + 1}"))
        assert len(known._known) <= 256

    run(main, loop="virtual")


def test_each_account_is_told_once(run: Run) -> None:
    server = IceServer("turn:192.0.2.1")

    async def main() -> None:
        known = Reachability.running()
        assert [known.is_news(server, DESK, "silent") for _ in range(3)] == [True, False, False]
        assert known.is_news(server, "other@example.org", "silent")
        known.answered(server)
        assert known.is_news(server, DESK, "silent")

    run(main)

"""Fails when a private name of aioice that media/rtc/ice/_aioice.py uses has moved."""

import asyncio
import inspect
import socket
from collections import Counter
from contextlib import suppress

import pytest
from aioice import Connection, turn
from aioice.ice import StunProtocol
from callboard.media import Network, NetworkError
from callboard.media.rtc.ice import _aioice
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports


def test_the_names_are_used_as_we_think() -> None:
    source = inspect.getsource(Connection)
    # In whose place ours stands.
    gather = inspect.getsource(Connection.gather_candidates)
    for known in (
        "if not self._local_candidates_start:\n            self._local_candidates_start = True",
        "self._local_candidates += candidates\n            self._local_candidates_end = True",
    ):
        assert known in gather, known
    assert "self._closing = True" in source
    assert "for protocol in self._protocols:\n            await protocol.close()" in source
    assert "self.transport.close()" in inspect.getsource(StunProtocol)
    connect = inspect.getsource(Connection.connect)
    assert "if not self._check_periodic():\n                break" in connect
    assert "if self._check_list:\n            res = await self._check_list_state.get()" in connect


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "trickled"])
def test_a_connection_is_there_with_its_first_pair(
    run: Run, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """It does not wait until the next check would be due."""
    monkeypatch.setattr(_aioice, "BETWEEN_CHECKS", 1e6)

    async def main() -> None:
        before = asyncio.all_tasks()
        ends = [Connection(ice_controlling=controls) for controls in (True, False)]
        for end in ends:
            _aioice.bind_to(end, Network(addresses=("127.0.0.1",)), Counter())
            await end.gather_candidates()
        for end, other in (ends, reversed(ends)):
            end.remote_username, end.remote_password = other.local_username, other.local_password
            if is_known:
                await _tell(end, other)
        connecting = [asyncio.ensure_future(end.connect()) for end in ends]
        if not is_known:
            await asyncio.sleep(0)
            await _tell(*ends)
            await _tell(*reversed(ends))
        await asyncio.gather(*connecting)
        media = b"\x80" + bytes(30)
        await ends[0].sendto(media, 1)
        assert await ends[1].recvfrom() == (media, 1)
        for end in ends:
            await end.close()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    run(main)


async def _tell(end: Connection, other: Connection) -> None:
    """Give an end the addresses of the other."""
    for candidate in other.local_candidates:
        await end.add_remote_candidate(candidate)
    await end.add_remote_candidate(None)


@pytest.fixture
def host_addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The machine's addresses as aioice would find them; the tests have only loopback ones."""
    addresses = ["127.0.0.2", "127.0.0.3"]
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: addresses)
    return addresses


@pytest.mark.usefixtures("host_addresses")
def test_only_the_bound_connection_is_changed(run: Run) -> None:
    async def main() -> None:
        bound, other = Connection(ice_controlling=True), Connection(ice_controlling=True)
        first, last = free_ports(10)
        _aioice.bind_to(bound, Network(addresses=("127.0.0.1",), ports=(first, last)), Counter())
        await bound.gather_candidates()
        await other.gather_candidates()
        assert [c.host for c in bound.local_candidates] == ["127.0.0.1"]
        assert first <= bound.local_candidates[0].port <= last
        assert [c.host for c in other.local_candidates] == ["127.0.0.2", "127.0.0.3"]
        await _aioice.close(bound)
        await _aioice.close(bound)
        await other.close()

    run(main)


def test_without_pins_the_addresses_are_aioices(run: Run, host_addresses: list[str]) -> None:
    async def main() -> None:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, Network(), Counter())
        await connection.gather_candidates()
        assert [c.host for c in connection.local_candidates] == host_addresses
        await connection.close()

    run(main)


@pytest.mark.parametrize(
    "network",
    [Network(addresses=("127.0.0.1",)), Network(relay_only=True)],
    ids=["pinned", "relayed"],
)
def test_where_the_machines_addresses_are_of_no_use_nobody_looks_for_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    def looked(**_: bool) -> list[str]:
        raise AssertionError("aioice was asked for addresses")

    monkeypatch.setattr("aioice.ice.get_host_addresses", looked)

    async def main() -> None:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, network, Counter())
        with suppress(NetworkError):  # without a TURN server nothing can be relayed
            await connection.gather_candidates()
        await connection.close()

    run(main)


def test_who_gathers_again_gets_no_more(run: Run) -> None:
    async def main() -> None:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, Network(addresses=("127.0.0.1",)), Counter())
        await connection.gather_candidates()
        await connection.gather_candidates()
        assert len(connection.local_candidates) == 1
        await connection.close()

    run(main)


def test_ipv6_loopback(run: Run) -> None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")

    async def main() -> None:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, Network(addresses=("::1",)), Counter())
        await connection.gather_candidates()
        assert [c.host for c in connection.local_candidates] == ["::1"]
        await connection.close()

    run(main)


def test_an_address_of_another_machine_is_named(run: Run) -> None:
    async def main() -> None:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, Network(addresses=("192.0.2.1",)), Counter())
        with pytest.raises(NetworkError, match="addresses of this machine"):
            await connection.gather_candidates()
        await connection.close()

    run(main)


def test_a_restart_uses_the_names_as_we_think() -> None:
    source = inspect.getsource(Connection)
    assert "self._queue.put_nowait((data, component))" in source
    assert "result = await self._queue.get()" in source
    assert source.count("self._queue.put_nowait(None)") == 2
    assert "waiter = self._event_waiter" in source
    assert "self._query_consent_task = asyncio.create_task(self.query_consent())" in source
    connect = inspect.getsource(Connection.connect)
    assert "if self._check_list:\n            res = await self._check_list_state.get()" in connect
    assert "if res != ICE_COMPLETED:" in connect
    assert "self._early_checks.append((message, addr, protocol))" in source
    protocol = inspect.getsource(StunProtocol)
    assert "self.receiver.request_received(message, addr, self)" in protocol
    assert "if self._check_list_done:\n            return False" in source


def test_a_relay_uses_the_names_as_we_think() -> None:
    source = inspect.getsource(turn.create_turn_endpoint)
    assert "protocol = protocol_factory()" in source
    assert "turn_transport = TurnTransport(inner_protocol)" in source
    assert "await turn_transport._connect(protocol)" in source
    assert "inner_transport.close()" in source
    parameters = inspect.signature(turn.TurnClientUdpProtocol).parameters
    assert list(parameters) == [
        "server",
        "username",
        "password",
        "lifetime",
        "channel_refresh_time",
    ]
    assert "await self.__inner_protocol.delete()" in inspect.getsource(turn.TurnTransport)


def test_sockets_use_the_names_as_we_think() -> None:
    source = inspect.getsource(StunProtocol)
    assert "transaction.response_received(message, addr)" in source
    assert "self.receiver.request_received(message, addr, self)" in source
    assert "request: stun.Message,\n        addr: tuple[str, int],\n" in source
    request = inspect.getsource(Connection.request_received)
    # An answer with integrity says that the request had it: the sender is known from then on.
    assert request.index("check_message_integrity(") < request.index("Class.RESPONSE")
    error = inspect.getsource(Connection.respond_error)
    assert "if error_code[0] in (400, 401):\n            response.add_fingerprint()" in error
    assert "self._remote_candidates: list[Candidate]" in inspect.getsource(Connection)
    client = inspect.getsource(turn.TurnClientMixin.datagram_received)
    assert "self.receiver.datagram_received(payload, peer_address)" in client


def test_consent_uses_the_names_as_we_think() -> None:
    asks = inspect.getsource(Connection.query_consent)
    for known in (
        "CONSENT_INTERVAL * (0.8 + 0.4 * random.random())",
        "request = self.build_request(pair, nominate=False)",
        "retransmissions=0",
        "if failures >= CONSENT_FAILURES:",
        "self._query_consent_task = None\n                    return await self.close()",
    ):
        assert known in asks, known
    # What a check by the pair in use does, beside being granted: nothing.
    does = inspect.getsource(Connection.check_incoming)
    assert does.count("if pair.state ") == 3
    assert "if pair.state in [CandidatePair.State.FROZEN, CandidatePair.State.FAILED]:" in does
    assert "if pair.state == CandidatePair.State.WAITING:" in does
    assert 'if "USE-CANDIDATE" in message.attributes and not self.ice_controlling:' in does
    assert does.endswith("pair.nominated = True\n                self.check_complete(pair)\n")
    assert "self._nominated[pair.component] = pair" in inspect.getsource(Connection.check_complete)

"""Addresses and ports, and which remote candidates are of use."""

import pytest
from callboard.media import Network, NetworkError
from callboard.tests.harness.ports import free_ports


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"addresses": ()}, "empty"),
        ({"addresses": ("localhost",)}, "localhost"),
        ({"ports": (5, 4)}, "no range"),
        ({"ports": (0, 4)}, "no range"),
        ({"ports": (1, 65536)}, "no range"),
        ({"ice_servers": ("http://example.org",)}, "no STUN or TURN server"),
    ],
)
def test_wrong_settings(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network(**arguments)  # type: ignore[arg-type]


def test_bind_finds_the_last_free_port() -> None:
    first, last = free_ports(3)
    network = Network(addresses=("127.0.0.1",), ports=(first, last))
    sockets = [network.bind("127.0.0.1") for _ in range(3)]
    assert sorted(sock.getsockname()[1] for sock in sockets) == [first, first + 1, last]
    with pytest.raises(NetworkError, match=rf"{first}-{last} on 127\.0\.0\.1 are taken"):
        network.bind("127.0.0.1")
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize(
    ("fields", "pinned", "free"),
    [
        ("1 1 udp 1 192.0.2.1 9 typ host", True, True),
        ("1 1 UDP 1 2001:db8::1 9 typ srflx", True, True),
        ("1 1 tcp 1 192.0.2.1 9 typ host", False, False),
        ("1 2 udp 1 192.0.2.1 9 typ host", False, False),
        ("1 1 udp 1 ab-cd.local 9 typ host", False, True),
        ("1 1 udp 1 example.org 9 typ host", False, False),
        ("1 1 udp 1 224.0.0.251 5353 typ host", False, False),
        ("1 1 udp 1 0.0.0.0 9 typ host", False, False),
        ("1 1 udp", False, False),
    ],
)
def test_usable_candidates(fields: str, pinned: bool, free: bool) -> None:
    assert Network(addresses=("127.0.0.1",)).usable(f"candidate:{fields}") is pinned
    assert Network().usable(fields) is free

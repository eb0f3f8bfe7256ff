"""UDP ports for tests that need certain ones."""

import random
import socket
from contextlib import ExitStack

LOWEST, HIGHEST = 20_000, 32_000
"""Below the ports that Linux hands out by itself: nobody comes upon one of these by chance."""

ADDRESSES = ("127.0.0.1", "127.0.0.2")


def free_ports(count: int) -> tuple[int, int]:
    """Find ports in a row that nobody has.

    Args:
        count: how many.

    Returns:
        The first and the last.
    """
    while True:
        first = random.randrange(LOWEST, HIGHEST - count)
        try:
            with ExitStack() as stack:
                for port in range(first, first + count):
                    for address in ADDRESSES:
                        carrier = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                        carrier.bind((address, port))
        except OSError:
            continue
        return first, first + count - 1


def asked(sock: socket.socket) -> int:
    """Return how many datagrams have come to a socket that does not block, and take them."""
    count = 0
    while True:
        try:
            sock.recv(2048)
        except BlockingIOError:
            return count
        count += 1

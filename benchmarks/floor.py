"""Floors: what a login and a packet cost below anything that a client in Python can change."""

import hashlib
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.server.certificate import make_certificates
from pylibsrtp import Policy, Session

#: Bytes of an RTP packet with 20 ms of Opus, and packets a second both ways.
PACKET, RATE = 120, 50


def _microseconds(work: Callable[[], object], times: int) -> float:
    """Return what one call costs in CPU time."""
    work()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e6


def _handshake(times: int) -> float:
    """Return the client's CPU for a TLS handshake that verifies the embedded server's chain."""
    made = make_certificates("localhost")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("chain", made.chain), ("key", made.key)):
            Path(folder, name).write_text(text, encoding="ascii")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(Path(folder, "chain"), Path(folder, "key"))
    client = ssl.create_default_context(cadata=made.authority)
    used = 0.0
    for _ in range(times):
        here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
        asking = client.wrap_bio(here, there, server_hostname="localhost")
        answering = server.wrap_bio(there, here, server_side=True)
        done = [False, False]
        while not all(done):
            for number, side in enumerate((asking, answering)):
                began = time.process_time()
                try:
                    side.do_handshake()
                    done[number] = True
                except ssl.SSLWantReadError:
                    pass
                if side is asking:
                    used += time.process_time() - began
    return used / times * 1e6


def _sockets(times: int) -> float:
    """Return the CPU for one datagram sent and one received."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        address, data = other.getsockname(), bytes(PACKET)

        def pair() -> None:
            one.sendto(data, address)
            other.recvfrom(2048)

        return _microseconds(pair, times)


def _srtp(times: int) -> float:
    """Return the CPU for one packet protected and one unprotected."""
    key = bytes(range(30))
    out = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    back = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND))
    number = 0

    def pair() -> None:
        nonlocal number
        number = (number + 1) & 0xFFFF
        header = b"\x80\x60" + number.to_bytes(2) + bytes(7) + b"\x01"
        back.unprotect(out.protect(header + bytes(PACKET - len(header))))

    return _microseconds(pair, min(times, 60_000))


async def floors(times: int) -> dict[str, Any]:
    """Measure them all, in microseconds."""
    numbers = iter(range(10**9))
    return {
        "pbkdf2": _microseconds(
            lambda: hashlib.pbkdf2_hmac("sha1", b"%d" % next(numbers), b"salt", 10_000),
            max(1, times // 200),
        ),
        "handshake": _handshake(max(1, times // 200)),
        "sockets": _sockets(times),
        "srtp": _srtp(times),
    }


async def measure(quick: bool) -> Result:
    """Measure three times."""
    [found] = await turns(1 if quick else 3, lambda: trial(floors, times=200 if quick else 40_000))
    sockets, srtp = middle(found, "sockets"), middle(found, "srtp")
    return Result(
        "Floors",
        "What OpenSSL, libsrtp and the kernel take, called from an empty loop in Python; no "
        "client on these libraries is cheaper.",
        [
            Figure("PBKDF2, 10,000 x SHA-1, ms a login", middle(found, "pbkdf2") / 1000),
            Figure("TLS handshake, client's part, ms a login", middle(found, "handshake") / 1000),
            Figure("one datagram out and one in, us", sockets),
            Figure("one packet protected and one unprotected, us", srtp),
            Figure("a leg's share of a core for these two, %", (sockets + srtp) * RATE / 1e4),
        ],
    )


if __name__ == "__main__":
    main(measure, {"floors": floors})

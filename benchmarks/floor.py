"""Floors: what a login and a packet cost below anything that a client in Python can change."""

import hashlib
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from aiortc.rtcdtlstransport import SRTP_PROFILES
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import keep_to
from callboard.server.certificate import make_certificates
from pylibsrtp import Policy, Session

#: Octets of an RTP packet with 20 ms of Opus, and of one with a piece of a picture.
SOUND, PICTURE = 120, 1200
#: Packets of sound a second, each way.
RATE = 50


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


def _sockets(times: int, octets: int) -> float:
    """Return the CPU for one datagram sent and one received."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        address, data = other.getsockname(), bytes(octets)

        def pair() -> None:
            one.sendto(data, address)
            other.recvfrom(2048)

        return _microseconds(pair, times)


def _srtp(times: int, octets: int) -> float:
    """Return the CPU for one packet protected and one unprotected, as two legs agree to do it."""
    profile = SRTP_PROFILES[0]
    key = bytes(range(profile.key_length + profile.salt_length))
    out, back = (
        Session(Policy(key, ssrc_type, srtp_profile=profile.libsrtp_profile))
        for ssrc_type in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
    )
    number = 0

    def pair() -> None:
        nonlocal number
        number = (number + 1) & 0xFFFF
        header = b"\x80\x60" + number.to_bytes(2) + bytes(7) + b"\x01"
        back.unprotect(out.protect(header + bytes(octets - len(header))))

    return _microseconds(pair, min(times, 60_000))


def _paced(legs: int, ticks: int) -> float:
    """Return the CPU for one packet out and one in, all legs' together every 20 ms."""
    keep_to(0)
    profile = SRTP_PROFILES[0]
    key = bytes(range(profile.key_length + profile.salt_length))
    with ExitStack() as stack:
        ends = []
        for _ in range(legs):
            one, other = (stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in "ab")
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            out, back = (
                Session(Policy(key, ssrc_type, srtp_profile=profile.libsrtp_profile))
                for ssrc_type in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
            )
            ends.append((one.sendto, other.recvfrom, other.getsockname(), out, back))
        began, used = time.perf_counter(), time.process_time()
        for tick in range(ticks):
            time.sleep(max(0.0, began + tick / RATE - time.perf_counter()))
            header = b"\x80\x60" + (tick & 0xFFFF).to_bytes(2) + bytes(7) + b"\x01"
            packet = header + bytes(SOUND - len(header))
            for send, _, address, out, _ in ends:
                send(out.protect(packet), address)
            for _, receive, _, _, back in ends:
                back.unprotect(receive(2048)[0])
        return (time.process_time() - used) / (legs * ticks) * 1e6


async def paced_packets(legs: int, seconds: float) -> dict[str, Any]:
    """Return the microseconds that a packet of sound out and one in cost in time with the clock."""
    return {"sound": _paced(legs, int(seconds * RATE))}


async def packets(times: int) -> dict[str, Any]:
    """Return the microseconds that one packet out and one in cost, of sound and of pictures."""
    found = {}
    for kind, octets in (("sound", SOUND), ("picture", PICTURE)):
        found[f"{kind} sockets"] = _sockets(times, octets)
        found[f"{kind} srtp"] = _srtp(times, octets)
        found[kind] = found[f"{kind} sockets"] + found[f"{kind} srtp"]
    return found


async def login(times: int) -> dict[str, Any]:
    """Return the milliseconds that PBKDF2 and TLS cost a client for a login."""
    numbers = iter(range(10**9))
    pbkdf2 = _microseconds(
        lambda: hashlib.pbkdf2_hmac("sha1", b"%d" % next(numbers), b"salt", 10_000), times
    )
    handshake = _handshake(times)
    return {
        "pbkdf2": pbkdf2 / 1000,
        "handshake": handshake / 1000,
        "cpu": (pbkdf2 + handshake) / 1000,
    }


async def measure(quick: bool) -> Result:
    """Measure three times."""
    found, logins = await turns(
        1 if quick else 3,
        lambda: trial(packets, times=200 if quick else 40_000),
        lambda: trial(login, times=1 if quick else 200),
    )
    figures = [
        Figure("PBKDF2, 10,000 x SHA-1, ms a login", middle(logins, "pbkdf2")),
        Figure("TLS handshake, client's part, ms a login", middle(logins, "handshake")),
    ]
    for kind, octets in (("sound", SOUND), ("picture", PICTURE)):
        figures += [
            Figure(
                f"{kind}, {octets} octets: one datagram out and one in, us",
                middle(found, f"{kind} sockets"),
            ),
            Figure(
                f"{kind}, {octets} octets: one protected and one unprotected, us",
                middle(found, f"{kind} srtp"),
            ),
        ]
    return Result(
        "Floors",
        "What OpenSSL, libsrtp and the kernel take, called from an empty loop in Python; no "
        "client on these libraries that sends each packet by itself is cheaper.",
        [
            *figures,
            Figure("a sound leg's share of a core, %", middle(found, "sound") * RATE / 1e4),
        ],
    )


if __name__ == "__main__":
    main(measure, {"packets": packets, "paced_packets": paced_packets, "login": login})

"""What is done to the world while calls go on: one function a disturbance."""

import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from callboard.tests.chaos.world import ADDRESSES, World, udp_ports
from callboard.tests.media.intruder import GARBAGE, MISSHAPEN

OUTAGE = (0.5, 3.0)
"""Seconds that a cut path stays cut: at least, at the most. Less than consent (RFC 7675) takes."""

BURST = 50
"""How often each datagram that breaks handshakes is sent to each socket."""


def kill_program(world: World) -> None:
    """Kill a program in the middle of a call, and start it again."""
    program = world.chance.choice(world.programs)
    program.connected()
    _wait(world, 0.0, 1.5)
    program.kill()
    _wait(world, 0.0, 0.5)
    program.start()
    program.online()


def kill_server(world: World) -> None:
    """Kill the server in the middle of a call, and start it again."""
    world.callers.connected()
    _wait(world, 0.0, 1.0)
    seen = [program.now for program in world.programs]
    world.server.kill()
    _wait(world, 0.0, 1.0)
    world.server.start()
    for program, since in zip(world.programs, seen, strict=True):
        program.online(since)


def cut_path(world: World) -> None:
    """Take every address of the media away for a moment."""
    world.callers.connected()
    for address in ADDRESSES:
        world.unplug(address)
    _wait(world, *OUTAGE)
    for address in ADDRESSES:
        world.plug(address)


def move_path(world: World) -> None:
    """Take one address of the media away while calls run over it; bring it back later."""
    world.callers.connected()
    address = world.chance.choice(ADDRESSES)
    world.unplug(address)
    _wait(world, *OUTAGE)
    world.plug(address)


def fill_disk(world: World) -> None:
    """Leave no room while calls end, then make some."""
    world.callers.connected()
    with suppress(OSError), world.filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    _wait(world, 2.0, 4.0)
    world.filling.unlink()


def end_program(world: World) -> None:
    """End a program in order while its calls run, and start it again."""
    program = world.chance.choice(world.programs)
    program.connected()
    number = world.chance.choice((signal.SIGTERM, signal.SIGINT))
    status = program.end(number)
    if status != 0:
        raise RuntimeError(f"{program.file.name} ended with {status} after signal {number}")
    program.start()
    program.online()


def attack(world: World) -> None:
    """Send what no peer would to every socket of both programs; the calls take no notice."""
    world.callers.connected()
    attacked = world.callers.going_on()
    ports = [port for program in world.programs for port in udp_ports(program.pid)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        for data in _datagrams(world):
            for address in ports:
                for _ in range(BURST if data in GARBAGE else 1):
                    _send(stranger, data, address)
    for account, call in sorted(attacked):
        record = world.callers.record(account, call)
        if (record["state"], record["reason"]) != ("completed", "success"):
            raise RuntimeError(f"the attack ended a call: {record}")


DISTURBANCES: dict[str, Callable[[World], None]] = {
    "kill-program": kill_program,
    "kill-server": kill_server,
    "end-program": end_program,
    "cut-path": cut_path,
    "move-path": move_path,
    "fill-disk": fill_disk,
    "attack": attack,
}
"""By the names that the command line takes."""

SHARES = {"kill-program": 1.0, "kill-server": 1.0}
"""How often each is done for each round that is asked for; those not named, a fifth as often."""


def _wait(world: World, least: float, most: float) -> None:
    """Let a while pass, by chance: the moment of a disturbance is what is tried here."""
    time.sleep(world.chance.uniform(least, most))


def _datagrams(world: World) -> list[bytes]:
    """What is sent: each datagram that once ended a call, many streams, and some by chance."""
    chance = world.chance
    streams = (b"\x80\x60" + chance.randbytes(10) + bytes(1200) for _ in range(64))
    noise = (
        bytes([first]) + chance.randbytes(chance.randint(0, 1400)) for first in range(0, 256, 8)
    )
    return [*GARBAGE, *MISSHAPEN, *streams, *noise]


def _send(stranger: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    try:
        stranger.sendto(data, address)
    except OSError:
        return  # the socket has gone with its call

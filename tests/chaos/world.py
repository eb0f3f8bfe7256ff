"""A server, a program whose bots call, and one whose bots answer and record."""

import os
import random
import secrets
import signal
import subprocess
from pathlib import Path

from callboard.tests.chaos.program import Program
from callboard.tests.chaos.server import HOST, Server

PAIRS = 4
"""Calls at a time."""

ADDRESSES = ("10.7.0.1", "10.7.0.2")
"""Of the media: both on the loopback interface of the namespace that all this runs in."""

ROOM = "1g"
"""Size of the file system on which the programs write."""


class World:
    """Everything that runs, and the chance by which it is disturbed.

    Args:
        folder: where everything goes; exists and is empty.
        seed: of the chance.

    Attributes:
        chance: decides when and where.
        server: the XMPP server.
        callers: places the calls, and records them.
        house: answers and records them.
        disk: the file system on which both programs write.
        filling: the file that fills it for a while.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.disk = folder / "disk"
        self.filling = self.disk / "filling"
        self.disk.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", self.disk)
        _run("ip", "link", "set", "lo", "up")
        for address in ADDRESSES:
            self.plug(address)
        names = [f"{role}-{n}" for role in ("caller", "desk") for n in range(1, PAIRS + 1)]
        passwords = {name: secrets.token_urlsafe(12) for name in names}
        self.server = Server(folder / "server", passwords)
        self.callers = self._program("callers", passwords)
        self.house = self._program("house", passwords)
        self._plugged = set(ADDRESSES)

    @property
    def programs(self) -> tuple[Program, Program]:
        """Both programs."""
        return self.callers, self.house

    def recordings(self, program: Program) -> Path:
        """The folder of a program's recordings and records."""
        return self.disk / program.file.stem

    def start(self) -> None:
        """Start everything, and wait for the first call."""
        self.server.start()
        for program in (self.house, self.callers):
            program.start()
        self.callers.connected()

    def revive(self) -> None:
        """Mend what a disturbance has left as it was in the middle of it."""
        for address in ADDRESSES:
            self.plug(address)
        self.filling.unlink(missing_ok=True)
        if not self.server.runs:
            self.server.start()
        for program in self.programs:
            if not program.runs:
                program.start()

    def stop(self) -> list[int]:
        """End everything in order; return the programs' exit statuses."""
        statuses = [program.end(signal.SIGTERM) for program in self.programs]
        self.server.stop()
        return statuses

    def close(self) -> None:
        """End what is left, by force."""
        for program in self.programs:
            program.close()
        self.server.stop()

    def plug(self, address: str) -> None:
        """Give the machine an address."""
        _run("ip", "address", "replace", f"{address}/32", "dev", "lo")

    def unplug(self, address: str) -> None:
        """Take an address away."""
        _run("ip", "address", "del", f"{address}/32", "dev", "lo")

    def _program(self, name: str, passwords: dict[str, str]) -> Program:
        folder = self.disk / name
        folder.mkdir()
        accounts = "".join(
            _caller(n, passwords) if name == "callers" else _desk(n, passwords)
            for n in range(1, PAIRS + 1)
        )
        file = self.folder / f"{name}.yaml"
        file.write_text(
            f"server: {{host: 127.0.0.1, port: {self.server.port}, "
            f"ca: {self.server.certificate}}}\n"
            f"recordings: {folder}\n"
            f"media: {{addresses: [{', '.join(ADDRESSES)}]}}\n"
            f"drain: 3\naccounts:\n{accounts}",
            "utf-8",
        )
        return Program(file, self.folder)


def _caller(number: int, passwords: dict[str, str]) -> str:
    name = f"caller-{number}"
    video = "pattern" if number == 1 else "none"
    return (
        f"  - jid: {name}@{HOST}\n    password: {passwords[name]}\n    bot: caller\n"
        f"    options: {{to: desk-{number}@{HOST}, seconds: {1 + number}, every: 0.5s, "
        f"record: true, video: {video}}}\n"
    )


def _desk(number: int, passwords: dict[str, str]) -> str:
    name = f"desk-{number}"
    return f"  - jid: {name}@{HOST}\n    password: {passwords[name]}\n    bot: recorder\n"


def udp_ports(pid: int) -> set[tuple[str, int]]:
    """Return the addresses and ports of a process's UDP sockets."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(entry.stat().st_ino)
        except OSError:
            continue
    found = set()
    for line in Path(f"/proc/{pid}/net/udp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        if int(fields[9]) in inodes:
            address, port = fields[1].split(":")
            octets = bytes.fromhex(address)[::-1]
            found.add((".".join(map(str, octets)), int(port, 16)))
    return found


def _run(*words: str | os.PathLike[str]) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

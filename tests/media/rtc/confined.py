"""A confined socket beside a second machine. Run alone, in a network namespace of its own.

The second machine is another namespace, and a pair of veth devices is the wire between them.
"""

import socket
import subprocess
import sys

from callboard.media.rtc.ice.confinement import primary_address
from callboard.media.rtc.ice.network import Network

OURS, THEIRS, LENGTH = "10.9.0.1", "10.9.0.2", 24
PATIENCE = 30
#: What the other machine does: it sends to each port, and repeats what it hears first.
OTHER = """
import socket, sys
own, host, *ports = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind((own, 0))
    sock.settimeout(30)
    print(sock.getsockname()[1], flush=True)
    for port in ports:
        sock.sendto(b"from elsewhere", (host, int(port)))
    print(sock.recv(100).decode(), flush=True)
"""


def ip(*words: object, inside: int | None = None) -> None:
    """Run ``ip``, in the namespace of a process if one is named."""
    where = [] if inside is None else ["nsenter", "-t", str(inside), "-n"]
    subprocess.run([*where, "ip", *map(str, words)], check=True)


def connect(other: int) -> None:
    """Lay the wire to the namespace of a process, with the way to everywhere at its end."""
    ip("link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other)
    for address, inside in ((OURS, None), (THEIRS, other)):
        ip("address", "add", f"{address}/{LENGTH}", "dev", "wire", inside=inside)
        ip("link", "set", "wire", "up", inside=inside)
    ip("route", "add", "default", "via", THEIRS)


def check_the_wire(confined: socket.socket, other: int) -> None:
    """See that nothing passes between a socket and the wire; an open one shows what would."""
    with Network().bind(OURS) as open_one:
        ports = [str(sock.getsockname()[1]) for sock in (confined, open_one)]
        command = ["nsenter", "-t", str(other), "-n", sys.executable, "-c", OTHER, THEIRS, OURS]
        with subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            far = (THEIRS, int(process.stdout.readline()))
            open_one.settimeout(PATIENCE)
            assert open_one.recv(100) == b"from elsewhere"
            try:  # this was sent before, on the same wire
                raise AssertionError(f"from the network: {confined.recv(100)!r}")
            except BlockingIOError:
                pass
            confined.sendto(b"confined", far)
            open_one.sendto(b"open", far)
            heard = process.stdout.readline()
            assert heard == "open\n", f"to the network: {heard}"


def check_this_machine(confined: socket.socket) -> None:
    """See that a socket and others of this machine hear each other."""
    confined.settimeout(PATIENCE)
    for source in (OURS, "127.0.0.1"):
        with Network().bind(source) as neighbour:
            neighbour.settimeout(PATIENCE)
            neighbour.sendto(b"from here", confined.getsockname())
            said, address = confined.recvfrom(100)
            assert (said, address[0]) == (b"from here", source)
            confined.sendto(b"back", address)
            assert neighbour.recv(100) == b"back"


def main() -> None:
    """Try both."""
    ip("link", "set", "lo", "up")
    assert primary_address() is None
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        connect(other.pid)
        assert primary_address() == OURS
        with Network().bind(OURS, within=True) as confined:
            check_the_wire(confined, other.pid)
            check_this_machine(confined)
    sys.stdout.write("only this machine\n")


if __name__ == "__main__":
    main()

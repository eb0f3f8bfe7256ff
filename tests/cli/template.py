"""A process that has read all that commands need, and becomes one whenever it is asked to.

Reading it is more than half of what a running command costs, and what most tests show begins when
that is done. `Template.start` forks; how a program itself begins is for tests with `command`.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar

#: What is read, besides all of the media.
MODULES = ("cli.app", "cli.call", "cli.demo", "cli.run", "cli.deployed")
#: Octets of an order; one has the whole environment.
LARGEST = 1 << 17


class Forked:
    """A command that runs, with what of `subprocess.Popen` tests need.

    Args:
        pid: its process id.
        end: where its exit status will come from.
        stdout: what it prints.

    Attributes:
        returncode: its exit status, or minus the signal that ended it; None while it runs.
    """

    def __init__(self, pid: int, end: IO[bytes], stdout: IO[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status.

        Args:
            timeout: seconds; None for ever.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"callboard, process {self.pid}", timeout or 0.0)
            self.returncode = int(self._end.read())
            self._end.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Template:
    """The process, while tests need it.

    Attributes:
        running: the one that there is, if any.
    """

    running: ClassVar["Template | None"] = None

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # as that of the commands
                # A fork has the thread that forks, and no other.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )

    @classmethod
    @contextlib.contextmanager
    def serving(cls) -> Iterator[None]:
        """Have one while the block runs: the one that there is, if there is one."""
        if cls.running is not None:
            yield
            return
        template = cls.running = cls()
        try:
            yield
        finally:
            cls.running = None
            template.close()

    def start(
        self,
        *arguments: str,
        stdout: int | None = None,
        stderr: int = 2,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Forked:
        """Become a command.

        Args:
            arguments: those of the command line.
            stdout: a descriptor to print to; None for a pipe.
            stderr: a descriptor to write errors to.
            folder: where it runs; where this process does if left out.
            environ: what it has in its environment besides what this process has.
        """
        (result, end), (output, printed) = os.pipe(), os.pipe()
        order = {
            "arguments": arguments,
            "environ": {**os.environ, **(environ or {})},
            "folder": str(folder or Path.cwd()),
        }
        given = [0, printed if stdout is None else stdout, stderr, end]
        socket.send_fds(self._line, [json.dumps(order).encode()], given)
        os.close(printed)
        os.close(end)
        told = os.fdopen(result, "rb")
        return Forked(int(told.readline()), told, os.fdopen(output, encoding="utf-8"))

    def close(self) -> None:
        """End it; what it became goes on."""
        self._line.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def read() -> None:
    """Import what commands need."""
    for name in MODULES:
        importlib.import_module(f"callboard.{name}")
    media = importlib.import_module("callboard.media")
    for name in media.__all__:
        getattr(media, name)
    gc.freeze()  # else each fork would write to all of it, to look for garbage


def serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork for each order, and tell how each fork ends.

    Returns:
        The order in the fork; None in the template itself, when nobody can give one any more.
    """
    selector = selectors.DefaultSelector()
    selector.register(line, selectors.EVENT_READ)
    ends: dict[int, tuple[int, int]] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is not line:
                pid, end = ends.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                tell(end, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                os.close(end)
                continue
            order, given, _, _ = socket.recv_fds(line, LARGEST, 4)
            if not order:
                return None
            pid = os.fork()
            if pid == 0:
                for descriptor, (_, end) in ends.items():
                    os.close(descriptor)
                    os.close(end)
                selector.close()
                line.close()
                return {**json.loads(order), "given": given}
            *streams, end = given
            for stream in streams:
                os.close(stream)
            tell(end, f"{pid}\n")
            descriptor = os.pidfd_open(pid)
            ends[descriptor] = pid, end
            selector.register(descriptor, selectors.EVENT_READ)


def tell(end: int, text: str) -> None:
    """Write to who started a command, if somebody still listens."""
    with contextlib.suppress(BrokenPipeError):
        os.write(end, text.encode())


def become(order: dict[str, Any]) -> None:
    """Make this process what a new one would be with these arguments."""
    *streams, end = order["given"]
    os.close(end)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    tempfile.tempdir = None
    sys.argv = ["callboard", *order["arguments"]]


def main() -> None:
    """Serve, and in a fork run the command."""
    read()
    order = serve(socket.socket(fileno=int(sys.argv[1])))
    if order is not None:
        become(order)
        from callboard.cli import main as command

        command()


if __name__ == "__main__":
    main()

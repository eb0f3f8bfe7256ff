"""The command as people run it: a process of its own."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from callboard.cli.app import app
from callboard.tests.cli.template import Forked, Template
from typer.main import get_command

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0
#: Seconds of sound in a packet.
PACKET = 0.02
#: Where modules are that no command reads anew; those that are built in have no file.
INSTALLED = (sys.base_prefix, str(Path(__file__).parents[2]))


def callboard(
    *arguments: object,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    anew: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        arguments: those of the command line.
        cwd: the folder that it runs in.
        environ: what it has in its environment besides what this process has.
        anew: in a new process, not one that a template becomes.
    """
    if Template.running is not None and not anew:
        return _forked(Template.running, list(map(str, arguments)), cwd, environ)
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def _forked(
    template: Template, arguments: list[str], cwd: Path | None, environ: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile() as errors:
        forked = template.start(*arguments, stderr=errors.fileno(), folder=cwd, environ=environ)
        overdue = threading.Timer(PATIENCE, forked.kill)
        overdue.start()
        try:
            with forked.stdout:
                said = forked.stdout.read()
            status = forked.wait(PATIENCE)
        finally:
            overdue.cancel()
            overdue.join()
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, status, said, errors.read().decode())


@cache
def tree() -> Callable[..., object]:
    """All commands with their options, which take longer to make than most commands to run."""
    return get_command(app)


def in_process(
    *arguments: object, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that soon ends here, for what it prints: a program takes a second to start.

    What is the program's own (signals, threads, its streams, its start and end) needs `callboard`.
    """
    out, err = io.StringIO(), io.StringIO()
    before = set(sys.modules)
    with (
        contextlib.chdir(cwd or "."),
        mock.patch.dict(os.environ, environ or {}),
        mock.patch.object(sys, "path", [*sys.path]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            tree()(list(map(str, arguments)), prog_name="callboard")
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    for name in set(sys.modules) - before:  # the next command reads its own bots
        file = getattr(sys.modules[name], "__file__", None) or ""
        if name.startswith("callboard_user_") or (
            file and not file.startswith((sys.prefix, *INSTALLED))
        ):
            del sys.modules[name]
    return subprocess.CompletedProcess(
        list(map(str, arguments)), status, out.getvalue(), err.getvalue()
    )


def command(*arguments: object) -> list[str]:
    """The command line; -P keeps the working folder from hiding the installed package."""
    return [sys.executable, "-P", "-m", "callboard", *map(str, arguments)]


class Running:
    """A command with ``--json`` that goes on, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str] | Forked) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()

    def until(self, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event that fits, past or to come."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                for event in self.events:
                    if found(event):
                        return event
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"it did not happen; events: {self.events[-20:]}")

    def connected(self, account: str) -> dict[str, Any]:
        """The status of an account's call with which media first came in."""
        return self.until(
            lambda e: (
                e["event"] == "CallStatus"
                and e["account"] == account
                and "first-audio" in e["steps"]
            )
        )

    def recorded(self, seconds: float) -> tuple[Path, ...]:
        """The files that it records in, once each plays for longer than this."""
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = len(self.events)
            opened = psutil.Process(self.process.pid).open_files()
            parts = tuple(Path(one.path) for one in opened if one.path.endswith(".part"))
            if parts and shortest(parts) > seconds:
                return parts
            with self._changed:  # the status of a call is told again and again
                if len(self.events) == seen and not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"too little is recorded; events: {self.events[-20:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(*arguments: object, anew: bool = False) -> Iterator[Running]:
    """Start a command with ``--json``; end it with the block.

    Args:
        arguments: those of the command line.
        anew: in a new process, not one that a template becomes.
    """
    process: subprocess.Popen[str] | Forked
    if anew or Template.running is None:
        process = subprocess.Popen(
            command(*arguments, "--json"), stdout=subprocess.PIPE, encoding="utf-8"
        )
    else:
        process = Template.running.start(*map(str, arguments), "--json")
    found = Running(process)
    try:
        yield found
    finally:
        found.close()


def shortest(parts: Iterable[Path]) -> float:
    """How long the shortest of some recordings plays in seconds; 0 where it can't be played."""
    from callboard.media import UnplayableError, inspect

    try:
        return min(inspect(part).seconds for part in parts)
    except UnplayableError:
        return 0.0


def records(path: Path) -> dict[str, dict[str, Any]]:
    """The detail records of a file, by account; an account has one call at the most."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = {record["account"]: record for record in lines}
    assert len(found) == len(lines)
    return found


def seconds_between(record: dict[str, Any], begin: str, end: str) -> float:
    """Seconds from one time of a detail record to another."""
    begun, ended = (datetime.fromisoformat(record[name]) for name in (begin, end))
    return (ended - begun).total_seconds()


def check_sound(record: dict[str, Any], seconds: float) -> None:
    """A recording has all sound that its call received, and is no longer than the call.

    How much that is depends on the machine: what a busy one holds up, nobody sends later.
    """
    [received] = [one["received"] for one in record["media"] if one["kind"] == "audio"]
    assert received * PACKET - 0.2 < seconds < seconds_between(record, "answered", "ended") + 0.5

"""``callboard run`` as a process that is killed and started again, and all that it reported."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callboard.tests.cli.command import command

PATIENCE = 90.0
"""Seconds in which what is waited for must happen."""

Event = dict[str, Any]


class Program:
    """One file of accounts, and the process that runs it.

    Args:
        file: the YAML file.
        folder: where its events and its log go, a file for each life.

    Attributes:
        begun: every call that was ever reported, as (account, id).
        lives: how often it was started.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        self.begun: set[tuple[str, str]] = set()
        self.lives = 0
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._events: list[Event] = []
        self._output = folder
        self._read = 0

    def start(self) -> None:
        """Start it."""
        self.lives += 1
        self._output = self._folder / f"{self.file.stem}-{self.lives}.jsonl"
        self._read, self._events = 0, []
        errors = self._folder / f"{self.file.stem}-{self.lives}.log"
        with self._output.open("wb") as out, errors.open("wb") as log:
            self._process = subprocess.Popen(
                command("run", self.file, "--json"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def look(self) -> list[Event]:
        """Read what it reported since the last look; a line that is not whole yet waits."""
        with self._output.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        new = [json.loads(line) for line in whole.splitlines()]
        for event in new:
            if event["event"] in ("CallStatus", "CallRecord"):
                self.begun.add((event["account"], event["id"]))
        self._events += new
        return new

    @property
    def now(self) -> int:
        """How many events of this life there were, for `until` to look only at later ones."""
        self.look()
        return len(self._events)

    def until(self, found: Callable[[Event], bool], since: int = 0) -> Event:
        """Wait for an event.

        Args:
            found: which.
            since: how many of the first events of this life are passed over.

        Raises:
            RuntimeError: it did not come in time, or the process ended.
        """
        seen = since
        deadline = time.monotonic() + PATIENCE
        while True:
            for event in self._events[seen:]:
                if found(event):
                    return event
            seen = len(self._events)
            if self.look():
                continue
            if not self.runs:
                raise RuntimeError(f"{self.file.name} has ended: see {self._output}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.file.name}: it did not happen: see {self._output}")
            time.sleep(0.02)

    def connected(self) -> Event:
        """Wait until media begins to come in on a call from now on."""
        return self.until(
            lambda e: e["event"] == "CallStatus" and "first-audio" in e["steps"], self.now
        )

    def online(self, since: int = 0) -> None:
        """Wait until an account has come online; the others may be waiting for their next try."""
        self.until(lambda e: e["event"] == "AccountChanged" and e["state"] == "online", since)

    def going_on(self) -> set[tuple[str, str]]:
        """Return the calls that are connected now, as (account, id)."""
        self.look()
        phases = {
            (e["account"], e["id"]): e["phase"] for e in self._events if e["event"] == "CallStatus"
        }
        return {call for call, phase in phases.items() if phase == "connected"}

    def record(self, account: str, call: str) -> Event:
        """Wait for the detail record of a call."""
        return self.until(
            lambda e: e["event"] == "CallRecord" and (e["account"], e["id"]) == (account, call)
        )

    def end(self, number: int) -> int:
        """Send a signal; return the exit status.

        Raises:
            RuntimeError: it goes on all the same.
        """
        assert self._process is not None
        self._process.send_signal(number)
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"{self.file.name} goes on after signal {number}: see {self._output}"
            ) from None
        self.look()
        return status

    def kill(self) -> None:
        """Kill it: nothing of it gets a chance to write."""
        self.end(signal.SIGKILL)

    def close(self) -> None:
        """End what is left."""
        if self.runs:
            self.kill()

"""An instance in another process, and commands that are given to it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callboard.control import Client
from callboard.tests.cli.command import Running, in_process, running

FILE = """\
recordings: recordings/
drain: 0
accounts:
  - {jid: desk@localhost, bot: echo}
  - {jid: alice@localhost, bot: silent}
  - {jid: bob@localhost, bot: silent}
"""
ALICE, BOB, DESK = "alice@localhost", "bob@localhost", "desk@localhost"


class Instance:
    """A `run` in another process, and commands that are given to it."""

    def __init__(self, run: Running, file: Path) -> None:
        self.run = run
        self.file = file

    @property
    def socket(self) -> Path:
        """Its control socket."""
        return Client.find(self.file)

    def give(self, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the file's folder."""
        done = in_process(*arguments, cwd=self.file.parent)
        assert done.returncode == status, done.stderr
        return done

    def answer(self, *arguments: object) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.give(*arguments, "--json").stdout)

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event with these fields, past or to come."""
        return self.run.until(lambda e: e["event"] == kind and fields.items() <= e.items())

    @contextmanager
    def calling(self, account: str, to: str) -> Iterator[dict[str, Any]]:
        """A call that goes on without a client; it ends with the block."""
        sid = self.give("call", self.file, account, to, "--detach", "--seconds", "600").stdout
        sid = sid.strip()
        connected = self.until("CallStatus", id=sid, account=account, phase="connected")
        self.until("CallStatus", id=sid, account=to, phase="connected")
        try:
            yield connected
        finally:
            in_process("hangup", sid, "--file", self.file)
            self.until("CallRecord", id=sid, account=account)
            self.until("CallRecord", id=sid, account=to)


@contextmanager
def running_instance(folder: Path, text: str = FILE) -> Iterator[Instance]:
    """Run a file, and wait until its accounts are ready."""
    file = folder / "accounts.yaml"
    file.write_text(text)
    with running("run", file) as run:
        found = Instance(run, file)
        for jid in (ALICE, BOB, DESK):
            found.until("AccountReady", jid=jid)
        yield found

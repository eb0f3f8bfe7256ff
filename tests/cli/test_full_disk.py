"""Records on a disk that is full, and after a line that was never finished."""

import json
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from callboard.tests.cli.command import PATIENCE, Running, running

DEPLOYMENT = """\
server: embedded
recordings: recordings/
drain: 0
accounts:
  - {jid: desk@localhost, bot: echo}
  - {jid: alice@localhost, bot: caller, options: {to: desk@localhost, video: none, seconds: 2}}
"""
EARLIER = json.dumps({"id": "earlier", "text": "x" * 200}) + "\n"
ROOM = 40
"""Octets of the first record that the disk still takes."""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    (tmp_path / "accounts.yaml").write_text(DEPLOYMENT)
    (tmp_path / "recordings").mkdir()
    return tmp_path / "recordings" / "calls.jsonl"


def limit(run: Running, octets: int) -> None:
    """Let no file of a program grow beyond so many octets: the kernel writes what fits."""
    _, hard = resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (octets, hard))


def ended(run: Running, event: str, **fields: str) -> None:
    """Return when both ends of the call have told this."""
    run.until(
        lambda _: sum(fields.items() <= e.items() for e in run.events if e["event"] == event) == 2
    )


def added(calls: Path, earlier: str) -> list[dict[str, Any]]:
    """Read what came after the earlier lines; each line is whole."""
    text = calls.read_text("utf-8")
    assert text.startswith(earlier)
    return [json.loads(line) for line in text[len(earlier) :].splitlines()]


def test_records_wait_until_a_full_disk_has_room(tmp_path: Path, calls: Path) -> None:
    earlier = EARLIER * 100
    calls.write_text(earlier)
    with running("run", tmp_path / "accounts.yaml") as run:
        for account in ("alice@localhost", "desk@localhost"):
            run.connected(account)
        limit(run, len(earlier) + ROOM)
        ended(run, "CallRecord")
        assert added(calls, earlier) == []
        limit(run, resource.RLIM_INFINITY)
        deadline = time.monotonic() + PATIENCE
        while not added(calls, earlier) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert run.stop() == 0
    assert [record["state"] for record in added(calls, earlier)] == ["completed"] * 2


def test_a_line_that_a_full_disk_cut_short_spoils_no_other(tmp_path: Path, calls: Path) -> None:
    calls.write_text(EARLIER * 2 + EARLIER[:ROOM])
    with running("run", tmp_path / "accounts.yaml") as run:
        ended(run, "CallRecord")
        assert run.stop() == 0
    assert [record["state"] for record in added(calls, EARLIER * 2)] == ["completed"] * 2

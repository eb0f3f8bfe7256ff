"""Past calls of real runs: after kills, beside a running instance, and beyond their limits."""

import json
import signal
import time
from pathlib import Path
from typing import Any

from callboard.tests.cli.command import in_process, running
from callboard.tests.control.history.past import add, past, recorded

FILE = """\
server: embedded
recordings: recordings/
drain: 0
keep: {{for: 30d}}
accounts:
  - {{jid: desk@localhost, bot: recorder}}
  - jid: alice@localhost
    bot: caller
    options: {{to: desk@localhost, video: none, seconds: {seconds}}}
"""


def found(file: Path, *options: object) -> list[dict[str, Any]]:
    done = in_process("calls", file, "--json", *options)
    assert done.returncode == 0, done.stderr
    calls: list[dict[str, Any]] = json.loads(done.stdout)["calls"]
    return calls


def test_the_history_is_whole_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(seconds=1))
    log = tmp_path / "recordings" / "calls.jsonl"
    with running("run", file) as run:
        run.until(lambda e: e["event"] == "CallRecord" and e["account"] == "desk@localhost")
        run.until(lambda e: e["event"] == "CallRecord" and e["account"] == "alice@localhost")
        assert len(found(file)) == 2  # while it runs
        file.write_text(FILE.format(seconds=600))
    with running("run", file) as run:
        run.connected("desk@localhost")
        run.recorded(0)
        run.stop(signal.SIGKILL)
    assert len(found(file)) == 2
    with running("run", file) as run:
        run.until(lambda e: "left over from an earlier run, as failed" in e.get("message", ""))
        assert len(found(file, "--state", "failed", "--reason", "general-error")) == 2
        run.connected("desk@localhost")
        assert run.stop() == 0
    calls = found(file)
    assert {one["uuid"] for one in calls} == {
        json.loads(line)["uuid"] for line in log.read_text().splitlines()
    }
    assert sorted(one["state"] for one in calls) == ["completed"] * 4 + ["failed"] * 2
    desk = found(file, "--account", "desk@localhost")
    assert [[each["presence"] for each in one["recordings"]] for one in desk] == [["present"]] * 3


def test_what_is_too_old_is_removed_when_a_run_starts(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(seconds=600))
    folder = tmp_path / "recordings"
    folder.mkdir()
    now = time.time()
    old, late = (
        past(
            started=now - days * 86400 - 1,
            ended=now - days * 86400,
            recordings=(recorded(folder / f"20260101t00000{days % 10}z-desk-alice.ogg"),),
        )
        for days in (50, 21)
    )
    add(folder / "calls.jsonl", old, late)
    with running("run", file) as run:
        event = run.until(lambda e: e["event"] == "RecordingsRemoved")
        assert (event["recordings"], event["octets"], event["records"]) == (1, 100, 1)
        said = run.until(lambda e: "as 'keep' says" in e.get("message", ""))
        assert said["level"] == "INFO"
        run.connected("desk@localhost")
        assert run.stop() == 0
    assert not Path(old.recordings[0].path or "").exists()
    assert Path(late.recordings[0].path or "").exists()
    assert [one["uuid"] for one in found(file, "--until", "1d")] == [late.uuid]
    assert len(found(file)) == 3


def test_the_calls_that_go_on_are_asked_of_the_instance(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(seconds=600))
    with running("run", file) as run:
        run.connected("desk@localhost")
        done = in_process("calls", "--live", "--account", "desk@localhost", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "alice@local" in done.stdout  # names give way to the rest of the line
        assert "connected" in done.stdout
        live = json.loads(in_process("calls", file, "--live", "--json").stdout)
        assert (live["total"], len(live["calls"])) == (2, 2)
        none = in_process("calls", file, "--live", "--peer", "nobody@localhost")
        assert (none.returncode, none.stdout) == (0, "No calls go on.\n")
        for words in (["--state", "failed"], ["--since", "1d"], ["some-call"]):
            done = in_process("calls", file, "--live", *words)
            assert done.returncode == 2
            assert "--live takes --account, --peer and --limit only" in done.stderr
        assert run.stop() == 0
    done = in_process("calls", file, "--live")
    assert done.returncode == 1
    assert "nothing runs" in done.stderr

"""A load run is seen and ended by the commands that an instance has; one run for all of them."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.control import Client
from callboard.control.problem import NoInstanceError
from callboard.tests.cli.command import PATIENCE, command, in_process

PLAN = """\
accounts: [{jid: "a-{1..4}@localhost"}]
drain: 0s
phases:
  - login: {}
  - {name: talk, call: {rate: 2/s, duration: 1s, hold: 600s}}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A plan that runs until it is stopped."""
    file = tmp_path_factory.mktemp("load") / "plan.yaml"
    file.write_text(PLAN)
    with subprocess.Popen(
        command("load", file, "--shards", 1), stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            until(file, has_calls)
            yield file
        finally:
            process.send_signal(signal.SIGKILL)


def has_calls(told: Any) -> bool:
    """Whether both calls go on, and it was measured how they came about."""
    times = {one["name"] for one in told["load"]["times"]}
    return told["calls"]["total"] == 2 and "call.setup" in times


def until(file: Path, holds: Callable[[Any], bool]) -> Any:
    """The first status that is as wanted."""
    deadline = time.monotonic() + PATIENCE
    told: Any = None
    while time.monotonic() < deadline:
        done = in_process("status", file, "--json")
        told = json.loads(done.stdout) if done.returncode == 0 else None
        if told is not None and holds(told):
            return told
        time.sleep(0.2)
    raise AssertionError(f"it did not come: {told}")


def test_status_tells_phases_rates_times_and_errors(plan: Path) -> None:
    told = until(plan, has_calls)
    assert told["state"] == "running"
    assert told["accounts"]["by_state"] == {"online": 4}
    assert {one["name"]: one["state"] for one in told["parts"]} == {
        "control socket": "running",
        "shard 0": "running",
    }
    phases = told["load"]["phases"]
    assert [(one["title"], one["state"]) for one in phases] == [
        ("login", "ended"),
        ("talk", "running"),
    ]
    rates = {one["name"]: one for one in told["load"]["rates"]}
    assert (rates["login"]["started"], rates["login"]["ok"]) == (4, 4)
    assert rates["call"]["started"] == 2
    times = {one["name"]: one for one in told["load"]["times"]}
    assert 0 < times["call.setup"]["p50"] <= times["call.setup"]["max"]

    text = in_process("status", plan).stdout
    assert "talk: for" in text
    assert "call setup" in text
    assert "recordings" not in text


def test_calls_are_counted(plan: Path) -> None:
    done = in_process("calls", "--live", cwd=plan.parent)
    assert (done.returncode, done.stdout) == (
        0,
        "2 calls go on; a load run does not list them\n",
    ), done.stderr


def test_events_tell_phases_and_each_second(plan: Path) -> None:
    lines = in_process("events", plan).stdout
    assert [line.split(" ", 2)[2] for line in lines.splitlines()] == [
        *("login begins", "login is over", "talk begins"),
    ]
    with subprocess.Popen(
        command("events", plan, "-f", "--json", "--only", "LoadPoint"), stdout=subprocess.PIPE
    ) as following:
        assert following.stdout is not None
        point = json.loads(following.stdout.readline())
        following.send_signal(signal.SIGINT)
    assert (point["online"], point["calls"]) == (4, 2)


@pytest.mark.parametrize("words", [["reload"], ["hangup", "--all"], ["ladder", "last"]])
def test_what_a_load_run_does_not_take_is_said(plan: Path, words: list[str]) -> None:
    done = in_process(*words, *(["--file"] if words[0] == "hangup" else []), plan)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"'{words[0]}' is no command: give one of calls, " in done.stderr


def test_stop_ends_it_with_a_report(plan: Path) -> None:
    done = in_process("stop", plan)
    assert done.returncode == 0, done.stderr
    with pytest.raises(NoInstanceError):
        Client.find(plan)

"""A load run is seen and ended by the commands that an instance has; one run for all of them."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.control import Client
from callboard.control.problem import NoInstanceError
from callboard.tests.cli.command import PATIENCE, command, in_process

PLAN = """\
thresholds: [call.setup.p95 < 30s]
accounts: [{jid: "a-{1..4}@localhost"}]
drain: 1s
phases:
  - login: {}
  - {name: talk, call: {rate: 2/s, duration: 1s, hold: 600s}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A plan that runs until it is stopped, and the link that is printed for its board."""
    file = tmp_path_factory.mktemp("load") / "plan.yaml"
    file.write_text(PLAN)
    with subprocess.Popen(
        command("load", file, "--shards", 1, "--web"), stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            said, _, link = process.stdout.readline().partition("the board is at ")
            assert said == "callboard: "
            until(file, has_calls)
            yield file, link.strip()
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def plan(running: tuple[Path, str]) -> Path:
    """The file of the plan that runs."""
    return running[0]


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
        "board": "running",
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
    [check] = told["load"]["checks"]
    assert (check["text"], check["held"]) == ("call.setup.p95 < 30s", True)
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


def asked(link: str, target: str, method: str = "GET") -> tuple[int, Any]:
    """What the board answers who has the link."""
    url, _, token = link.partition("/#token=")
    request = urllib.request.Request(
        url + target, method=method, headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_board_tells_the_same_and_how_it_went(running: tuple[Path, str]) -> None:
    file, link = running
    assert link.startswith("http://127.0.0.1:")
    _, told = asked(link, "/api/status")
    assert told["calls"] == until(file, has_calls)["calls"]
    assert [one["title"] for one in told["load"]["phases"]] == ["login", "talk"]
    _, whole = asked(link, "/api/load/points")
    points = whole["points"]
    assert sum(one["started"].get("call", 0) > 0 for one in points) > 0
    assert any(one["p95"].get("call.setup", 0) > 0 for one in points)
    assert points[-1]["online"] == 4
    _, few = asked(link, "/api/load/points?limit=2")
    assert 1 <= len(few["points"]) <= 2
    assert few["points"][-1]["at"] >= points[-1]["at"]


@pytest.mark.parametrize("target", ["/api/history", "/api/ladders/x", "/api/media", "/api/calls/x"])
def test_what_a_load_run_does_not_have_is_not_on_its_board(
    running: tuple[Path, str], target: str
) -> None:
    status, problem = asked(running[1], target)
    assert (status, problem["type"]) == (404, "not-found")


def test_a_stop_at_the_board_ends_it_and_tells_the_verdict(running: tuple[Path, str]) -> None:
    file, link = running
    url, _, token = link.partition("/#token=")
    headers = {"Authorization": f"Bearer {token}"}
    following = urllib.request.Request(f"{url}/api/events", headers=headers)
    with urllib.request.urlopen(following, timeout=PATIENCE) as events:
        assert events.readline().startswith(b"retry")
        assert asked(link, "/api/stop", "POST") == (200, {"calls": 2, "seconds": 1.0})
        done = in_process("stop", file)  # it waits for the end
        assert done.returncode == 0, done.stderr
        lines = events.read().decode().splitlines()
    told = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    *_, verdict, last = told
    assert verdict["event"] == "LoadVerdict"
    assert verdict["status"] == "passed"
    assert "stopped early" in verdict["warnings"][0]
    [check] = verdict["checks"]
    assert check["held"]
    assert last["event"] == "stopped"
    with pytest.raises(NoInstanceError):
        Client.find(file)

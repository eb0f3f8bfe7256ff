"""Shards on a Ray cluster: a local one of two nodes, in a network of its own with loopback only.

Ray puts the machine's own address in the place of 127.0.0.1 where there is one, and would then talk
over it; without another interface than ``lo`` there is none. All its processes live in a process
namespace too, and end with it.
"""

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from callboard.load.run.verdict import Status

PLAN = """\
accounts:
  - jid: caller-{0..1}@localhost      # on shard 0, and on shard 1
  - jid: callee@localhost             # on shard 0
  - jid: deadly@localhost             # on shard 1
    bot: own:Deadly
phases:
  - login: {rate: 10/s}
  - call: {from: caller-*@localhost, to: callee@localhost, rate: 2/s, duration: 1s, hold: 1s}
  - name: lost
    call: {from: caller-1@localhost, to: deadly@localhost, rate: 1/s, duration: 1s, hold: 1h}
  - logout: {rate: 10/s}
thresholds: [call.ok == 2, shard.lost == 1, call.lost == 1, logout.ok == 2]
"""

# The whole process of its shard dies with the bot, when it has told of the call for some seconds.
BOT = """\
import asyncio, os, signal
from callboard.bots import Bot

class Deadly(Bot):
    async def on_call(self, call):
        await call.answer(audio="silence")
        await asyncio.sleep(3)
        os.kill(os.getpid(), signal.SIGKILL)
"""

SCRIPT = """\
ip link set lo up
node() { "$PYTHON" -m ray.scripts.scripts start --node-ip-address=127.0.0.1 --num-cpus=1 \
    --object-store-memory=80000000 --disable-usage-stats "$@" >node.log 2>&1 \
    || { cat node.log; exit 9; }; }
node --head --port=6379 --include-dashboard=false --temp-dir="$RAY_FOLDER"
node --address=127.0.0.1:6379
"$PYTHON" -m callboard load plan.yaml --out report --ray 127.0.0.1:6379
"""

MISSING = "Ray is not installed: run script/setup test"
#: Seconds in which all of it must have happened; it takes 25 on two idle cores.
PATIENCE = 500


def namespace() -> list[str]:
    """The command that gives a command a network and processes of its own."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    found = ["unshare", *user, "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    try:
        subprocess.run(
            [*found, "ip", "link", "set", "lo", "up"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"a network namespace can't be made here (root, or user namespaces): {why}")
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The whole run, and the folder of its report."""
    if find_spec("ray") is None:
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("ray")
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (folder / "own.py").write_text(BOT, encoding="utf-8")
    # Its sockets have paths of up to 107 bytes.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ray") as sockets:
        process = subprocess.run(
            [*namespace(), "bash", "-c", SCRIPT],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=folder,
            env={
                **os.environ,
                "PYTHON": sys.executable,
                "RAY_FOLDER": sockets,
                "RAY_USAGE_STATS_ENABLED": "0",
            },
        )
    return process, folder / "report"


@pytest.mark.skipif(find_spec("ray") is None, reason=MISSING)
def test_a_cluster_that_is_not_there_gives_3(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = subprocess.run(
            [sys.executable, "-m", "callboard", "load", "plan.yaml", "--ray", address],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=tmp_path,
        )
    assert process.returncode == Status.ABORTED, process.stdout + process.stderr
    assert f"no Ray cluster answers at {address}" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.fixture
def found(done: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    process, report = done
    assert process.returncode == Status.HELD, process.stdout + process.stderr
    summary: dict[str, Any] = json.loads((report / "summary.json").read_text())
    return summary


@pytest.mark.timeout(PATIENCE + 60)
def test_two_nodes_run_a_shard_each(found: dict[str, Any]) -> None:
    assert len({shard["pid"] for shard in found["shards"]}) == 2
    assert found["counters"]["login.ok"] == 4
    assert found["counters"]["audio.received"] > 150


@pytest.mark.timeout(PATIENCE + 60)
def test_a_shard_that_dies_is_lost_with_its_accounts_and_calls_and_the_run_goes_on(
    done: tuple[subprocess.CompletedProcess[str], Path], found: dict[str, Any]
) -> None:
    _, report = done
    lost, whole = (shard for shard in reversed(found["shards"]))
    assert "ActorDiedError" in lost["lost"]
    assert (lost["lost_accounts"], lost["lost_calls"]) == (2, 1)
    assert whole["lost"] is None
    (warning,) = (one for one in found["warnings"] if one.startswith("Shard"))
    assert warning.startswith("Shard 1 was lost with its 2 accounts, 2 of them online, and 1 call")
    assert [phase["ended"] is not None for phase in found["phases"]] == [True] * 4
    assert "was lost" in (report / "report.html").read_text()
    with (report / "calls.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["side"] for row in rows) == ["callee", "callee", "caller", "caller"]
    assert {row["phase"] for row in rows} == {"call"}

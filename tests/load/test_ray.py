"""Shards on a Ray cluster: a local one of two nodes, in a network of its own with loopback only.

Ray puts the machine's own address in the place of 127.0.0.1 where there is one, and would then talk
over it; without another interface than ``lo`` there is none.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("ray")

PLAN = """\
accounts:
  - jid: caller-{1..2}@localhost
  - jid: callee-{1..2}@localhost
phases:
  - login: {rate: 10/s}
  - call: {from: caller-*@localhost, to: callee-*@localhost, rate: 1/s, duration: 2s, hold: 1s}
  - logout: {rate: 10/s}
thresholds: [call.ok == 2, logout.ok == 4]
"""

SCRIPT = """\
ip link set lo up
node() { "$PYTHON" -m ray.scripts.scripts start --node-ip-address=127.0.0.1 --num-cpus=1 \
    --disable-usage-stats "$@" >/dev/null || exit 9; }
node --head --port=6379 --include-dashboard=false --temp-dir="$RAY_FOLDER"
node --address=127.0.0.1:6379
"$PYTHON" -m callboard load plan.yaml --out report --ray 127.0.0.1:6379
status=$?
"$PYTHON" -m ray.scripts.scripts stop --force >/dev/null 2>&1
exit $status
"""


@pytest.mark.timeout(170)
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare (util-linux)")
def test_two_nodes_run_a_shard_each(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "-r"]
    # Its sockets have paths of up to 107 bytes.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ray") as folder:
        done = subprocess.run(
            [*namespace, "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SCRIPT],
            capture_output=True,
            text=True,
            timeout=160,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHON": sys.executable, "RAY_FOLDER": folder},
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert len({shard["pid"] for shard in found["shards"]}) == 2
    assert found["counters"]["audio.received"] > 100

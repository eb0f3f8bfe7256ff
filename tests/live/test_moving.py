"""The own address of a running call goes away."""

import shutil
import subprocess
import sys

import pytest

SETUP = """
ip link set lo up
ip address del 127.0.0.1/8 dev lo
for address in 127.0.0.1 127.0.0.2 127.0.0.3; do ip address add $address/32 dev lo; done
exec "$0" -m callboard.tests.live.moving
"""


def test_ice_is_restarted_by_itself_and_the_call_goes_on() -> None:
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or shutil.which("ip") is None
        or subprocess.run([unshare, "-n", "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("a network namespace needs root (or CAP_SYS_ADMIN), unshare and ip")
    command = [unshare, "-n", "sh", "-ec", SETUP, sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == "the call went on", done.stderr

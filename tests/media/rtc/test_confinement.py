"""Sockets on this machine's own address that only this machine reaches."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest
from aioice import Connection
from callboard.media import Network
from callboard.media.errors import NetworkError
from callboard.media.rtc.ice import _aioice
from callboard.media.rtc.ice.confinement import primary_address
from callboard.tests.conftest import Run

HERE = Network(addresses=("127.0.0.1",), within=True)


def test_the_network_neither_reaches_nor_hears_a_confined_socket() -> None:
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", *user, "--net"]
    if (
        any(shutil.which(each) is None for each in ("unshare", "nsenter", "ip"))
        or subprocess.run(
            [*unshare, "ip", "link", "add", "wire", "type", "veth"],
            check=False,
            capture_output=True,
        ).returncode
    ):
        pytest.skip(
            "a second machine can't be made here: two network namespaces and veth need root "
            "(or user namespaces), util-linux and iproute2"
        )
    done = subprocess.run(
        [*unshare, sys.executable, "-m", "callboard.tests.media.rtc.confined"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.strip() == "only this machine", done.stderr


def gathered(run: Run) -> dict[str, int]:
    """Return the addresses of a connection within this machine, each with its priority."""

    async def main() -> dict[str, int]:
        connection = Connection(ice_controlling=True)
        _aioice.bind_to(connection, HERE, Counter())
        await connection.gather_candidates()
        found = {each.host: each.priority for each in connection.local_candidates}
        await _aioice.close(connection)
        return found

    return run(main)


def test_loopback_comes_before_the_primary_address(run: Run) -> None:
    found = gathered(run)
    assert set(found) == {"127.0.0.1", primary_address() or "127.0.0.1"}
    assert max(found, key=lambda each: found[each]) == "127.0.0.1"


def test_where_a_socket_can_not_be_confined_there_is_loopback_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callboard.media.rtc.ice._aioice.primary_address", lambda: "127.0.0.2")
    assert set(gathered(run)) == {"127.0.0.1", "127.0.0.2"}
    monkeypatch.setattr("sys.platform", "darwin")
    assert set(gathered(run)) == {"127.0.0.1"}
    with pytest.raises(NetworkError, match="kept to this machine"):
        HERE.bind("127.0.0.2", within=True)

"""What processes use, and the limit of open files."""

import os
import subprocess
import sys

from callboard.load.measure.usage import Usage, machine_cpu


def test_the_limit_of_open_files_goes_as_far_as_it_may() -> None:
    code = (
        "import resource\n"
        "from callboard.load.measure.usage import raise_open_files\n"
        "print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    done = subprocess.run(
        [
            "bash",
            "-c",
            'ulimit -n 400 && ulimit -Sn 200 && exec "$@"',
            "bash",
            sys.executable,
            "-c",
            code,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["400", "400", "400"]


def test_a_process_is_read_until_it_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print('here', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"  # it has become Python
        usage = Usage(process.pid)
        reading = usage.take()
        assert reading is not None
        assert reading.memory > 1
        process.communicate(b"\n")
    assert usage.take() is None
    assert usage.take() is None
    assert Usage(os.getpid()).take() is not None
    assert 0 <= machine_cpu() <= 100

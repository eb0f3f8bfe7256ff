"""What a command reads before it answers."""

import subprocess
import sys

import pytest

HEAVY = ("aioice", "aiortc", "av", "callboard.actors", "callboard.media", "numpy", "slixmpp")
#: Runs the command that its arguments name, then prints which of these were imported.
SCRIPT = f"""\
import atexit, sys
atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr))
from callboard.cli import main
main()
"""


#: What the options of bots are read with.
OF_BOTS = ["av", "callboard.actors", "callboard.media", "numpy"]


@pytest.mark.parametrize(
    ("line", "read"),
    [("--version", []), ("--help", []), ("check --help", []), ("run", []), ("schema", OF_BOTS)],
)
def test_what_needs_no_calls_answers_without_reading_their_libraries(
    line: str, read: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, *line.split()],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == (2 if line == "run" else 0), done.stderr
    assert done.stderr.splitlines()[-1] == str(read)


@pytest.mark.parametrize("module", ["cli.run", "cli.check", "bots", "bots.call"])
def test_a_start_does_without_what_only_calls_need(module: str) -> None:
    script = (
        f"import sys, callboard.{module}\n"
        "print([name for name in ('aiortc', 'av', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"

"""Without the extra "load" everything else works, and load tests say what they need."""

import subprocess
import sys
from pathlib import Path

WITHOUT = """\
import sys
sys.modules.update(dict.fromkeys(["hdrh", "jinja2", "prometheus_client", "psutil", "ray"]))
from callboard.cli import main
main()
"""


def callboard(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)


def test_everything_else_works(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - {jid: desk@localhost, bot: echo}\n")
    for arguments in (["check", file], ["schema", "--plan"], ["run", "--help"], ["load", "--help"]):
        done = callboard(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_what_needs_it_says_so(tmp_path: Path) -> None:
    done = callboard("load", tmp_path / "plan.yaml")
    assert done.returncode == 2
    assert "pip install 'callboard[load]'" in done.stderr
    assert "Traceback" not in done.stderr

"""A command that a template becomes is as one that was started."""

import signal
import subprocess
from pathlib import Path

import pytest
from callboard.tests.cli.command import PATIENCE, callboard
from callboard.tests.cli.template import Forked, Template


def forked(*arguments: object) -> Forked:
    assert Template.running is not None
    return Template.running.start(*map(str, arguments))


def test_it_says_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the test's own folder and environment, which are not those of the template's start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    Path("bad.yaml").write_text("accounts: 1\n")
    for arguments in (["check", "bad.yaml"], ["status"], ["schema"], ["--version"]):
        process = forked(*arguments)
        with process.stdout as stdout:
            said = stdout.read()
        status = process.wait(PATIENCE)
        started = callboard(*arguments, anew=True)
        assert (status, said) == (started.returncode, started.stdout)
        assert capfd.readouterr().err == started.stderr
        awaited = callboard(*arguments)
        assert (awaited.returncode, awaited.stdout, awaited.stderr) == (
            *(started.returncode, started.stdout, started.stderr),
        )


def test_a_signal_ends_it_and_its_status_tells_so(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(
        "server: {host: 127.0.0.1, port: 1}\n"
        "accounts: [{jid: desk@localhost, password: s3, bot: silent}]\n"
    )
    process = forked("run", file)
    with process.stdout as stdout:
        assert stdout.readline()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        process.kill()  # it has gone, and nobody else is killed

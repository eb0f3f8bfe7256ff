"""Standard streams that nobody reads, or that are full, slow or closed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from callboard.ladder.folder import LadderFolder
from callboard.tests.cli.command import command, in_process, records
from callboard.tests.cli.template import Forked, Template
from callboard.tests.control.history.past import add, past
from callboard.tests.ladder.test_folder import LADDER

DEPLOYMENT = """\
server: embedded
recordings: recordings/
drain: 0s
accounts:
  - {jid: desk@localhost, bot: recorder}
  - {jid: alice@localhost, bot: caller, options: {to: desk@localhost, video: none, seconds: 1}}
  - {jid: last@localhost, bot: "ending:Ending"}
"""
ENDING = """\
import asyncio
import os
import signal
from callboard.bots import Bot

class Ending(Bot):
    async def on_start(self):
        while True:
            await asyncio.sleep(0.1)
            log = self.folder / "recordings" / "calls.jsonl"
            if log.exists() and log.read_text().count('"state"') == 2:
                os.kill(os.getpid(), signal.SIGTERM)
                return


class Chatty(Ending):
    async def on_start(self):
        for number in range(2000):
            self.log.info("%d %s", number, "x" * 200)
        await super().on_start()
"""
"""A bot that ends the program when the call is recorded at both its ends."""


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    (tmp_path / "ending.py").write_text(ENDING)
    (tmp_path / "accounts.yaml").write_text(DEPLOYMENT)
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize(
    "shell",
    [
        pytest.param("{} 2>&-", id="no-stderr"),
        pytest.param("{} >&-", id="no-stdout"),
        pytest.param("{} <&- >&- 2>&-", id="no-streams"),
        pytest.param("PYTHONIOENCODING=ascii {}", id="ascii"),
        pytest.param("LC_ALL=en_US.ISO-8859-1 PYTHONUTF8=0 {}", id="latin"),
    ],
)
def test_calls_go_on_whatever_streams_a_program_begins_with(
    deployment: Path, shell: str, options: str
) -> None:
    line = " ".join(command("run", *options.split(), "accounts.yaml"))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell.format(line)}"],
        cwd=deployment,
        env={**os.environ, "TMPDIR": str(deployment / "tmp")},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    see_a_call(deployment)


def see_a_call(deployment: Path) -> None:
    """See that the call was completed, and that nothing else is left."""
    found = records(deployment / "recordings" / "calls.jsonl")
    assert [record["state"] for record in found.values()] == ["completed"] * 2
    assert not list((deployment / "tmp").iterdir())


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("what", ["reader-goes", "full", "both-full"])
def test_calls_go_on_whatever_becomes_of_what_is_printed(
    deployment: Path, what: str, options: tuple[str, ...]
) -> None:
    with open("/dev/full", "wb") as full, tempfile.TemporaryFile() as errors:  # noqa: PTH123
        run = ran(
            deployment,
            *options,
            stdout=None if what == "reader-goes" else full.fileno(),
            stderr=full.fileno() if what == "both-full" else errors.fileno(),
        )
        with run.stdout:
            for _ in range(2 if what == "reader-goes" else 0):
                assert run.stdout.readline()
        ends(run)
        errors.seek(0)
        assert b"Traceback" not in errors.read()
    see_a_call(deployment)


def ran(deployment: Path, *options: str, stdout: int | None = None, stderr: int = 2) -> Forked:
    """Start ``callboard run``; how a program itself begins is of no matter here."""
    assert Template.running is not None
    return Template.running.start(
        *("run", *options, "accounts.yaml"),
        stdout=stdout,
        stderr=stderr,
        folder=deployment,
        environ={"TMPDIR": str(deployment / "tmp")},
    )


def ends(run: Forked) -> None:
    """See that a command ends well."""
    try:
        assert run.wait(60) == 0
    finally:
        run.kill()


def test_a_reader_that_never_reads_holds_nobody_up(deployment: Path) -> None:
    """More is printed than a pipe takes; the call goes on, and the command ends."""
    file = deployment / "accounts.yaml"
    file.write_text(DEPLOYMENT.replace("ending:Ending", "ending:Chatty"))
    run = ran(deployment, "--json")
    with run.stdout:
        ends(run)
    see_a_call(deployment)


@pytest.fixture
def past_call(tmp_path: Path) -> Path:
    """A folder with a call that has ended."""
    record = past(uuid="u-1")
    add(tmp_path / "calls.jsonl", record)
    LadderFolder(tmp_path / "calls.jsonl", 5).add(LADDER)
    return tmp_path


#: Commands that print what they find, each in its own way.
PRINTING = (
    ("schema",),
    *(("calls", "calls.jsonl", *more) for more in ((), ("--json",))),
    *(("calls", "calls.jsonl", "last", *more) for more in ((), ("--json",))),
    *(("ladder", "u-1", "calls.jsonl", "--format", form) for form in ("text", "json", "svg")),
)


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
@pytest.mark.parametrize("reader", ["full", "gone"])
def test_a_command_that_can_not_print_says_so(
    past_call: Path, words: tuple[str, ...], reader: str
) -> None:
    """Who has read enough of a pipe wants to hear nothing more, not even that."""
    reading, writing = os.pipe()
    os.close(reading)
    with (
        open("/dev/full", "w") as full,  # noqa: PTH123
        os.fdopen(writing, "w") as gone,
    ):
        done = subprocess.run(
            command(*words),
            stdout=full if reader == "full" else gone,
            stderr=subprocess.PIPE,
            cwd=past_call,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 1
    says = "callboard: standard output: No space left on device\n" if reader == "full" else ""
    assert done.stderr == says


def test_a_demo_has_its_verdict_whoever_reads_it(tmp_path: Path) -> None:
    assert Template.running is not None
    options = ("--seconds", "1", "--audio-only", "--out", str(tmp_path / "out"))
    with tempfile.TemporaryFile() as errors:
        run = Template.running.start("demo", *options, stderr=errors.fileno())
        with run.stdout:
            assert run.stdout.readline()
        ends(run)
        errors.seek(0)
        assert b"standard output: Broken pipe" in errors.read()


def test_versions_and_completion() -> None:
    """A shell asks so for what may follow; which one it is is not found out here."""
    assert in_process("--version").stdout.startswith("callboard 0.")
    assert "--install-completion" in in_process("--help").stdout
    asked = {
        "_CALLBOARD_COMPLETE": "complete_bash",
        "COMP_WORDS": "callboard st",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("callboard")],
        env={**os.environ, **asked},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["status", "stop"], "")

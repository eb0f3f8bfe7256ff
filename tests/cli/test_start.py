"""What a command reads before it answers."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from callboard import bots
from callboard.actors import messages
from callboard.cli.app import app_for
from callboard.cli.early_server import seems_embedded
from callboard.control import models

#: What only calls need.
OF_CALLS = (
    *("aioice", "aiortc", "av", "numpy", "OpenSSL", "pylibsrtp", "callboard.actors.call.call"),
    *("callboard.jingle.session.session", "callboard.jingle.sdp.reader"),
    *(f"callboard.actors.messages.{name}" for name in (*messages.LATE, "guest", "recorder")),
)
#: What only commands to a running instance need, a look-up of SRV records, and recordings that
#: a kill has left; what a child makes certificates with; what addresses beyond ASCII need; and what
#: came along: a client of HTTP, what colours stanzas, and what reads less plain command lines.
OF_OTHERS = (
    *("callboard.control.commands.all", "callboard.control.history.search", "urllib.request"),
    *(f"callboard.control.models.{name}" for name in models.LATE),
    *("aiodns", "pycares", "pygments", "callboard.media.recording.matroska", "cryptography"),
    *("idna", "precis_i18n", "typer"),
)
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


@pytest.mark.parametrize(
    "module", ["cli.deployed", "cli.run", "cli.check", "bots", "bots.call", "actors.exchange"]
)
def test_a_start_does_without_what_only_calls_or_the_embedded_server_need(module: str) -> None:
    others = ("aiortc", "av", "cryptography", "numpy", "rich")
    script = (
        f"import sys, callboard.{module}\nprint([name for name in {others} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


def test_most_of_what_runs_is_not_read_before_the_embedded_server_begins() -> None:
    late = ("callboard.cli.deployed", "callboard.actors.exchange", "slixmpp")
    script = (
        "import sys, callboard.cli.run\n"
        f"print([name for name in {late} if name in sys.modules])\n"
        "import callboard.cli.deployed\n"
        f"print([name for name in {late} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines() == ["[]", str(list(late))]


def made(words: list[str]) -> list[str]:
    """The commands that typer has made when these words are read."""
    group: Any = typer.main.get_command(app_for(words))
    return list(group.commands)


COMMANDS = made([])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_made_without_the_others(name: str) -> None:
    assert made([name, "--help"]) == [name]
    assert made([]) == COMMANDS  # what was asked for before is not remembered


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["rum"], ["--help", "run"]])
def test_all_commands_are_there_where_none_is_named(words: list[str]) -> None:
    assert made(words) == COMMANDS
    assert {"run", "status", "schema"} < set(COMMANDS)


ACCOUNTS = """\
server: embedded
accounts:
  - jid: desk@localhost
    bot: echo
"""
#: Begins a run. Once an account is online, it says which of these were imported before what calls
#: need is, and ends. Nobody has given it a command by then.
RUN = f"""\
import os, signal, sys
from callboard.actors import call_libraries
from callboard.cli import main
def begin():
    print([name for name in {OF_CALLS + OF_OTHERS} if name in sys.modules], file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)
call_libraries._import_messages = begin
main()
"""
#: Begins a run. Once an account is online, it says which of its dataclasses show all that they
#: hold, and ends. Others hide a secret in their `repr`, which structs can't.
DATACLASSES = """\
import json, os, signal, sys
from dataclasses import fields, is_dataclass
from callboard.actors import call_libraries
from callboard.cli import main
def begin():
    modules = [one for name, one in sys.modules.items() if name.startswith("callboard.")]
    made = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    print(
        json.dumps(
            sorted(
                f"{one.__module__}.{one.__name__}".removeprefix("callboard.")
                for one in made
                if is_dataclass(one) and all(field.repr for field in fields(one))
                and one.__module__.startswith("callboard.")
            )
        ),
        file=sys.stderr,
    )
    os.kill(os.getpid(), signal.SIGTERM)
call_libraries._import_messages = begin
main()
"""
#: What may be dataclasses besides messages, though they hide nothing: what authors of bots see, and
#: what pydantic reads.
SEEN_BY_AUTHORS = {"actors.xmpp.contact.Resource", "media.hearing.speech_options.SpeechOptions"}
READ_BY_PYDANTIC = {
    "config.model.Items",
    *(f"control.instance.message_files.{name}" for name in ("KeptDelivery", "KeptMessage")),
    "actors.records.recording_outcome.Recorded",
    *(
        f"actors.records.call_record.{name}"
        for name in ("Listener", "OtherCall", "RecordedBridge", "RecordedFreeze")
    ),
}
#: Begins a run; says what was imported when its server begins for the first time, and ends.
BEGINS = """\
import os, signal, sys
from callboard.cli import main
from callboard.server import Prosody
async def begin(self):
    late = ("callboard.actors", "callboard.bots", "callboard.config", "slixmpp")
    print([name for name in late if name in sys.modules], file=sys.stderr)
    os.kill(os.getpid(), signal.SIGKILL)
Prosody.begin = begin
main()
"""
#: Begins a run where a library can't be imported.
BROKEN = """\
import sys
from callboard.cli import main
sys.modules["av"] = None
main()
"""


def run_to_its_end(
    script: str, folder: Path, options: Sequence[str] = ("--json",)
) -> subprocess.CompletedProcess[str]:
    """Run an account with a script, and return what it printed."""
    file = folder / "accounts.yaml"
    file.write_text(ACCOUNTS)
    return subprocess.run(
        [sys.executable, "-P", "-c", script, "run", file, *options],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def states(output: str) -> list[str]:
    """Give the states that the account went through."""
    events = map(json.loads, output.splitlines())
    return [one["state"] for one in events if one["event"] == "AccountChanged"]


@pytest.mark.parametrize(
    ("options", "read"), [([], []), (["--json"], ["callboard.control.models.events"])]
)
def test_the_first_account_is_online_before_anything_of_calls_is_imported(
    tmp_path: Path, options: list[str], read: list[str]
) -> None:
    done = run_to_its_end(RUN, tmp_path, options)
    assert (done.returncode, done.stderr.splitlines()) == (0, [str(read)])
    assert "online" in done.stdout


def test_the_embedded_server_begins_before_what_reads_the_file_is_imported(tmp_path: Path) -> None:
    assert run_to_its_end(BEGINS, tmp_path).stderr == "[]\n"


def test_it_is_said_if_what_calls_need_cannot_be_imported(tmp_path: Path) -> None:
    done = run_to_its_end(BROKEN, tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("callboard: calls can't be taken or placed")
    assert "av" in line
    assert line.endswith("install callboard again")
    assert states(done.stdout)[-1] == "closed"


@pytest.mark.parametrize(
    ("text", "seems"),
    [
        ("accounts: []\nserver: embedded\n", True),
        ("server: embedded  # a private one\n", True),
        ("accounts: []\n", True),
        ("server: {host: embedded, port: 5222}\n", False),
        ("server:\n  host: embedded\n", False),
        ("# xmpp\nserver: xmpp.example.org\naccounts: []\n", False),
        (None, False),
    ],
)
def test_the_embedded_server_is_guessed_from_the_file(
    tmp_path: Path, text: str | None, seems: bool
) -> None:
    file = tmp_path / "accounts.yaml"
    if text is not None:
        file.write_text(text)
    assert seems_embedded(file) == seems


def test_values_that_a_start_makes_classes_of_are_structs(tmp_path: Path) -> None:
    done = run_to_its_end(DATACLASSES, tmp_path)
    messages_of = ("actors.messages.", "actors.runtime.messages.")
    logged = {  # messages, too
        *("actors.records.call_record.CallRecord", "ladder.ladder.Ladder", "ladder.ladder.Rung")
    }
    [found] = map(json.loads, done.stderr.splitlines())
    rest = {one for one in found if not one.startswith(messages_of)} - logged
    seen = {one for one in rest if one.rpartition(".")[2] in bots.__all__}
    assert rest - seen == SEEN_BY_AUTHORS | READ_BY_PYDANTIC

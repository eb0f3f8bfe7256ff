"""``callboard check`` and ``callboard schema``."""

import json
from pathlib import Path

import pytest

from .command import callboard

BAD = """\
server: embedded
recordigs: out/
drain: soon
accounts:
  - jid: a@localhost
    bot: raising:Desk
  - jid: two words@localhost
    bot: nosuch:Desk
    calls: {answer: maybe}
  - jid: c@localhost
    bot: desks:Missing
  - jid: d@localhost
    bot: desks:NoBot
    password: ${CALLBOARD_UNSET}
  - jid: e@localhost
    bot: recordr
  - jid: f@localhost
    bot: broken:Desk
  - jid: g@localhost
    bot: needy:Desk
"""
FAULTS = """\
2:1: there is no key 'recordigs' here: did you mean 'recordings'?
3:8: drain: give a duration like 2s, 500ms, 1m30s or 1h
6:10: bot: importing raising raised RuntimeError at line 2: no luck
7:10: jid: the user name of 'two words@localhost' may not hold ' '
8:10: bot: there is no nosuch.py in {folder}, and no module nosuch is installed
9:21: answer is 'maybe': give 'auto', 'bot' or 'never'
11:10: bot: desks has no class 'Missing'; it has Desk
13:10: bot: desks:NoBot is no subclass of callboard.bots.Bot
14:15: password: the environment variable CALLBOARD_UNSET is not set: export it first
16:10: bot: there is no bot 'recordr' (did you mean recorder?): use one of caller, echo, \
recorder, silent, or module:Class of your own
18:10: bot: importing broken raised SyntaxError at line 1: '(' was never closed (broken.py, line 1)
20:10: bot: needy imports the module no_such_module, which is not there: install it, or put it \
beside the YAML file
"""
DESKS = """\
from callboard.bots import Bot


class Desk(Bot):
    pass


class NoBot:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with modules of every kind."""
    for name, text in {
        "desks": DESKS,
        "raising": "x = 1\nraise RuntimeError('no luck')\n",
        "broken": "def desk(\n",
        "needy": "import no_such_module\n",
        "related": "from . import desks\nimport desks as same\nDesk = desks.Desk\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    package = tmp_path / "lobby"
    package.mkdir()
    (package / "__init__.py").write_text("from .front import Desk\n")
    (package / "front.py").write_text("from ..desks import Desk\n")
    return tmp_path


def test_every_fault_at_once_in_its_place(folder: Path) -> None:
    file = folder / "bad.yaml"
    file.write_text(BAD)
    done = callboard("check", "bad.yaml", cwd=folder)
    assert done.returncode == 2
    assert not done.stdout
    wanted = FAULTS.format(folder=folder).splitlines()
    assert done.stderr.splitlines() == [f"bad.yaml:{line}" for line in wanted]


def test_options_that_a_bot_refuses(folder: Path) -> None:
    (folder / "picky.py").write_text(
        "from callboard.bots import Bot\n"
        "class Picky(Bot):\n"
        "    def __init__(self, *given):\n"
        "        super().__init__(*given)\n"
        "        self.options['must']\n"
        "class Strange(Bot):\n"
        "    path = 'elsewhere'\n"
    )
    (folder / "options.yaml").write_text(
        "accounts:\n"
        "  - jid: a@localhost\n"
        "    bot: caller\n"
        "    options: {to: b@localhost, every: soon}\n"
        "  - {jid: b@localhost, bot: picky:Picky}\n"
        "  - {jid: c@localhost, bot: picky:Strange}\n"
    )
    done = callboard("check", "options.yaml", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "options.yaml:4:14: options: every: give a duration like 2s, 500ms, 1m30s or 1h",
        "options.yaml:5:29: bot: making picky:Picky raised KeyError: 'must'",
        "options.yaml:6:29: bot: 'elsewhere' is not a valid Path",
    ]


def test_run_and_call_refuse_what_check_refuses(folder: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    for arguments in (("run", "bad.yaml"), ("call", "bad.yaml", "a@localhost", "b@localhost")):
        done = callboard(*arguments, cwd=folder)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == len(FAULTS.splitlines())


@pytest.mark.parametrize("bot", ["desks:Desk", "related:Desk", "lobby:Desk", "lobby.front:Desk"])
def test_a_class_beside_the_file(folder: Path, bot: str) -> None:
    deployment = folder / "accounts.yaml"
    deployment.write_text(f"accounts:\n  - {{jid: a@localhost, bot: '{bot}'}}\n")
    done = callboard("check", deployment)  # from another folder
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{deployment}: 1 account, bots: {bot}. All is well.\n"


def test_the_examples_are_sound() -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    files = sorted(examples.rglob("*.yaml"))
    assert files
    for file in files:
        done = callboard("check", file)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_load_plan_with_faults(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "accounts:\n  - jid: a@localhost\n    show: no\nphases: []\n"
    )
    done = callboard("check", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "plan.yaml:3:11: show is " in done.stderr


def test_no_file(tmp_path: Path) -> None:
    done = callboard("check", "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "nowhere.yaml:1:1: there is no such file: check its name\n"


def test_schema_is_what_editors_read() -> None:
    done = callboard("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"server", "recordings", "accounts"} <= set(schema["properties"])


@pytest.mark.parametrize("name", ["", "demo", "run", "check", "call", "schema"])
def test_help_fits_a_narrow_terminal(name: str) -> None:
    done = callboard(*name.split(), "--help", environ={"COLUMNS": "80"})
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_arguments_that_are_wrong() -> None:
    done = callboard("run")
    assert done.returncode == 2
    assert "Missing argument 'FILE'" in done.stderr

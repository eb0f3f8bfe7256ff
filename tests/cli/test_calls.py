"""``callboard calls`` on files alone."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.recording_outcome import Recorded
from callboard.jingle import Reason
from callboard.tests.cli.command import command, in_process
from callboard.tests.control.history.past import NOON, add, past, recorded

YAML = """\
server: {host: xmpp.example.org}
recordings: kept/
accounts:
  - {jid: desk@example.org, password: "${NOBODY_HAS_SET_THIS}", bot: gone:Bot}
"""
FAILED = past(
    id="first",
    account="desk@example.org",
    peer="alice@example.org/phone",
    state="failed",
    reason=Reason.CONNECTIVITY_ERROR,
    text="no way through the network was found: check that UDP is open, or name a TURN server",
    started=NOON,
    steps={"propose": 0.0, "ringing": 0.25},
    uuid="aaaaaaaa-0000-4000-8000-000000000000",
)


def talked(folder: Path, **fields: object) -> CallRecord:
    recordings = (
        recorded(folder / "20261128t120000z-there.ogg"),
        Recorded.of(None, 0.0, 0, "The disk is full."),
    )
    whole: dict[str, object] = {
        "id": "second",
        "account": "sales@example.org",
        "peer": "\x1b[31mx@example.net/a",
        "started": NOON + 60,
        "connected": NOON + 61,
        "ended": NOON + 186,
        "direction": "out",
        "recordings": recordings,
        "uuid": "bbbbbbbb-0000-4000-8000-000000000000",
        "media": ({"kind": "audio", "codec": "opus", "sent": 5, "received": 6, "lost": 1},),
    }
    return past(**{**whole, **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "accounts.yaml").write_text(YAML)
    kept = tmp_path / "kept"
    kept.mkdir()
    add(kept / "calls.jsonl", FAILED, talked(kept))
    return tmp_path


@pytest.mark.parametrize("words", [[], ["accounts.yaml"], ["kept/calls.jsonl"]], ids=str)
def test_calls_are_listed_without_accounts_secrets_or_bots(folder: Path, words: list[str]) -> None:
    done = in_process("calls", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    head, columns, second, first, why = done.stdout.splitlines()
    assert head == "Calls of accounts at example.org"
    assert columns.split() == ["id", "when", "account", "peer", "state", "time", "kept"]
    assert second.split()[0] == "bbbbbbbb"
    assert second.split()[3:] == [
        *("sales", "→", r"\x1b[31mx@example.net", "completed", "2:05", "1", "rec")
    ]
    assert first.split()[3:] == ["desk", "←", "alice", "failed"]
    assert why.strip().startswith("connectivity-error: no way through the network")


def test_filters_and_pages_as_json(folder: Path) -> None:
    done = in_process("calls", "--state", "failed", "--json", cwd=folder)
    assert [one["id"] for one in json.loads(done.stdout)["calls"]] == ["first"]
    one = json.loads(in_process("calls", "--limit", 1, "--json", cwd=folder).stdout)
    assert [call["id"] for call in one["calls"]] == ["second"]
    assert one["total"] == 2
    rest = in_process("calls", "--limit", 1, "--json", "--after", one["next"], cwd=folder)
    assert [call["id"] for call in json.loads(rest.stdout)["calls"]] == ["first"]
    assert [each["presence"] for each in one["calls"][0]["recordings"]] == ["present", "none"]


def test_one_call_is_shown_whole(folder: Path) -> None:
    shown = in_process("calls", "bbbb", cwd=folder).stdout
    for words in ("completed: success", "2:05", "there.ogg", "The disk is full.", "opus"):
        assert words in shown
    shown = in_process("calls", "accounts.yaml", "first", cwd=folder).stdout
    assert "desk@example.org ← alice@example.org/phone" in shown
    assert "the other side rings" in shown
    assert json.loads(in_process("calls", "first", "--json", cwd=folder).stdout)["id"] == "first"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nobody"], 1, "there is no past call 'nobody'"),
        (["--state", "fine"], 2, "--state is 'fine': give "),
        (["--since", "soon"], 2, "--since 'soon': give a time like 1d"),
        (["--peer", "a@b@c"], 2, "--peer: "),
        (["--after", "x"], 2, "--after: this is the end of no page"),
        (["none.yaml"], 2, "none.yaml"),
        (["none.jsonl"], 2, "none.jsonl: there is no such file"),
        (["one", "two"], 2, "one file and one call"),
        (["a.yaml", "b.yaml"], 2, "one file and one call"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_sentence(
    folder: Path, words: list[str], status: int, said: str
) -> None:
    done = in_process("calls", *words, cwd=folder)
    assert done.returncode == status
    assert said in done.stderr
    assert not done.stdout


def test_a_folder_without_calls(tmp_path: Path) -> None:
    done = in_process("calls", cwd=tmp_path)
    assert done.returncode == 2
    assert "name the YAML file" in done.stderr
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(YAML)
    done = in_process("calls", cwd=tmp_path)
    assert done.returncode == 2
    assert "several files with accounts" in done.stderr
    done = in_process("calls", "one.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "No calls were found.\n")


def test_a_faulty_place_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text("recordings: 5\naccounts: []\n")
    done = in_process("calls", cwd=tmp_path)
    assert done.returncode == 2
    assert "accounts.yaml:1:13" in done.stderr


BROKEN = {
    "no YAML": YAML + "  - {jid: [\n",
    "quoted": YAML.replace("kept", "'kept'  # not here") + "\t- x\n",
    "no octets of text": YAML + "  - {jid: \udcff}\n",
    "a list": "- x\ncall_log: kept/calls.jsonl\n",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_cannot_be_read_hides_no_calls(folder: Path, broken: str) -> None:
    file = folder / "accounts.yaml"
    file.write_text(BROKEN[broken], errors="surrogateescape")
    for words in ([], ["accounts.yaml"], ["accounts.yaml", "first"]):
        done = in_process("calls", *words, cwd=folder)
        assert done.returncode == 0
        assert "no way through the network was found" in done.stdout
        problem, where = done.stderr.splitlines()
        assert "accounts.yaml:" in problem
        assert where == f"callboard: so these are the calls of {folder / 'kept' / 'calls.jsonl'}"
    (folder / "kept" / "calls.jsonl").unlink()
    done = in_process("calls", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "accounts.yaml:" in done.stderr


@pytest.mark.parametrize("columns", [80, 100])
def test_a_list_keeps_to_the_terminal(folder: Path, columns: int) -> None:
    long = "a" * 40
    add(
        folder / "kept" / "calls.jsonl",
        talked(folder / "kept", id="x", uuid="c" * 8, peer=f"{long}@{'b' * 40}.example/x"),
        talked(folder / "kept", id="y", uuid="d" * 8, account=f"{long}@example.org", ended=2e9),
    )
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            command("calls"),
            cwd=folder,
            env={**os.environ, "COLUMNS": f"{columns}", "TERM": "dumb"},
            stdout=theirs,
            check=True,
        )
        lines = os.read(ours, 100_000).decode().splitlines()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert len(lines) >= 7
    assert max(map(len, lines)) <= columns

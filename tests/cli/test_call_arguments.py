"""``callboard call``: what is wrong with its arguments is said before anything connects."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.bots.source import names
from callboard.cli.call import _Watch
from callboard.cli.views.json_view import JsonView
from callboard.jingle import Reason
from callboard.media import Kind
from callboard.tests.cli.command import callboard, in_process
from callboard.tests.cli.embedded import serving
from callboard.tests.media.wav import write_wav

ACCOUNTS = """\
server: embedded
recordings: recordings/
accounts:
  - {jid: desk@localhost, bot: recorder}
  - {jid: alice@localhost, bot: silent}
"""
CALLER = """\
  - jid: carol@localhost
    bot: caller
    options: {{to: desk@localhost, audio: {audio}, video: {video}}}
"""
ALICE, DESK = "alice@localhost", "desk@localhost"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The accounts, beside files that can't be played, or not as everything."""
    write_wav(tmp_path / "sound.wav")
    (tmp_path / "text.ogg").write_text("no sound")
    (tmp_path / "empty.ogg").touch()
    (tmp_path / "folder.ogg").mkdir()
    path = tmp_path / "accounts.yaml"
    path.write_text(ACCOUNTS)
    return path


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        *(
            (kind, named)
            for kind in ("audio", "video")
            for named in ("missing.ogg", "folder.ogg", "text.ogg", "empty.ogg", ".", "tone:x")
        ),
        ("audio", "pattern"),
        ("audio", "tone:5"),
        ("video", "tone"),
        ("video", "sound.wav"),
    ],
)
def test_call_refuses_what_check_refuses(file: Path, kind: Kind, named: str) -> None:
    given: dict[str, str] = {"audio": "tone", "video": "none", kind: f"{named!r}"}
    called = in_process("call", file, ALICE, DESK, f"--{kind}", named)
    file.write_text(ACCOUNTS + CALLER.format(**given))
    checked = in_process("check", file)
    assert checked.returncode == called.returncode == 2
    (wrong,) = checked.stderr.splitlines()
    sentence = wrong.partition(f" {kind}: ")[2]
    assert sentence
    assert called.stderr == f"callboard: --{kind}: {sentence}\n"
    assert not called.stdout
    assert not (file.parent / "recordings").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [ALICE, "dsk@localhost"],
            "TO: the embedded server has no account dsk@localhost: did you mean desk@localhost?",
        ),
        (
            [ALICE, "somebody@example.org/there"],
            (
                "TO: the embedded server has no account somebody@example.org: give one of "
                "alice@localhost, desk@localhost"
            ),
        ),
        ([ALICE, ALICE], "TO: alice@localhost can't call itself: give another account"),
        ([ALICE, "a b@@"], "TO: the user name of 'a b@@' can't contain ' '"),
        (
            ["alise@localhost", DESK],
            "FROM: the file has no account alise@localhost: did you mean alice@localhost?",
        ),
        (
            ["zoe@example.org", DESK],
            (
                "FROM: the file has no account zoe@example.org: give one of alice@localhost, "
                "desk@localhost"
            ),
        ),
        (
            [ALICE, DESK, "--audio", "none"],
            "--audio: a call needs audio or video: give one of them a source",
        ),
    ],
)
def test_who_calls_whom(file: Path, arguments: list[str], said: str) -> None:
    done = in_process("call", file, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"callboard: {said}\n"
    assert not (file.parent / "recordings").exists()


def test_all_that_is_wrong_is_said_at_once(file: Path) -> None:
    done = callboard("call", file, "a@b", "@", "--audio", "pattern", "--video", "tone")
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "FROM",
        "TO",
        "--audio",
        "--video",
    ]


def test_of_another_server_nobody_knows_who_is_there(tmp_path: Path) -> None:
    with serving({"alice": "s3"}) as (port, certificate):
        file = tmp_path / "accounts.yaml"
        file.write_text(
            f"server: {{host: 127.0.0.1, port: {port}, ca: {certificate}}}\n"
            "media: {addresses: 127.0.0.1}\n"
            "accounts: [{jid: alice@localhost, password: s3, bot: silent}]\n"
        )
        done = callboard("call", file, ALICE, "nobody@localhost")
    assert done.returncode == 1
    assert "could not deliver the call" in done.stdout


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_help_names_every_source(kind: Kind) -> None:
    done = in_process("call", "--help")
    told = " ".join(done.stdout.partition(f"--{kind} ")[2].partition(" --")[0].split())
    for name in (*names(kind), "none"):
        assert f" {name}" in told


def test_the_end_of_another_call_is_not_that_of_ours() -> None:
    """The other side called at the same time, and was refused."""
    watch = _Watch(JsonView(io.StringIO()), "alice@localhost", "desk@localhost", None)
    record = CallRecord(
        *("1", "alice@localhost", "desk@localhost/x", "in", "declined", Reason.DECLINE, 0.0, 1.0)
    )
    watch.see(record)
    assert not watch._done.is_set()
    watch.see(replace(record, id="2", direction="out", state="completed", connected=0.5))
    assert watch._done.is_set()
    assert watch.tell(json=True) == 0

"""The commands that talk to a running instance; one instance in another process for all tests."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.cli.process_end import INTERRUPTED
from callboard.tests.cli.command import PATIENCE, callboard, command, in_process, running
from callboard.tests.cli.instance import ALICE, BOB, DESK, FILE, Instance, running_instance
from callboard.tests.media.espeak import needs_espeak
from callboard.tests.media.wav import write_wav


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running_instance(tmp_path_factory.mktemp("instance")) as found:
        yield found


@pytest.fixture
def call(instance: Instance) -> Iterator[dict[str, Any]]:
    with instance.calling(ALICE, DESK) as found:
        yield found


def test_status_names_everything(instance: Instance) -> None:
    for done in (
        in_process("status", cwd=instance.file.parent),
        in_process("status", instance.file),
        in_process("status", "accounts.yaml", cwd=instance.file.parent),
    ):
        assert done.returncode == 0, done.stderr
        assert f"(process {instance.run.process.pid}, Callboard" in done.stdout
        assert "accounts    3 online" in done.stdout
    found = instance.answer("status")
    assert found["pid"] == instance.run.process.pid
    assert {one["name"]: one["state"] for one in found["parts"]} == {
        "control socket": "running",
        "embedded server": "running",
    }


def test_nobody_has_to_read_the_answer(instance: Instance) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command("status", instance.file, "--json"),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""


def test_a_call_is_placed_by_the_instance(instance: Instance) -> None:
    done = in_process("call", instance.file, ALICE, DESK, "--seconds", 1)
    assert done.returncode == 0, done.stderr
    assert "Setup of the call, as alice@localhost saw it" in done.stdout
    assert "Quality of the call" in done.stdout
    states = [e for e in instance.run.events if e["event"] == "AccountChanged"]
    assert [e["state"] for e in states if e["jid"] == ALICE] == ["connecting", "online"]
    record = instance.until("CallRecord", account=ALICE, direction="out")
    assert (record["state"], record["reason"]) == ("completed", "success")


def test_a_call_is_hung_up_by_the_beginning_of_its_id(
    instance: Instance, call: dict[str, Any]
) -> None:
    shown = instance.give("status").stdout
    assert call["id"][:8] in shown
    assert len([line for line in shown.splitlines() if call["id"][:8] in line]) == 2
    narrow = in_process("status", instance.file, environ={"COLUMNS": "60"}).stdout
    assert narrow.count(call["id"][:8]) == 2
    found = instance.answer("hangup", call["id"][:8])
    assert [one["id"] for one in found["calls"]] == [call["id"]]
    record = instance.until("CallRecord", id=call["id"], account=ALICE)
    assert record["state"] == "completed"


def test_all_calls_of_an_account_are_hung_up(instance: Instance, call: dict[str, Any]) -> None:
    assert instance.answer("hangup", "--all", "--account", BOB) == {"calls": []}
    [ended] = instance.answer("hangup", "--all", "--account", ALICE)["calls"]
    assert (ended["id"], ended["account"]) == (call["id"], ALICE)
    instance.until("CallRecord", id=call["id"], account=DESK)


def test_a_call_ends_when_its_client_leaves(instance: Instance) -> None:
    with running("call", instance.file, BOB, DESK, "--seconds", "600") as calling:
        connected = calling.until(lambda e: e.get("phase") == "connected" and e["account"] == BOB)
        assert calling.stop(signal.SIGINT) == INTERRUPTED
    record = instance.until("CallRecord", id=connected["id"], account=BOB)
    assert (record["state"], record["reason"]) == ("completed", "success")


def test_something_is_said_and_played(instance: Instance, call: dict[str, Any]) -> None:
    name = call["id"][:6]
    done = instance.give("say", name, "Hello", status=1)
    assert "between accounts of this instance: say whose end is meant" in done.stderr
    instance.give("say", name, "Hello", "--account", ALICE)
    instance.give("play", name, "tone:440:200ms", "--account", ALICE)
    instance.give("play", name, "tone:440", "--account", ALICE)
    done = instance.give("play", name, "missing.ogg", "--account", ALICE, status=2)
    assert "missing.ogg" in done.stderr


def test_what_has_no_end_is_not_waited_for(instance: Instance, call: dict[str, Any]) -> None:
    write_wav(instance.file.with_name("sound.wav"))
    for words in (
        "tone:440",
        "silence",
        "echo",
        "loop:sound.wav",
        "sound.wav --loop",
        "tone:440:1s --loop",
        "none",
    ):
        instance.give("play", call["id"], *words.split(), "--account", ALICE)


@needs_espeak
def test_a_voice_that_is_not_there_is_named(instance: Instance, call: dict[str, Any]) -> None:
    say = ("say", call["id"], "Hello", "--account", ALICE)
    for more in ([], ["--no-wait"]):
        said = instance.give(*say, "--voice", "elvish", *more, status=2).stderr
        assert "has no voice 'elvish': give a name" in said
        assert "80 to 450" in instance.give(*say, "--rate", "5", *more, status=2).stderr
    instance.give(*say, "--voice", "en-us", "--rate", "200")


def test_presence_is_changed(instance: Instance) -> None:
    instance.give("presence", BOB, "--show", "away", "--status", "at lunch")
    instance.until("PresenceReturned", jid=BOB, status="at lunch")
    assert "give show, status or priority" in instance.give("presence", BOB, status=2).stderr
    assert (
        "available, chat, away, dnd or xa"
        in instance.give("presence", BOB, "--show", "gone", status=2).stderr
    )


def test_events_and_the_log_are_printed(instance: Instance) -> None:
    lines = instance.give("events").stdout.splitlines()
    assert any(line.endswith("desk@localhost online") for line in lines)
    found = instance.give("events", "--json", "--only", "AccountReady").stdout.splitlines()
    own = [e for e in instance.run.events if e["event"] == "AccountReady"]
    timeless = [{**json.loads(line), "time": ""} for line in found]
    assert timeless == [{**event, "time": ""} for event in own]
    assert "the embedded server listens on" in instance.give("logs").stdout
    [last] = instance.give("logs", "-n", "1", "--json").stdout.splitlines()
    assert json.loads(last)["event"] == "Log"


def test_so_many_lines_are_printed_as_are_asked_for(instance: Instance) -> None:
    """Many events have no line, such as a call's status each second."""
    for name in ("events", "logs"):
        every = instance.give(name, "-n", "1000").stdout.splitlines()
        for count in (0, 1, 2, 7, len(every)):
            lines = instance.give(name, "-n", count).stdout.splitlines()
            assert lines == every[len(every) - count :]
    told = instance.give("events", "-n", "5", "--json").stdout.splitlines()
    assert len(told) == 5
    assert "Now" not in {json.loads(line)["event"] for line in told}


@pytest.mark.parametrize("name", ["events", "logs"])
def test_who_follows_ends_when_nobody_reads_any_more(instance: Instance, name: str) -> None:
    with subprocess.Popen(
        command(name, instance.file, "-f"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(PATIENCE) == 1  # though nothing more happens
            assert process.stderr.read() == b""
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["hangup", "nobody"], 1, "no call 'nobody' goes on"),
        (["hangup"], 2, "give its id, or --all"),
        (["hangup", "x", "--all"], 2, "a call's id and all calls are too much"),
        (["hangup", "--account", "bob@localhost"], 2, "which with --account are that account's"),
        (["hangup", "--all", "--account", "desc@localhost"], 1, "did you mean desk@localhost?"),
        (["hangup", "--all", "--account", "@@"], 1, "is no JID"),
        (["say", "nobody", "Hello"], 1, "no call 'nobody' goes on"),
        (["say", "x", "a" * 10_001], 2, "text"),
        (["play", "x" * 9_000, "tone"], 2, "call"),
        (["presence", "eve@localhost", "--show", "away"], 1, "has no account eve@localhost"),
        (["status", "--socket", "/nowhere/s"], 1, "nothing runs at /nowhere/s"),
        (["status", "other.yaml"], 1, "runs other.yaml, and there is no such file: check"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(
    instance: Instance, arguments: list[str], status: int, words: str
) -> None:
    done = instance.give(*arguments, status=status)
    assert words in done.stderr
    assert done.stderr.startswith("callboard: ")
    assert done.stderr.count("\n") == 1


def test_what_is_not_there_is_told_to_who_calls(instance: Instance) -> None:
    for account, to, words in (
        ("eve@localhost", DESK, "has no account eve@localhost"),
        (ALICE, "not a jid@", "can't contain ' '"),
        (BOB, "nobody@localhost", "the embedded server has no account nobody@localhost"),
        (ALICE, ALICE, "can't call itself"),
    ):
        done = in_process("call", instance.file, account, to)
        assert done.returncode == 2
        assert words in done.stderr


def test_the_file_can_not_run_twice(instance: Instance) -> None:
    done = callboard("run", instance.file)
    assert done.returncode == 1
    assert f"runs already, in process {instance.run.process.pid}" in done.stderr
    assert instance.answer("status")["accounts"]["by_state"] == {"online": 3}


def test_stop_waits_for_the_end(tmp_path: Path) -> None:
    """Also that a killed instance is told from none, and replaced."""
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE)
    assert "nothing runs a file in" in in_process("status", cwd=tmp_path).stderr
    with running("run", file) as run:
        run.until(lambda e: e["event"] == "AccountReady")
        run.process.kill()
        run.process.wait(PATIENCE)
    done = in_process("status", file)
    assert done.returncode == 1
    assert "any more: the instance was killed" in done.stderr
    with running("run", file) as run:
        run.until(lambda e: e["event"] == "AccountReady")
        done = in_process("stop", file)
        assert done.returncode == 0, done.stderr
        assert run.process.wait(PATIENCE) == 0
    assert "nothing runs" in in_process("status", file).stderr


def test_the_ladder_of_a_call_is_shown_while_it_goes_on(
    instance: Instance, call: dict[str, Any]
) -> None:
    for done in (
        instance.give("ladder", call["id"]),
        in_process("ladder", call["id"][:12], instance.file),
    ):
        assert f"Call {call['id']}: running" in done.stdout
        assert "session-initiate (audio) ---" in done.stdout
        assert "Why: the call goes on" in done.stdout
    assert (
        instance.give("ladder", "no-such-call", status=1).stderr.count("no ladder of a call") == 1
    )


def test_the_ladder_of_a_call_that_has_ended_needs_no_instance(
    instance: Instance, tmp_path: Path
) -> None:
    sid = instance.give("call", instance.file, ALICE, DESK, "--seconds", "1", "--json")
    assert sid.returncode == 0
    copy = tmp_path / "calls.jsonl"
    folder = instance.file.parent / "recordings" / "calls.ladders"
    shutil.copytree(folder, tmp_path / "calls.ladders")
    text = in_process("ladder", "last", copy).stdout
    assert "Why: Completed: media could flow for" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    found = json.loads(in_process("ladder", "last", copy, "--format", "json").stdout)
    assert found["state"] == "completed"
    assert in_process("ladder", "last", copy, "--format", "svg").stdout.startswith("<svg ")
    assert in_process("ladder", "last", copy, "--format", "mermaid").stdout.startswith("sequence")
    none = in_process("ladder", "last-failed", copy)
    assert (none.returncode, none.stdout) == (1, "")
    assert "has no ladder of a failed call yet" in none.stderr
    assert in_process("ladder", "last", tmp_path / "no.yaml").returncode == 2

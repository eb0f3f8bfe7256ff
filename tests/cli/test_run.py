"""``callboard run`` and ``callboard call``: real accounts on a real server, and real signals."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psutil
import pytest
from callboard.media import inspect
from callboard.tests.cli.command import callboard, records, running, shortest
from callboard.tests.cli.embedded import forwarding, serving
from callboard.tests.harness.ports import free_ports

PAIR = """\
server: embedded
recordings: recordings/
drain: {drain}
accounts:
  - {{jid: desk@localhost, bot: recorder}}
  - jid: alice@localhost
    bot: caller
    options: {{to: desk@localhost, video: none, seconds: {seconds}}}
"""
PARTIES = ("desk@localhost", "alice@localhost")


def deployment(folder: Path, text: str) -> Path:
    """A YAML file with this text."""
    file = folder / "accounts.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_call_in_order(tmp_path: Path, number: int) -> None:
    file = deployment(tmp_path, PAIR.format(drain="500ms", seconds=60))
    with running("run", file) as run:
        run.connected("desk@localhost")
        run.connected("alice@localhost")
        assert run.stop(number) == 0
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert {record["state"] for record in found.values()} == {"completed"}
    ends = sorted(record["reason"] for record in found.values())
    # One of the two ended the call, the other heard it in a session-terminate.
    assert ends == ["success", "success"]
    assert any("logging out" in record["text"] for record in found.values())
    assert found["desk@localhost"]["recordings"][0]["seconds"] > 0
    states = [event for event in run.events if event["event"] == "AccountChanged"]
    assert [event["state"] for event in states[-2:]] == ["closed", "closed"]


def test_a_call_that_ends_by_itself_is_waited_for(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="20s", seconds=2))
    with running("run", file) as run:
        run.connected("desk@localhost")
        assert run.stop() == 0
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert [record["reason"] for record in found.values()] == ["success", "success"]


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="1h", seconds=3000))
    with running("run", file) as run:
        run.connected("desk@localhost")
        run.process.send_signal(signal.SIGTERM)
        run.until(lambda e: e["event"] == "Log" and e["message"].startswith("ending"))
        assert run.stop() == 0
    assert len(records(tmp_path / "recordings" / "calls.jsonl")) == 2


def test_the_peer_of_another_process_hears_the_end(tmp_path: Path) -> None:
    """Not only both ends of one process: what one drains, the other is told by the server."""
    with server() as at:
        one, other = tmp_path / "one", tmp_path / "other"
        for folder in (one, other):
            folder.mkdir()
        desk = deployment(
            one, at + "drain: 0\naccounts:\n  - {jid: desk@localhost, password: s3, bot: echo}\n"
        )
        alice = deployment(
            other,
            at
            + "accounts:\n"
            + "  - jid: alice@localhost\n    password: s3\n    bot: caller\n"
            + "    options: {to: desk@localhost, video: none, seconds: 60}\n",
        )
        with running("run", desk) as first:
            first.until(lambda e: e.get("state") == "online")
            with running("run", alice) as second:
                second.connected("alice@localhost")
                assert first.stop() == 0
                record = second.until(lambda e: e["event"] == "CallRecord")
                assert record["state"] == "completed"
                assert record["reason"] == "success"
                assert second.stop() == 0


def test_the_end_of_the_embedded_server_ends_the_command(tmp_path: Path) -> None:
    """Running calls have their time, then nothing could ever go on."""
    file = deployment(tmp_path, PAIR.format(drain="500ms", seconds=60))
    with running("run", file) as run:
        run.connected("desk@localhost")
        (keeper,) = psutil.Process(run.process.pid).children()
        (prosody,) = keeper.children()
        prosody.kill()
        assert run.process.wait(60) == 1
        logged = [e["message"] for e in run.events if e["event"] == "Log"]
        assert [one for one in logged if "the embedded server has stopped unexpectedly" in one]
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert {record["state"] for record in found.values()} == {"completed"}
    assert found["desk@localhost"]["recordings"][0]["failure"] is None


def test_a_recording_that_a_kill_left_is_finished(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="500ms", seconds=60))
    folder = tmp_path / "recordings"
    with running("run", file) as run:
        run.connected("desk@localhost")
        parts = run.recorded(1)
        run.process.kill()
        run.process.wait()
    left = shortest(parts)
    # One recording: in two forms while video may still come.
    assert len({part.name.partition(".")[0] for part in folder.glob("*.part")}) == 1
    with running("run", file) as run:
        finished = run.until(lambda e: e["event"] == "FinishedRecording")
        assert run.stop() == 0
        told = [e for e in run.events if Path(finished["path"]).name in json.dumps(e)]
        assert [e["event"] for e in told] == ["CallRecord", "FinishedRecording"], "each once"
    assert Path(finished["path"]).stat().st_size == finished["bytes"]
    assert finished["seconds"] >= left > 1
    # The second run may have had a call, and a recording, of its own.
    assert not list(folder.glob("*.part"))


def test_a_call_that_a_kill_ended_is_recorded_by_the_next_start(tmp_path: Path) -> None:
    """Two instances with files of their own in one folder; one is killed in mid-call."""
    file = deployment(tmp_path, PAIR.format(drain="0", seconds=60))
    other = tmp_path / "other.yaml"
    other.write_text(file.read_text() + "call_log: recordings/other.jsonl\n")
    folder = tmp_path / "recordings"
    with running("run", other) as lives:
        began = {account: lives.connected(account)["id"] for account in PARTIES}
        with running("run", file) as run:
            killed = {account: run.connected(account)["id"] for account in PARTIES}
            parts = run.recorded(1)
            run.process.kill()
            run.process.wait()
        left = shortest(parts)
        assert (folder / "calls.jsonl").read_text() == ""
        assert len(list(folder.glob("calls.jsonl.*.open"))) == 1
        for _ in range(2):  # the second start has nothing left to do
            with running("run", file) as run:
                run.until(lambda e: e.get("state") == "online")
                run.process.kill()
                run.process.wait()
        assert lives.stop() == 0
    lines = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    found = {one["account"]: one for one in lines if one["id"] in killed.values()}
    assert [one["id"] for one in lines].count(killed["desk@localhost"]) == 2
    for account, record in found.items():
        assert (record["state"], record["reason"]) == ("failed", "general-error")
        assert "killed" in record["text"]
        assert record["connected"] is not None
        ended, connected = (datetime.fromisoformat(record[at]) for at in ("ended", "connected"))
        assert ended >= connected  # the kill may come within the same millisecond
        assert "dtls" in record["steps"]
        assert bool(record["recordings"]) == (account == "desk@localhost")
    (recording,) = found["desk@localhost"]["recordings"]
    assert recording["failure"] is None
    assert recording["seconds"] >= left > 1
    assert Path(recording["path"]).stat().st_size == recording["octets"]
    assert inspect(Path(recording["path"])).seconds == pytest.approx(recording["seconds"], abs=0.2)
    ends = records(folder / "other.jsonl")
    assert {account: ends[account]["id"] for account in PARTIES} == began
    assert not list(folder.glob("other.jsonl.*"))


def test_a_hangup_that_nohup_ignores_ends_nothing(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="0", seconds=60))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits it
    try:
        with running("run", file, anew=True) as run:
            run.connected("desk@localhost")
            run.process.send_signal(signal.SIGHUP)
            packets = run.connected("desk@localhost")["statistics"][0]["received"]
            run.until(
                lambda e: (
                    e["event"] == "CallStatus"
                    and e["account"] == "desk@localhost"
                    and any(one["received"] > packets + 50 for one in e["statistics"])
                )
            )
            assert not any(event.get("message", "").startswith("ending") for event in run.events)
            assert run.stop() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_wrong_password_is_said_with_its_remedy(tmp_path: Path) -> None:
    with server() as at:
        file = deployment(
            tmp_path,
            at
            + "accounts:\n"
            + "  - {jid: desk@localhost, password: wrong, bot: silent}\n"
            + "  - {jid: nobody@localhost, password: s3, bot: silent}\n",
        )
        done = callboard("run", file)
        assert done.returncode == 1
        remedy = "the server refused the login: check the password, and that the account exists"
        for jid in ("desk@localhost", "nobody@localhost"):
            said = [line for line in done.stdout.splitlines() if f" {jid} stays offline" in line]
            assert len(said) == 1
            assert remedy in said[0]
        assert done.stderr == "callboard: no account could log in\n"
        assert "wrong" not in done.stdout

        file.write_text(
            file.read_text() + "  - {jid: alice@localhost, password: s3, bot: silent}\n"
        )
        with running("run", file) as run:  # the others go on
            run.until(lambda e: (e.get("jid"), e.get("state")) == ("alice@localhost", "online"))
            run.until(lambda e: (e.get("jid"), e.get("state")) == ("desk@localhost", "failed"))
            assert run.stop() == 0


def test_it_ends_when_the_last_account_gives_up(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One never got in, and the other one is replaced by a second login."""
    one, other = tmp_path / "one", tmp_path / "other"
    with server() as at:
        for folder in (one, other):
            folder.mkdir()
            deployment(
                folder, f"{at}accounts:\n  - {{jid: desk@localhost/a, password: s3, bot: silent}}\n"
            )
        with (one / "accounts.yaml").open("a") as file:
            file.write("  - {jid: alice@localhost, password: wrong, bot: silent}\n")
        with running("run", one / "accounts.yaml") as first:
            first.until(lambda e: (e.get("jid"), e.get("state")) == ("alice@localhost", "failed"))
            first.until(lambda e: e.get("state") == "online")
            with running("run", other / "accounts.yaml") as second:
                assert first.process.wait(60) == 1
                assert second.stop() == 0
    said = capfd.readouterr().err
    assert said.startswith("callboard: every account has given up: alice@localhost: the server ")
    assert "; desk@localhost: " in said


def test_a_port_where_nothing_listens(tmp_path: Path) -> None:
    file = deployment(
        tmp_path,
        "server: {host: 127.0.0.1, port: 1}\n"
        "accounts:\n  - {jid: desk@localhost, password: s3, bot: silent}\n",
    )
    done = callboard("run", file, "--online-within", 2)
    assert done.returncode == 1
    assert "nothing listens at the server's address" in done.stdout
    assert done.stderr == "callboard: no account could log in within 2 s\n"
    assert "Traceback" not in done.stderr


def test_a_server_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    """As after a machine's start, when both begin at once."""
    ports = free_ports(2)
    files = []
    with serving({"desk": "s3", "alice": "s3"}) as (real, certificate):
        # Each has a file of its own: of one file, the caller may find the instance, or not yet.
        for name, bot, port in zip(("desk", "alice"), ("echo", "silent"), ports, strict=True):
            folder = tmp_path / name
            folder.mkdir()
            text = (
                f"server: {{host: 127.0.0.1, port: {port}, ca: {certificate}}}\n"
                "media: {addresses: 127.0.0.1}\n"
                f"accounts: [{{jid: {name}@localhost, password: s3, bot: {bot}}}]\n"
            )
            files.append(deployment(folder, text))
        desk, alice = files
        call = ("call", alice, "alice@localhost", "desk@localhost", "--seconds", 1)
        with running("run", desk) as run, running(*call, "--online-within", 60) as caller:
            for one in (run, caller):
                event = one.until(lambda e: e.get("state") == "waiting")
                assert "next try in" in event["detail"]
            with forwarding(ports[0], real):
                run.until(lambda e: e["event"] == "AccountReady")
                with forwarding(ports[1], real):
                    assert caller.process.wait(60) == 0
                assert run.stop() == 0


def test_the_port_of_the_embedded_server_is_printed(tmp_path: Path) -> None:
    port, _ = free_ports(1)
    file = deployment(
        tmp_path,
        f"server: {{host: embedded, port: {port}}}\n"
        "accounts:\n  - {jid: desk@localhost, bot: silent}\n",
    )
    with running("run", file) as run:
        run.until(lambda e: e.get("state") == "online")
        socket.create_connection(("127.0.0.1", port)).close()
        assert run.stop() == 0
    said = [event["message"] for event in run.events if event["event"] == "Log"]
    assert f"the embedded server listens on 127.0.0.1:{port}" in said


def test_no_event_is_printed_twice(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="500ms", seconds=1))
    with running("run", file) as run:
        run.until(lambda _: sum(one["event"] == "CallRecord" for one in run.events) == 2)
        assert run.stop() == 0
    statuses = [
        {key: value for key, value in event.items() if key != "time"}
        for event in run.events
        if event["event"] == "CallStatus"
    ]
    assert [one for place, one in enumerate(statuses) if one in statuses[:place]] == []
    assert sum(one["phase"] == "ended" for one in statuses) == 2


def test_records_that_can_not_be_written(tmp_path: Path) -> None:
    file = deployment(
        tmp_path,
        "call_log: /proc/calls.jsonl\naccounts:\n  - {jid: desk@localhost, bot: silent}\n",
    )
    done = callboard("run", file)
    assert done.returncode == 2
    assert done.stderr == (
        f"{file}:1:11: call_log: nothing can be written to /proc/calls.jsonl (No such file or "
        "directory): choose another place, or make it writable\n"
    )


def test_call_says_how_it_went(tmp_path: Path) -> None:
    file = deployment(tmp_path, PAIR.format(drain="500ms", seconds=60))
    done = callboard("call", file, "alice@localhost", "desk@localhost", "--seconds", 1, "--record")
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("propose", "proceed", "first-audio"):
        assert f"\n {step} " in done.stdout
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert all(record["recordings"] for record in found.values())


def test_call_ends_when_the_callee_can_not_log_in(tmp_path: Path) -> None:
    with server() as at:
        file = deployment(
            tmp_path,
            at
            + "accounts:\n"
            + "  - {jid: alice@localhost, password: s3, bot: silent}\n"
            + "  - {jid: desk@localhost, password: wrong, bot: silent}\n",
        )
        done = callboard("call", file, "alice@localhost", "Desk@localhost/there")
    assert done.returncode == 1
    said = "callboard: desk@localhost can't be called, because it stays offline: the server refused"
    assert said in done.stderr


@contextmanager
def server() -> Iterator[str]:
    """A Prosody with desk and alice; gives the lines of a YAML file that name it."""
    with serving({"desk": "s3", "alice": "s3"}) as (port, certificate):
        yield (
            f"server: {{host: 127.0.0.1, port: {port}, ca: {certificate}}}\n"
            "media: {addresses: 127.0.0.1}\n"
        )

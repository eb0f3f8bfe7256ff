"""What people see: tables that fit their terminal, and sentences."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import pytest
from callboard.actors.messages.exchange import AccountChanged, AccountRemoved, BotFailed, CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.cli.views.event import Event
from callboard.cli.views.json_view import JsonHandler, JsonView
from callboard.cli.views.line_view import LineFormatter, LineView
from callboard.cli.views.live_view import LiveView
from callboard.cli.views.sentences import sentence
from callboard.cli.views.steps import quality_table
from callboard.cli.views.view import make_view
from callboard.control.instance.events import event_of
from callboard.jingle import Reason
from callboard.media import MediaStatistics
from rich.console import Console

STATISTICS = (
    MediaStatistics("audio", "opus", 250, 240, 10, 15.25, 1.0, 4.31),
    MediaStatistics("video", "VP8", 250, 250, 0, 3.0, None, None),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def live(monkeypatch: pytest.MonkeyPatch, width: int, height: int) -> Iterator[LiveView]:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", str(height))
    monkeypatch.setenv("TERM", "xterm")
    view = make_view(as_json=False, stream=Terminal())
    assert isinstance(view, LiveView)
    try:
        yield view
    finally:
        view.close()


def drawn(view: LiveView, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(view.tables())
    return console.export_text().splitlines()


def status(account: str, peer: str, number: int = 0) -> CallStatus:
    return CallStatus(
        str(number), account, peer, "out", "connected", ("audio", "video"), 67, {}, STATISTICS
    )


@pytest.mark.parametrize("width", [80, 120])
def test_two_accounts_are_shown_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    with live(monkeypatch, width, 24) as view:
        for jid in ("desk@localhost", "alice@localhost"):
            view.show(AccountChanged(jid, "online"))
        view.show(status("alice@localhost", "desk@localhost/phone"))
        lines = drawn(view, width)
    assert "Accounts at localhost: 2 online" in lines[0]
    row = next(line for line in lines if "→" in line)
    assert row.split() == (
        ["alice", "→", "desk", "connected", "1:07", "opus", "VP8", "2.0%", "15.2", "ms", "4.31"]
    )
    assert not any("…" in line for line in lines)


def test_an_account_that_was_removed_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    with live(monkeypatch, 80, 24) as view:
        for jid in ("desk@localhost", "alice@localhost"):
            view.show(AccountChanged(jid, "online"))
        view.show(AccountChanged("alice@localhost", "closed"))
        view.show(AccountRemoved("alice@localhost"))
        text = "\n".join(drawn(view, 80))
    assert "1 online" in text
    assert "closed" not in text
    assert "alice" not in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_many_accounts_fit_the_terminal_and_trouble_comes_first(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    with live(monkeypatch, width, height) as view:
        for number in range(40):
            jid = f"load-{number:04d}@xmpp.example.org"
            view.show(AccountChanged(jid, "failed" if number == 39 else "online"))
            view.show(status(jid, "echo@xmpp.example.org", number))
        lines = drawn(view, width)
    assert len(lines) <= height
    assert all(len(line.rstrip()) <= width for line in lines)
    assert "1 failed, 39 online" in lines[0]
    accounts = [line.split()[0] for line in lines if line.strip().startswith("load-")]
    assert accounts[0] == "load-0039"
    assert any("more" in line for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_members_of_a_fleet_can_be_told_apart(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    with live(monkeypatch, width, 60) as view:
        for number in range(12):
            caller, callee = (
                f"load-test-{who}-{number:04d}@xmpp.example.org" for who in ("caller", "callee")
            )
            view.show(AccountChanged(caller, "failed" if number == 3 else "online", "check it"))
            view.show(status(caller, f"{callee}/phone", number))
        lines = drawn(view, width)
    assert all(len(line.rstrip()) <= width for line in lines)
    names = [line.split()[0] for line in lines if line.strip().startswith("lo")]
    assert sorted(re.findall(r"0\d{3}", " ".join(names))) == sorted(
        [f"{number:04d}" for number in range(12)] * 2
    )
    rows = [line.split() for line in lines if "→" in line]
    assert [re.findall(r"0\d{3}", row[2]) for row in rows] == [
        [f"{number:04d}"] for number in range(12)
    ]


def test_quality_fits_80_columns() -> None:
    record = CallRecord(
        "1",
        "alice@localhost",
        "desk@localhost",
        "out",
        "completed",
        Reason.SUCCESS,
        0,
        5,
        connected=1,
    )
    media = [
        {
            "kind": "audio",
            "codec": "opus",
            "sent": 99999,
            "received": 99999,
            "lost": 999,
            "jitter_ms": 15.2,
            "rtt_ms": 121.4,
            "mos": 4.31,
        },
        {
            "kind": "video",
            "codec": "VP8",
            "sent": 9,
            "received": 9,
            "lost": 0,
            "jitter_ms": 15.2,
            "rtt_ms": None,
            "mos": None,
            "freezes": 2,
            "frozen_ms": 1440.0,
        },
    ]
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(quality_table([replace(record, media=tuple(media))]))
    text = console.export_text()
    assert " alice@localhost audio opus  99999    99999  999 " in text
    head, sound, picture = (
        next(line for line in text.splitlines() if word in line)
        for word in ("MOS", " audio ", " video ")
    )
    assert head.split()[-2:] == ["MOS", "frozen"]
    assert sound[: head.index("MOS") + 3].endswith(" 4.31")
    assert not sound[head.index("MOS") + 3 :].strip()
    assert picture.rstrip().endswith(" 1.4 s")
    assert not picture[head.index("MOS") - 1 : head.index("MOS") + 3].strip()
    assert "for how long the picture stood still" in text
    console.print(quality_table([replace(record, media=tuple(media[:1]))]))
    assert "frozen" not in console.export_text()


def test_a_call_between_two_accounts_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    alice, desk = "alice@localhost", "desk@localhost"
    sides: list[tuple[Literal["in", "out"], str, str]] = [
        ("out", alice, f"{desk}/x"),
        ("in", desk, f"{alice}/y"),
        ("in", desk, "eve@b.c/z"),
    ]
    with live(monkeypatch, 80, 24) as view:
        for jid in (alice, desk):
            view.show(AccountChanged(jid, "online"))
        for direction, account, peer in sides:
            view.show(replace(status(account, peer), direction=direction))
        assert "Calls: 2 now" in " ".join(drawn(view, 80))
        for direction, account, peer in sides:
            view.show(CallRecord("1", account, peer, direction, "completed", Reason.SUCCESS, 0, 5))
        assert "ended: 2 completed" in " ".join(drawn(view, 80))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (AccountChanged("a@b.c", "connecting"), None),
        (AccountChanged("a@b.c", "failed", "check it"), "a@b.c stays offline: check it"),
        (AccountChanged("a@b.c", "closed"), "a@b.c logged out"),
        (AccountChanged("a@b.c", "ended"), "a@b.c ended, and was not logged in"),
        (BotFailed("a@b.c", "Desk", "KeyError: 'x'"), None),  # the log has it, with more
        (
            CallRecord(
                "1", "a@b.c", "d@e.f/x", "in", "missed", Reason.TIMEOUT, 0, 60, "nobody answered"
            ),
            "a@b.c ← d@e.f missed (timeout: nobody answered)",
        ),
    ],
)
def test_sentences(event: AccountChanged | BotFailed | CallRecord, words: str | None) -> None:
    assert sentence(event_of(event, 0.0)) == words
    assert printed(event) == ([] if words is None else [words])


def printed(*events: Event) -> list[str]:
    """Return what is printed of events, without the time."""
    stream = io.StringIO()
    view = LineView(stream)
    for event in events:
        view.show(event)
    return [line.split(" ", 2)[2] for line in stream.getvalue().splitlines()]


def test_log_lines() -> None:
    def line(name: str, level: int) -> str:
        record = logging.LogRecord(name, level, "", 0, "well, %d", (5,), None)
        return LineFormatter().format(record).split(" ", 2)[2]

    assert line("callboard.bots.Desk", logging.INFO) == "Desk: well, 5"
    assert line("callboard.cli.run", logging.WARNING) == "warning callboard: well, 5"
    assert line("slixmpp.stream", logging.ERROR) == "error slixmpp.stream: well, 5"


def test_log_as_json() -> None:
    stream = io.StringIO()
    handler = JsonHandler(JsonView(stream))
    handler.emit(logging.LogRecord("callboard", logging.INFO, "", 0, "a\n%s", ("ä",), None))
    found = json.loads(stream.getvalue())
    assert (found["event"], found["level"], found["message"]) == ("Log", "INFO", "a\nä")
    assert stream.getvalue().count("\n") == 1

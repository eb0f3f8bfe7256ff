"""What strangers write reaches no terminal as it is, whichever view shows it."""

import io
import json
import logging
import re
import sys
import unicodedata
from dataclasses import replace

import pytest
from callboard.actors.messages.exchange import AccountChanged, CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.cli.views.json_view import JsonHandler, JsonView
from callboard.cli.views.line_view import LineFormatter, LineView
from callboard.cli.views.live_view import LiveHandler, LiveView
from callboard.cli.views.printable import printable
from callboard.cli.views.steps import quality_table, step_table
from callboard.cli.views.terminal import Terminal, shortened
from callboard.cli.views.view import make_view
from callboard.jingle import Reason
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x9b\x85\r\n\t\u202e\u2066\u2028\u2029\u200e\ufeff\ud800[]/:b"),
    ),
    min_size=1,
    max_size=30,
)
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that a terminal obeys instead of showing them."""
FAMILY = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{WOMAN}"
PERSIAN = "\N{ARABIC LETTER MEEM}\N{ZERO WIDTH NON-JOINER}\N{ARABIC LETTER HEH}"
OURS = re.compile(r"\x1b\[[0-9;]*[mAHJKhl]|\x1b\[\?25[lh]|\r")
"""How rich colours and moves."""


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def obeyed(text: str) -> set[str]:
    """The characters of a text, besides joiners and line feeds, that a terminal would obey."""
    return {
        one for one in text if unicodedata.category(one) in OBEYED and one not in "\n\u200c\u200d"
    }


def events(text: str) -> list[AccountChanged | CallStatus | CallRecord]:
    record = CallRecord(
        "1", text, text, "in", "failed", Reason.GENERAL_ERROR, started=0, ended=5, text=text
    )
    return [
        AccountChanged(text, "waiting", text),
        CallStatus("1", text, text, "in", "ringing", (text,), 1.0, {text: 0.1}),
        record,
    ]


def logged(text: str) -> logging.LogRecord:
    try:
        raise ValueError(text)
    except ValueError:
        arguments = ("callboard.bots.Desk", logging.ERROR, "", 0, "%s said", (text,))
        return logging.LogRecord(*arguments, sys.exc_info())


@given(HOSTILE)
def test_a_text_becomes_harmless_and_stays_one_line(text: str) -> None:
    shown = printable(text)
    assert not obeyed(shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == shown


@pytest.mark.parametrize("text", ["Zoë", "日本語", FAMILY, PERSIAN, "a\u00a0b", "", "[b]bold[/b]"])
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


@given(HOSTILE)
def test_lines(text: str) -> None:
    stream = io.StringIO()
    view = LineView(stream)
    shown = events(text)
    for event in shown:
        view.show(event)
    assert not obeyed(stream.getvalue())
    assert len(stream.getvalue().splitlines()) == len(shown)


@given(HOSTILE)
def test_the_log(text: str) -> None:
    shown = LineFormatter().format(logged(text))
    assert not obeyed(shown)
    first, *rest = shown.split("\n")
    assert first.endswith("said")
    assert rest
    assert all(line.startswith("    ") for line in rest)


@given(HOSTILE)
def test_json(text: str) -> None:
    stream = io.StringIO()
    view = JsonView(stream)
    for event in events(text):
        view.show(event)
    JsonHandler(view).emit(logged(text))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert stream.getvalue().isascii()
    # Lone surrogates are escaped: no UTF-8 can hold them, and many readers of JSON refuse them.
    assert json.loads(lines[0])["detail"] == text.encode("utf-8", "backslashreplace").decode()


def live() -> tuple[LiveView, Tty]:
    stream = Tty()
    view = make_view(as_json=False, stream=stream)
    assert isinstance(view, LiveView)
    return view, stream


@given(HOSTILE)
def test_tables(text: str) -> None:
    view, stream = live()
    try:
        for event in events(text):
            view.show(event)
        handler = LiveHandler(view)
        handler.setFormatter(LineFormatter())
        handler.emit(logged(text))
        view.draw()
    finally:
        view.close()
    assert not obeyed(OURS.sub("", stream.getvalue()))


@given(HOSTILE)
def test_tables_of_one_call(text: str) -> None:
    stream = io.StringIO()
    console = Terminal(stream)
    _, status, record = events(text)
    assert isinstance(status, CallStatus)
    assert isinstance(record, CallRecord)
    media = {"kind": text, "codec": text, "sent": 1, "received": 1, "lost": 0, "jitter_ms": 1.0}
    record = replace(record, media=({**media, "rtt_ms": None, "mos": None},))
    console.print(step_table(status))
    console.print(quality_table([record]))
    console.print(text)
    assert not obeyed(stream.getvalue())


@pytest.mark.parametrize("name", ["[b]alice@example.org", "[bold]x@y", ":smile:@example.org"])
def test_a_name_is_no_markup(name: str) -> None:
    view, stream = live()
    try:
        view.show(AccountChanged(name, "online"))
        view.draw()
    finally:
        view.close()
    assert name.partition("@")[0] in OURS.sub("", stream.getvalue())


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=60),
    st.integers(0, 50),
)
def test_a_short_name_fits_and_keeps_its_end(name: str, width: int) -> None:
    user = name.partition("@")[0]
    short = shortened(name, width)
    assert cell_len(short) <= width
    if cell_len(name) <= width:
        assert short == name
    elif width >= 6 and user:
        assert user[-1] in short


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(9, 120))
def test_members_of_a_fleet_can_be_told_apart(one: int, other: int, width: int) -> None:
    first, second = (
        shortened(f"load-test-caller-{number:04d}@conference.example.org", width)
        for number in (one, other)
    )
    assert (first == second) == (one == other)

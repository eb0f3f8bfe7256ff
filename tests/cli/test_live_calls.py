"""The list of calls that go on, on terminals of all widths."""

import io

import pytest
from callboard.cli.views.live_calls import show_live_calls
from callboard.cli.views.terminal import Terminal
from callboard.control.models.calls import CallsResult
from callboard.control.models.events import LiveCall, LiveMedia


def shown(answer: CallsResult) -> str:
    stream = io.StringIO()
    show_live_calls(answer, Terminal(stream))
    return stream.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
def test_names_give_way_to_what_a_call_is_doing(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    media = tuple(
        LiveMedia(
            kind=kind,
            codec=codec,
            sent=100,
            received=95,
            lost=5,
            jitter_ms=1.0,
            rtt_ms=None,
            mos=mos,
        )
        for kind, codec, mos in (("audio", "opus", 4.31), ("video", "VP8", None))
    )
    call = LiveCall(
        id="0123456789",
        account="frontdesk@example.org",
        direction="in",
        peer="somebody.with.a.long.name@another.example.net/phone",
        phase="connected",
        media=("audio", "video"),
        seconds=3725.0,
        statistics=media,
        held=True,
    )
    text = shown(CallsResult(total=3, calls=(call,)))
    for words in ("01234567 ", "connected, held", "opus VP8", "1:02:05", "5.0%", "4.31", "←"):
        assert words in text
    assert "and 2 more" in text
    assert max(map(len, text.splitlines())) <= columns


def test_no_calls_are_told_in_words() -> None:
    assert shown(CallsResult(total=0, calls=())) == "No calls go on.\n"

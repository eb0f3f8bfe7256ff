"""What can't be read is dropped, and said seldom."""

import logging

import pytest
from callboard.actors.runtime.log_throttle import PAUSE
from callboard.actors.xmpp.safe_reader import Reader


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("k"), RecursionError(), TypeError()])
def test_whatever_a_parser_raises_is_dropped(error: Exception) -> None:
    reader = Reader("alice@localhost")
    assert reader.read(int, "5") == 5
    assert reader.read(fail, error) is None
    assert reader.read(int, "6") == 6


def test_a_thousand_are_told_in_one_line_and_what_is_wrong_with_us_with_its_place(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("callboard.actors.runtime.log_throttle.time.monotonic", lambda: now)
    reader = Reader("alice@localhost")
    for _ in range(1000):
        reader.read(int, "x")
    assert len(caplog.records) == 1
    now += PAUSE
    reader.read(fail, KeyError("k"))
    first, second = caplog.records
    assert (first.levelno, first.exc_info) == (logging.WARNING, None)
    assert "alice@localhost: what came in can't be read and was dropped (1 since" in first.message
    assert "(1000 since the last warning): KeyError('k')" in second.message
    assert second.exc_info

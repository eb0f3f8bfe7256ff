import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from callboard.control.history.moment import parse_moment
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")


def at(*fields: int) -> float:
    return datetime(*fields, tzinfo=BERLIN).timestamp()  # type: ignore[misc, arg-type]


NOW = at(2026, 11, 29, 15, 30)
DAY = 86400.0


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("now", NOW, NOW),
        ("1d", NOW - DAY, NOW - DAY),
        ("1h30m", NOW - 5400, NOW - 5400),
        ("today", at(2026, 11, 29), at(2026, 11, 30)),
        (" Yesterday ", at(2026, 11, 28), at(2026, 11, 29)),
        ("2026-11-28", at(2026, 11, 28), at(2026, 11, 29)),
        ("2026-10-25", at(2026, 10, 25), at(2026, 10, 25) + 25 * 3600),  # summer time ends
        ("14:30", at(2026, 11, 29, 14, 30), at(2026, 11, 29, 14, 30)),
        ("9:05:07", at(2026, 11, 29, 9, 5, 7), at(2026, 11, 29, 9, 5, 7)),
        ("2026-11-28T14:30", at(2026, 11, 28, 14, 30), at(2026, 11, 28, 14, 30)),
        ("2026-11-28 14:30", at(2026, 11, 28, 14, 30), at(2026, 11, 28, 14, 30)),
        ("2026-11-28T13:30Z", at(2026, 11, 28, 14, 30), at(2026, 11, 28, 14, 30)),
        ("2026-11-28T14:30:00.000+01:00", at(2026, 11, 28, 14, 30), at(2026, 11, 28, 14, 30)),
    ],
)
def test_times_as_people_write_them(text: str, begin: float, end: float) -> None:
    moment = parse_moment(text, NOW)
    assert (moment.begin, moment.end) == (begin, end)


@pytest.mark.parametrize(
    "text",
    ["", " ", "soon", "1", "-1d", "1w", "25:00", "2026-13-01", "2026-02-30", "20261128", "9999d",
     "9999-12-31", "2026-11-28T", "²d", "1d" * 50, "\0", "0001-01-01", "2026-11-28T99:00"],
)  # fmt: skip
def test_what_is_no_time_is_told_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match="give a time like 1d"):
        parse_moment(text, NOW)


@given(st.text(max_size=20))
def test_no_text_does_anything_else(text: str) -> None:
    with suppress(ValueError):
        moment = parse_moment(text, NOW)
        assert moment.begin <= moment.end

"""Times as people write them: ``1d``, ``2026-11-28``, ``yesterday``, ``14:30``."""

import math
import re
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from ...config.duration import parse_duration

_WANTED = (
    "give a time like 1d (a day ago), yesterday, 2026-11-28, 14:30 or 2026-11-28T14:30, "
    "in this machine's time zone unless it says another"
)
_LONGEST = 64
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
#: Words for days, with how many days each is ago.
_DAYS = {"today": 0, "yesterday": 1}


class Moment(Struct, frozen=True):
    """What a time that somebody wrote stands for: a day begins at one time and ends at another.

    Attributes:
        begin: seconds since the epoch; ``since`` counts from here.
        end: seconds since the epoch; ``until`` counts up to here.
    """

    begin: float
    end: float


def parse_moment(text: str, now: float) -> Moment:
    """Read a time.

    Args:
        text: a duration before now, a word for a day, a date, a time of today, or a date and time
            in ISO 8601.
        now: seconds since the epoch.

    Raises:
        ValueError: it is none of these.
    """
    words = text.strip().lower()
    if not words or len(words) > _LONGEST or not words.isascii():
        raise ValueError(_WANTED)
    here = datetime.fromtimestamp(now).astimezone()
    if words == "now":
        return Moment(now, now)
    if words in _DAYS:
        return _day(here.date() - timedelta(days=_DAYS[words]))
    try:
        if _CLOCK.fullmatch(words):
            hour, minute, *rest = map(int, words.split(":"))
            second = rest[0] if rest else 0
            return _instant(datetime.combine(here.date(), time(hour, minute, second)))
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words):
            return _day(date.fromisoformat(words))
        if re.match(r"\d{4}-\d{2}-\d{2}[t ]", words):
            return _instant(datetime.fromisoformat(words.upper()))
        if not words[-1].isdigit():  # a bare number may mean anything
            ago = now - parse_duration(words)
            return Moment(ago, ago)
    except (ValueError, OverflowError, OSError):
        raise ValueError(_WANTED) from None
    raise ValueError(_WANTED)


def _instant(moment: datetime) -> Moment:
    seconds = moment.timestamp()
    if not math.isfinite(seconds):
        raise ValueError(_WANTED)
    return Moment(seconds, seconds)


def _day(day: date) -> Moment:
    """Return a day of this machine's time zone, which may have 23 or 25 hours."""
    begin, end = (
        datetime.combine(one, time.min).timestamp() for one in (day, day + timedelta(days=1))
    )
    return Moment(begin, end)

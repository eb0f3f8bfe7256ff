"""Names of recordings."""

import re
from datetime import UTC, datetime

from callboard.media.recording.part_file import LONGEST_STEM, stem
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
USER = st.text("abc-._", max_size=60)
DOMAIN = st.text("xyz.", min_size=1, max_size=60)


@given(st.text(max_size=200))
def test_a_name_is_safe_whatever_it_is_made_of(name: str) -> None:
    assert re.fullmatch("20260102t120000z-[a-z0-9][a-z0-9-]*", stem(name, NOON))
    assert len(stem(name, NOON)) <= LONGEST_STEM


@given(USER, USER, DOMAIN, DOMAIN, st.integers(0, 9999), st.integers(0, 9999))
def test_both_numbers_of_a_call_between_fleets_stay(
    one: str, other: str, domain: str, its: str, first: int, second: int
) -> None:
    name = stem(f"{one}{first:04d}@{domain} {other}{second:04d}@{its}", NOON)
    assert f"{first:04d}-" in name
    assert f"{second:04d}" in name


def test_a_short_name_stays_whole() -> None:
    assert stem("desk@localhost alice@localhost", NOON) == (
        "20260102t120000z-desk-localhost-alice-localhost"
    )

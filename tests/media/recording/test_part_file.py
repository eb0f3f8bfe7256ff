"""Names of recordings."""

import os
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from callboard.media.recording.container import joined
from callboard.media.recording.part_file import LONGEST_STEM, PartFile, stem
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


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=8)), max_size=12))
def test_what_is_joined_writes_the_same(chunks: list[tuple[int, bytes]]) -> None:
    def written(some: list[tuple[int, bytes]]) -> bytes:
        file = bytearray(64)
        for offset, data in some:
            file[offset : offset + len(data)] = data
        return bytes(file)

    found = joined(chunks)
    assert written(found) == written(chunks)
    for (offset, data), (following, _) in pairwise(found):
        assert offset + len(data) != following


def test_what_stands_side_by_side_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    pwrite = os.pwrite

    def counted(file: int, data: Any, offset: int) -> int:
        calls.append(offset)
        return pwrite(file, data, offset)

    monkeypatch.setattr(os, "pwrite", counted)
    file = PartFile(tmp_path, "20260102t120000z-call", ".mkv")
    file.write([(0, b"head"), (4, b"first"), (9, b"second"), (0, b"HEAD")])
    whole = file.publish(1.0, ".mkv")
    assert whole.path.read_bytes() == b"HEADfirstsecond"
    assert calls == [0, 0]

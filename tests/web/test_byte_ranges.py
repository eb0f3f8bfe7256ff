"""Parts of files, as players ask for them, and as nobody should (RFC 9110 §14)."""

import pytest
from callboard.web.byte_ranges import parse_range
from callboard.web.problem_details import Refusal

#: What is asked for of a file of 100 octets, and what is given: None is all of it.
ASKED: dict[str | None, tuple[int, int] | None] = {
    "bytes=0-": (0, 100),
    "bytes=10-19": (10, 20),
    "bytes=90-": (90, 100),
    "bytes=-5": (95, 100),
    "bytes=-500": (0, 100),
    "bytes=10-999999999999999999": (10, 100),
    "bytes=0-0": (0, 1),
    None: None,
    "": None,
    "bytes=": None,
    "bytes=-": None,
    "bytes=--5": None,
    "bytes=+1-2": None,
    "bytes=1-2,4-5": None,
    "bytes=" + ",".join(["0-99"] * 10_000): None,
    "bytes=0-9999999999999999999": None,
    "bytes=\u0661-\u0662": None,
    "octets=0-9": None,
    "bytes=a-b": None,
    "bytes=0x0-0x9": None,
}


@pytest.mark.parametrize("header", ASKED, ids=lambda header: repr(header)[:30])
def test_one_part_is_given_or_all(header: str | None) -> None:
    assert parse_range(header, 100) == ASKED[header]


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=9-8"])
def test_what_is_not_there_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_range(header, 100)
    assert refused.value.status_code == 416
    assert (refused.value.headers or {})["Content-Range"] == "bytes */100"


def test_an_empty_file_has_no_part() -> None:
    assert parse_range(None, 0) is None
    with pytest.raises(Refusal):
        parse_range("bytes=0-", 0)

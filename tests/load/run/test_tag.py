"""What messages and calls carry, so that who receives them knows their phase."""

import pytest
from callboard.load.run.tag import CLIENT, Mark, letter, new_mark, phase_of, read, session_id


@pytest.mark.parametrize("size", [1, 100, 65_536])
@pytest.mark.parametrize("receipt", [True, False])
def test_a_letter_is_read_as_it_was_written(size: int, receipt: bool) -> None:
    mark = new_mark(7, receipt=receipt)
    body = letter("b@localhost", mark, size).findtext(f"{{{CLIENT}}}body")
    assert body is not None
    assert len(body) == max(size, len(body.rstrip(".")))
    assert read(body, 8) == mark
    assert read(body, 7) is None, "the plan has no such phase"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "callboard-load 0 0123456789abcdef soon receipt ",
        "callboard-load 0 0123456789abcdef 17 maybe ",
        "callboard-load ٣ 0123456789abcdef 17 none ",
        "callboard-load 0 0123456789abcdef 17 none ..x",
    ],
)
def test_what_others_write_is_none_of_ours(body: str) -> None:
    assert read(body, 10) is None


def test_a_session_id_has_its_phase() -> None:
    assert phase_of(session_id(3), 4) == 3
    assert phase_of(session_id(3), 3) is None
    assert phase_of("a73sjjvkla37jfea", 4) is None
    assert session_id(3) != session_id(3)


def test_marks_differ() -> None:
    assert isinstance(new_mark(1, receipt=True), Mark)
    assert new_mark(1, receipt=True).identifier != new_mark(1, receipt=True).identifier

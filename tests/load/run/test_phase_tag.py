"""What messages and calls carry, so that who receives them knows their phase."""

import pytest
from callboard.load.run.phase_tag import (
    CLIENT,
    Tag,
    new_tag,
    phase_of,
    read_tag,
    session_id,
    tagged_message,
)


@pytest.mark.parametrize("size", [1, 100, 65_536])
@pytest.mark.parametrize("receipt", [True, False])
def test_a_letter_is_read_as_it_was_written(size: int, receipt: bool) -> None:
    tag = new_tag(7, receipt=receipt)
    body = tagged_message("b@localhost", tag, size).findtext(f"{{{CLIENT}}}body")
    assert body is not None
    assert len(body) == max(size, len(body.rstrip(".")))
    assert read_tag(body, 8) == tag
    assert read_tag(body, 7) is None, "the plan has no such phase"


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
    assert read_tag(body, 10) is None


def test_a_session_id_has_its_phase() -> None:
    assert phase_of(session_id(3), 4) == 3
    assert phase_of(session_id(3), 3) is None
    assert phase_of("a73sjjvkla37jfea", 4) is None
    assert session_id(3) != session_id(3)


def test_tags_differ() -> None:
    assert isinstance(new_tag(1, receipt=True), Tag)
    assert new_tag(1, receipt=True).identifier != new_tag(1, receipt=True).identifier

"""Who is told what happens, and fails at it."""

import logging

import pytest
from callboard.actors.observer import Observer


def test_what_they_raise_is_logged_once_a_kind_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[int] = []

    def tell(number: int) -> None:
        heard.append(number)
        raise (OSError if number % 2 else ValueError)(number)

    observer = Observer(tell)
    with caplog.at_level(logging.ERROR):
        for number in range(6):
            observer(number)
    assert heard == list(range(6))
    assert [record.exc_info is not None for record in caplog.records] == [True, True]

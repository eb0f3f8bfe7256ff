"""How fast a bot answers each peer's messages."""

import logging
from itertools import count

import pytest
from callboard.actors import last_peers
from callboard.actors.answer_rate import MOST, QUIET, WITHIN, AnswerRate
from callboard.tests.actors.test_call_rate import Clock

BOB = "bob@localhost"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("callboard.actors.answer_rate.time", found)
    monkeypatch.setattr("callboard.actors.runtime.log_throttle.time", found)
    return found


def test_answers_end_where_bots_answer_each_other_until_it_is_quiet(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rate, numbers = AnswerRate("desk@localhost"), count()
    for _ in range(2):
        assert sum(rate.admit("Desk", BOB, next(numbers)) for _ in range(3 * MOST)) == MOST
        clock.now += QUIET - 1
        assert not rate.admit("Desk", BOB, next(numbers)), "it is not quiet yet"
        assert rate.admit("Desk", "alice@localhost", next(numbers))
        clock.now += QUIET
        assert rate.admit("Desk", BOB, next(numbers))
        clock.now += WITHIN
    (line,) = caplog.messages
    assert line.startswith(
        "bot Desk of desk@localhost and bob@localhost answer each other's messages: "
    )


def test_one_message_gets_as_many_lines_as_a_bot_likes(clock: Clock) -> None:
    rate = AnswerRate("desk@localhost")
    assert all(rate.admit("Desk", BOB, 7) for _ in range(100 * MOST))


def test_who_writes_as_fast_as_people_do_gets_all_answers(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    rate = AnswerRate("desk@localhost")
    for number in range(10 * MOST):
        assert rate.admit("Desk", BOB, number)
        clock.now += 0.5
    assert not caplog.messages


def test_what_is_remembered_does_not_grow_with_strangers(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_peers, "REMEMBERED", 10)
    rate = AnswerRate("desk@localhost")
    for number in range(1000):
        rate.admit("Desk", f"{number}@localhost", number)
    assert len(rate._peers) == 10

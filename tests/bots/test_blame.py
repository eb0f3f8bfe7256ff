"""What ends a loop from a callback is blamed on the bot that the callback is of."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from callboard.bots import Bot
from callboard.bots.blame import blamed
from callboard.tests.bots.staged import ACCOUNT


def leave() -> None:
    sys.exit(5)


class Leaver(Bot):
    """Has callbacks of all kinds."""

    def method(self) -> None:
        leave()

    def closure(self) -> Callable[[], None]:
        def inner() -> None:
            sys.exit(len(self.account))

        return inner


def called_with(_: Bot) -> None:
    leave()


class Bystander(Bot):
    """Has done nothing."""


def raised(callback: Callable[[], object]) -> BaseException:
    with pytest.raises(SystemExit) as found:
        callback()
    return found.value


@pytest.fixture
def leaver(tmp_path: Path) -> Leaver:
    return Leaver(None, ACCOUNT, {}, tmp_path)


@pytest.mark.parametrize(
    "callback",
    [lambda bot: bot.method, lambda bot: bot.closure(), lambda bot: partial(called_with, bot)],
    ids=["method", "closure", "argument"],
)
def test_a_bot_is_found_among_the_variables(
    leaver: Leaver, tmp_path: Path, callback: Callable[[Leaver], Callable[[], object]]
) -> None:
    other = Bystander(None, "other@localhost", {}, tmp_path)
    assert blamed(raised(callback(leaver))) == f"bot Leaver of {ACCOUNT}"
    assert other.account == "other@localhost"


def test_else_all_bots_of_the_module_are_named(leaver: Leaver, tmp_path: Path) -> None:
    error = raised(leave)
    assert blamed(error) == f"bot Leaver of {ACCOUNT}"
    others = [Bystander(None, f"{name}@localhost", {}, tmp_path) for name in "abc"]
    assert blamed(error) == (
        "bot Bystander of a@localhost or bot Bystander of b@localhost or bot Bystander of "
        "c@localhost or 1 more"
    )
    assert len(others) == 3


def test_what_no_bot_has_raised_names_none() -> None:
    assert blamed(SystemExit(5)) == ""

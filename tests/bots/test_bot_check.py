"""What is wrong with a bot's class, or with a bot that was just made."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Bot, Options, Synthesizer
from callboard.bots.bot_check import ATTRIBUTES, HANDLERS, PLAIN, VERBS, bot_faults, class_faults
from callboard.bots.caller import CallerBot
from callboard.bots.find import BUILT_IN
from callboard.tests.bots.staged import ACCOUNT, PEER


def kind(**members: Any) -> type[Bot]:
    return type("Desk", (Bot,), members)


async def right(*given: Any, **named: Any) -> None:
    """Takes whatever it is given."""


async def nothing() -> None:
    """Takes not even the bot."""


async def gives(*given: Any, **named: Any) -> Any:
    """Never runs."""
    yield


def plain(*given: Any, **named: Any) -> None:
    """Is no coroutine."""


def counts(*given: Any, **named: Any) -> Iterator[int]:
    """Never runs."""
    yield 1


def words(faults: Iterator[str]) -> str:
    return "\n".join(faults)


@pytest.mark.parametrize("bot", [Bot, *BUILT_IN.values()])
def test_ours_are_sound(bot: type[Bot]) -> None:
    assert not list(class_faults(bot))


def test_the_source_of_a_sound_bot_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find a method's line takes longer than all checks."""
    read: list[object] = []
    monkeypatch.setattr("inspect.getsourcelines", read.append)
    assert not list(class_faults(kind(on_call=right, read_options=plain)))
    assert not read


def test_every_method_is_checked() -> None:
    """So that the tables below have all that `Bot` has."""
    attributes = {"path", "synthesizer"}
    public = {name for name in vars(Bot) if not name.startswith("_")} - attributes
    assert public == {*HANDLERS, *VERBS, *PLAIN}


@pytest.mark.parametrize("name", [*HANDLERS, *VERBS])
def test_a_method_must_be_a_coroutine_that_takes_what_it_is_given(name: str) -> None:
    assert not list(class_faults(kind(**{name: right})))
    assert not list(class_faults(kind(**{name: staticmethod(right)})))
    assert "contains 'yield', so it would never run" in words(class_faults(kind(**{name: gives})))
    assert f"is called as {name}(" in words(class_faults(kind(**{name: nothing})))
    assert f"Desk.{name} hides Bot.{name}" in words(class_faults(kind(**{name: "text"})))
    said = words(class_faults(kind(**{name: plain})))
    wanted = "is not async: begin it with 'async def" if name in HANDLERS else "hides Bot."
    assert wanted in said


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_no_coroutine_must_stay_so(name: str) -> None:
    assert not list(class_faults(kind(**{name: plain})))
    assert "is async, so it would never run" in words(class_faults(kind(**{name: right})))
    assert "contains 'yield'" in words(class_faults(kind(**{name: counts})))
    assert f"hides Bot.{name}" in words(class_faults(kind(**{name: 5})))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_name_that_is_needed_may_not_be_hidden(name: str) -> None:
    assert f"Desk.{name} hides Bot.{name}" in words(class_faults(kind(**{name: 5})))


@pytest.mark.parametrize("path", ["elsewhere", 5, b"frames", ""])
def test_a_path_is_one_of_those_there_are(tmp_path: Path, path: Any) -> None:
    wrong = f"Desk.path is {path!r}, but path says how calls receive media: give 'frames'"
    assert wrong in words(class_faults(kind(path=path)))
    late = kind(path=property(lambda _: path))
    assert not list(class_faults(late))
    assert wrong in words(bot_faults(late(None, ACCOUNT, {}, tmp_path), ACCOUNT, tmp_path))


def test_what_a_bot_sets_when_it_is_made_is_checked_too(tmp_path: Path) -> None:
    faults = partial(bot_faults, account=ACCOUNT, folder=tmp_path)
    assert not list(faults(Bot(None, ACCOUNT, {}, tmp_path)))
    assert not list(faults(CallerBot(None, ACCOUNT, {"to": PEER}, tmp_path)))
    for name in (*VERBS, *ATTRIBUTES):
        bot = Bot(None, ACCOUNT, {}, tmp_path)
        setattr(bot, name, 5)
        assert f"Bot.{name} hides Bot.{name}" in words(faults(bot)), name
    bot = Bot(None, ACCOUNT, {}, tmp_path)
    bot.options = {"more": 1, **bot.options}
    assert not list(faults(bot))


def test_a_bot_must_be_made_as_one(tmp_path: Path) -> None:
    class Careless(Bot):
        def __init__(self, *given: Any) -> None:
            pass

    said = words(bot_faults(Careless(), ACCOUNT, tmp_path))
    assert said.startswith("Careless.__init__ does not call Bot's: begin it with super().__init__")


def test_options_are_read_from_a_subclass(tmp_path: Path) -> None:
    class Desk(Bot):
        def read_options(self, options: Options) -> None:
            for name in ("call", "floor"):
                setattr(self, name, options.text(name, "-"))

    made = Desk(None, ACCOUNT, {}, tmp_path)
    assert "Desk.call hides Bot.call" in words(bot_faults(made, ACCOUNT, tmp_path))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_cal", "on_call"),
        ("onCall", "on_call"),
        ("on_calls", "on_call"),
        ("on_mesage", "on_message"),
        ("on_digits", "on_digit"),
        ("read_option", "read_options"),
        ("on_recording_fail", "on_recording_failed"),
    ],
)
def test_a_misspelled_method_is_found(name: str, meant: str) -> None:
    said = words(class_faults(kind(**{name: right})))
    assert f"Desk.{name} is called by nobody: did you mean {meant}?" in said


@pytest.mark.parametrize("name", ["on_hold", "ring", "on_second_call", "answer", "read", "opened"])
def test_an_own_method_may_have_another_name(name: str) -> None:
    assert not list(class_faults(kind(**{name: right})))


@pytest.mark.parametrize("wrong", [5, "espeak", lambda _: None])
def test_what_speaks_is_checked(tmp_path: Path, wrong: Any) -> None:
    found = "Desk.synthesizer is "
    assert found in words(class_faults(kind(synthesizer=wrong)))
    late = kind(synthesizer=property(lambda _: wrong))
    assert not list(class_faults(late))
    assert found in words(bot_faults(late(None, ACCOUNT, {}, tmp_path), ACCOUNT, tmp_path))
    assert not list(class_faults(kind(synthesizer=Synthesizer(lambda _: b""))))

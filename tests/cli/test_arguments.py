"""What is wrong with an argument is said in our words, whichever command and option it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from callboard.cli.app import app
from callboard.cli.instance_commands import COMMANDS
from callboard.tests.cli.command import in_process

CONTROL = (*(one.__name__ for one in COMMANDS), "call", "calls", "ladder")
#: What the commands of a running instance take, where a value can do no harm.
NUMBERS = ("", "abc", "nan", "-1e9", "9" * 5000)
TEXTS = ("", "\x1b[2J", "x" * 9000)
#: What may well be empty: of a path, that is the folder; of a presence, it takes the text away.
MAY_BE_EMPTY = {"FILE", "PATH", "[FILE] [CALL]", "TEXT"}
#: How a number's metavar looks.
COUNTED = {"N", "NUMBER", "RATE", "SECONDS"}
#: How typer and pydantic begin what they say.
FOREIGN = ("nput should", "Value error", "tring should", "unable to parse", "is not one of")


def parameters() -> Iterator[tuple[str, Any]]:
    """Every parameter of these commands that takes a value."""
    commands: Any = typer.main.get_command(app)
    for name in CONTROL:
        for one in commands.commands[name].params:
            if not getattr(one, "is_flag", False):
                yield name, one


def is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


PARAMETERS = list(parameters())


def arguments(command: str, wanted: Any, value: str) -> list[str]:
    """A command line in which one parameter has this value, and all that must be there is."""
    found = [command]
    for name, one in PARAMETERS:
        if one is wanted:
            found += [one.opts[0], value] if is_option(one) else [value]
        elif name == command and one.required:
            found.append("x")
    return found


@pytest.mark.parametrize(
    ("command", "parameter"),
    [pytest.param(name, one, id=f"{name}-{one.name}") for name, one in PARAMETERS],
)
def test_a_value_that_can_not_be_used_is_said_in_a_sentence(
    tmp_path: Path, command: str, parameter: Any
) -> None:
    is_number = parameter.metavar in COUNTED
    for value in NUMBERS if is_number else TEXTS:
        done = in_process(*arguments(command, parameter, value), cwd=tmp_path)
        assert done.returncode in (1, 2), value
        assert not any(words in done.stderr for words in FOREIGN), done.stderr
        assert done.stdout == ""
        said = done.stderr.splitlines()[-1]
        assert said.startswith(("callboard: ", "Error: ")) or ":1:1: " in said, said
        assert len(said) < 500 or parameter.metavar in ("FILE", "PATH")  # whose name it repeats
        is_wrong = is_number or (not value and parameter.metavar not in MAY_BE_EMPTY)
        if is_wrong:
            assert done.returncode == 2, (value, said)


def test_each_number_is_known_as_one() -> None:
    """Else the table above would try texts with it."""
    numbers = {one.name for _, one in PARAMETERS if one.metavar in COUNTED}
    assert numbers >= {"lines", "priority", "rate", "limit", "seconds", "online_within"}

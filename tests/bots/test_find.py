"""Finding a bot's class by its name, and what is said if there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.bots import Bot
from callboard.bots.find import BUILT_IN, BotError, find_bot, raised_at

DESK = "from callboard.bots import Bot\nclass Desk(Bot):\n    floor = {floor}\n"


@pytest.fixture(autouse=True)
def modules_are_forgotten() -> Iterator[None]:
    """A user's modules and folders stay for the life of the process; not in tests."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        if name.startswith("callboard_user_") or name == "helpers":
            del sys.modules[name]
    sys.path[:] = path


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_bots_have_short_names(tmp_path: Path, name: str) -> None:
    assert issubclass(find_bot(name, tmp_path), Bot)


def test_a_class_beside_the_file_and_one_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "desks.py").write_text(DESK.format(floor=1))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "desks.py").write_text(DESK.format(floor=2))
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.py").write_text(DESK.format(floor=3))
    for floor, name in enumerate(("desks:Desk", "more.desks:Desk", "whole:Desk"), 1):
        assert vars(find_bot(name, tmp_path))["floor"] == floor


def test_modules_of_the_same_name_in_two_folders_do_not_meet(tmp_path: Path) -> None:
    for floor in (1, 2):
        folder = tmp_path / str(floor)
        folder.mkdir()
        (folder / "random.py").write_text(DESK.format(floor=floor))
    for floor in (1, 2):
        assert vars(find_bot("random:Desk", tmp_path / str(floor)))["floor"] == floor
    import random

    assert random.choice([5]) == 5


def test_a_module_finds_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("FLOOR = 4\n")
    (tmp_path / "dotted.py").write_text("from .helpers import FLOOR\n" + DESK.format(floor="FLOOR"))
    (tmp_path / "plain.py").write_text("from helpers import FLOOR\n" + DESK.format(floor="FLOOR"))
    for name in ("dotted:Desk", "plain:Desk"):
        assert vars(find_bot(name, tmp_path))["floor"] == 4


def test_an_installed_module_will_do(tmp_path: Path) -> None:
    assert find_bot("callboard.bots.echo:EchoBot", tmp_path) is BUILT_IN["echo"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "ecko",
            "",
            r"there is no bot 'ecko' \(did you mean echo\?\): use one of caller, conference",
        ),
        ("desk", "", r"there is no bot 'desk': use one of .* or module:Class of your own"),
        ("not-one:Desk", "", "'not-one' is not the name of a module: write it like mybots"),
        ("nowhere:Desk", "", r"there is no nowhere.py in .*, and no module nowhere is installed"),
        ("own:Missing", DESK.format(floor=1), "own has no class 'Missing'; it has Desk"),
        ("own:Missing", "", "own has no class 'Missing'; it has no bot at all"),
        ("own:Desk", "class Desk: pass", "own:Desk is not a subclass of callboard.bots.Bot"),
        ("own:Desk", "Desk = 5", "own:Desk is not a subclass of callboard.bots.Bot"),
        ("own:Desk", "\n1 / 0", "importing own raised ZeroDivisionError at line 2: division"),
        ("own:Desk", "class Desk(", r"importing own raised SyntaxError at line 1: '\(' was never"),
        ("own:Desk", "import sys\nsys.exit(3)", "importing own raised SystemExit at line 2: 3"),
        ("own:Desk", "import no_such", "own imports the module no_such, which can't be found"),
        ("own:Desk", "from . import no_such", "importing own raised ImportError at line 1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(BotError, match=f"^{words}"):
        find_bot(name, tmp_path)


def test_the_line_is_the_last_one_in_the_file() -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$") as raised:
        fail()
    line = fail.__code__.co_firstlineno + 1
    assert raised_at(raised.value, __file__) == f" at line {line}"
    assert raised_at(raised.value, "elsewhere.py") == ""

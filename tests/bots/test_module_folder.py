"""Modules beside a YAML file that change while old code goes on."""

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.bots.find import BotError, package_of
from callboard.bots.module_folder import ModuleFolder

BOT = """\
from callboard.bots import Bot
{more}

class {name}(Bot):
    floor = {floor}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before, path = set(sys.modules), [*sys.path]
    yield tmp_path
    for name in [name for name in set(sys.modules) - before if is_within(name, tmp_path)]:
        del sys.modules[name]
    sys.path[:] = path


def is_within(name: str, folder: Path) -> bool:
    module = sys.modules[name]
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
    return any(place.startswith(str(folder)) for place in places)


def write(file: Path, name: str = "Desk", floor: object = 1, more: str = "") -> None:
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(BOT.format(name=name, floor=floor, more=more))


def found(modules: ModuleFolder, *names: str) -> list[Any]:
    with modules.renewed():
        return [modules.find(name) for name in names]


def test_only_what_has_changed_is_imported_anew(folder: Path) -> None:
    modules = ModuleFolder(folder)
    write(folder / "one.py")
    write(folder / "two.py")
    one, two = found(modules, "one:Desk", "two:Desk")
    assert found(modules, "one:Desk", "two:Desk") == [one, two]
    write(folder / "one.py", floor=2)  # within the second, and of the same size
    again, same = found(modules, "one:Desk", "two:Desk")
    assert (again.floor, one.floor) == (2, 1)
    assert same is two


WAYS = {
    "plain": ("import level", "level.FLOOR", "level.py"),
    "from": ("from level import FLOOR", "FLOOR", "level.py"),
    "dot": ("from . import level", "level.FLOOR", "level.py"),
    "dot-from": ("from .level import FLOOR", "FLOOR", "level.py"),
    "package": ("from house.level import FLOOR", "FLOOR", "house/level.py"),
    "package-init": ("import house", "house.FLOOR", "house/__init__.py"),
    "dot-package": ("from .house import level", "level.FLOOR", "house/level.py"),
    "namespace": ("import house.level", "house.level.FLOOR", "house/level.py"),
    "behind": ("from between import FLOOR", "FLOOR", "level.py"),
    "by-name": ("import importlib; L = importlib.import_module('level')", "L.FLOOR", "level.py"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_helper_that_changes_renews_who_imports_it(folder: Path, way: str) -> None:
    imports, value, helper = WAYS[way]
    modules = ModuleFolder(folder)
    (folder / helper).parent.mkdir(exist_ok=True)
    (folder / helper).write_text("FLOOR = 1\n")
    (folder / "between.py").write_text("from level import FLOOR\n")
    write(folder / "one.py", floor=value, more=imports)
    write(folder / "two.py")
    one, two = found(modules, "one:Desk", "two:Desk")
    (folder / helper).write_text("FLOOR = 2\n")
    again, same = found(modules, "one:Desk", "two:Desk")
    assert (one.floor, again.floor) == (1, 2)
    assert (same is two) == (way != "by-name")


FAULTS = {
    "syntax": ("def\n", "at line 2"),
    "raise": ("\nraise ValueError('no')\n", "ValueError at line 3: no"),
    "exit": ("raise SystemExit(3)\n", "SystemExit at line 2"),
    "missing": ("import nothing_of_this_name\n", "nothing_of_this_name"),
    "class": ("", "no class"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_module_that_cannot_be_imported_changes_nothing(folder: Path, fault: str) -> None:
    text, words = FAULTS[fault]
    modules = ModuleFolder(folder)
    (folder / "level.py").write_text("FLOOR = 1\n")
    write(folder / "one.py", floor="level.FLOOR", more="from . import level\nimport level as same")
    write(folder / "two.py")
    one, two = found(modules, "one:Desk", "two:Desk")
    before = dict(sys.modules)
    (folder / "level.py").write_text("FLOOR = 2\n")
    write(folder / "two.py", name="Desk" if text else "Other", more="import late\n")
    (folder / "late.py").write_text("import level\n")
    if text:
        (folder / "two.py").write_text(f"import late\n{text}")
    with pytest.raises(BotError, match=words):
        found(modules, "one:Desk", "two:Desk")
    after = {name: sys.modules[name] for name in before if name in sys.modules}
    assert after == before
    assert "late" not in sys.modules
    package = sys.modules[package_of(folder)]
    assert package.level.FLOOR == 1
    assert package.two is sys.modules[f"{package.__name__}.two"]
    write(folder / "two.py", floor=2)
    again, mended = found(modules, "one:Desk", "two:Desk")
    assert (again.floor, mended.floor) == (2, 2)
    assert (one.floor, two.floor) == (1, 1)


def test_a_helper_that_vanishes_is_missed(folder: Path) -> None:
    modules = ModuleFolder(folder)
    (folder / "level.py").write_text("FLOOR = 1\n")
    write(folder / "one.py", more="import level")
    (one,) = found(modules, "one:Desk")
    (folder / "level.py").unlink()
    with pytest.raises(BotError, match="imports the module level"):
        found(modules, "one:Desk")
    assert found(modules) == []
    (folder / "level.py").write_text("FLOOR = 1\n")
    (same,) = found(modules, "one:Desk")
    assert same is not one


def test_a_hundred_versions_leave_nothing_behind(folder: Path) -> None:
    modules = ModuleFolder(folder)
    versions = []
    (folder / "level.py").write_text("FLOOR = 1\n")
    write(folder / "one.py", more="from . import level")
    found(modules, "one:Desk")
    before = set(sys.modules)
    for floor in range(100):
        (folder / "level.py").write_text(f"FLOOR = {floor}\n")
        (one,) = found(modules, "one:Desk")
        versions.append(weakref.ref(one))
    del one
    gc.collect()
    assert [ref() for ref in versions[:-1]] == [None] * 99
    assert set(sys.modules) == before

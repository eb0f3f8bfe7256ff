"""What `script/test` and `script/newer` call, and that they fail when what they call fails."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from callboard.tests import conftest

ROOT = Path(__file__).resolve().parent.parent

CHECKS = ["ruff", "ruff", "types", "docs"]

STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> {folder}/called
case " {failing} " in *" {name} "*) exit 3 ;; esac
echo 3.11
"""
"""Stands for a program: notes the call, fails if told to, and answers as the Python of .venv."""


@dataclass
class House:
    """A folder with the scripts, in which each program that they call is a stub.

    Args:
        folder: where it is.
        failing: the names of the programs that fail.
    """

    folder: Path
    failing: str = ""

    def __post_init__(self) -> None:
        for name in ("script/test", "script/newer", "pyproject.toml"):
            (self.folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)

    def stub(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            label = f"{path.parent.parent.name}/{path.name}" if ".venv-" in name else path.name
            path.write_text(STUB.format(folder=self.folder, failing=self.failing, name=label))
            path.chmod(0o755)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / name, *arguments],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def called(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()


def everything(folder: Path, failing: str) -> House:
    house = House(folder, failing)
    house.stub("script/setup", "script/types", "script/docs", "script/newer")
    house.stub(".venv/bin/ruff", ".venv/bin/pytest")
    return house


@pytest.mark.parametrize(
    ("failing", "status"), [("", 0), ("pytest", 3), ("newer", 3), ("pytest newer", 3)]
)
def test_the_suite_runs_on_newer_pythons_too(tmp_path: Path, failing: str, status: int) -> None:
    house = everything(tmp_path, failing)
    assert house.run("script/test").returncode == status
    lines = house.called()
    names = [line.split()[0] for line in lines]
    assert names[0] == "setup", "all that is missing is installed first"
    [behaviour] = [number for number, line in enumerate(lines) if "--numprocesses" in line]
    assert sorted(name for name in names[:behaviour] if name in CHECKS) == sorted(CHECKS)
    assert sum("--collect-only" in line for line in lines[:behaviour]) == 1
    assert [number for number, name in enumerate(names) if name == "newer"] < [behaviour]
    assert names.count("newer") == 1


@pytest.mark.parametrize(("failing", "status"), [("", 0), ("pytest", 3)])
def test_with_arguments_only_this_python_is_tried(
    tmp_path: Path, failing: str, status: int
) -> None:
    house = everything(tmp_path, failing)
    assert house.run("script/test", "tests/live", "-k", "hold").returncode == status
    assert house.called()[-1].startswith("pytest ")
    assert house.called()[-1].endswith(" tests/live -k hold")


@pytest.mark.parametrize("failing", ["ruff", "types", "docs", "setup"])
def test_a_failing_check_fails_the_suite(tmp_path: Path, failing: str) -> None:
    assert everything(tmp_path, failing).run("script/test").returncode == 3


def newer(folder: Path, failing: str = "") -> House:
    """Python 3.12 and 3.13 are there, each with an environment that is set up."""
    house = House(folder, failing)
    house.stub("script/setup", ".venv/bin/python", "bin/python3.12", "bin/python3.13", "bin/pyenv")
    house.stub(".venv-3.12/bin/pytest", ".venv-3.13/bin/pytest")
    return house


@pytest.mark.parametrize(
    ("failing", "status"),
    [("", 0), (".venv-3.12/pytest", 3), (".venv-3.13/pytest", 3), ("setup", 3)],
)
def test_each_newer_python_is_tried(tmp_path: Path, failing: str, status: int) -> None:
    house = newer(tmp_path, failing)
    done = house.run("script/newer")
    assert done.returncode == status
    for version in ("3.12", "3.13"):
        assert f"units on Python {version}" in done.stderr
    tried = [line for line in house.called() if re.match(r"pytest .*-m unit", line)]
    assert len(tried) == (0 if failing == "setup" else 2)


@pytest.mark.parametrize("absent", ["3.12", "3.13"])
def test_an_absent_python_is_named_and_no_failure(tmp_path: Path, absent: str) -> None:
    house = newer(tmp_path, f"python{absent} pyenv")
    done = house.run("script/newer")
    assert done.returncode == 0
    assert f"Python {absent} is not here, so nothing was tried on it" in done.stderr
    assert len([line for line in house.called() if line.startswith("pytest ")]) == 1


def test_what_is_put_first_is_there() -> None:
    assert all((ROOT / "tests" / name).exists() for name in conftest.SLOW)


def test_newer_pythons_run_all_that_is_marked_for_them() -> None:
    tests = ROOT / "tests"
    rooms = [path for path in tests.iterdir() if path.is_dir() and path.name != "browser"]
    files = [file for path in rooms for file in path.rglob("test_*.py")]
    marked = {file.relative_to(tests) for file in files if "mark.unit" in file.read_text("utf-8")}
    assert len(marked) > 5
    assert not {file for file in marked if not conftest.has_units(file)}
    folders = {folder for file in marked for folder in file.parents if folder.parts}
    assert not {folder for folder in folders if not conftest.has_units(folder)}
    assert not conftest.has_units(Path("live"))


def test_continuous_integration_runs_the_whole_suite() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert script[-1] == 'exec "$(dirname "$0")/../script/test"'

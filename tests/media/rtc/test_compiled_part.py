"""The compiled part: what compilers say of it, which Pythons load it, and what turns it off."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from callboard.media.compiled import build, part

ROOT = Path(__file__).parents[3]

FOLDER = Path(part.__file__).parent

BUILT = FOLDER / "_compiled.abi3.so"

STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-O2"]
"""With -O2, as compilers find some faults only where they optimize."""


def compiled() -> ModuleType:
    """The compiled part itself: what uses it does not say why it can't be loaded."""
    return importlib.import_module(f"{part.__package__}._compiled")


def layout(ffi: Any, struct: str) -> list[tuple[str, int, str]]:
    """Where the fields of a structure are, and their types."""
    fields = ffi.typeof(f"struct {struct}").fields
    return [(name, field.offset, field.type.cname) for name, field in fields]


needs_it = pytest.mark.skipif(
    not BUILT.exists(),
    reason="The compiled part is not tested here: install gcc, libc6-dev and python3-dev, and run "
    "'script/setup test' again.",
)


@pytest.mark.parametrize("compiler", [name for name in ("gcc", "clang") if shutil.which(name)])
def test_compilers_have_no_complaints(compiler: str, tmp_path: Path) -> None:
    extension = build.ffibuilder.distutils_extension(tmpdir=str(tmp_path))
    ours = [ROOT / source for source in extension.sources[1:]]
    folders = [f"-I{ROOT / each}" for each in extension.include_dirs]
    command = [compiler, *STRICT, *folders, "-c", *map(str, ours)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.unit
@needs_it
def test_each_python_loads_what_one_has_built() -> None:
    assert Path(compiled().__file__ or "") == BUILT


@pytest.mark.unit
@needs_it
@pytest.mark.parametrize(
    "struct",
    [
        *("flows", "inbound", "left_over", "made", "outbound"),
        *("flow_burst", "flow_frame", "flow_left", "flow_piece"),
        *("flow_record", "page", "sound"),
    ],
)
def test_what_was_built_is_what_the_sources_say(struct: str) -> None:
    """A part that was built of other sources reads other fields: "script/setup" builds it anew."""
    assert layout(compiled().ffi, struct) == layout(build.ffibuilder, struct)


@pytest.mark.unit
@needs_it
@pytest.mark.parametrize(("value", "is_on"), [(None, True), ("1", True), ("", True), ("0", False)])
def test_the_environment_turns_it_off(
    value: str | None, is_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(part.SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(part.SWITCH, value)
    assert part.is_on() is is_on


@pytest.mark.unit
def test_python_alone_is_enough() -> None:
    """Where nothing could be compiled, or something for another machine lies there."""
    program = (
        "import sys\n"
        "sys.modules['callboard.media.compiled._compiled'] = None\n"
        "from callboard.media.compiled.part import is_on\n"
        "print(is_on())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout == "False\n", done.stderr

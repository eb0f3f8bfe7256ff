"""The compiled part under AddressSanitizer and UndefinedBehaviorSanitizer: it touches nothing else.

It takes packets of strangers. What is to come of them other files say, whose tests run here once
more, in a process of their own.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from callboard.media.compiled import build

ROOT = Path(__file__).parents[3]

SANITIZERS = [
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    *("-g", "-O1", "-fno-omit-frame-pointer"),
]
"""Options of gcc, by which the first fault ends the program."""

BETWEEN = ["-Drecvmsg=recvmsg_poisoning", "-Dflows_read=flows_read_itself"]
"""What the compiled part calls, and how it is called, with `poisoned.c` in between."""

PROPERTIES = "comes_in_is_the_same or goes_out or given_back or packed_sound"
"""Tests, by parts of their names, that try out the most in the least time."""

TRIAL = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
    Dl_info found;
    return !dladdr(dlsym(RTLD_DEFAULT, "__asan_init"), &found) || puts(found.dli_fname) < 0;
}
"""
"""Prints which library has to be loaded before all others."""

PROGRAM = """
import sys
from importlib.util import module_from_spec, spec_from_file_location

name, file, *arguments = sys.argv[1:]
spec = spec_from_file_location(name, file)
module = sys.modules[name] = module_from_spec(spec)
spec.loader.exec_module(module)

import pytest

status = pytest.main(arguments)
from callboard.media.compiled import part

assert part.lib is module.lib, "what was built for this is not what was tested"
sys.exit(status)
"""
"""Runs pytest with another compiled part than the one that lies beside its sources."""


def printed(command: list[str | Path], **environment: str) -> str:
    """Give what a program prints; fail with all that it said if it fails."""
    names = [name for name in os.environ if not name.startswith(("PYTEST_", "COV_"))]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**{name: os.environ[name] for name in names}, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=130,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def sanitizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of the library with which AddressSanitizer runs."""
    if shutil.which("gcc") is None:
        pytest.skip("The compiled part is not tested with sanitizers here: there is no gcc.")
    folder = tmp_path_factory.mktemp("trial")
    source, program = folder / "trial.c", folder / "trial"
    source.write_text(TRIAL, encoding="ascii")
    try:
        printed(["gcc", *SANITIZERS, source, "-ldl", "-o", program])
        return printed([program], ASAN_OPTIONS="detect_leaks=0").strip()
    except AssertionError as exc:
        pytest.skip(f"The compiled part is not tested with sanitizers here: {exc}")


@pytest.fixture(scope="module")
def built(sanitizer: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Build the compiled part with sanitizers; give its name and where it lies."""
    del sanitizer
    folder = tmp_path_factory.mktemp("built")
    extension = build.ffibuilder.distutils_extension(tmpdir=str(folder))
    called, *ours = (ROOT / source for source in extension.sources)
    gcc = [
        *("gcc", "-fPIC", *extension.extra_compile_args, *SANITIZERS),
        *(f"-I{ROOT / each}" for each in extension.include_dirs),
    ]
    parts = [folder / f"{source.stem}.o" for source in ours]
    for source, part in zip(ours, parts, strict=True):
        printed([*gcc, *BETWEEN, "-c", source, "-o", part])
    file = folder / "_compiled.abi3.so"
    printed(
        [
            *(*gcc, "-shared", f"-I{sysconfig.get_path('include')}"),
            *(called, Path(__file__).with_name("poisoned.c"), *parts),
            *(f"-l{each}" for each in extension.libraries),
            *("-o", file),
        ]
    )
    return extension.name, file


def test_packets_lead_it_nowhere_else(
    sanitizer: str, built: tuple[str, Path], tmp_path: Path
) -> None:
    name, file = built
    said = printed(
        [
            *(sys.executable, "-c", PROGRAM, name, file),
            # What the sanitizers say goes past Python.
            *("-q", "--capture=sys", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'child'}"),
            *(f"tests/media/rtc/test_{each}.py" for each in ("flows", "hostile_datagrams")),
            "tests/media/recording/test_packed_sound.py",
            *("-k", PROPERTIES),
        ],
        LD_PRELOAD=sanitizer,
        # Python lets go of little before it ends.
        ASAN_OPTIONS="detect_leaks=0",
        UBSAN_OPTIONS="print_stacktrace=1",
        CALLBOARD_COMPILED="1",
    )
    assert " passed" in said, said
    assert "skipped" not in said, said

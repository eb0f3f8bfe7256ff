"""Pykka's own test suite with our actors as its runtime.

The suite is in Pykka's source distribution. pip fetches it (of the version that is installed) when
these tests first run, into pytest's cache; nothing of it is kept in the repository.
"""

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

HERE = Path(__file__).parent

CONTRACT = 137
"""Tests of Pykka 4.5.0 that take a runtime."""

EXCEPTION = "tests/test_logging.py::test_base_exception_is_logged"
"""Wants the log to say that one actor's BaseException stops all actors; ours stops that one."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pykka's source distribution, from the package index or from an earlier run."""
    wanted = f"pykka=={version('pykka')}"
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    folder = (cache.mkdir if cache else tmp_path_factory.mktemp)(wanted.replace("==", "-"))
    if not list(folder.glob("*.tar.gz")):
        command = [sys.executable, "-m", "pip", "download", wanted, "--dest", str(folder)]
        options = ["--no-deps", "--no-binary", "pykka", "--quiet", "--retries", "1"]
        pip = subprocess.run(
            [*command, *options, "--timeout", "10", "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            check=False,
        )
        if pip.returncode:
            last = (pip.stderr.strip().splitlines() or ["no message"])[-1]
            pytest.skip(f"pip cannot fetch the source of {wanted}, which has Pykka's tests: {last}")
    return next(folder.glob("*.tar.gz"))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_actors_keep_pykkas_contract(sources: Path, tmp_path: Path, loop: str) -> None:
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path, filter="data")
    suite = next(tmp_path.iterdir())
    (suite / "callboard_runtime.py").write_text((HERE / "pykka_runtime.py").read_text())
    with (suite / "tests" / "conftest.py").open("a") as conftest:
        conftest.write(
            "\nfrom callboard_runtime import mocker, pytest_collection_modifyitems, runtime\n"
        )
    (suite / "pytest.ini").write_text("[pytest]\n")

    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "tests",
            "-q",
            "-p",
            "no:cacheprovider",
            "--deselect",
            EXCEPTION,
        ],
        cwd=suite,
        env={**os.environ, "CALLBOARD_LOOP": loop, "PYTHONPATH": str(suite)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert f"{CONTRACT - 1} passed, " in run.stdout.splitlines()[-1]

"""The files of a release: what is in them, what they say, and that they run where nothing else is.

`script/release` runs this over the files that it is about to leave in dist/: their folder is then
named by CALLBOARD_DIST.
"""

import os
import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from callboard.tests.packaging.distribution import (
    ROOT,
    SHIPPED_FROM_ROOT,
    STAYING,
    Distribution,
    Environment,
    build,
    build_wheel,
    copied,
    files_of,
    found,
    install,
    tracked,
)
from packaging.metadata import Metadata

COMPILED = "callboard/media/compiled/_compiled.abi3.so"
"""What is in the wheel besides the package's own files, where there is a compiler."""

ARE_COMPILED = "from callboard.media.compiled.part import is_on; print(is_on())"

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    if given := os.environ.get("CALLBOARD_DIST"):
        return found(Path(given))
    folder = tmp_path_factory.mktemp("release")
    return build(copied(folder / "tree"), folder / "dist")


@pytest.fixture(scope="module")
def environment(
    distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    return install(distribution.wheel, tmp_path_factory.mktemp("fresh") / "venv")


@pytest.fixture(scope="module")
def metadata(distribution: Distribution) -> Metadata:
    return Metadata.from_email(distribution.metadata(), validate=True)


def test_the_source_distribution_is_the_repository(distribution: Distribution) -> None:
    files = distribution.source_files()
    made = {name for name in files if name.startswith("callboard.egg-info/")}
    assert set(files) - made - {"PKG-INFO", "setup.cfg"} == tracked()
    assert files.total() == len(files), "a file is there twice"


def test_the_wheel_is_the_package(distribution: Distribution) -> None:
    wanted = set()
    for name in tracked():
        top, _, rest = name.partition("/")
        if name in SHIPPED_FROM_ROOT or (rest and top not in STAYING and top[0] != "."):
            wanted.add(f"callboard/{name}")
    files = distribution.wheel_files()
    assert {name for name in files if ".dist-info/" not in name} - {COMPILED} == wanted
    assert files.total() == len(files), "a file is there twice"


def can_compile() -> bool:
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return sys.platform == "linux" and shutil.which("cc") is not None and headers.exists()


@pytest.mark.skipif(not can_compile(), reason="there is no C compiler, or no headers of Python")
@pytest.mark.skipif(os.environ.get("CALLBOARD_COMPILED") == "0", reason="it is switched off")
def test_one_wheel_with_the_compiled_part_serves_each_python(
    distribution: Distribution, environment: Environment, tmp_path: Path
) -> None:
    assert "-cp311-abi3-linux_" in distribution.wheel.name
    assert COMPILED in distribution.wheel_files()
    done = environment.run("python", "-c", ARE_COMPILED, cwd=tmp_path)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(
    ("environ", "tag"),
    [
        pytest.param({"CC": "false"}, "-", id="no-compiler"),
        pytest.param({"PYTHONPATH": "{tree}/without_cffi"}, "-py3-none-any", id="no-cffi"),
        pytest.param({"CALLBOARD_COMPILED": "0"}, "-py3-none-any", id="switched-off"),
    ],
)
def test_it_runs_without_the_compiled_part(
    environ: dict[str, str], tag: str, tmp_path: Path
) -> None:
    tree = copied(tmp_path / "tree")
    (tree / "without_cffi").mkdir()
    (tree / "without_cffi/cffi.py").write_text("raise ImportError\n")
    given = {key: value.format(tree=tree) for key, value in environ.items()}
    wheel = build_wheel(tree, tmp_path / "dist", **given)
    assert wheel.stem.partition("-0.1.0")[2].startswith(tag)
    assert not [name for name in files_of(wheel) if name.endswith(".so")]
    done = install(wheel, tmp_path / "venv").run("python", "-c", ARE_COMPILED, cwd=tmp_path)
    assert done.stdout == "False\n", done.stderr


def test_metadata_are_valid_and_say_what_it_runs_on(metadata: Metadata) -> None:
    assert metadata.name == "callboard"
    assert metadata.license_expression == "MIT"
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")
    assert metadata.description_content_type == "text/markdown"
    assert {"Source", "Documentation", "Issues", "Changelog"} <= set(metadata.project_urls or {})
    assert metadata.requires_python is not None
    for classifier in metadata.classifiers or []:
        kind, _, version = classifier.rpartition(" :: ")
        if kind == "Programming Language :: Python":
            assert version in metadata.requires_python


def test_the_changelog_has_the_version(metadata: Metadata) -> None:
    heads = [
        line.split()[1]
        for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert heads[0] == str(metadata.version)


def test_it_is_built_with_pinned_packages() -> None:
    """An extra that somebody adds must not move by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").split()
    }
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *(one for extra in extras for one in extra)]
    names = {one.partition(">")[0].partition("[")[0].lower() for one in wanted} - {"callboard"}
    assert names <= pinned


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("callboard", "--version"), id="version"),
        pytest.param(("callboard", "load", "--help"), id="load"),
        pytest.param(("callboard", "schema", "--plan"), id="schema"),
        pytest.param(("python", "-m", "callboard", "--help"), id="module"),
        pytest.param(
            ("callboard", "demo", "--seconds", "1", "--audio-only", "--out", "out"), id="demo"
        ),
    ],
)
def test_the_wheel_alone_runs(
    environment: Environment, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = environment.run(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    assert not done.stderr


def test_only_the_wheel_is_looked_at(environment: Environment, tmp_path: Path) -> None:
    """Every module can be imported, and each comes from the new environment."""
    program = (
        "import callboard, importlib, pkgutil\n"
        "for one in pkgutil.walk_packages(callboard.__path__, 'callboard.'):\n"
        "    if one.name != 'callboard.__main__':\n"
        "        print(importlib.import_module(one.name).__file__)\n"
    )
    done = environment.run("python", "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    files = done.stdout.splitlines()
    assert len(files) > 100
    assert [file for file in files if not file.startswith(f"{environment.folder}/")] == []

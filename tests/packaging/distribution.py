"""The files of a release, built from a copy of the repository, and where to try them."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SHIPPED_FROM_ROOT = {"__init__.py", "__main__.py", "py.typed"}
"""What the root gives to the package itself; the rest of it is about the repository."""

STAYING = {"benchmarks", "deploy", "docs", "examples", "script", "tests"}
"""Folders of the repository that no user of the package needs."""

DECOYS = [
    ".venv/lib/python3/site-packages/decoy/__init__.py",
    ".venv-3.13/lib/decoy.py",
    "tests/browser/node_modules/decoy/index.js",
    "tests/browser/node_modules/decoy/decoy.py",
    "load/__pycache__/plan.cpython-311.pyc",
    "tests/__pycache__/test_docs.cpython-311.pyc",
    "load/plan/plan.py~",
    "media/compiled/_compiled.abi3.so",
    "media/compiled/_compiled.cpython-311-x86_64-linux-gnu.so",
    "build/lib/callboard/decoy.py",
    "dist/decoy.whl",
    ".git",
    ".setup.lock",
    "callboard-demo/calls.jsonl",
    "recordings/calls.jsonl",
]
"""What lies about in a folder that people work in, and must not be in a release."""


def tracked() -> set[str]:
    """The files of the repository, those that are new and not ignored among them."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return {name for name in done.stdout.decode().split("\0") if name and (ROOT / name).exists()}


def copied(folder: Path) -> Path:
    """A copy of the repository with `DECOYS` in it."""
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for name in DECOYS:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("raise AssertionError('a decoy was shipped')\n")
    return folder


@dataclass(frozen=True)
class Distribution:
    """A source distribution, and the wheel that was made from it."""

    source: Path
    wheel: Path

    def source_files(self) -> Counter[str]:
        """The files of the source distribution, without the folder in which all lie."""
        with tarfile.open(self.source) as archive:
            names = [member.name for member in archive if member.isfile()]
        return Counter(name.partition("/")[2] for name in names)

    def wheel_files(self) -> Counter[str]:
        """The files of the wheel."""
        return files_of(self.wheel)

    def metadata(self) -> bytes:
        """The wheel's METADATA."""
        with zipfile.ZipFile(self.wheel) as archive:
            name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
            return archive.read(name)


def files_of(wheel: Path) -> Counter[str]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return Counter(archive.namelist())


def found(folder: Path) -> Distribution:
    """The one distribution that a folder holds."""
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Distribution(source, wheel)


def build(tree: Path, out: Path) -> Distribution:
    """Build both files with the setuptools of this environment."""
    _run_build(tree, out)
    return found(out)


def build_wheel(tree: Path, out: Path, **environ: str) -> Path:
    """Build the wheel alone, with what is to be in its environment."""
    _run_build(tree, out, "--wheel", **environ)
    [wheel] = out.iterdir()
    return wheel


def _run_build(tree: Path, out: Path, *arguments: str, **environ: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments]
    done = subprocess.run(
        [*command, "--outdir", str(out), str(tree)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment with one wheel, which sees what else is installed here."""

    folder: Path

    def run(self, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run one of its programs, with nothing in the environment that names another folder."""
        program, *rest = map(str, arguments)
        environ = {key: value for key, value in os.environ.items() if key[:6] != "PYTHON"}
        return subprocess.run(
            [self.folder / "bin" / program, *rest],
            cwd=cwd,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=90,
        )


def install(wheel: Path, folder: Path) -> Environment:
    """Install a wheel alone into a new environment.

    Other packages come from this environment through a .pth file. The .pth files that lie there
    are not read, so an editable installation of Callboard is not seen.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install"]
    done = subprocess.run(
        [*pip, "--quiet", "--no-index", "--no-deps", str(wheel)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "others.pth").write_text("".join(f"{path}\n" for path in sorted(here)))
    return Environment(folder)

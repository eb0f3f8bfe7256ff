"""Runs every benchmark and writes what was found to ``benchmarks/RESULTS.md``."""

import argparse
import asyncio
import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from callboard.benchmarks.usage import allow_files, here

HERE = Path(__file__).parent
TARGET = HERE / "RESULTS.md"
BENCHMARKS = (
    "login",
    "relogin",
    "memory",
    "leg",
    "packets",
    "core",
    "picture",
    "live",
    "lateness",
    "bridge",
    "listener",
    "listen_button",
    "board",
    "pages",
    "speech",
    "actors",
    "setup",
    "control",
    "growth",
    "watching",
    "floor",
    "ladders",
)
LIBRARIES = ("slixmpp", "aiortc", "aioice", "pykka", "uvloop", "av", "cryptography")
PROGRAMS = {
    "Prosody": ("prosodyctl", "about"),
    "tsung": ("tsung", "-v"),
    "Chromium": ("chromium", "--version"),
}


def machine() -> list[str]:
    """Describe where and with what this was measured, a line each."""
    lines = [f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"]
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        text = cpuinfo.read_text(encoding="utf-8")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = found[1] if found is not None else ""
    cores = len(os.sched_getaffinity(0))
    lines.append(f"Machine: {cores} cores, {model or platform.machine()}, {_gigabytes():.0f} GB")
    lines.append(f"System: {platform.system()} {platform.release()}, {_distribution()}")
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines.append(f"Python {platform.python_version()}, {libraries}")
    programs = [f"{name} {number}" for name in PROGRAMS if (number := _program(name))]
    lines.append(", ".join(programs))
    return lines


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown distribution"


def _program(name: str) -> str:
    command = PROGRAMS[name]
    path = shutil.which(command[0])
    if path is None:
        return ""
    done = subprocess.run(  # noqa: S603 - ours
        [path, *command[1:]], capture_output=True, text=True, timeout=20, check=False
    )
    found = re.search(r"\d+\.\d+(\.\d+)*", done.stdout + done.stderr)
    return "" if found is None else found[0]


async def run(name: str, quick: bool) -> str:
    """Run one benchmark; return its part of the page, also when it failed."""
    if quick:
        here.set(True)
        measure = importlib.import_module(f"callboard.benchmarks.{name}").measure
        return str(await measure(True))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / f"{name}.py")),
        stdout=asyncio.subprocess.PIPE,
    )
    load, began = os.getloadavg()[0], datetime.now(UTC)
    out, _ = await process.communicate()
    if process.returncode:
        return f"## {name}\n\nNot measured: it failed with status {process.returncode}.\n"
    when = f"{began:%Y-%m-%d %H:%M} UTC, at a load of {load:.1f} when it began."
    return f"{out.decode().strip()}\n\nMeasured {when}\n"


def page(described: list[str], parts: list[str]) -> str:
    """Put the page together.

    Args:
        described: the machine, a line each.
        parts: what each benchmark found.
    """
    head = [
        "# Speed and memory",
        (
            "Made by `script/bench`; see `benchmarks/` for how. Each ratio says how many times "
            "better ours is; under 1 it is worse. Figures are medians of trials in turns. A load "
            "above 0.5 at the beginning says that the machine had something else to do, which "
            "makes each figure of CPU and time worse, ours as theirs."
        ),
        "\n".join(f"- {line}" for line in described),
    ]
    notes = HERE / "NOTES.md"
    if notes.exists():
        parts = [*parts, notes.read_text(encoding="utf-8")]
    return "\n\n".join([*head, *(part.strip() for part in parts)]) + "\n"


async def main() -> None:
    """Run what was asked for; the page is written anew after each benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="show that all run; write nothing")
    parser.add_argument("only", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if none is named")
    given = parser.parse_args()
    allow_files()
    described = machine()
    kept = HERE / "build"
    parts = []
    for name in BENCHMARKS:
        part = kept / f"{name}.md"
        if not given.only or name in given.only:
            sys.stderr.write(f"bench: {name}\n")
            found = await run(name, given.quick)
            sys.stdout.write(found + "\n")
            if given.quick:
                continue
            kept.mkdir(exist_ok=True)
            part.write_text(found, encoding="utf-8")
        if part.exists():
            parts.append(part.read_text(encoding="utf-8"))
        if not given.quick:
            TARGET.write_text(page(described, parts), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())

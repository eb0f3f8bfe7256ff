"""What docs/upstream.md says of libraries is so; when it is not any more, a workaround can go."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "upstream.md").read_text()
SECTIONS = [part.partition("\n") for part in re.split(r"(?m)^### ", PAGE)[1:]]
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)

PROGRAM = """\
import json, os, signal, sys, tempfile
import aiortc

for code in json.load(sys.stdin):
    with tempfile.TemporaryFile() as said:
        if (pid := os.fork()) == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            signal.alarm(60)
            break
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said.seek(0)
        print(json.dumps([status, said.read().decode()]))
else:
    sys.exit()
exec(compile(code, "docs/upstream.md", "exec"), {"__name__": "__main__"})
"""
"""Runs each program of a list in a process of its own, where the library is read already."""


def test_the_versions_are_those_that_are_installed() -> None:
    told = dict(re.findall(r"\b(aiortc|aioice|pylibsrtp) (\d+\.\d+\.\d+)", PAGE))
    assert told == {name: version(name) for name in ("aiortc", "aioice", "pylibsrtp")}


@pytest.fixture(scope="module")
def ended() -> dict[str, tuple[int, str]]:
    """How the code of each section ends, and what it says."""
    codes = {title: "\n".join(CODE.findall(text)) for title, _, text in SECTIONS}
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM],
        input=json.dumps(list(codes.values())),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a fork has one thread only
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(codes, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize(("title", "text"), [(title, text) for title, _, text in SECTIONS])
def test_a_fault_is_as_it_is_told(ended: dict[str, tuple[int, str]], title: str, text: str) -> None:
    assert "*Right:*" in text, title
    assert "*Here:*" in text, title
    assert len(CODE.findall(text)) == 1
    status, said = ended[title]
    assert status == 0, f"{title}: {said}"

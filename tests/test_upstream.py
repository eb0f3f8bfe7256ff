"""What docs/upstream.md says of libraries is so; when it is not any more, a workaround can go."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "upstream.md").read_text()
SECTIONS = [part.partition("\n") for part in re.split(r"(?m)^### ", PAGE)[1:]]


def test_the_versions_are_those_that_are_installed() -> None:
    told = dict(re.findall(r"\b(aiortc|aioice|pylibsrtp) (\d+\.\d+\.\d+)", PAGE))
    assert told == {name: version(name) for name in ("aiortc", "aioice", "pylibsrtp")}


@pytest.mark.parametrize(("title", "text"), [(title, text) for title, _, text in SECTIONS])
def test_a_fault_is_as_it_is_told(title: str, text: str) -> None:
    assert "*Right:*" in text, title
    assert "*Here:*" in text, title
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ended = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, f"{title}: {ended.stderr}"

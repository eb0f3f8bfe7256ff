"""``callboard ladder``."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import typer

from ..config import ConfigError, load
from ..ladder.folder import LadderNotFound, find_ladder
from ..ladder.ladder import Ladder
from ..ladder.mermaid import mermaid
from ..ladder.svg import svg
from ..ladder.text import ASCII, text
from .views.printable import printable

Format = Literal["text", "svg", "json", "mermaid"]


def ladder(call: str, file: Path, *, form: Format) -> int:
    """Print the ladder of a call.

    Args:
        call: which one.
        file: the YAML file of its accounts, or the file of detail records.
        form: how it is shown.

    Returns:
        the exit status: 0 it is printed, 1 there is no such ladder, 2 the file is wrong.
    """
    try:
        found = find_ladder(_records(file), call)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        return 2
    except (LadderNotFound, OSError) as error:
        typer.echo(f"callboard: {printable(str(error))}", err=True)
        return 1
    for line in _SHOWN[form](found):
        typer.echo(line)
    return 0


def _records(file: Path) -> Path:
    return file if file.suffix == ".jsonl" else load(file).call_log


def _text(ladder: Ladder) -> Iterable[str]:
    lines = text(ladder, colours=sys.stdout.isatty())
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        try:
            line.encode(encoding)
            yield line
        except UnicodeEncodeError:
            yield line.translate(ASCII).encode(encoding, "replace").decode(encoding)


def _json(ladder: Ladder) -> Iterable[str]:
    yield json.dumps(ladder.to_json(), ensure_ascii=False, indent=2)


def _svg(ladder: Ladder) -> Iterable[str]:
    yield svg(ladder).rstrip()


_SHOWN: dict[Format, Callable[[Ladder], Iterable[str]]] = {
    "text": _text,
    "svg": _svg,
    "json": _json,
    "mermaid": mermaid,
}

"""``callboard run`` with what nearly everybody gives it, for which typer need not be imported.

To import typer and to let it read one file's name takes a tenth of a start. So it judges only what
is not as plain as ``run FILE --json``.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .views.standard_streams import install_outlets

if TYPE_CHECKING:
    from ..config.metrics import ListenAddress

#: What may stand on the line besides the file, and nothing else.
SWITCHES = frozenset({"--dev", "--json", "--web"})
#: How the names of variables end by which a shell asks typer to complete a line.
_COMPLETES = "_COMPLETE"


def plain_run(words: Sequence[str]) -> Callable[[], int] | None:
    """Return what runs a file and gives the exit status; None: the line is for typer to read.

    Args:
        words: what stands behind ``callboard``.
    """
    if words[:1] != ["run"] or any(name.endswith(_COMPLETES) for name in os.environ):
        return None
    rest = [one for one in words[1:] if one not in SWITCHES]
    if len(rest) != 1 or not rest[0] or rest[0].startswith("-"):
        return None
    web, dev, json = (name in words for name in ("--web", "--dev", "--json"))
    return partial(run_from_start, Path(rest[0]), web=web, dev=dev, json=json)


def run_from_start(
    file: Path,
    *,
    within: float | None = None,
    metrics: "ListenAddress | None" = None,
    web: bool = False,
    dev: bool = False,
    json: bool = False,
) -> int:
    """Run the accounts of a file: see `run.run`, which is imported while its server begins."""
    if sys.stderr.isatty():  # a person waits, and what follows is slow to read
        print(f"callboard: starting {file} …", file=sys.stderr, flush=True)  # noqa: T201
    from .early_server import early_server  # noqa: PLC0415 - it is said first, see above
    from .main_loop import command_loop  # noqa: PLC0415

    with command_loop() as on_loop, early_server(file, on_loop) as server:
        from .run import run  # noqa: PLC0415 - it is slow to import

        install_outlets()
        return run(
            file,
            within=within,
            metrics=metrics,
            web=web,
            json=json,
            dev=dev,
            on_loop=on_loop,
            server=server,
        )

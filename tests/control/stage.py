"""An instance that runs, with its control socket."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callboard.tests.live.stage import Stage, staged


@asynccontextmanager
async def controlled(
    folder: Path, accounts: Sequence[str | Mapping[str, Any]], **settings: Any
) -> AsyncIterator[tuple[Stage, Path]]:
    """Run accounts as `staged` does; give the stage and the path of the control socket.

    Args:
        folder: where recordings go.
        accounts: what the YAML file would have.
        settings: what else `staged` takes.
    """
    with tempfile.TemporaryDirectory() as short:  # a socket's path has 107 octets
        path = Path(short, "s")
        async with staged(folder, accounts, control=path, **settings) as stage:
            yield stage, path

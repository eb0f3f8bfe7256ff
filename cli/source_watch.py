"""Noticing that a file or its bots have changed, for whoever writes them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

#: Milliseconds in which further changes count as one with the first: editors write in steps.
TOGETHER = 200


@asynccontextmanager
async def watched_sources(file: Path, changed: Callable[[], None]) -> AsyncIterator[None]:
    """Call a function whenever a YAML file or a module beside it changes. Needs ``callboard[dev]``.

    Args:
        file: the YAML file.
        changed: called on the loop, once for changes that come together.
    """
    watching = asyncio.create_task(_watch(file, changed), name=f"watch over {file.parent}")
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(file: Path, changed: Callable[[], None]) -> None:
    from watchfiles import Change, DefaultFilter, awatch  # noqa: PLC0415 - an extra

    sources = DefaultFilter()  # leaves out .venv, .git and the like

    def is_source(change: Change, path: str) -> bool:
        return sources(change, path) and (path.endswith(".py") or Path(path).name == file.name)

    try:
        async for changes in awatch(file.parent, watch_filter=is_source, debounce=TOGETHER):
            names = sorted({Path(path).name for _, path in changes})
            log.info("changed: %s", ", ".join(names))
            changed()
    except Exception as error:  # the folder is gone, or the system has no more watches
        log.error("changes of files are noticed no more: %s: restart to try again", error)

"""The file of call detail records."""

import logging
from pathlib import Path
from typing import Any

import aiofiles
import aiofiles.os

from .call_record import CallRecord
from .runtime import AsyncioActor, handles

log = logging.getLogger(__name__)


class CallLog(AsyncioActor):
    """Appends each `CallRecord` to a file of JSON lines, and passes it on.

    Its handler awaits the disk, so that records keep their order and none is lost at the end.

    Args:
        path: the file; its folder is made if it is not there. None keeps no file.
        also: told each record after it has been written.
    """

    def __init__(self, path: Path | None, also: Any = None) -> None:
        super().__init__()
        self._path = path
        self._also = also

    async def on_start(self) -> None:
        """Open the file once, so that a folder that can't be written to is noticed at the start."""
        if self._path is not None:
            await aiofiles.os.makedirs(self._path.parent, exist_ok=True)
            async with aiofiles.open(self._path, "a", encoding="utf-8"):
                pass

    @handles(CallRecord)
    async def _write(self, record: CallRecord) -> None:
        if self._path is not None:
            try:
                async with aiofiles.open(self._path, "a", encoding="utf-8") as file:
                    await file.write(record.to_json() + "\n")
            except OSError as error:
                log.error(
                    "%s: %s; the record of %s is here instead: %s",
                    self._path,
                    error.strerror,
                    record.id,
                    record.to_json(),
                )
        if self._also is not None:
            self._also(record)

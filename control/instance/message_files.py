"""Messages of conversations in files, if the configuration file wants them there."""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import to_json

from .. import models

log = logging.getLogger(__name__)

#: Octets of a file, after which another one begins; so does it each day, and at each start.
LARGEST = 8 << 20
#: Octets of all files; beyond that the oldest goes.
MOST = 256 << 20
#: Octets that are read at the start, the newest ones.
MOST_READ = 16 << 20

_NAME = re.compile(r"messages-(\d{8})t\d{6}z(-\d{1,6})?\.jsonl")


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message of a conversation, as it is kept.

    Attributes:
        account: our bare JID.
        peer: the peer's.
        text: the message.
    """

    account: str
    peer: str
    text: "models.conversations.ChatText"


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """What became of a message of ours, as it is kept.

    Attributes:
        account: our bare JID.
        peer: the peer's.
        id: the message's.
        delivery: whether the peer has it.
    """

    account: str
    peer: str
    id: str
    delivery: Literal["received", "failed"]


Kept = KeptMessage | KeptDelivery

_LINES: TypeAdapter[Kept] = TypeAdapter(Kept, config=ConfigDict(defer_build=True))


class MessageFiles:
    """A folder of files of JSON lines, each of mode 0600. Everything blocks.

    Args:
        folder: where they are; it is made when the first message comes.
        largest: octets of a file.
        most: octets of all.
    """

    def __init__(self, folder: Path, largest: int = LARGEST, most: int = MOST) -> None:
        self._folder = folder
        self._largest = largest
        self._most = most
        self._file: int | None = None
        self._day = ""
        self._size = 0

    def append(self, kept: Iterable[Kept]) -> None:
        """Write messages.

        Raises:
            OSError: they can't be written.
        """
        octets = b"".join(to_json(one) + b"\n" for one in kept)
        day = f"{datetime.now(UTC):%Y%m%d}"
        if self._file is None or day != self._day or self._size >= self._largest:
            self.close()
            self._file, self._day, self._size = self._begin(), day, 0
        written = os.write(self._file, octets)
        if written < len(octets):  # the disk is full: nothing stays of what is not whole
            os.ftruncate(self._file, self._size)
            raise OSError(28, "No space left on device", str(self._folder))
        self._size += written

    def close(self) -> None:
        """Close the file that is written to."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self) -> Iterator[Kept]:
        """Give the newest messages of earlier runs, in their order; what is damaged is left out.

        Raises:
            OSError: a file can't be read.
        """
        found: list[Path] = []
        left = MOST_READ
        for path in reversed(self._files()):
            left -= path.stat().st_size
            if found and left < 0:
                break
            found.append(path)
        for path in reversed(found):
            yield from self._lines(path)

    def remove(self, age: float | None) -> int:
        """Remove the oldest files beyond the bound, and those in which all is too old.

        Args:
            age: seconds that messages may have; None: any.

        Returns:
            How many files.

        Raises:
            OSError: one can't be removed.
        """
        before = 0.0 if age is None else time.time() - age
        total = count = 0
        for place, path in enumerate(reversed(self._files())):
            status = path.stat()
            total += status.st_size
            is_written_to = place == 0 and self._file is not None
            if not is_written_to and (status.st_mtime < before or total > self._most):
                path.unlink()
                count += 1
        return count

    def _files(self) -> list[Path]:
        """List the files, the oldest first."""
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            return sorted(
                (
                    Path(one.path)
                    for one in entries
                    if _NAME.fullmatch(one.name) and one.is_file(follow_symlinks=False)
                ),
                key=_order,
            )
        return []

    def _begin(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        name = f"messages-{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
        for number in range(1_000_000):
            end = f"-{number}" if number else ""
            with suppress(FileExistsError):
                return os.open(self._folder / f"{name}{end}.jsonl", flags, 0o600)
        raise FileExistsError(17, "too many files of this second", str(self._folder))

    def _lines(self, path: Path) -> Iterator[Kept]:
        damaged = 0
        with path.open("rb") as file:
            for line in file:
                try:
                    found = _LINES.validate_json(line)
                    if isinstance(found, KeptMessage):
                        datetime.fromisoformat(found.text.time)
                except ValueError:
                    damaged += 1
                    continue
                yield found
        if damaged:
            log.warning("%s: %d damaged lines are left out", path, damaged)


def _order(path: Path) -> tuple[str, int]:
    """Return what sorts files by when they began."""
    match = _NAME.fullmatch(path.name)
    number = int((match[2] or "-0")[1:]) if match else 0
    return path.name[:25], number

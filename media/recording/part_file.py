"""The file on the disk: `.part` while it grows, its own name when it is whole."""

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .container import Chunk, write_all

PART = ".part"
LONGEST_STEM = 64
"""Characters of a name without its suffixes and number; with them it stays within 80."""

OURS = re.compile(r"\d{8}t\d{6}z-[a-z0-9-]{1,60}\.(mkv|mka|ogg|wav)\.part")
"""What the names of our unfinished files look like."""


@dataclass(frozen=True, slots=True)
class FinishedRecording:
    """A recording that is whole.

    Attributes:
        path: Where it is.
        seconds: How long it is.
        bytes: How large it is, in octets.
    """

    path: Path
    seconds: float
    bytes: int


def stem(name: str, moment: datetime) -> str:
    """Make a file's name without suffix: UTC time first, then what of ``name`` is safe.

    Where that is too long, the domains are left out, then the beginning of each JID: the members
    of a fleet differ in the number at the end of their user names.

    Args:
        name: Anything, such as the JIDs of a call with a space between them.
        moment: When the recording began, in UTC.

    Returns:
        1 to 64 characters of ``a-z``, ``0-9`` and ``-``.
    """
    time = f"{moment:%Y%m%dt%H%M%Sz}"
    room = LONGEST_STEM - len(time) - 1
    safe = _safe(name)
    if len(safe) > room:
        words = [_safe(word.partition("@")[0]) for word in name.split()]
        safe = _ends([word for word in words if word][: room // 2], room)
    return f"{time}-{safe or 'call'}"


def _ends(words: list[str], room: int) -> str:
    """Join words, of which the long ones lose their beginnings so that all fit."""
    left = room - len(words) + 1
    kept = dict.fromkeys(range(len(words)), "")
    for done, place in enumerate(sorted(kept, key=lambda place: len(words[place]))):
        share = left // (len(words) - done)
        kept[place] = words[place][-share:].strip("-")
        left -= len(kept[place])
    return "-".join(kept.values())


def _safe(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class PartFile:
    """A new file of mode 0600, locked so that `recover_recordings` leaves it alone.

    Args:
        folder: Where it goes; made if missing.
        stem: Its name without suffix, of safe characters. A number is added if the name is taken.
        suffix: ".mkv" and the like.
        others: Suffixes that must be free, too, under the same name: see `beside`.

    Raises:
        OSError: If it can't be made.
    """

    def __init__(self, folder: Path, stem: str, suffix: str, others: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self._part, self._wanted = _create(folder, stem, suffix, others)

    @property
    def base(self) -> Path:
        """Where it will be, without suffix."""
        return self._wanted.with_suffix("")

    def beside(self, suffix: str) -> "PartFile":
        """Make a file of the same name, with another suffix.

        Raises:
            OSError: If it can't be made.
        """
        return PartFile(self._wanted.parent, self._wanted.stem, suffix)

    @property
    def is_gone(self) -> bool:
        """Whether the file is no longer under its name: it, or its folder, was removed or moved."""
        try:
            there, mine = self._part.lstat(), os.fstat(self.file)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)

    def check(self) -> None:
        """See that the file is there: what is written to one that was removed is lost.

        Raises:
            FileNotFoundError: It is gone.
        """
        if self.is_gone:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._part))

    def write(self, chunks: list[Chunk]) -> None:
        """Write octets where they belong.

        Raises:
            OSError: If not all could be written.
        """
        for offset, data in chunks:
            write_all(self.file, data, offset)

    def publish(self, seconds: float, suffix: str) -> FinishedRecording:
        """Give the file its own name, and close it.

        Args:
            seconds: How long the recording in it is.
            suffix: What it turned out to be: ".mka" for a ".mkv" without video.

        Raises:
            OSError: If the name can't be given. The file is closed and keeps its `.part` name.
        """
        try:
            return publish(self.file, self._part, self._wanted.with_suffix(suffix), seconds)
        finally:
            os.close(self.file)

    def remove(self) -> None:
        """Close the file and remove it, if that can be done."""
        os.close(self.file)
        with contextlib.suppress(OSError):
            self._part.unlink()


def publish(file: int, part: Path, wanted: Path, seconds: float) -> FinishedRecording:
    """Give a `.part` file its own name, or that with a number if it is taken; nothing is replaced.

    Args:
        file: Its descriptor.
        part: Its name now.
        wanted: The name it should get.
        seconds: How long the recording in it is.

    Raises:
        OSError: If the name can't be given.
    """
    for path in _numbered(wanted.parent, wanted.stem, wanted.suffix):
        try:
            os.link(part, path)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
                raise
            if path.exists():
                continue
            part.rename(path)  # a file system without hard links
        else:
            part.unlink()
        return FinishedRecording(path, seconds, os.fstat(file).st_size)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(wanted))


def lock(file: int, part: Path) -> bool:
    """Lock a `.part` file for this process, and see that it still is the one under that name.

    Returns:
        Whether it is ours now. A living process that writes it has it locked.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = part.lstat()
    except (BlockingIOError, FileNotFoundError):
        return False
    mine = os.fstat(file)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _create(folder: Path, stem: str, suffix: str, others: Sequence[str]) -> tuple[int, Path, Path]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for path in _numbered(folder, stem, suffix):
        siblings = [path.with_suffix(other) for other in others]
        taken = [path, *siblings, *(sibling.with_name(sibling.name + PART) for sibling in siblings)]
        if any(each.exists() for each in taken):
            continue
        part = path.with_name(path.name + PART)
        try:
            file = os.open(part, flags, 0o600)
        except FileExistsError:
            continue
        if lock(file, part):
            return file, part, path
        os.close(file)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder / stem))


def _numbered(folder: Path, stem: str, suffix: str) -> list[Path]:
    return [
        folder / f"{stem}{number}{suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000)))
    ]

"""The file on the disk: `.part` while it grows, its own name when it is whole."""

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from .container import Chunk, joined, write_all

PART = ".part"
TIME = len("20261122t184336z")
"""Characters of the time with which a name begins."""

LONGEST_STEM = 64
"""Characters of a name without its suffixes and number; with them it stays within 80."""

OURS = re.compile(r"\d{8}t\d{6}z-[a-z0-9-]{1,60}\.(mkv|mka|ogg|wav)\.part")
"""What the names of our unfinished files look like."""


class FinishedRecording(Struct, frozen=True):
    """A finished recording.

    Attributes:
        path: Its file.
        seconds: Its length.
        bytes: Its size in octets.
    """

    path: Path
    seconds: float
    bytes: int


def stem(name: str, moment: datetime) -> str:
    """Make a file's name without suffix: the UTC time, then the safe characters of ``name``.

    If that is too long, the domains are left out, then the beginning of each JID: members of a
    fleet differ in the number at the end of their user names.

    Args:
        name: Any text, such as the JIDs of a call with a space between them.
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
    """Join words, and cut the beginnings of the long ones so that all fit."""
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
        stem: Its name without suffix, of safe characters. A number is added if it is taken.
        suffix: Such as ".mkv".
        others: More suffixes that must be free under the same name: see `beside`.

    Raises:
        OSError: It can't be made.
    """

    def __init__(self, folder: Path, stem: str, suffix: str, others: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self._part, self._wanted = _create(folder, stem, suffix, others)
        self._mine = _identity(os.fstat(self.file))

    @property
    def base(self) -> Path:
        """Where it will be, without suffix."""
        return self._wanted.with_suffix("")

    def beside(self, suffix: str) -> "PartFile":
        """Make a file of the same name with another suffix.

        Args:
            suffix: Such as ".ogg".

        Raises:
            OSError: It can't be made.
        """
        return PartFile(self._wanted.parent, self._wanted.stem, suffix)

    @property
    def is_gone(self) -> bool:
        """Whether the file, or its folder, was removed or moved."""
        try:
            return _identity(os.lstat(self._part)) != self._mine
        except OSError:
            return True

    def check(self) -> None:
        """Check that the file is still there: what is written to a removed file is lost.

        Raises:
            FileNotFoundError: It is gone.
        """
        if self.is_gone:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._part))

    def write(self, chunks: list[Chunk]) -> None:
        """Write octets where they belong; what stands side by side, in one system call.

        Raises:
            OSError: Not all could be written.
        """
        for offset, data in joined(chunks):
            write_all(self.file, data, offset)

    def publish(self, seconds: float, suffix: str) -> FinishedRecording:
        """Give the file its final name, and close it.

        Args:
            seconds: The length of the recording in it.
            suffix: The final suffix: ".mka" for a ".mkv" without video.

        Raises:
            OSError: It can't be renamed. The file is closed and keeps its `.part` name.
        """
        try:
            return publish(self.file, self._part, self._wanted.with_suffix(suffix), seconds)
        finally:
            os.close(self.file)

    def remove(self) -> None:
        """Close the file, and remove it if possible."""
        os.close(self.file)
        with contextlib.suppress(OSError):
            self._part.unlink()


def publish(file: int, part: Path, wanted: Path, seconds: float) -> FinishedRecording:
    """Give a `.part` file its final name, with a number if that is taken. Nothing is replaced.

    Args:
        file: Its descriptor.
        part: Its present path.
        wanted: The path that it should get.
        seconds: The length of the recording in it.

    Raises:
        OSError: It can't be renamed.
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
    """Lock a `.part` file for this process, and check that it is still the one with that path.

    Args:
        file: Its descriptor.
        part: Its path.

    Returns:
        Whether it is ours now; False if a running process writes it and so has it locked.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = part.lstat()
    except (BlockingIOError, FileNotFoundError):
        return False
    return _identity(there) == _identity(os.fstat(file))


def _identity(found: os.stat_result) -> tuple[int, int]:
    """Return what tells a file from all others."""
    return found.st_dev, found.st_ino


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


def _numbered(folder: Path, stem: str, suffix: str) -> Iterator[Path]:
    yield folder / f"{stem}{suffix}"
    for number in range(2, 1000):
        yield folder / f"{stem}-{number}{suffix}"

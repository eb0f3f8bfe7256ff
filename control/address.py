"""Where the control socket of a file's instance is."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

#: Octets that the path of a Unix socket may have (unix(7): 108 with the NUL at its end).
LONGEST_PATH = 107
#: Octets of a YAML file that is looked into for its ``control``.
LARGEST_FILE = 16 << 20
#: Files of a folder that are looked at, to find what runs there.
MOST_FILES = 1_000
#: Characters of a file's name in the socket's, and of the whole name.
LONGEST_STEM, LONGEST_NAME = 16, 41

_KEY = re.compile(rb"^control[ \t]*:", re.MULTILINE)


class NoPlaceError(Exception):
    """There is no folder where a socket could be; the message says what to do."""


def derived_name(file: Path) -> str:
    """Return the name of the socket of a file without a ``control`` of its own.

    No two files have the same, and those of one folder have the middle in common.

    Args:
        file: the file; it need not be there.
    """
    whole = file.resolve()
    stem = re.sub(r"[^A-Za-z0-9_]", "_", whole.stem)[:LONGEST_STEM]
    return f"{stem}-{_digest(whole.parent, 4)}-{_digest(whole, 5)}.sock"


def own_folder() -> Path:
    """Return the folder for sockets, which only its owner can enter; make it if need be.

    Raises:
        NoPlaceError: there is none.
    """
    faults = []
    for folder in candidates():
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            check_private(folder)
        except OSError as error:
            faults.append(f"{folder}: {error.strerror}")
        except NoPlaceError as error:
            faults.append(str(error))
        else:
            return folder
    raise NoPlaceError("; ".join(faults))


def candidates() -> list[Path]:
    """Return the folders where sockets of this user may be, the best first.

    A service may have been started without the session that its operator has, so a client looks
    into all of them.
    """
    user = os.getuid()
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    found = [Path(given, "callboard")] if given and Path(given).is_absolute() else []
    found += [Path(f"/run/user/{user}/callboard"), Path(f"/tmp/callboard-{user}")]  # noqa: S108
    return list(dict.fromkeys(one for one in found if fits(one / ("x" * LONGEST_NAME))))


def fits(path: Path) -> bool:
    """Tell whether a path is short enough for a socket."""
    return len(os.fsencode(path)) <= LONGEST_PATH


def check_private(folder: Path) -> None:
    """Check that nobody but this user can come into a folder.

    Raises:
        NoPlaceError: somebody can.
        OSError: it can't be looked at.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NoPlaceError(f"{folder} is no folder: remove it")
    if found.st_uid != os.getuid():
        raise NoPlaceError(f"{folder} belongs to another user: remove it")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise NoPlaceError(f"others may enter {folder}: chmod 700 {folder}")


def declared_socket(file: Path) -> Path | None:
    """Return what a YAML file has as ``control``, without reading all the rest of it.

    Args:
        file: the file.

    Raises:
        OSError: the file can't be read.
    """
    if file.stat().st_size > LARGEST_FILE:
        return None
    text = file.read_bytes()
    if _KEY.search(text) is None:
        return None
    try:
        top = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    value = top.get("control") if isinstance(top, dict) else None
    return file.absolute().parent / value if isinstance(value, str) and value else None


def sockets_of(file: Path) -> list[Path]:
    """Return where the socket of a file's instance may be, whether it is there or not.

    Args:
        file: the YAML file, or what else an instance is called by.
    """
    found = []
    if file.is_file() and (declared := declared_socket(file)) is not None:
        found.append(declared)
    return found + [folder / derived_name(file) for folder in candidates()]


def sockets_in(folder: Path) -> list[Path]:
    """Return the sockets of files in a folder, as far as there are some.

    Args:
        folder: the folder.
    """
    found = dict.fromkeys(one for one in _declared_in(folder) if one.exists())
    for place in candidates():
        found.update(dict.fromkeys(sorted(place.glob(f"*-{_digest(folder.resolve(), 4)}-*.sock"))))
    return list(found)


def _declared_in(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        files = [one.path for one, _ in zip(entries, range(MOST_FILES), strict=False)]
    for file in sorted(files):
        if file.endswith((".yaml", ".yml")):
            try:
                declared = declared_socket(Path(file))
            except OSError:
                continue
            if declared is not None:
                yield declared


def _digest(path: Path, octets: int) -> str:
    return hashlib.blake2b(os.fsencode(path), digest_size=octets).hexdigest()

"""Recordings that a killed process left unfinished."""

import logging
import os
import stat
from pathlib import Path

from .container import DamagedError
from .part_file import OURS, PART, Finished, lock, publish
from .tape import REPAIRS

log = logging.getLogger(__name__)


def finish_leftovers(folder: Path) -> list[Finished]:
    """Make whole what a killed process left (`*.part`), and give it its name. Blocking.

    A file that a living process writes is left alone (it is locked), and so is every file that was
    not made here, by its name and by its contents. An unfinished file without a single frame is
    removed. What could not be done is logged as a warning.

    Args:
        folder: The folder of the recordings; it may be missing.

    Returns:
        The files that are whole now, oldest first.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if OURS.fullmatch(path.name))
    except OSError:
        return []
    finished = []
    for name in names:
        try:
            whole = _finish(folder / name)
        except DamagedError as damage:
            log.warning("%s was left unfinished and stays so: %s", folder / name, damage)
        except OSError as error:
            log.warning("%s could not be finished: %s", folder / name, error.strerror or error)
        else:
            if whole is not None:
                log.info("finished %s, %.1f s, which was left behind", whole.path, whole.seconds)
                finished.append(whole)
    return finished


def _finish(part: Path) -> Finished | None:
    """Finish one file; None if it is in use, or was empty and is gone."""
    file = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode) or not lock(file, part):
            return None
        wanted = part.with_name(part.name.removesuffix(PART))
        seconds = REPAIRS[wanted.suffix](file) if os.fstat(file).st_size else 0.0
        if not seconds:
            part.unlink()
            log.info("removed %s, which was left behind without any audio or video", part)
            return None
        return publish(file, part, wanted, seconds)
    finally:
        os.close(file)

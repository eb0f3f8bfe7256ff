"""Recovery of recordings that a killed process left unfinished."""

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .container import DamagedError
from .part_file import OURS, PART, FinishedRecording, lock, publish

log = logging.getLogger(__name__)


def recover_recordings(folder: Path) -> list[FinishedRecording]:
    """Finish the recordings that a killed process left (`*.part`). Blocking.

    Each becomes a whole file under its final name; one without a single frame is removed. A file
    that a running process writes is locked and left alone. So is any file that Callboard did not
    make, judged by its name and its contents. What can't be done is logged as a warning.

    Args:
        folder: The recordings' folder; it may be missing.

    Returns:
        The files that were finished, oldest first.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if OURS.fullmatch(path.name))
    except OSError:
        return []
    finished = []
    for name in names:
        part = folder / name
        pair = part.with_name(name.replace(".ogg.part", ".mkv.part"))
        if pair != part and pair.name in names:
            continue  # the stereo form of a recording that may have video: it goes with that one
        finished += _finished(part)
    return finished


def _finished(part: Path) -> list[FinishedRecording]:
    """Finish one file, or the better one of a pair; log what can't be done."""
    try:
        stereo = part.with_name(part.name.replace(".mkv.part", ".ogg.part"))
        if stereo == part or not stereo.exists():
            whole = _finish(part)
        elif not _is_whole(part):
            log.warning("%s was left unfinished and stays so: its header is torn", part)
            return _finished(stereo)
        elif _has_video(part):
            whole = _finish(part)
            _remove(stereo)
        else:
            whole = next(iter(_finished(stereo)), None)
            if whole is None:
                whole = _finish(part)
            else:
                _remove(part)
    except DamagedError as damage:
        log.warning("%s was left unfinished and stays so: %s", part, damage)
    except OSError as error:
        log.warning("%s could not be finished: %s", part, error.strerror or error)
    else:
        return [] if whole is None else [whole]
    return []


def _finish(part: Path) -> FinishedRecording | None:
    """Finish one file; None if it is in use, or was empty and is gone."""
    from .recording_file import REPAIRS  # noqa: PLC0415 - encoders come with it

    with _locked(part) as file:
        if file is None:
            return None
        wanted = part.with_name(part.name.removesuffix(PART))
        seconds = REPAIRS[wanted.suffix](file) if os.fstat(file).st_size else 0.0
        if not seconds:
            part.unlink()
            log.info("removed %s, which was left behind without any audio or video", part)
            return None
        if wanted.suffix == ".mkv" and not _shows(file):
            wanted = wanted.with_suffix(".mka")
        return publish(file, part, wanted, seconds)


def _has_video(part: Path) -> bool:
    with _locked(part) as file:
        return file is None or (os.fstat(file).st_size > 0 and _shows(file))


def _shows(file: int) -> bool:
    from .matroska import has_video  # noqa: PLC0415 - hardly any start finds a file to finish

    return has_video(file)


def _is_whole(part: Path) -> bool:
    """Tell whether a file's header is whole."""
    try:
        _has_video(part)
    except DamagedError:
        return False
    return True


def _remove(part: Path) -> None:
    with _locked(part) as file:
        if file is not None:
            part.unlink()


@contextmanager
def _locked(part: Path) -> Iterator[int | None]:
    """Open a file that was left behind; None if a running process writes it, or it is no file."""
    file = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        ours = stat.S_ISREG(os.fstat(file).st_mode) and lock(file, part)
        yield file if ours else None
    finally:
        os.close(file)

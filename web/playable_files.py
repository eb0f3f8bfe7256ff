"""The files that may be played from the board."""

import asyncio
import os
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from ..bots.source import has_name
from ..bots.source import names as named
from ..config.near_miss import near_miss
from ..control.models.base import Command
from ..control.models.calls import IsSource
from ..control.problem import ControlError, ProblemKind
from ..media import FileSource, Kind, MediaError
from .problem_details import ProblemDetails
from .visitor_role import VisitorRole
from .visitors import at_least

#: Files that are listed at the most.
MOST = 1_000

_LOOP = "loop:"


class FilesResult(BaseModel):
    """What may be played by its name.

    Attributes:
        files: names of files that have something to play.
        sounds: those of them that have sound.
        pictures: those that have pictures.
    """

    model_config = ConfigDict(frozen=True)

    files: tuple[str, ...]
    sounds: tuple[str, ...]
    pictures: tuple[str, ...]


class PlayableFiles:
    """The files of one folder, by their names: no path that a client gives is ever opened."""

    def __init__(self, folder: Path | None) -> None:
        """List a folder.

        Args:
            folder: where they are; None: there are none.
        """
        self._folder = folder
        self._kinds: dict[tuple[str, int, int, int], frozenset[Kind]] = {}
        self._looking = threading.Lock()

    def listing(self) -> FilesResult:
        """Tell what each file has that can be played. Blocking: those that are new are read."""
        with self._looking:
            found = {name: self._version(name) for name in self.names()}
            self._kinds = {
                one: self._kinds[one] if one in self._kinds else self._look(name)
                for name, one in found.items()
                if one is not None
            }
            kinds = {name: self._kinds[one] for name, one in found.items() if one is not None}
        return FilesResult(
            files=tuple(name for name, has in kinds.items() if has),
            sounds=tuple(name for name, has in kinds.items() if "audio" in has),
            pictures=tuple(name for name, has in kinds.items() if "video" in has),
        )

    def _version(self, name: str) -> tuple[str, int, int, int] | None:
        assert self._folder is not None  # noqa: S101 - there are names in it
        try:
            status = (self._folder / name).stat()
        except OSError:  # it was removed meanwhile
            return None
        return name, status.st_ino, status.st_mtime_ns, status.st_size

    def _look(self, name: str) -> frozenset[Kind]:
        assert self._folder is not None  # noqa: S101 - there are names in it
        try:
            source = FileSource(self._folder / name)
            source.check()
        except MediaError:
            return frozenset()
        return source.kinds

    def names(self) -> tuple[str, ...]:
        """Return the names, sorted. Blocking; a folder that can't be read has none."""
        if self._folder is None:
            return ()
        try:
            root = self._folder.resolve(strict=True)
            with os.scandir(root) as entries:
                found = (each.name for each in entries if _is_within(each, root))
                fitting = (name for name in found if name[0] != "." and name.isprintable())
                return tuple(sorted(fitting)[:MOST])
        except OSError:
            return ()

    async def replaced(
        self, command: type[Command[Any]], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Put paths in the place of the names of files.

        Args:
            command: a command's model.
            given: its fields, as a client gave them.

        Raises:
            ControlError: a source is neither one with a name of its own nor one of these files.
        """
        replaced = dict(given)
        for name in _played(command):
            source = given.get(name)
            if isinstance(source, str) and not has_name(source):
                replaced[name] = await self._path(name, source)
        return replaced

    async def _path(self, field: str, source: str) -> str:
        names = await asyncio.to_thread(self.names)
        for loop, name in (("", source), (_LOOP, source.removeprefix(_LOOP))):
            if self._folder is not None and name in names:
                return f"{loop}{self._folder / name}"
        known = (*names, *named("audio"), *named("video"))
        close = near_miss(source.removeprefix(_LOOP), known)
        also = f", or the name of a file of the board's, like {names[0][:60]!r}" if names else ""
        if close:
            also = f", or did you mean {close[:60]!r}?"
        raise ControlError(
            ProblemKind.WRONG_ARGUMENT,
            f"{field} is {source[:100]!r}: give a source with a name, like tone:440{also}",
        )


def _is_within(entry: os.DirEntry[str], root: Path) -> bool:
    """Tell whether a folder's entry is a file in it. A link may lead to another file there only."""
    try:
        if not entry.is_file():
            return False
        if not entry.is_symlink():
            return True
        target = Path(entry.path).resolve(strict=True)
    except OSError:  # a link that leads nowhere; the others are there all the same
        return False
    return target.parent == root and target.name[0] != "."


@cache
def _played(command: type[Command[Any]]) -> tuple[str, ...]:
    """Return the fields of a command that name what is played."""
    return tuple(
        name
        for name, info in command.model_fields.items()
        if any(isinstance(each, IsSource) for each in info.metadata)
    )


router = APIRouter(tags=["calls"])


@router.get(
    "/api/files",
    summary="Ask which files can be played",
    responses={"default": {"model": ProblemDetails}},
    dependencies=[Depends(at_least(VisitorRole.CONTROL))],
)
async def files(request: Request) -> FilesResult:
    """List the files in the folder that `web: files:` names, as far as they can be played."""
    playable: PlayableFiles = request.app.state.playable
    return await asyncio.to_thread(playable.listing)

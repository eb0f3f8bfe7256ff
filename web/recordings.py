"""Recordings of past calls: to be played on the page, and to be taken away."""

import asyncio
import os
import tempfile
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from starlette.responses import Response

from ..control.commands.history import on_past_call
from ..control.instance.instance import Instance
from ..media.recording.one_side import NotPlayableError, one_side
from .byte_ranges import file_response
from .problem_details import ProblemDetails, Refusal
from .visitor_role import VisitorRole
from .visitors import at_least

#: Sides of recordings that are kept as they are played, each in a file without a name.
MOST_SIDES = 8
#: Octets of a recording that is played side by side; a larger one can be taken away only.
LARGEST_PLAYED = 2 << 30

_TYPES = {
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mka": "audio/x-matroska",
    ".mkv": "video/x-matroska",
}

Direction = Literal["sent", "received"]
Number = Annotated[int, InPath(ge=0, le=1000)]

router = APIRouter(tags=["recordings"])


class RecordedSides:
    """Sides of recordings as browsers play them, made when they are first asked for."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[Any, ...], tuple[IO[bytes], str]] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def side(self, file: Path, direction: Direction) -> tuple[int, str]:
        """Return a descriptor of one side, to be closed, and its media type.

        Raises:
            Refusal: it can't be played.
            OSError: the file can't be read.
        """
        found = await asyncio.to_thread(os.stat, file, follow_symlinks=False)
        if found.st_size > LARGEST_PLAYED:
            raise Refusal(413, "the recording is too large to be played here: download it")
        key = (found.st_dev, found.st_ino, found.st_mtime_ns, direction)
        async with self._one_at_a_time:
            if key not in self._made:
                self._made[key] = await asyncio.to_thread(_make, file, direction)
            self._made.move_to_end(key)
            if len(self._made) > MOST_SIDES:
                _, (old, _type) = self._made.popitem(last=False)
                old.close()
            stream, media_type = self._made[key]
            return os.dup(stream.fileno()), media_type

    def close(self) -> None:
        """Give them up."""
        while self._made:
            _, (stream, _) = self._made.popitem()
            stream.close()


def _make(file: Path, direction: Direction) -> tuple[IO[bytes], str]:
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - it is kept
    try:
        media_type = one_side(file, direction, stream)
        stream.flush()
    except NotPlayableError as error:
        stream.close()
        raise Refusal(415, str(error)) from None
    except BaseException:
        stream.close()
        raise
    return stream, media_type


@router.get(
    "/api/recordings/{call}/{number}",
    summary="Play or download a recording of a past call",
    response_class=Response,
    dependencies=[Depends(at_least(VisitorRole.LISTEN))],
    responses={"default": {"model": ProblemDetails}},
)
async def recording(
    request: Request,
    call: str,
    number: Number,
    direction: Direction | None = None,
    download: bool = False,
) -> Response:
    """Give a recording, or one side of it as browsers play it, whole or in parts."""
    path, name = await _path(request.app.state.instance, call, number)
    sides: RecordedSides = request.app.state.sides
    try:
        if direction is not None:
            descriptor, media_type = await sides.side(path, direction)
        else:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = await asyncio.to_thread(os.open, path, flags)
            media_type = _TYPES.get(path.suffix, "application/octet-stream")
    except OSError:
        raise Refusal(404, "the recording can't be read any more") from None
    kind = "attachment" if download else "inline"
    headers = {"Content-Disposition": f'{kind}; filename="{name}"'}
    wanted = request.headers.get("range")
    return file_response(descriptor, media_type, wanted, headers, partial(os.close, descriptor))


async def _path(instance: Instance, call: str, number: int) -> tuple[Path, str]:
    """Find a recording by its call's record: nothing that a client says is a part of a path."""
    found = await on_past_call(instance, call, lambda past: past)
    if number >= len(found.recordings):
        raise Refusal(404, f"the call has {len(found.recordings)} recordings, counted from 0")
    one = found.recordings[number]
    if one.path is None:
        raise Refusal(404, f"the file of this recording is {one.presence}")
    suffix = one.path.suffix if one.path.suffix in _TYPES else ""
    return one.path, f"call-{found.record.uuid[:8]}-{number}{suffix}"

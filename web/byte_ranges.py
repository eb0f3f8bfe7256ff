"""A file in parts, as players ask for it (RFC 9110 §14)."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from starlette.responses import StreamingResponse

from .problem_details import Refusal

#: Octets that are read at once.
CHUNK = 256 * 1024

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class ByteRange(NamedTuple):
    """A part of a file.

    Attributes:
        first: its first octet.
        end: the one after its last.
    """

    first: int
    end: int


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Return the part that is asked for; None: the whole, also if several parts are.

    Args:
        header: ``Range``.
        size: octets of the file.

    Raises:
        Refusal: there is no such part.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        first = int(match[1])
        end = min(size, int(match[2]) + 1) if match[2] else size
    else:
        first, end = max(0, size - int(match[2])), size
    if first >= end:
        raise Refusal(416, f"the file has {size} octets", {"Content-Range": f"bytes */{size}"})
    return ByteRange(first, end)


def file_response(
    descriptor: int,
    media_type: str,
    wanted: str | None,
    headers: dict[str, str],
    done: Callable[[], None],
) -> StreamingResponse:
    """Answer with an open file, or a part of it.

    Args:
        descriptor: of the file.
        media_type: what it is.
        wanted: the header ``Range``.
        headers: what else the answer says.
        done: called when nothing is read any more, also if this raises.

    Raises:
        Refusal: there is no such part.
    """
    try:
        size = os.fstat(descriptor).st_size
        part = parse_range(wanted, size)
    except BaseException:
        done()
        raise
    first, end = part or (0, size)
    said = {
        **headers,
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - first),
        **({"Content-Range": f"bytes {first}-{end - 1}/{size}"} if part else {}),
    }

    async def read() -> AsyncIterator[bytes]:
        place = first
        try:
            while place < end:
                count = min(CHUNK, end - place)
                octets = await asyncio.to_thread(os.pread, descriptor, count, place)
                if not octets:
                    return
                place += len(octets)
                yield octets
        finally:
            done()

    return StreamingResponse(read(), 206 if part else 200, said, media_type)

"""HTTP as a client that has no manners sends it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

#: Seconds in which anything must be answered.
PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """What was answered.

    Attributes:
        status: the status code.
        headers: by their names in lower case.
        body: what came after them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def exchange(port: int, octets: bytes) -> bytes:
    """Send octets; return all that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(octets)
            return await reader.read()
    finally:
        writer.close()


def parsed(octets: bytes) -> Answer:
    """Read one answer."""
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.split(": ", 1) for line in lines]
    return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs}, body)


async def ask(
    port: int,
    target: str,
    method: str = "GET",
    *,
    body: bytes | Mapping[str, Any] = b"",
    token: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Make a request, and return its answer.

    Args:
        port: of the board.
        target: path and query.
        method: of the request.
        body: what is sent; a mapping as JSON.
        token: sent as a bearer's.
        headers: more of them, or others.
    """
    given = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        given["Content-Type"] = "application/json"
    if body:
        given["Content-Length"] = str(len(body))
    if token:
        given["Authorization"] = f"Bearer {token}"
    given |= headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{key}: {value}" for key, value in given.items())]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return parsed(await exchange(port, head + body))

"""The lines that go over the control socket.

The server says ``{"callboard": "0.1.0", "protocol": 1}`` first. Then a client asks, and is
answered; ids are the client's, and answers come in any order:

    {"id": 1, "command": "status", "limit": 10}
    {"id": 1, "result": {…}}
    {"id": 2, "command": "hangup", "call": "nobody"}
    {"id": 2, "error": {"type": "unknown-call", "title": …, "status": 404, "detail": …}}

What goes on for a while tells ``{"id": 3, "event": {…}}`` until its result. The command ``cancel``
ends it.
"""

import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from .models.base import Command
from .problem import ControlError
from .version import VERSION

#: The version of this protocol. It grows when something that is here changes or goes.
PROTOCOL = 1
#: Octets of a client's line at the most.
LONGEST_LINE = 256 * 1024
#: Characters of a request's id at the most.
LONGEST_ID = 64

RequestId = str | int


def greeting() -> bytes:
    """Return the server's first line."""
    return _line({"callboard": VERSION, "protocol": PROTOCOL})


def request(identifier: RequestId, command: Command[Any]) -> bytes:
    """Return the line that asks for something.

    Args:
        identifier: what the answer is recognised by.
        command: what is asked.
    """
    fields = command.model_dump(mode="json", exclude_defaults=True)
    return _line({"id": identifier, "command": command.name, **fields})


def cancellation(identifier: RequestId, of: RequestId) -> bytes:
    """Return the line that ends a request which goes on.

    Args:
        identifier: this line's own.
        of: the request's.
    """
    return _line({"id": identifier, "command": "cancel", "of": of})


def result(identifier: RequestId, answer: BaseModel) -> bytes:
    """Return the line that ends a request."""
    return b'{"id":%b,"result":%b}\n' % (to_json(identifier), to_json(answer))


def event(identifier: RequestId, told: bytes) -> bytes:
    """Return a line of a request that goes on.

    Args:
        identifier: the request's.
        told: one JSON object.
    """
    return b'{"id":%b,"event":%b}\n' % (to_json(identifier), told)


def error(identifier: RequestId | None, problem: ControlError) -> bytes:
    """Return the line that refuses a request, or what was none."""
    kind = problem.kind
    fields = {
        "type": str(kind),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
    }
    return _line({"id": identifier, "error": fields})


def read_line(line: bytes) -> dict[str, Any]:
    """Read a line.

    Raises:
        ValueError: it is no JSON object.
    """
    found = from_json(line, allow_inf_nan=False)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode("ascii") + b"\n"

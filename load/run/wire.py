"""Messages between the run and a shard's process: pickled, each after its length.

Both ends are the same program of the same user, joined by a socket pair that nobody else has.
"""

import asyncio
import pickle
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


def send(writer: asyncio.StreamWriter, message: object) -> None:
    """Send a message; it leaves when the loop gets to it.

    Args:
        writer: our end.
        message: anything that can be pickled.
    """
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(data)) + data)


async def receive(reader: asyncio.StreamReader) -> Any:
    """Return the next message.

    Args:
        reader: our end.

    Raises:
        EOFError: the other side is gone.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))  # noqa: S301 - our own process
    except (asyncio.IncompleteReadError, OSError):
        raise EOFError from None

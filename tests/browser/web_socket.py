"""As much of a WebSocket client as a browser's remote control needs (RFC 6455)."""

import asyncio
import base64
import os
from typing import Self

#: Octets of the longest message: a picture of a page.
LONGEST = 64 * 2**20
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class WebSocket:
    """A connection that sends and receives texts.

    Args:
        reader: of its TCP connection.
        writer: of the same.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connected(cls, port: int, path: str) -> Self:
        """Connect to a server on this machine.

        Args:
            port: its TCP port.
            path: what is asked for.

        Raises:
            ConnectionError: it is none.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST)
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            *(f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket"),
            *("Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"),
        )
        writer.write("\r\n".join([*head, "", ""]).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101 "):
            writer.close()
            raise ConnectionError(answer.decode("latin-1"))
        return cls(reader, writer)

    def send(self, text: str) -> None:
        """Send a text."""
        self._frame(_TEXT, text.encode())

    async def receive(self) -> str:
        """Return the next text.

        Raises:
            EOFError: there will be none.
        """
        message = b""
        while True:
            first, second = await self._reader.readexactly(2)
            kind, size = first & 0x0F, second & 0x7F
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            content = await self._reader.readexactly(size)
            if kind == _CLOSE:
                raise EOFError("the browser has closed the connection")
            if kind == _PING:
                self._frame(_PONG, content)
            elif kind != _PONG:
                message += content
                if first & 0x80:
                    return message.decode()

    def _frame(self, kind: int, content: bytes) -> None:
        size = len(content)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 1 << 16:
            head += bytes([0x80 | 126]) + size.to_bytes(2)
        else:
            head += bytes([0x80 | 127]) + size.to_bytes(8)
        mask = os.urandom(4)
        masked = bytes(one ^ mask[at % 4] for at, one in enumerate(content))
        self._writer.write(head + mask + masked)

    async def close(self) -> None:
        """End it."""
        self._writer.close()
        await self._writer.wait_closed()

"""The socket at which clients give commands to a running instance."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress

from . import models
from .claim import Claim
from .client_connection import ClientConnection
from .commands.handler import Handler, Served
from .protocol import LONGEST_LINE

log = logging.getLogger(__name__)

#: Clients at once; one that does nothing makes room for another one.
MOST_CLIENTS = 64
#: The size of what Linux says of a peer: process, user, group (unix(7), SO_PEERCRED).
_CREDENTIALS = struct.Struct("3i")


class ControlSocket:
    """Serves clients, whatever they send; nothing of it can end an account or a call.

    Args:
        claim: the path, with the socket that listens there.
        instance: what runs.
        commands: what can be asked for; None: what an instance takes.
    """

    def __init__(
        self, claim: Claim, instance: Served, commands: Mapping[str, Handler] | None = None
    ) -> None:
        self._claim = claim
        self._instance = instance
        self._commands = commands
        self._clients: dict[ClientConnection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to serve."""
        self._server = await asyncio.start_unix_server(
            self._accept, sock=self._claim.listener, limit=LONGEST_LINE
        )
        self._instance.socket = self._claim.path
        self._instance.add_part("control socket", self._look)

    async def close(self) -> None:
        """Take nobody any more, give the path back, and let everybody go."""
        if self._server is not None:
            self._server.close()
        # Before the clients go: who waits for the end may start the next instance then.
        await asyncio.to_thread(self._claim.release)
        tasks = list(self._clients.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._server is not None:
            await self._server.wait_closed()

    def _look(self) -> "models.status.PartSummary":
        is_serving = self._server is not None and self._server.is_serving()
        count = len(self._clients)
        clients = "1 client" if count == 1 else f"{count} clients"
        return models.status.PartSummary(
            name="control socket",
            state="running" if is_serving else "ended",
            detail=f"{self._claim.path} ({clients})",
        )

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = ClientConnection(reader, writer, self._instance)
        user = _user(writer)
        if user not in (0, os.getuid()):  # the socket's mode says so too
            log.warning("the control socket refused a client of user %s", user)
            client.drop()
            return
        if len(self._clients) >= MOST_CLIENTS and not self._make_room():
            client.refuse(f"{MOST_CLIENTS} clients are connected: end one of them")
            return
        task = asyncio.create_task(self._serve(client), name="control client")
        self._clients[client] = task
        task.add_done_callback(lambda _: self._left(client))

    async def _serve(self, client: ClientConnection) -> None:
        try:
            if self._commands is None:
                self._commands = await asyncio.to_thread(_all_commands)
            await client.run(self._commands)
        except Exception:
            log.exception("a client of the control socket could not be served")

    def _left(self, client: ClientConnection) -> None:
        client.drop()
        self._clients.pop(client, None)

    def _make_room(self) -> bool:
        """Drop the client that has been idle and connected for the longest time."""
        idle = next((one for one in self._clients if one.is_idle), None)
        if idle is None:
            return False
        self._clients.pop(idle).cancel()
        return True


def _all_commands() -> Mapping[str, Handler]:
    from .commands.all import COMMANDS  # noqa: PLC0415 - forty models, of which no login needs one

    return COMMANDS


def _user(writer: asyncio.StreamWriter) -> int | None:
    """Return the user that a client's process runs as."""
    peer: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        given = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(given)[1])
    return None

"""The process of one shard: ``python -m callboard.load.run.worker DESCRIPTOR``."""

import asyncio
import logging
import signal
import socket
import sys

import uvloop

from ...actors.garbage_collection import tune_garbage_collection
from ...actors.log_level import set_log_level
from . import wire
from .messages import Assignment, EndShard
from .shard import Shard

log = logging.getLogger(__name__)


async def work(line: socket.socket) -> None:
    """Do what the run at the other end of a line says, until it says the end or is gone.

    Args:
        line: our end of the socket pair.
    """
    reader, writer = await asyncio.open_unix_connection(sock=line)
    assignment: Assignment = await wire.receive(reader)
    logging.basicConfig()
    set_log_level(assignment.plan.log_level)
    shard = Shard(assignment, lambda message: wire.send(writer, message))

    async def listen() -> None:
        try:
            while True:
                shard.tell(await wire.receive(reader))
        except EOFError:
            shard.tell(EndShard(0.0))

    listening = asyncio.create_task(listen())
    try:
        await shard.run()
        await writer.drain()
    except Exception:
        log.exception("the shard failed")
    finally:
        listening.cancel()
        writer.close()
        await asyncio.gather(listening, return_exceptions=True)


def main() -> None:
    """Run the worker."""
    # Ctrl-C goes to everybody at the terminal; the run tells us what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tune_garbage_collection()
    uvloop.run(work(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()

"""Shards on the machines of a Ray cluster (https://docs.ray.io): one Ray actor each.

Ray starts the shards and carries what they report, a few messages a second. Calls and accounts know
nothing of it: their signalling goes through the server, as on one machine.
"""

import asyncio
import contextlib
import dataclasses
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray  # type: ignore[import-not-found,import-untyped,unused-ignore] # the extra "ray"

from .messages import Assignment, FromShard, ShardEnded, ShardLost, ToShard
from .process import Hear
from .progress import Carrier
from .shard import Shard

ANSWER = 10.0
"""Seconds in which a cluster must answer."""


@contextmanager
def cluster(address: str) -> Iterator[tuple[Callable[[Hear], Carrier], int]]:
    """Join a Ray cluster.

    Args:
        address: as ``ray.init`` takes it: ``HOST:6379``, ``auto``, or ``local``.

    Yields:
        What makes the carrier of a shard, and how many shards the cluster has cores for.

    Raises:
        ConnectionError: there is no cluster at the address.
    """
    _knock(address)
    # A cluster of the user's own decides for itself; the one of "local" must not call home.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call,unused-ignore]
        yield RayShard, max(1, int(resources.get("CPU", 1)))
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise `ConnectionError` if nobody answers: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(
            f"no Ray cluster answers at {address} ({error}): start one there with "
            "'ray start --head', or give the address that it says"
        ) from None


class RayShard:
    """Starts a shard as a Ray actor, and carries messages both ways.

    A shard whose actor or machine dies is lost; Ray does not start it again.

    Args:
        hear: told each of the shard's messages with the shard's number, on the loop.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._actor: Any = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, assignment: Assignment) -> None:
        """Start the actor, wherever Ray has a core, and give it its assignment.

        Args:
            assignment: what the shard is there for.
        """
        ca = assignment.target.ca
        authorities = None if ca is None else await asyncio.to_thread(ca.read_text, "ascii")
        actor = ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(_Actor)
        self._actor = actor.remote(assignment, authorities)
        self._listening = asyncio.create_task(self._listen(assignment.shard))

    def tell(self, message: ToShard) -> None:
        """Send the shard a message; nothing happens if it is gone."""
        if self._actor is not None:
            self._actor.tell.remote(message)

    def kill(self) -> None:
        """End the actor at once."""
        if self._actor is not None:
            ray.kill(self._actor)

    async def ended(self) -> None:
        """Return when the actor has ended."""
        if self._listening is not None:
            await self._listening

    async def _listen(self, shard: int) -> None:
        running = self._actor.run.remote()
        try:
            while True:
                for message in await self._actor.take.remote():
                    self._hear(shard, message)
                    if isinstance(message, ShardEnded):
                        return
        except ray.exceptions.RayError as error:
            words = str(error).strip().partition("\n")[0]
            self._hear(shard, ShardLost(f"{type(error).__name__}: {words}"))
        finally:
            del running


class _Actor:
    """A shard inside a Ray actor; all its methods run on the actor's one event loop.

    Args:
        assignment: what the shard is there for.
        authorities: the certificates to trust (PEM), which may be a file on another machine.
    """

    def __init__(self, assignment: Assignment, authorities: str | None) -> None:
        self._assignment = assignment
        self._authorities = authorities
        self._reports: asyncio.Queue[FromShard] = asyncio.Queue()
        self._shard: Shard | None = None
        self._early: list[ToShard] = []

    async def run(self) -> None:
        """Work until the run says the end."""
        with tempfile.TemporaryDirectory(prefix="callboard-load-") as folder:
            assignment = self._assignment
            if self._authorities is not None:
                ca = Path(folder) / "authorities.pem"
                await asyncio.to_thread(ca.write_text, self._authorities, "ascii")
                target = dataclasses.replace(assignment.target, ca=ca)
                assignment = dataclasses.replace(assignment, target=target)
            self._shard = Shard(assignment, self._reports.put_nowait)
            for message in self._early:
                self._shard.tell(message)
            with contextlib.suppress(Exception):  # ShardFailed has said it
                await self._shard.run()

    async def tell(self, message: ToShard) -> None:
        """Take a message of the run's."""
        if self._shard is None:
            self._early.append(message)
        else:
            self._shard.tell(message)

    async def take(self) -> list[FromShard]:
        """Return what there is to report, as soon as there is anything."""
        found = [await self._reports.get()]
        while not self._reports.empty():
            found.append(self._reports.get_nowait())
        return found

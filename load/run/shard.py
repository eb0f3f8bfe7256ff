"""One shard: its share of the accounts, on one event loop."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ...actors.context import Endpoint
from ...actors.xmpp.tls_context import trust
from ..measure.loop_lag import watch_lag
from ..measure.tally import Tally
from ..measure.usage import Usage, raise_open_files
from ..plan.capacity import check_open_files, shard_files
from .activity import perform
from .messages import (
    Assignment,
    BeginPhase,
    EndShard,
    FromShard,
    Measured,
    PhaseEnded,
    Ready,
    ShardEnded,
    ShardFailed,
    ToShard,
)
from .shard_accounts import ShardAccounts

INTERVAL = 1.0
"""Seconds between two reports."""
PROBE = 0.05
"""Seconds between two looks at how late the event loop is."""


class Shard:
    """Does its share of a plan's phases when it is told to begin them.

    Args:
        assignment: what it is there for.
        report: told what it has to say, on the loop; must not block.
    """

    def __init__(self, assignment: Assignment, report: Callable[[FromShard], None]) -> None:
        self._assignment = assignment
        self._report = report
        self._tally = Tally()
        self._usage = Usage(os.getpid())
        self._accounts = ShardAccounts(
            assignment.plan,
            assignment.folder,
            assignment.shard,
            assignment.shards,
            self._tally,
        )
        self._inbox: asyncio.Queue[ToShard] = asyncio.Queue()
        self._phases: set[asyncio.Task[None]] = set()

    def tell(self, message: ToShard) -> None:
        """Take a message of the run's."""
        self._inbox.put_nowait(message)

    async def run(self) -> None:
        """Work until `EndShard`; the last report is `ShardEnded`."""
        watching = [asyncio.create_task(self._probe()), asyncio.create_task(self._measure())]
        try:
            await self._open()
            self._report(Ready(os.getpid(), socket.gethostname()))
            while not isinstance(message := await self._inbox.get(), EndShard):
                if isinstance(message, BeginPhase):
                    self._begin(message.phase)
            await self._finish(message.seconds)
        except Exception as error:
            self._report(ShardFailed(f"{type(error).__name__}: {error}"))
            raise
        finally:
            for task in (*watching, *self._phases):
                task.cancel()
            await asyncio.gather(*watching, *self._phases, return_exceptions=True)
            self._sample()
            self._report(ShardEnded())

    async def _open(self) -> None:
        # A process of Ray's has the limit of its machine, not the run's.
        needed = shard_files(self._accounts.plan, self._accounts.shards)
        check_open_files(needed, raise_open_files())
        target = self._assignment.target
        context = await asyncio.to_thread(trust, target.ca)
        await self._accounts.open(Endpoint(target.host, target.port, target.direct_tls, context))

    def _begin(self, phase: int) -> None:
        task = asyncio.create_task(self._perform(phase), name=f"phase {phase}")
        self._phases.add(task)
        task.add_done_callback(self._phases.discard)

    async def _perform(self, phase: int) -> None:
        try:
            await perform(phase, self._accounts)
        except Exception as error:
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            self._report(ShardFailed(f"{type(cause).__name__}: {cause}"))
            raise
        if self._assignment.plan.phases[phase].kind == "login":
            gc.freeze()  # these accounts stay to the end: no pause for them in a call
        self._sample()
        self._report(PhaseEnded(phase))

    async def _finish(self, seconds: float) -> None:
        phases = set(self._phases)
        for task in phases:
            task.cancel()
        if phases:
            await asyncio.wait(phases)
        with suppress(TimeoutError):
            await self._accounts.close(seconds)

    # -- how the generator itself fares ------------------------------------------------------------

    async def _probe(self) -> None:
        await watch_lag(partial(self._tally.record, "generator.lag"), PROBE)

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            usage = self._usage.take()
            if usage is not None:
                self._tally.record("generator.cpu", usage.cpu)
                self._tally.record("generator.memory", usage.memory)
            self._sample()

    def _sample(self) -> None:
        self._tally.gauge("accounts.online", self._accounts.online)
        self._tally.gauge("calls.active", self._accounts.calls)
        self._report(Measured(self._tally.take()))

"""One run of a plan: starts the server and the shards, keeps the clock, gathers, judges."""

import asyncio
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...config import Embedded
from ...server import Prosody
from ..measure.measurements import Measurements, Point
from ..measure.usage import Usage, machine_cpu
from ..plan.phase import CallPhase, IdlePhase, LoginPhase, Once, Phase, Repeated
from ..plan.plan import PARTICIPANT, Plan, places_of, titles
from ..plan.threshold import Threshold
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
    ShardLost,
    Target,
)
from .process import Hear, ShardProcess
from .progress import Carrier, PhaseRun, ShardRun
from .verdict import Check, Verdict, check, judge
from .watchdog import Watchdog

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds of each point of the report."""
START = 60.0
"""Seconds that shards may take to be ready."""
CLOSING = 90.0
"""Seconds that shards may take to end, beyond what running calls get."""


class Run:
    """Runs a plan, once.

    Args:
        plan: the plan.
        folder: its folder, where files and bots are found.
        shards: how many processes; None for what the plan says, or one for each core.
        carrier: makes what carries a shard; each is given what is to be told its messages.
        see: told each interval's point.

    Attributes:
        measurements: what was measured up to now.
        phases: the phases as they go.
        shards: the shards as they go.
        port: where the embedded server listens, once it runs; 0: there is none.
        started: the time of the day at which the run began, in UTC.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        *,
        shards: int | None = None,
        carrier: Callable[[Hear], Carrier] = ShardProcess,
        see: Callable[[Point], None] = lambda _: None,
    ) -> None:
        self.plan = plan
        names = titles(plan.phases)
        self.measurements = Measurements(names)
        self.phases = [
            PhaseRun(phase, title) for phase, title in zip(plan.phases, names, strict=True)
        ]
        self.started = datetime.now(UTC)
        count = shards or plan.shards or len(os.sched_getaffinity(0))
        count = min(count, len(plan.accounts))
        self.shards = [ShardRun(number, carrier(self._hear)) for number in range(count)]
        self.version = ""
        self.port = 0
        self._folder = folder
        self._see = see
        self._watchdog = Watchdog(plan.watchdog)
        self._origin = time.monotonic()
        self._seconds = 0.0
        self._ready: asyncio.Future[None] | None = None
        self._ending = asyncio.Event()
        self._aborted: str | None = None
        self._broken: dict[Threshold, Check] = {}
        self._stopped = False
        self._at_once = False
        self._server: Usage | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, until now or until its end."""
        return self._seconds or time.monotonic() - self._origin

    @property
    def is_ending(self) -> bool:
        """Whether nothing new begins any more."""
        return self._ending.is_set()

    def planned_seconds(self, phase: Phase) -> float:
        """Return how long a phase should take if all goes well."""
        match phase.activity:
            case Once() as once:
                count = len(places_of(self.plan.accounts, once.accounts))
                return once.arrivals.time_of(count - 1) or 0.0
            case CallPhase() as call:
                return call.arrivals.seconds + call.hold.average
            case Repeated() as repeated:
                return repeated.arrivals.seconds
            case IdlePhase() as idle:
                return idle.duration
        raise TypeError(phase.kind)

    def rate_of(self, phase: PhaseRun) -> float | None:
        """Return how many of a phase's iterations started a second, on average.

        None if none could: it has not begun, or it is an idle one. What a phase started ends in
        its own time, so a phase with an open rate counts no longer than it was to start.
        """
        activity = phase.phase.activity
        if phase.began is None or isinstance(activity, IdlePhase):
            return None
        if isinstance(activity, Repeated):
            seconds = min(self.elapsed - phase.began, activity.arrivals.seconds)
        else:
            seconds = (self.elapsed if phase.ended is None else phase.ended) - phase.began
        started = self.measurements.phases[phase.title].counters[f"{phase.phase.kind}.started"]
        return started / max(seconds, 1e-9)

    def stop(self) -> None:
        """End in order, with a report; the second time, at once."""
        if self._stopped:
            self._at_once = True
            self._abort("it was stopped at once")
            for shard in self.shards:
                shard.carrier.kill()
        self._stopped = True
        self._ending.set()

    async def run(self) -> Verdict:
        """Run the plan to its end.

        Returns:
            The verdict; `measurements` has the rest.

        Raises:
            ServerError: the embedded server does not start.
        """
        async with self._target() as target:
            self._origin = time.monotonic()
            self.started = datetime.now(UTC)
            machine_cpu()
            clock = asyncio.create_task(self._tick())
            try:
                if await self._start(target):
                    await self._play()
            finally:
                await self._finish()
                clock.cancel()
                await asyncio.gather(clock, return_exceptions=True)
        self._account_for_messages()
        last = self.measurements.close(self.elapsed)
        self._seconds = last.at
        self._see(last)
        return judge(
            self.plan.thresholds,
            self.measurements,
            broken=self._broken,
            aborted=self._aborted,
            stopped=self._stopped,
            warnings=[*self._lost(), *self._watchdog.warnings()],
        )

    # -- beginning and end -------------------------------------------------------------------------

    @asynccontextmanager
    async def _target(self) -> AsyncIterator[Target]:
        server = self.plan.server
        pid = self.plan.server_pid
        if isinstance(server, Embedded):
            accounts = {one.user: one.password.get_secret_value() for one in self.plan.accounts}
            async with Prosody(accounts, host=server.domain, port=server.port or 0) as prosody:
                self._server = Usage(pid or prosody.pid)
                self.port = prosody.port
                yield Target(prosody.address, prosody.port, False, prosody.certificate)
            return
        if pid is not None:
            self._server = Usage(pid)
        direct = server.tls == "direct"
        port = server.port or (5223 if direct else 5222)
        yield Target(server.host, port if server.host else None, direct, server.ca)

    async def _start(self, target: Target) -> bool:
        """Start the shards; tell whether all are ready."""
        self._ready = asyncio.get_running_loop().create_future()
        for shard in self.shards:
            await shard.carrier.start(
                Assignment(self.plan, self._folder, target, shard.number, len(self.shards))
            )
        await self._until_ending(self._ready, START)
        if not self._ready.done() and not self._ending.is_set():
            self._abort(f"the shards were not ready within {START:.0f} s")
        return self._ready.done() and not self._ending.is_set()

    async def _play(self) -> None:
        """Let the phases go by until the last has ended, or the run has to end."""
        phases = asyncio.gather(*(self._play_phase(number) for number in range(len(self.phases))))
        try:
            await self._until_ending(phases, None)
            if phases.done():
                phases.result()
        finally:
            phases.cancel()
            await asyncio.gather(phases, return_exceptions=True)

    async def _until_ending(self, other: "asyncio.Future[Any]", seconds: float | None) -> None:
        """Wait for something, for the end of the run, or for a deadline."""
        ending = asyncio.ensure_future(self._ending.wait())
        waiting: set[asyncio.Future[Any]] = {other, ending}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()

    async def _finish(self) -> None:
        seconds = self.plan.drain if self._stopped and not self._at_once else 0.0
        for shard in self.shards:
            shard.carrier.tell(EndShard(seconds))
        try:
            async with asyncio.timeout(seconds + CLOSING):
                for shard in self.shards:
                    await shard.carrier.ended()
        except TimeoutError:
            for shard in self.shards:
                shard.carrier.kill()
            for shard in self.shards:
                await shard.carrier.ended()

    # -- phases ------------------------------------------------------------------------------------

    async def _play_phase(self, number: int) -> None:
        one = self.phases[number]
        if one.phase.start == "with" and number:
            await self.phases[number - 1].begun()
        else:
            for earlier in self.phases[:number]:
                await earlier.over()
        await asyncio.sleep(one.phase.delay)
        alive = [shard for shard in self.shards if not shard.lost]
        one.begin((shard.number for shard in alive), self.elapsed)
        for shard in alive:
            shard.carrier.tell(BeginPhase(number))
        await one.over()
        if (
            isinstance(one.phase.activity, LoginPhase)
            and not self.measurements.counters["login.ok"]
        ):
            causes = [
                why for (what, why), _ in self.measurements.causes.most_common() if what == "login"
            ]
            self._abort(f"no account could log in: {causes[0] if causes else 'none was tried'}")

    # -- the clock ---------------------------------------------------------------------------------

    async def _tick(self) -> None:
        due = self.elapsed
        while True:
            due += INTERVAL
            await asyncio.sleep(max(0.0, due - self.elapsed))
            self.measurements.record("machine.cpu", machine_cpu())
            usage = None if self._server is None else self._server.take()
            if usage is not None:
                self.measurements.record("server.cpu", usage.cpu)
                self.measurements.record("server.memory", usage.memory)
            point = self.measurements.close(self.elapsed)
            self._see(point)
            self._watch(point)

    def _watch(self, point: Point) -> None:
        for threshold in self.plan.thresholds:
            found = check(threshold, self.measurements) if threshold.abort else None
            if found is not None and found.value is not None and not found.held:
                self._broken.setdefault(threshold, found)
                self._ending.set()
        if self._watchdog.look(point) and self.plan.watchdog.then == "abort":
            self._abort("the generator is saturated")

    def _abort(self, reason: str) -> None:
        self._aborted = self._aborted or reason
        self._ending.set()

    # -- what shards say ---------------------------------------------------------------------------

    def _hear(self, number: int, message: FromShard) -> None:
        shard = self.shards[number]
        match message:
            case Ready():
                shard.host, shard.pid = message.host, message.pid
                if all(one.pid for one in self.shards) and self._ready and not self._ready.done():
                    self._ready.set_result(None)
            case Measured():
                self.measurements.merge(number, message.snapshot)
            case PhaseEnded():
                self.phases[message.phase].end(number, self.elapsed)
            case ShardFailed():
                self._abort(f"shard {number} failed: {message.reason}")
            case ShardEnded():
                self._gone(number)
            case ShardLost():
                self._lose(shard, message.reason)

    def _lose(self, shard: ShardRun, reason: str) -> None:
        shard.lost = reason
        gauges = self.measurements.lose(shard.number)
        self._gone(shard.number)
        if self._at_once:
            return
        shard.online = int(gauges.get("accounts.online", 0))
        shard.calls = int(gauges.get("calls.active", 0))
        self.measurements.count("shard.lost")
        self.measurements.count("call.lost", shard.calls)
        ready = self._ready is not None and self._ready.done()
        if not ready or self.plan.lost_shard == "abort" or all(one.lost for one in self.shards):
            self._abort(f"shard {shard.number} was lost: {reason}")

    def _gone(self, number: int) -> None:
        for one in self.phases:
            one.end(number, self.elapsed)

    def _lost(self) -> list[str]:
        found = []
        for shard in self.shards:
            if shard.lost and not self._at_once:
                share = math.ceil((len(self.plan.accounts) - shard.number) / len(self.shards))
                found.append(
                    f"Shard {shard.number} was lost with its {share:,} accounts, {shard.online:,} "
                    f"of them online, and {shard.calls:,} calls: {shard.lost}."
                )
        return found

    def _account_for_messages(self) -> None:
        if any(one.bot != PARTICIPANT for one in self.plan.accounts):
            return  # a bot of the user's does not say what it received
        for title, phase in self.measurements.phases.items():
            lost = phase.counters["message.started"] - phase.counters["message.received"]
            if lost > 0:
                self.measurements.count("message.lost", lost, phase=title)

"""A load run, as commands see it."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ...config import Embedded
from ...load.measure.measurements import Point
from ...load.report.chart import thinned
from ...load.run.run import Run
from ...load.run.verdict import Verdict
from ..instance.clock import iso
from ..instance.event_hub import EventHub, HubEntry
from ..models.calls import CallsResult
from ..models.events import LoadPhaseEvent, LoadPointEvent, LoadVerdictEvent, TimedEvent
from ..models.load import LoadPhaseSummary, LoadPointsResult
from ..models.status import Counts, PartSummary, RecordingsSummary, ServerSummary, StatusResult
from ..models.stop import StopResult
from ..version import VERSION
from .summary import TIMES, measured, summary, told


class LoadRun:
    """What can be asked of a run while it goes on.

    Args:
        run: the run.
        file: its plan.
        stop: ends it in order; the second time, at once.

    Attributes:
        socket: where its control socket is; None: it has none.
        events: which phases begin and end, and how it goes each second.
        logs: what is logged.
    """

    def __init__(self, run: Run, file: Path, stop: Callable[[], None]) -> None:
        self.socket: Path | None = None
        self.events = EventHub()
        self.logs = EventHub()
        self._run = run
        self._file = file
        self._stop = stop
        self._clock = time.monotonic()
        self._parts: dict[str, Callable[[], PartSummary]] = {}
        self._told: set[tuple[int, str]] = set()

    def add_part(self, name: str, look: Callable[[], PartSummary]) -> None:
        """Let the status have a line on a part beside the shards.

        Args:
            name: which part.
            look: says how it stands, on the loop.
        """
        self._parts[name] = look

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that it works with."""
        return (self._file.parent,)

    def see(self, point: Point) -> None:
        """Tell what an interval has brought; its numbers are of no use to who comes later."""
        for number, one in enumerate(self._run.phases):
            for state, at in (("began", one.began), ("ended", one.ended)):
                if at is not None and (number, state) not in self._told:
                    self._told.add((number, state))
                    self._publish(partial(_phase_event, one.title, state, at), "LoadPhase")
        self._publish(partial(_point_event, point), "LoadPoint", keep=False)

    def judged(self, verdict: Verdict) -> None:
        """Tell how it has ended."""
        phases = summary(self._run).phases
        self._publish(partial(_verdict_event, verdict, phases), "LoadVerdict")

    def points(self, limit: int) -> LoadPointsResult:
        """Say how it has gone.

        Args:
            limit: how many seconds are told at the most.
        """
        found = thinned(self._run.measurements.points, limit)
        return LoadPointsResult(points=tuple(measured(one, TIMES) for one in found))

    def _publish(self, make: Callable[[str], TimedEvent], kind: str, *, keep: bool = True) -> None:
        now = time.time()
        self.events.publish(HubEntry(now, kind, partial(make, iso(now))), keep=keep)

    def status(self) -> StatusResult:
        """Say how it stands."""
        run = self._run
        total, online, calls = len(run.plan.accounts), self._gauge("accounts.online"), self.calls()
        counters = run.measurements.counters
        ended = {state: counters[f"call.{state}"] for state in ("ok", "failed")}
        return StatusResult(
            callboard=VERSION,
            file=str(self._file),
            pid=os.getpid(),
            state="ending" if run.is_ending else "running" if self._has_begun else "starting",
            started=iso(run.started.timestamp()),
            uptime=round(time.monotonic() - self._clock, 3),
            server=self._server(),
            accounts=_counts(online=online, offline=total - online),
            account_list=(),
            calls=_counts(connected=calls.total),
            call_list=(),
            calls_ended=_counts(**ended),
            recordings=RecordingsSummary(folder="", finished=0, incomplete=0, octets=0),
            parts=(*(look() for look in self._parts.values()), *self._shards()),
            load=summary(run),
        )

    def calls(self) -> CallsResult:
        """Say how many calls go on; which ones, only the shards know."""
        return CallsResult(total=self._gauge("calls.active"), calls=())

    def stop(self, *, now: bool) -> StopResult:
        """End it in order, or at once.

        Args:
            now: give running calls no time.
        """
        calls = self.calls().total
        if not self._run.is_ending:
            self._stop()
        if now:
            self._stop()
        return StopResult(calls=calls, seconds=0.0 if now else self._run.plan.drain)

    @property
    def _has_begun(self) -> bool:
        return any(one.began is not None for one in self._run.phases)

    def _gauge(self, name: str) -> int:
        points = self._run.measurements.points
        return int(points[-1].gauges.get(name, 0)) if points else 0

    def _server(self) -> ServerSummary:
        server = self._run.plan.server
        if isinstance(server, Embedded):
            return ServerSummary(kind="embedded", address=f"127.0.0.1:{self._run.port}")
        return ServerSummary(kind="remote", address=server.host or "")

    def _shards(self) -> Iterator[PartSummary]:
        for one in self._run.shards:
            where = f"process {one.pid} on {one.host}" if one.pid else "starting"
            yield PartSummary(
                name=f"shard {one.number}",
                state="failed" if one.lost else "running",
                detail=one.lost or where,
            )


def _counts(**states: int) -> Counts:
    return Counts(total=sum(states.values()), by_state={k: v for k, v in states.items() if v})


def _phase_event(title: str, state: str, at: float, now: str) -> TimedEvent:
    return LoadPhaseEvent.model_validate(
        {"time": now, "event": "LoadPhase", "title": title, "state": state, "at": at}
    )


def _point_event(point: Point, at: str) -> TimedEvent:
    found = measured(point).model_dump()
    return LoadPointEvent.model_validate({"time": at, "event": "LoadPoint", **found})


def _verdict_event(verdict: Verdict, phases: tuple[LoadPhaseSummary, ...], at: str) -> TimedEvent:
    return LoadVerdictEvent.model_validate(
        {
            "time": at,
            "event": "LoadVerdict",
            "status": verdict.status.word,
            "sentence": verdict.sentence,
            "checks": [told(one) for one in verdict.checks],
            "phases": phases,
            "warnings": verdict.warnings,
        }
    )

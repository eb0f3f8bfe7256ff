"""How a load run stands, from what was measured of it."""

from collections.abc import Collection, Iterator

from ...load.measure.measurements import Point
from ...load.run.progress import PhaseRun
from ...load.run.run import Run
from ...load.run.verdict import Check, check, shown
from ..models.load import (
    LoadCheck,
    LoadError,
    LoadMeasured,
    LoadPhaseSummary,
    LoadRate,
    LoadSummary,
    LoadTime,
)

#: What is done, and the times that are told of it.
ACTIVITIES = ("login", "call", "message", "presence", "logout")
TIMES = (
    "login",
    "call.setup",
    "call.media",
    "message.delivery",
    "message.receipt",
    "presence.returned",
    "generator.lag",
)
#: Errors that are told.
MOST_ERRORS = 5


def summary(run: Run) -> LoadSummary:
    """Return how a run stands.

    Args:
        run: the run.
    """
    point = run.measurements.points[-1] if run.measurements.points else None
    return LoadSummary(
        elapsed=round(run.elapsed, 3),
        phases=tuple(_phase(run, one) for one in run.phases),
        rates=tuple(rates(run, point)),
        times=tuple(times(run, point)),
        errors=tuple(errors(run)),
        checks=tuple(told(check(one, run.measurements)) for one in run.plan.thresholds),
    )


def told(one: Check) -> LoadCheck:
    """Return a threshold as clients are told it."""
    value = None if one.value is None else shown(one.value, one.unit)
    return LoadCheck(text=one.text, value=value, held=one.held)


def measured(point: Point, names: Collection[str] | None = None) -> LoadMeasured:
    """Return what a second has brought, as clients are told it.

    Args:
        point: what was measured in it.
        names: the metrics whose percentiles are told; None: all.
    """
    spreads = {name: one for name, one in point.spreads.items() if names is None or name in names}
    return LoadMeasured(
        at=round(point.at, 3),
        online=int(point.gauges.get("accounts.online", 0)),
        calls=int(point.gauges.get("calls.active", 0)),
        started=_each_second(point, ".started"),
        failed=_each_second(point, ".failed"),
        p50={name: one.p50 for name, one in spreads.items()},
        p95={name: one.p95 for name, one in spreads.items()},
    )


def _each_second(point: Point, end: str) -> dict[str, float]:
    return {
        name.removesuffix(end): count / point.seconds
        for name, count in point.counters.items()
        if name.endswith(end)
    }


def _phase(run: Run, one: PhaseRun) -> LoadPhaseSummary:
    to_come = "skipped" if run.is_ending else "waiting"
    state = to_come if one.began is None else "running" if one.ended is None else "ended"
    return LoadPhaseSummary.model_validate(
        {
            "title": one.title,
            "state": state,
            "began": one.began,
            "ended": one.ended,
            "planned": run.planned_seconds(one.phase),
        }
    )


def rates(run: Run, point: Point | None) -> Iterator[LoadRate]:
    """Give how often things were done, those that were.

    Args:
        run: the run.
        point: what was measured in the last interval.
    """
    counters = run.measurements.counters
    for name in ACTIVITIES:
        started, dropped = counters[f"{name}.started"], counters[f"{name}.dropped"]
        if started or dropped:
            now = 0.0 if point is None else point.counters.get(f"{name}.started", 0) / point.seconds
            good = "message.received" if name == "message" else f"{name}.ok"
            yield LoadRate(
                name=name,
                per_second=now,
                started=started,
                ok=counters[good],
                failed=counters[f"{name}.failed"],
                dropped=dropped,
            )


def times(run: Run, point: Point | None) -> Iterator[LoadTime]:
    """Give how long things took, those that were measured.

    Args:
        run: the run.
        point: what was measured in the last interval.
    """
    for name in TIMES:
        whole = run.measurements.spread(name)
        if whole is not None:
            now = None if point is None else point.spreads.get(name)
            yield LoadTime(
                name=name,
                now=None if now is None else now.p95,
                p50=whole.p50,
                p95=whole.p95,
                p99=whole.p99,
                max=whole.max,
            )


def errors(run: Run) -> Iterator[LoadError]:
    """Give the most frequent errors.

    Args:
        run: the run.
    """
    for (what, why), count in run.measurements.causes.most_common(MOST_ERRORS):
        yield LoadError(what=what, why=why, count=count)

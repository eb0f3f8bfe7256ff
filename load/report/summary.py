"""``summary.json``: a run in numbers, for programs."""

import json
from dataclasses import asdict
from typing import Any

from ..measure.metric import METRICS
from ..measure.totals import Totals
from ..run.run import Run
from ..run.verdict import Verdict

AGGREGATES = ("min", "mean", "p05", "p50", "p90", "p95", "p99", "p99.9", "max")
"""What is told of each distribution."""


def summary(run: Run, verdict: Verdict) -> dict[str, Any]:
    """Return a run in numbers; times are in seconds, sizes in MiB, shares in percent.

    Args:
        run: what was run.
        verdict: how it ended.
    """
    measured = run.measurements
    return {
        "verdict": verdict.sentence,
        "status": int(verdict.status),
        "thresholds": [asdict(check) for check in verdict.checks],
        "warnings": list(verdict.warnings),
        "started": run.started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(run.elapsed, 1),
        "accounts": len(run.plan.accounts),
        "shards": [
            {
                "number": one.number,
                "host": one.host,
                "pid": one.pid,
                "lost": one.lost or None,
                "lost_accounts": one.online,
                "lost_calls": one.calls,
                "distributions": _distributions(measured.shards[one.number]),
            }
            for one in run.shards
        ],
        "phases": [
            {
                "name": one.title,
                "kind": one.phase.kind,
                "began": _rounded(one.began),
                "ended": _rounded(one.ended),
                "rate": _rounded(run.rate_of(one)),
                **_totals(measured.phases[one.title]),
            }
            for one in run.phases
        ],
        **_totals(measured),
    }


def _totals(measured: Totals) -> dict[str, Any]:
    return {
        "counters": {name: measured.counters[name] for name in METRICS if measured.counters[name]},
        "distributions": _distributions(measured),
        "causes": [
            {"what": what, "why": why, "count": count}
            for (what, why), count in measured.causes.most_common()
        ],
    }


def _distributions(measured: Totals) -> dict[str, Any]:
    found = {}
    for name, metric in METRICS.items():
        count = measured.value(name, "count") if metric.kind == "distribution" else 0
        if count:
            values = {one: _rounded(measured.value(name, one)) for one in AGGREGATES}
            found[name] = {"unit": metric.unit, "count": int(count), **values}
    return found


def to_json(found: dict[str, Any]) -> str:
    """Write a summary as text."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)

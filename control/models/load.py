"""How a load run stands."""

from typing import Literal

from .base import Result
from .text import Text


class LoadPhaseSummary(Result):
    """One phase of the plan.

    Attributes:
        title: what it is called.
        state: whether it is still to come, goes on, or is over.
        began, ended: seconds since the run began; None: not yet.
        planned: seconds that it should take.
    """

    title: Text
    state: Literal["waiting", "running", "ended"]
    began: float | None
    ended: float | None
    planned: float


class LoadRate(Result):
    """How often something was done.

    Attributes:
        name: what: ``login``, ``call``, ``message``, ``presence`` or ``logout``.
        per_second: how often it was started in the last second.
        started, ok, failed, dropped: how often, since the run began.
    """

    name: str
    per_second: float
    started: int
    ok: int
    failed: int
    dropped: int


class LoadTime(Result):
    """How long something took, in seconds.

    Attributes:
        name: the metric, as ``call.setup``.
        now: the 95th percentile of the last second; None: there was nothing.
        p50, p95, p99, max: percentiles since the run began, and the longest.
    """

    name: str
    now: float | None
    p50: float
    p95: float
    p99: float
    max: float


class LoadError(Result):
    """What went wrong, and how often.

    Attributes:
        what: what failed.
        why: why.
        count: how often.
    """

    what: Text
    why: Text
    count: int


class LoadSummary(Result):
    """How a load run stands.

    Attributes:
        elapsed: seconds since it began.
        phases: those of the plan, in its order.
        rates: how often each was done.
        times: how long each took.
        errors: the most frequent ones.
    """

    elapsed: float
    phases: tuple[LoadPhaseSummary, ...]
    rates: tuple[LoadRate, ...]
    times: tuple[LoadTime, ...]
    errors: tuple[LoadError, ...]

"""How a load run stands."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .text import Text

#: Points of a run that are told at the most; the seconds of a long one are thinned out to these.
MOST_POINTS = 1_500


class LoadPhaseSummary(Result):
    """One phase of the plan.

    Attributes:
        title: what it is called.
        state: whether it is still to come, goes on, or is over; ``skipped`` if the run ends before
            it has begun.
        began, ended: seconds since the run began; None: not yet.
        planned: seconds that it should take.
    """

    title: Text
    state: Literal["waiting", "running", "ended", "skipped"]
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


class LoadCheck(Result):
    """A threshold, and whether it held.

    Attributes:
        text: what had to hold.
        value: what was measured, in its unit; None: nothing was.
        held: whether it held.
    """

    text: Text
    value: Text | None
    held: bool


class LoadSummary(Result):
    """How a load run stands.

    Attributes:
        elapsed: seconds since it began.
        phases: those of the plan, in its order.
        rates: how often each was done.
        times: how long each took.
        errors: the most frequent ones.
        checks: the plan's thresholds, as they stand now.
    """

    elapsed: float
    phases: tuple[LoadPhaseSummary, ...]
    rates: tuple[LoadRate, ...]
    times: tuple[LoadTime, ...]
    errors: tuple[LoadError, ...]
    checks: tuple[LoadCheck, ...] = ()


class LoadMeasured(Result):
    """What a second of a load run has brought.

    Attributes:
        at: its end, in seconds since the run began.
        online: accounts that are online.
        calls: calls that go on.
        started, failed: what was started a second, and what failed: logins, calls, messages.
        p50, p95: percentiles of this second, in the unit of each metric.
    """

    at: float
    online: int
    calls: int
    started: dict[str, float]
    failed: dict[str, float] = Field(default_factory=dict)
    p50: dict[str, float] = Field(default_factory=dict)
    p95: dict[str, float]


class LoadPointsResult(Result):
    """How a load run has gone so far.

    Attributes:
        points: its seconds in their order, the last one among them.
    """

    points: tuple[LoadMeasured, ...]


class LoadPointsCommand(Command[LoadPointsResult]):
    """Ask how a load run has gone, second by second.

    Attributes:
        limit: how many points are told at the most; those between them are left out.
    """

    name: ClassVar[str] = "points"
    result = LoadPointsResult

    limit: Annotated[int, Field(ge=1, le=MOST_POINTS)] = MOST_POINTS

"""The watchdog says when the generator was the limit."""

from callboard.load.measure.measurements import Point
from callboard.load.measure.totals import Spread
from callboard.load.plan.plan import WatchdogSettings
from callboard.load.run.watchdog import Watchdog


def point(at: int, *, lag: float = 0.0, cpu: float = 0.0, machine: float = 0.0) -> Point:
    def spread(value: float) -> Spread:
        return Spread(1, value, value, value, value, value)

    spreads = {
        "generator.lag": spread(lag), "generator.cpu": spread(cpu), "machine.cpu": spread(machine)
    }  # fmt: skip
    return Point(at, 1.0, {}, {}, spreads)


def test_a_generator_at_ease_says_nothing() -> None:
    watchdog = Watchdog(WatchdogSettings())
    assert not any(watchdog.look(point(at, lag=0.05, cpu=80)) for at in range(60))
    assert watchdog.warnings() == []


def test_a_short_hiccup_is_forgiven() -> None:
    watchdog = Watchdog(WatchdogSettings())
    for at in range(60):
        watchdog.look(point(at, lag=0.5 if at % 5 else 0.0))
    assert not watchdog.saturated


def test_a_busy_or_late_generator_is_named() -> None:
    watchdog = Watchdog(WatchdogSettings())
    assert [watchdog.look(point(at, lag=0.25, cpu=99)) for at in range(6)].index(True) == 4
    (warning,) = watchdog.warnings()
    assert "not the target" in warning
    assert "250 ms" in warning
    assert "99 %" in warning


def test_a_full_machine_is_named() -> None:
    watchdog = Watchdog(WatchdogSettings())
    for at in range(6):
        watchdog.look(point(at, machine=100))
    (warning,) = watchdog.warnings()
    assert "All cores" in warning

"""What has to hold, as people write it."""

import pytest
from callboard.load.measure.metric import METRICS
from callboard.load.plan.threshold import parse_condition


@pytest.mark.parametrize(
    ("text", "metric", "aggregate", "limit"),
    [
        ("call.setup.p95 < 500ms", "call.setup", "p95", 0.5),
        ("login.failed == 0", "login.failed", "value", 0),
        ("audio.mos.p05 > 4.0", "audio.mos", "p05", 4),
        ("generator.lag.p99.9<=2s", "generator.lag", "p99.9", 2),
        ("call.failed.ratio < 1%", "call.failed", "ratio", 1),
        ("call.first-audio.max < 1500 µs", "call.first-audio", "max", 0.0015),
        ("login.count >= 100", "login", "count", 100),
        ("server.memory.max < 2GiB", "server.memory", "max", 2048),
        ("generator.cpu.mean < 90", "generator.cpu", "mean", 90),
        ("accounts.online >= 10", "accounts.online", "value", 10),
    ],
)
def test_a_threshold_is_read(text: str, metric: str, aggregate: str, limit: float) -> None:
    condition = parse_condition(text)
    assert condition.metric is METRICS[metric]
    assert condition.aggregate == aggregate
    assert condition.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write it like"),
        ("call.setup < 1s", "many values"),
        ("call.setup.p95 < 500", "needs its unit"),
        ("call.setup.p95 < 5%", "does not fit"),
        ("login.failed == 0ms", "remove it"),
        ("cal.setup.p95 < 1s", "did you mean call.setup?"),
        ("call.setup.p101 < 1s", "none of p50"),
        ("login.failed.p95 < 1", "one number"),
        ("call.ok.ratio > 5%", "one number"),
        ("nothing.like.it.p95 < 1s", "docs/load.md"),
        ("call.setup.p95 < 1s; rm", "write it like"),
    ],
)
def test_what_is_no_threshold_says_what_would_be(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        parse_condition(text)


@pytest.mark.parametrize(
    ("operator", "held"),
    [("<", False), ("<=", True), ("==", True), (">=", True), (">", False), ("!=", False)],
)
def test_the_limit_itself(operator: str, held: bool) -> None:
    assert parse_condition(f"login.failed {operator} 3").holds(3) is held

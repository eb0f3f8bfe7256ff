"""The page ``docs/load.md``, made from the models and the table of metrics."""

from ...config.reference import section
from ..measure.metric import METRICS
from .schema import plan_schema

INTRODUCTION = """\
# Load tests

<!-- Written by script/docs from load/: change that, not this page. -->

How many accounts, how many calls, how fast, and where does it break? One YAML plan says what to do
and what has to hold; `callboard load` does it and gives a verdict.

```console
$ pip install 'callboard[load]'
$ callboard load examples/load.yaml --out report
✓ All 7 thresholds hold
  ✓ login.failed == 0   measured: 0
  ✓ call.setup.p95 < 1s   measured: 78.7 ms
  …
Report: report/report.html
```

A plan is an [accounts file](configuration.md) with phases and thresholds:

```yaml
server: {host: xmpp.example.org}       # or embedded: a private server of this run
accounts:
  - {jid: "caller-{0001..0200}@example.org", password: "${LOAD_PASSWORD}"}
  - {jid: "callee-{0001..0200}@example.org", password: "${LOAD_PASSWORD}"}
phases:
  - login: {rate: 50/s}
  - call: {from: "caller-*@*", to: "callee-*@*", rate: 5/s, ramp: 10s, duration: 2m, hold: 20s}
  - message: {rate: 50/s, duration: 2m}
    start: with                        # together with the calls
  - logout: {rate: 50/s}
thresholds:
  - login.failed == 0
  - call.setup.p95 < 500ms
  - {check: message.delivery.p99 < 1s, phase: message}
  - {check: call.failed.ratio < 5%, abort: true}
```

`callboard schema --plan` prints the JSON Schema, with which an editor completes and checks keys.

## What comes out

| | |
|---|---|
| on the terminal | progress of the phases, rates, percentiles, causes of errors; then the verdict |
| `report.html` | one page that needs nothing else, the verdict first |
| `summary.json` | the same in numbers, for programs: the whole run, each phase, each shard |
| `samples.csv` | a row for each second |
| `calls.csv` | a row for each side of each call and kind of media: setup, packets, quality |
| `junit.xml` | each threshold as a test case, for continuous integration |
| `--metrics PORT` | metrics for Prometheus while it runs, on loopback |

| exit status | |
|---|---|
| 0 | all thresholds hold |
| 1 | a threshold does not hold, or did not when it ended the run; also one never measured |
| 2 | nothing was run: the plan is wrong, too few files may be open, or a package is missing |
| 3 | aborted: no account could log in, a shard failed, or the generator was saturated |

`Ctrl-C` once ends in order (no new calls, `drain` for running ones, everybody logs out) and writes
the report; twice, at once.

## How it measures

- **Arrival rates are open.** What starts does not wait for what started before, so a slow target is
  seen as slow. A late start is started late and counted (`iteration.late`); one that can't be
  started is a *dropped iteration*, with its cause: the caller is still in its last call or is not
  online, or the generator is over 5 s late.
- **Shards.** Each shard is a process with an event loop of its own; account *n* of the plan lives
  on shard *n* modulo the number of shards. When an iteration starts, who calls and who is called,
  and how long, follow from its index alone, so shards need no coordinator: they are told when a
  phase begins, and report histograms every second. A shard that dies is reported with its accounts
  and calls; whether the run goes on is `lost_shard`.
- **Callers and callees.** Iteration *k* is begun by account *k* of `from`, in turn, with account
  *k* of `to`; an account makes one call at a time, so a rate of 5/s held 20 s needs a hundred
  callers.
- **Steps** of logins and calls are the time since the step before. Calls are measured at the
  caller.
- **Quality** is measured at both ends of a call, by direction: `audio.to-caller.…` is what callers
  hear, `audio.to-callee.…` what callees hear, `audio.…` both, one value for each leg when it ends;
  `audio.now.…` is each leg in each second while the call goes on, so that three bad seconds of a
  long call are seen.
- **Phases** are measured each by itself too, also where two of a kind overlap. A phase is known by
  its `name`, or by what it does; the second `call` without a name is `call 2`.
- **One-way times** (`message.delivery`) compare the clocks of two shards: on one machine they are
  the same clock.
- **The generator is measured too.** If a shard's event loop wakes late or its core is full for 5 s,
  the verdict says that the generator, not the target, was the limit.
- **Bots of your own** can take calls and messages, or place calls themselves: name them with `bot:`
  as in an accounts file. Their calls are measured like all others.
- Histograms are HDR histograms: three significant digits from a microsecond to an hour.

## More than one machine

`callboard load PLAN --ray ADDRESS` (extra `callboard[ray]`) runs the shards on the machines of a
Ray cluster, one Ray actor each, spread, and by default as many as it has cores; a shard that dies
is not started again. Callboard, the plan's files and its bots must be at the same place on each.
Ray carries reports, never a call's signalling.

## Reading the figures

A server on the same machine (`embedded` above all) competes with the generator for its cores: what
is measured then is the two together.

## Thresholds

`METRIC.AGGREGATE OPERATOR LIMIT`, such as `call.setup.p95 < 500ms`. Operators are `<`, `<=`, `>`,
`>=`, `==` and `!=`.

- A distribution has `p50`, `p99.9` and any other percentile (`p05` of a quality is what 95 %
  reach), `min`, `mean`, `max` and `count`.
- A counter is compared as it is, `login.failed == 0`; failed and dropped ones also as a share of
  all that were tried, `call.failed.ratio < 1%`.
- Times take `µs`, `ms`, `s` or `m`; memory `MiB` or `GiB`.
- `{check: …, phase: NAME}` looks at one phase alone.
- `{check: …, abort: true}` is looked at each second, and ends the run when it does not hold; it
  stays broken, whatever is measured while the run ends.

## Metrics
"""


def reference() -> str:
    """Describe load plans.

    Returns:
        The page, in Markdown.
    """
    schema = plan_schema()
    models = schema["$defs"]
    own = {name: schema["properties"][name] for name in _OWN}
    parts = [
        INTRODUCTION,
        _metrics(),
        section(
            "The plan",
            "Besides what an [accounts file](configuration.md) has:",
            {**schema, "properties": own},
        ),
        section("phases", "", models["Phase"]),
        section("phases: login", "", models["LoginPhase"]),
        section("phases: idle", "", models["IdlePhase"]),
        section("phases: presence", "", models["PresencePhase"]),
        section("phases: message", "", models["MessagePhase"]),
        section("phases: call", "", models["CallPhase"]),
        section("phases: logout", "", models["LogoutPhase"]),
        section("steps", "", models["Step"]),
        section("hold", "As a mapping:", models["HoldTime"]),
        section("thresholds", "As a mapping:", models["Threshold"]),
        section("watchdog", "", models["WatchdogSettings"]),
    ]
    return "\n".join(parts)


_OWN = (
    "phases", "thresholds", "shards", "seed", "watchdog", "lost_shard", "server_pid"
)  # fmt: skip


def _metrics() -> str:
    rows = [
        f"| `{metric.name}` | {metric.kind} | {metric.unit or ' '} | {metric.meaning} |"
        for metric in METRICS.values()
    ]
    return "\n".join(["| metric | | unit | |", "|---|---|---|---|", *rows, ""])

"""The page ``docs/load.md``, made from the models and the table of metrics."""

from ...config.reference_page import section
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

`callboard schema --plan` prints the JSON Schema, which lets an editor complete and check keys.

## What you get

| | |
|---|---|
| on the terminal | progress of the phases, rates, percentiles, causes of errors; then the verdict |
| `report.html` | a single page that needs no other files, with the verdict at the top |
| `calls.ladders/` | the ladders of some failed calls and of the slowest, for `callboard ladder` |
| `summary.json` | the same numbers for programs: the whole run, each phase, each shard |
| `samples.csv` | a row for each second |
| `calls.csv` | a row for each side of each call and kind of media: setup, packets, quality |
| `junit.xml` | each threshold as a test case, for continuous integration |
| `--metrics ADDRESS` | metrics for Prometheus during the run: `9100` is a port on loopback |

| exit status | |
|---|---|
| 0 | all thresholds hold |
| 1 | a threshold does not hold, did not hold when it stopped the run, or was never measured |
| 2 | nothing was run: the plan is wrong, too few files may be open, or a package is missing |
| 3 | aborted: no account could log in, a shard failed, or the generator was saturated |

Press `Ctrl-C` to stop in order and write the report: no new calls start, running ones get `drain`
to end, and everybody logs out. Press it again to stop at once.

## How it measures

- **Arrival rates are open.** A new start does not wait for earlier ones to finish, so a slow target
  shows up as slow. A late start still happens, and is counted (`iteration.late`). One that can't
  happen is a *dropped iteration*, reported with its cause: the caller is still in its last call or
  is offline, or the generator is more than 5 s late.
- **Shards.** Each shard is a process with its own event loop. Account *n* of the plan lives on
  shard *n* modulo the number of shards. The index of an iteration alone decides when it starts, who
  calls whom, and for how long, so shards need no coordinator: they are told when a phase starts,
  and report histograms every second. If a shard dies, the report names the accounts and calls that
  were lost with it; `lost_shard` decides whether the run goes on.
- **Callers and callees.** Iteration *k* is started by account *k* of `from`, in turn, with account
  *k* of `to`. An account makes one call at a time, so a rate of 5/s with calls of 20 s needs a
  hundred callers.
- **Steps** of logins and calls are the time since the previous step. Calls are measured at the
  caller.
- **Quality** is measured at both ends of a call, by direction: `audio.to-caller.…` is what callers
  hear, `audio.to-callee.…` what callees hear, and `audio.…` both, with one value for each leg when
  it ends. `audio.now.…` has each leg in each second during the call, so that three bad seconds of a
  long call show up.
- **Phases** are also measured one by one, even if two of a kind overlap. A phase goes by its
  `name`, or by what it does; the second `call` without a name is `call 2`.
- **One-way times** (`message.delivery`) compare the clocks of two shards. On one machine, those are
  the same clock.
- **The generator is measured too.** If a shard's event loop wakes late, or its core is full, for
  5 s, the verdict says that the generator, not the target, was the limit.
- **Your own bots** can answer calls and messages, or place calls themselves: name them with `bot:`,
  as in an accounts file. Their calls are measured like all others.
- Histograms are HDR histograms, with three significant digits from a microsecond to an hour.

## More than one machine

`callboard load PLAN --ray ADDRESS` (extra `callboard[ray]`) runs the shards on the machines of a
Ray cluster: one Ray actor for each, spread over the machines, and by default as many as the cluster
has cores. A shard that dies is not restarted. Callboard, the plan's files and its bots must be in
the same place on each machine. Ray carries reports, never a call's signalling.

## Reading the numbers

A server on the same machine, and above all an `embedded` one, competes with the generator for its
cores. You then measure the two together.

## Thresholds

`METRIC.AGGREGATE OPERATOR LIMIT`, such as `call.setup.p95 < 500ms`. Operators are `<`, `<=`, `>`,
`>=`, `==` and `!=`.

- A distribution has `p50`, `p99.9` and any other percentile (95 % of the values reach at least
  `p05`), `min`, `mean`, `max` and `count`.
- A counter is compared as it is: `login.failed == 0`. Failed and dropped ones can also be compared
  as a share of all attempts: `call.failed.ratio < 1%`.
- Times take `µs`, `ms`, `s` or `m`; memory takes `MiB` or `GiB`.
- `{check: …, phase: NAME}` checks one phase alone.
- `{check: …, abort: true}` is checked each second, and stops the run as soon as it does not hold.
  It then counts as broken, whatever is measured while the run stops.

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

"""What is measured: the name, the unit and the meaning of every metric."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .call_side import TO_CALLEE, TO_CALLER
from .steps import CALL_STEPS, LOGIN_STEPS

Kind = Literal["distribution", "counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: as thresholds and reports have it.
        kind: a distribution of values, a counter that only grows, or a gauge.
        unit: ``s``, ``%``, ``MiB``, ``MOS``, ``/s``, or "" for a plain number.
        meaning: a phrase.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str

    @property
    def is_of_phases(self) -> bool:
        """Whether it is also measured for each phase that it fits."""
        return self.name.partition(".")[0] in _OF_PHASES

    @property
    def scale(self) -> float:
        """What a value is multiplied with to be a whole number in a histogram."""
        return SCALES[self.unit]


_OF_PHASES = frozenset(
    ("login", "logout", "presence", "message", "call", "audio", "video", "iteration")
)
#: Whole numbers a unit: histograms hold microseconds and thousandths.
SCALES: Mapping[str, float] = {"s": 1e6, "%": 1e3, "MiB": 1e3, "MOS": 1e3, "/s": 1e3, "": 1.0}


def _legs(name: str, kind: str, words: str) -> list[Metric]:
    found = [
        Metric(f"{name}.jitter", "distribution", "s", f"{kind}: jitter (RFC 3550), {words}"),
        Metric(f"{name}.rtt", "distribution", "s", f"{kind}: round trip by RTCP, {words}"),
        Metric(f"{name}.loss", "distribution", "%", f"{kind}: packets lost, {words}"),
        Metric(f"{name}.rate", "distribution", "/s", f"{kind}: packets received, {words}"),
    ]
    if kind == "audio":
        score = f"{kind}: opinion score from 1 to 4.4 (MOS, G.107), {words}"
        found.append(Metric(f"{name}.mos", "distribution", "MOS", score))
    elif not name.endswith(".now"):
        still = f"{kind}: time in which the picture stood still (freezes of webrtc-stats), {words}"
        found.append(Metric(f"{name}.frozen", "distribution", "%", still))
    return found


def _packets(name: str, words: str) -> list[Metric]:
    return [
        Metric(f"{name}.sent", "counter", "", f"{words}: packets sent"),
        Metric(f"{name}.received", "counter", "", f"{words}: packets received"),
        Metric(f"{name}.lost", "counter", "", f"{words}: packets that did not arrive"),
        Metric(f"{name}.reordered", "counter", "", f"{words}: packets that arrived out of order"),
    ]


def _all() -> list[Metric]:
    found = [
        Metric("login", "distribution", "s", "a whole login, from TCP to the announced presence")
    ]
    found += [
        Metric(
            f"login.{step}", "distribution", "s", f"login step, since the previous one: {meaning}"
        )
        for step, meaning in LOGIN_STEPS.items()
    ]
    found += [
        Metric("logout", "distribution", "s", "a logout"),
        Metric("call.setup", "distribution", "s", "from the start of a call to secured media"),
        Metric("call.media", "distribution", "s", "from the start of a call to the first media"),
    ]
    found += [
        Metric(f"call.{step}", "distribution", "s", f"call step, since the previous one: {meaning}")
        for step, meaning in CALL_STEPS.items()
    ]
    found += [
        Metric("call.held", "distribution", "s", "how long media flowed"),
        Metric(
            "message.delivery", "distribution", "s", "from sending to arrival at the other account"
        ),
        Metric("message.receipt", "distribution", "s", "from sending to the receipt (XEP-0184)"),
        Metric(
            "presence.returned",
            "distribution",
            "s",
            "from a presence change until the server sends it out",
        ),
    ]
    for kind in ("audio", "video"):
        found += _legs(kind, kind, "each leg at its end")
        found += _packets(kind, kind)
        for direction in (TO_CALLER, TO_CALLEE):
            words = direction.replace("-", " the ")
            found += _legs(f"{kind}.{direction}", kind, f"{words}, each leg at its end")
            found += _packets(f"{kind}.{direction}", f"{kind} {words}")
        found += _legs(f"{kind}.now", kind, "each leg, each second while it runs")
    for activity, ok in (("login", "ok"), ("logout", "ok"), ("call", "ok")):
        found += [
            Metric(f"{activity}.started", "counter", "", f"{activity}s started"),
            Metric(f"{activity}.{ok}", "counter", "", f"{activity}s that succeeded"),
            Metric(f"{activity}.failed", "counter", "", f"{activity}s that failed"),
            Metric(f"{activity}.dropped", "counter", "", f"{activity}s that could not start"),
        ]
    found += [
        Metric("message.started", "counter", "", "messages sent"),
        Metric("message.received", "counter", "", "messages that arrived"),
        Metric("message.receipted", "counter", "", "messages whose receipt came"),
        Metric(
            "message.lost", "counter", "", "messages that had not arrived by the end of the run"
        ),
        Metric("message.dropped", "counter", "", "messages that could not be sent"),
        Metric("presence.started", "counter", "", "presence changes"),
        Metric("presence.ok", "counter", "", "presence changes that the server sent out"),
        Metric("presence.dropped", "counter", "", "presence changes that could not be sent"),
        Metric("call.lost", "counter", "", "calls lost with their shard"),
        Metric("account.lost", "counter", "", "streams lost after the login"),
        Metric(
            "account.returned", "counter", "", "accounts that came back after losing their stream"
        ),
        Metric("bot.failed", "counter", "", "bots that raised an exception"),
        Metric("iteration.dropped", "counter", "", "iterations of any kind that could not start"),
        Metric("iteration.late", "counter", "", "iterations that started over 50 ms late"),
        Metric("iteration.lateness", "distribution", "s", "how late iterations started"),
        Metric("accounts.online", "gauge", "", "accounts online"),
        Metric("calls.active", "gauge", "", "calls now"),
        Metric("generator.lag", "distribution", "s", "how late the event loop of a shard wakes up"),
        Metric("generator.cpu", "distribution", "%", "share of one core, by shard and second"),
        Metric("generator.memory", "distribution", "MiB", "resident memory, by shard and second"),
        Metric("shard.lost", "counter", "", "shards that died"),
        Metric("machine.cpu", "distribution", "%", "share of all cores of the generator's machine"),
        Metric(
            "server.cpu", "distribution", "%", "share of one core used by the server, by second"
        ),
        Metric("server.memory", "distribution", "MiB", "resident memory of the server, by second"),
    ]
    return found


METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _all()}
"""Every metric by its name."""

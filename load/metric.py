"""What is measured: the name, the unit and the meaning of every metric."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
    def scale(self) -> float:
        """What a value is multiplied with to be a whole number in a histogram."""
        return SCALES[self.unit]


#: Whole numbers a unit: histograms hold microseconds and thousandths.
SCALES: Mapping[str, float] = {"s": 1e6, "%": 1e3, "MiB": 1e3, "MOS": 1e3, "/s": 1e3, "": 1.0}

LOGIN_STEPS: Mapping[str, str] = {
    "tcp": "TCP connected",
    "tls": "TLS secured",
    "sasl": "authenticated (SASL)",
    "bind": "resource bound",
    "roster": "roster received",
    "presence": "presence announced",
}
"""The steps of a login, in their order."""

CALL_STEPS: Mapping[str, str] = {
    "propose": "proposed by message (XEP-0353)",
    "ringing": "the other side rings",
    "proceed": "the other side takes the call",
    "initiate": "offer sent (session-initiate)",
    "accept": "answer received (session-accept)",
    "ice": "connected (ICE)",
    "dtls": "secured (DTLS-SRTP)",
    "first-audio": "first audio heard",
    "first-video": "first video seen",
}
"""The steps of a call, in their order, as the caller sees them."""


def _all() -> list[Metric]:
    found = [Metric("login", "distribution", "s", "a whole login, from TCP to announced presence")]
    found += [
        Metric(f"login.{step}", "distribution", "s", f"login step, from the one before: {meaning}")
        for step, meaning in LOGIN_STEPS.items()
    ]
    found += [
        Metric("logout", "distribution", "s", "a logout"),
        Metric("call.setup", "distribution", "s", "from the beginning of a call to secured media"),
        Metric("call.media", "distribution", "s", "from the beginning of a call to first media"),
    ]
    found += [
        Metric(f"call.{step}", "distribution", "s", f"call step, from the one before: {meaning}")
        for step, meaning in CALL_STEPS.items()
    ]
    found += [
        Metric("call.held", "distribution", "s", "how long media could flow"),
        Metric("message.delivery", "distribution", "s", "from sending to arrival at the other"),
        Metric("message.receipt", "distribution", "s", "from sending to the receipt (XEP-0184)"),
        Metric("presence.returned", "distribution", "s", "until the server announced a presence"),
    ]
    for kind in ("audio", "video"):
        found += [
            Metric(f"{kind}.jitter", "distribution", "s", f"{kind}: jitter (RFC 3550), each leg"),
            Metric(f"{kind}.rtt", "distribution", "s", f"{kind}: round trip by RTCP, each leg"),
            Metric(f"{kind}.loss", "distribution", "%", f"{kind}: packets lost, each leg"),
            Metric(f"{kind}.rate", "distribution", "/s", f"{kind}: packets received, each leg"),
            Metric(f"{kind}.sent", "counter", "", f"{kind}: packets sent"),
            Metric(f"{kind}.received", "counter", "", f"{kind}: packets received"),
            Metric(f"{kind}.lost", "counter", "", f"{kind}: packets that did not come"),
            Metric(f"{kind}.reordered", "counter", "", f"{kind}: packets that came out of order"),
        ]
    found.append(Metric("audio.mos", "distribution", "MOS", "audio: opinion score (G.107)"))
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
        Metric("message.lost", "counter", "", "messages that had not arrived at the end"),
        Metric("message.dropped", "counter", "", "messages that could not be sent"),
        Metric("presence.started", "counter", "", "presence changes"),
        Metric("presence.ok", "counter", "", "presence changes that the server announced"),
        Metric("presence.dropped", "counter", "", "presence changes that could not be sent"),
        Metric("account.lost", "counter", "", "streams lost after the login"),
        Metric("bot.failed", "counter", "", "bots that raised"),
        Metric("iteration.dropped", "counter", "", "iterations of any kind that could not start"),
        Metric("iteration.late", "counter", "", "iterations that started over 50 ms late"),
        Metric("iteration.lateness", "distribution", "s", "how late iterations started"),
        Metric("accounts.online", "gauge", "", "accounts online"),
        Metric("calls.active", "gauge", "", "calls now"),
        Metric("generator.lag", "distribution", "s", "how late the event loop of a shard wakes"),
        Metric("generator.cpu", "distribution", "%", "of one core, each shard each second"),
        Metric("generator.memory", "distribution", "MiB", "resident, each shard each second"),
        Metric("shard.lost", "counter", "", "shards that died"),
        Metric("machine.cpu", "distribution", "%", "of all cores of the generator's machine"),
        Metric("server.cpu", "distribution", "%", "of one core, the server each second"),
        Metric("server.memory", "distribution", "MiB", "resident, the server each second"),
    ]
    return found


METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _all()}
"""Every metric by its name."""

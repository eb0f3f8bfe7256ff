"""Webhooks: how many events each receiver has taken, and how many wait."""

from collections.abc import Iterator, Sequence
from typing import get_args

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ..webhooks.receiver import Outcome, Receiver


class WebhookMetrics(Collector):
    """Counts what becomes of events.

    Args:
        receivers: of the events.
    """

    def __init__(self, receivers: Sequence[Receiver]) -> None:
        self._receivers = receivers

    def collect(self) -> Iterator[Metric]:
        """Give what is so at the moment; called by the server's thread."""
        events = CounterMetricFamily(
            "callboard_webhook_events",
            "Events by receiver and by what became of them.",
            labels=["receiver", "outcome"],
        )
        waiting = GaugeMetricFamily(
            "callboard_webhook_waiting", "Events that wait for a receiver.", labels=["receiver"]
        )
        for one in self._receivers:
            waiting.add_metric([one.name], one.pending)
            for outcome in get_args(Outcome):
                events.add_metric([one.name, outcome], one.outcomes[outcome])
        yield events
        yield waiting

"""Metrics as text for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats)."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .http_server import HttpAnswer


class Exposition:
    """The page ``/metrics``.

    Args:
        registry: whose metrics are shown. They are collected on the server's loop.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._shown = CollectorRegistry(auto_describe=False)
        self._shown.register(_WithoutTimes(registry))

    async def page(self, accept: str) -> HttpAnswer:
        """Return everything, as OpenMetrics where the scraper accepts that.

        Args:
            accept: the request's ``Accept`` header.
        """
        encode, kind = choose_encoder(accept)
        return HttpAnswer(200, encode(self._shown), kind)


class _WithoutTimes(Collector):
    """Leaves out when each counter began: that is one series more for each, and nobody asks.

    Args:
        registry: what is collected.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Give the metrics."""
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric

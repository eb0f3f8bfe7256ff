"""Metrics for Prometheus while a run goes on (https://prometheus.io/docs/instrumenting)."""

import logging
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from ...config.metrics import ListenAddress
from ..measure.metric import METRICS
from ..scrape.exposition import Exposition
from ..scrape.http_server import HttpServer
from .run import Run

log = logging.getLogger(__name__)

QUANTILES = ("p50", "p95", "p99")


def serve_metrics(address: ListenAddress, run: Run) -> HttpServer:
    """Serve ``/metrics`` from a thread of its own, until that is closed.

    Args:
        address: where.
        run: what is told of; its points are immutable, so the thread may read them at any time.

    Raises:
        OSError: the port can't be had.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(run))
    server = HttpServer(address, {"/metrics": Exposition(registry).page})
    if not address.port:
        log.info("metrics are served at http://%s/metrics", address._replace(port=server.port))
    return server


class _Collector(Collector):
    """Gives the totals, and the percentiles of the last interval.

    Args:
        run: what is told of.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def collect(self) -> Iterator[Metric]:
        """Give everything that has been measured."""
        measured = self._run.measurements
        point = measured.points[-1] if measured.points else None
        for name, metric in METRICS.items():
            known = "callboard_" + name.replace(".", "_").replace("-", "_")
            if metric.kind == "counter":
                yield CounterMetricFamily(known, metric.meaning, value=measured.counters[name])
            elif metric.kind == "gauge":
                value = 0.0 if point is None else point.gauges.get(name, 0.0)
                yield GaugeMetricFamily(known, metric.meaning, value=value)
            elif point is not None and (spread := point.spreads.get(name)) is not None:
                unit = {"s": "_seconds", "%": "_percent", "MiB": "_mebibytes"}.get(metric.unit, "")
                family = GaugeMetricFamily(
                    known + unit, f"{metric.meaning}; the last interval", labels=["quantile"]
                )
                for quantile in QUANTILES:
                    family.add_metric([f"0.{quantile[1:]}"], getattr(spread, quantile))
                yield family

"""The part of a running instance that monitoring talks to."""

import asyncio
import logging
import platform
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector

from ...actors.messages.exchange import AccountChanged, AccountReady, BotFailed, CallStatus, Report
from ...actors.records.call_record import CallRecord
from ...config import Settings
from ...config.metrics import MetricsSettings
from ...load.measure.loop_lag import watch_lag
from ...load.scrape.exposition import Exposition
from ...load.scrape.http_server import HttpServer
from ...media import FinishedRecording
from ..history.retention import RecordingsRemoved
from ..webhooks.receiver import Receiver
from .account_metrics import AccountMetrics
from .call_metrics import CallMetrics
from .health import Health
from .recordings_on_disk import RecordingsOnDisk
from .webhook_metrics import WebhookMetrics

log = logging.getLogger(__name__)

#: Seconds between two looks at how late the loop is.
PROBE = 0.1
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Monitoring:
    """Serves ``/metrics``, ``/healthz`` and ``/readyz`` until it is closed.

    Made on the loop of the actors. What happens there is only counted there; everything else is
    done by threads of its own.

    Args:
        metrics: where to serve what.
        settings: the file's.
        declared: the bare JIDs that the file declares now: a reload can change them.
        stands: whether the exchange runs.
        ending: whether somebody has asked for the end.

    Raises:
        OSError: the address can't be had.

    Attributes:
        port: the TCP port.
        url: of the metrics.
    """

    def __init__(
        self,
        metrics: MetricsSettings,
        settings: Settings,
        *,
        declared: Callable[[], Collection[str]],
        stands: Callable[[], bool],
        ending: Callable[[], bool],
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._settings = metrics
        self._declared = declared
        self._ending = ending
        self._accounts = AccountMetrics(self._registry, declared(), named=metrics.accounts)
        self._calls = CallMetrics(self._registry)
        self._bots = Counter(
            "callboard_bot_failures", "How often a bot's code raised.", registry=self._registry
        )
        lag = Histogram(
            "callboard_loop_lag_seconds",
            "How late the event loop wakes up.",
            buckets=LAG_SECONDS,
            registry=self._registry,
        )
        build = Info("callboard_build", "What is running.", registry=self._registry)
        build.info({"version": version("callboard"), "python": platform.python_version()})
        ProcessCollector(registry=self._registry)
        health = Health(stands, self._unready)
        pages = {
            "/metrics": Exposition(self._registry).page,
            "/healthz": health.alive,
            "/readyz": health.ready,
        }
        self._server = HttpServer(metrics.address, pages)
        self.port = self._server.port
        self.url = f"http://{metrics.address._replace(port=self.port)}/metrics"
        self._recordings = RecordingsOnDisk(self._registry, settings.recordings)
        self._probe = asyncio.create_task(watch_lag(lag.observe, PROBE), name="loop lag")
        if not metrics.address.port:
            log.info("metrics are served at %s", self.url)
        if not metrics.address.is_loopback:
            log.warning(
                "metrics are served at %s, where others than this machine may read them, without "
                "a password: let a firewall decide who",
                metrics.address,
            )

    def hear(self, event: Report | CallRecord | FinishedRecording | RecordingsRemoved) -> None:
        """Count what happens."""
        match event:
            case CallStatus():
                self._calls.status(event)
            case CallRecord():
                self._calls.record(event)
            case AccountChanged():
                self._accounts.changed(event)
            case AccountReady():
                self._accounts.ready(event)
            case BotFailed():
                self._bots.inc()

    def watch_webhooks(self, receivers: Sequence[Receiver]) -> None:
        """Serve metrics of webhooks too.

        Args:
            receivers: of the events.
        """
        self._registry.register(WebhookMetrics(receivers))

    def _unready(self) -> str | None:
        if self._ending():
            return "It is ending: no new calls are taken."
        declared = self._declared()
        online, count = self._accounts.online(declared), len(declared)
        needed = self._settings.needed(count)
        if online >= needed > 0:
            return None
        return f"{online} of {count} accounts are online, and {max(1, needed)} must be."

    async def close(self) -> None:
        """Close the port, and end everything of this."""
        self._probe.cancel()
        await asyncio.gather(self._probe, return_exceptions=True)
        await asyncio.to_thread(self._server.close)
        await asyncio.to_thread(self._recordings.close)

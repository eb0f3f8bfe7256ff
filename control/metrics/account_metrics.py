"""Accounts: how many are in which state, and how their logins go."""

from collections.abc import Iterable, Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ...actors.messages.exchange import AccountChanged, AccountReady, AccountState
from ...load.measure.steps import LOGIN_STEPS, new_steps
from ..account_standing import AccountStanding

#: An account that has logged out is none any more.
STATES = tuple(state for state in get_args(AccountState) if state != "closed")
LOGIN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class AccountMetrics(Collector):
    """Counts the accounts.

    Args:
        registry: where the metrics belong.
        accounts: bare JIDs of those that will log in.
        named: whether each has a metric of its own.
    """

    def __init__(
        self, registry: CollectorRegistry, accounts: Iterable[str], *, named: bool
    ) -> None:
        self._standing = AccountStanding(accounts)
        self._is_named = named
        self._losses = Counter(
            "callboard_account_losses",
            "How often an account lost its stream after a login, or gave up.",
            registry=registry,
        )
        self._logins = Counter(
            "callboard_account_logins", "Logins that were complete.", registry=registry
        )
        self._steps = Histogram(
            "callboard_login_step_seconds",
            "A step of a login, since the step before.",
            ("step",),
            buckets=LOGIN_SECONDS,
            registry=registry,
        )
        registry.register(self)

    def changed(self, report: AccountChanged) -> None:
        """Take a change of an account."""
        if self._standing.take(report) == "lost":
            self._losses.inc()

    def ready(self, report: AccountReady) -> None:
        """Take a login that is complete."""
        self._logins.inc()
        for step, seconds in new_steps(LOGIN_STEPS, report.steps):
            self._steps.labels(step).observe(seconds)

    def online(self, accounts: Iterable[str]) -> int:
        """Return how many of these accounts, named by their bare JIDs, are online."""
        return sum(self._standing.states.get(one) == "online" for one in accounts)

    def collect(self) -> Iterator[Metric]:
        """Give what is so at the moment; called by the server's thread."""
        counts = self._standing.counts.copy()
        states = GaugeMetricFamily("callboard_accounts", "Accounts by state.", labels=["state"])
        for state in STATES:
            states.add_metric([state], counts[state])
        yield states
        if self._is_named:
            each = GaugeMetricFamily(
                "callboard_account_online", "1 while the account is online.", labels=["account"]
            )
            for jid, state in sorted(self._standing.states.copy().items()):
                each.add_metric([jid], float(state == "online"))
            yield each

"""What a plan needs of the machine: open files."""

import math

from ...config import Embedded
from .hold import HoldTime
from .phase import CallPhase
from .plan import Plan, pairing

BASE = 150
"""Files that a process has open besides its streams and media: libraries, pipes, the event loop."""
ADDRESSES = 4
"""Addresses on which calls gather candidates where the plan names none, at a guess."""
LONG = {"fixed": 1.0, "uniform": 1.5, "exponential": 2.0}
"""How much longer than on average calls may be held while they pile up."""
SETUP = 2.0
"""Seconds for which a call has its sockets before and after it is held."""


class CapacityError(Exception):
    """The machine can't hold what the plan needs; says how much that is."""


def calls_at_once(plan: Plan) -> int:
    """Return how many calls may go on at the same time, on both sides of the plan's accounts."""
    total = 0
    for phase in plan.phases:
        if isinstance(call := phase.activity, CallPhase):
            most = math.ceil(call.peak * (_longest(call.hold) + SETUP))
            total += min(most, len(pairing(plan.accounts, call).first))
    return total


def shard_files(plan: Plan, shards: int) -> int:
    """Return how many files the process of a shard has open.

    Args:
        plan: the plan.
        shards: how many processes share it.
    """
    accounts = math.ceil(len(plan.accounts) / shards)
    legs = math.ceil(2 * calls_at_once(plan) / shards)
    addresses = len(plan.media.addresses) if plan.media.addresses else ADDRESSES
    return accounts + legs * addresses + BASE


def open_files(plan: Plan, shards: int) -> int:
    """Return how many files the hungriest process of a run has open, the server's among them.

    Args:
        plan: the plan.
        shards: how many processes share it.
    """
    # The embedded server has a stream open for each account.
    server = len(plan.accounts) + BASE if isinstance(plan.server, Embedded) else 0
    return max(shard_files(plan, shards), server)


def check_open_files(needed: int, limit: int) -> None:
    """Refuse a plan that needs more open files than there may be.

    Args:
        needed: how many files one process of it has open.
        limit: how many a process may open.

    Raises:
        CapacityError: it needs more.
    """
    if needed > limit:
        raise CapacityError(
            f"the plan needs {needed:,} open files in one process, and the limit is {limit:,}: "
            f"raise it with 'ulimit -n {needed}' (as root) or LimitNOFILE, or use more shards"
        )


def _longest(hold: HoldTime) -> float:
    return hold.average * LONG[hold.distribution]

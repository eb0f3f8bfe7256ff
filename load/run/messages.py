"""What the run and its shards tell each other."""

from dataclasses import dataclass
from pathlib import Path

from ..measure.tally import Snapshot
from ..plan.plan import Plan

# -- from the run ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Where accounts connect to.

    Attributes:
        host, port: the address; None: DNS.
        direct_tls: TLS from the first byte.
        ca: a file with the authorities to trust, or None for the system's.
    """

    host: str | None
    port: int | None
    direct_tls: bool
    ca: Path | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a shard is there for.

    Attributes:
        plan: the whole plan.
        folder: the plan's folder, where files and bots are found.
        target: where its accounts connect to.
        shard: which one it is, from 0.
        shards: how many there are.
    """

    plan: Plan
    folder: Path
    target: Target
    shard: int
    shards: int


@dataclass(frozen=True, slots=True)
class BeginPhase:
    """BeginPhase a phase, now.

    Attributes:
        phase: its place in the plan.
    """

    phase: int


@dataclass(frozen=True, slots=True)
class EndShard:
    """Start nothing more, end what runs, log out, and end.

    Attributes:
        seconds: how long running calls may go on.
    """

    seconds: float


# -- from a shard ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The shard can begin phases.

    Attributes:
        pid: its process id.
        host: the name of its machine.
    """

    pid: int
    host: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in the last interval."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """All that a phase started on this shard has ended."""

    phase: int


@dataclass(frozen=True, slots=True)
class ShardFailed:
    """The shard can't go on; one sentence says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ShardEnded:
    """The shard has logged out all its accounts; nothing follows."""


# -- by the run's own end of the line --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShardLost:
    """The shard died, and its accounts and calls with it; one sentence says how."""

    reason: str


ToShard = Assignment | BeginPhase | EndShard
FromShard = Ready | Measured | PhaseEnded | ShardFailed | ShardEnded | ShardLost

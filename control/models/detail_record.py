"""A call's detail record, as ``calls.jsonl`` has it."""

from typing import Literal

from .base import Result
from .text import Text


class CountedMedia(Result):
    """What both a running call and a record have of a kind; see `docs/records.md`."""

    kind: Literal["audio", "video"]
    codec: str
    sent: int
    received: int
    lost: int
    jitter_ms: float
    rtt_ms: float | None
    mos: float | None


class RecordedMedia(CountedMedia):
    """What was sent and received of a kind."""

    freezes: int = 0
    frozen_ms: float = 0.0
    peer_lost: int | None = None
    peer_jitter_ms: float | None = None


class RecordedFile(Result):
    """One file of a recording; without a path if there is none."""

    path: Text | None
    kind: Literal["audio", "video"] | None
    seconds: float
    octets: int
    failure: Text | None
    direction: Literal["sent", "received", "both", "mix"] = "both"


class StoodStill(Result):
    """A time in which the peer's media stood still, in seconds after the call began."""

    kind: Literal["audio", "video"]
    at: float
    seconds: float


class Attendance(Result):
    """A person at a page who heard the call, or talked in it."""

    name: Text
    part: Literal["received", "sent", "join", "take-over", "snapshot"]
    at: float
    seconds: float | None
    role: str


class BridgedTime(Result):
    """A time in which the peer, and that of another call, heard and saw each other.

    It names the other call; `at` is in seconds after this one began.
    """

    uuid: str
    id: Text
    account: str
    peer: str
    at: float
    seconds: float | None


class DetailRecord(Result):
    """A call that has ended, as one account saw it; times are ISO 8601 in UTC.

    `docs/records.md` says what the fields mean.
    """

    version: int
    uuid: str
    id: Text
    account: str
    peer: str
    direction: Literal["in", "out"]
    state: Literal["completed", "missed", "declined", "busy", "cancelled", "failed"]
    reason: str
    text: Text
    started: str
    ringing: str | None
    answered: str | None
    connected: str | None
    ended: str
    setup_ms: float | None
    steps: dict[str, float]
    media: tuple[RecordedMedia, ...]
    recordings: tuple[RecordedFile, ...]
    freezes: tuple[StoodStill, ...]
    listeners: tuple[Attendance, ...]
    bridges: tuple[BridgedTime, ...]
    digits: str | None

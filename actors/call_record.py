"""The call detail record: what ``calls.jsonl`` holds of each call of each account."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ..jingle import Reason
from .outcome import State, outcome


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as one account saw it.

    Attributes:
        id: the session id.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        state: what became of it.
        reason: the Jingle reason (XEP-0166 §7.4), and words where there are any.
        started, ringing, answered, connected, ended: seconds since the epoch; None: it never was.
        media: by kind, what `media.MediaStatistics` has.
        recording: None, or ``{path, seconds, bytes}``.
    """

    id: str
    account: str
    peer: str
    direction: Literal["in", "out"]
    state: State
    reason: str
    started: float
    ended: float
    ringing: float | None = None
    answered: float | None = None
    connected: float | None = None
    media: tuple[Mapping[str, Any], ...] = ()
    recording: Mapping[str, Any] | None = None

    @classmethod
    def refused(cls, sid: str, account: str, peer: str, reason: Reason, text: str) -> "CallRecord":
        """Return the record of an incoming call that the account's policy did not take."""
        at = time.time()
        return cls(
            id=sid,
            account=account,
            peer=peer,
            direction="in",
            state=outcome(reason, direction="in", ours=True, answered=False, connected=False),
            reason=f"{reason}: {text}" if text else str(reason),
            started=at,
            ended=at,
        )

    @property
    def setup_ms(self) -> float | None:
        """Milliseconds from the beginning to connected media."""
        return None if self.connected is None else round((self.connected - self.started) * 1000, 1)

    def to_json(self) -> str:
        """Return the record as one line of JSON, times in ISO 8601 UTC."""
        return json.dumps(
            {
                "id": self.id,
                "account": self.account,
                "peer": self.peer,
                "direction": self.direction,
                "state": self.state,
                "reason": self.reason,
                "started": _iso(self.started),
                "ringing": _iso(self.ringing),
                "answered": _iso(self.answered),
                "connected": _iso(self.connected),
                "ended": _iso(self.ended),
                "setup_ms": self.setup_ms,
                "media": [dict(one) for one in self.media],
                "recording": None if self.recording is None else dict(self.recording),
            },
            ensure_ascii=False,
        )


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")

"""Detail records of calls that never were."""

import json
import os
import random
import uuid
from pathlib import Path

from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.recording_outcome import Recorded
from callboard.jingle import Reason

#: A Saturday noon, in seconds since the epoch.
NOON = 1_795_867_200.0


def past(**fields: object) -> CallRecord:
    """A record, with a uuid of its own."""
    whole: dict[str, object] = {
        "id": "sid",
        "account": "desk@localhost",
        "peer": "alice@localhost/phone",
        "direction": "in",
        "state": "completed",
        "reason": Reason.SUCCESS,
        "started": NOON,
        "ended": NOON + 60.25,
        "uuid": str(uuid.UUID(int=random.getrandbits(128))),
    }
    return CallRecord(**{**whole, **fields})  # type: ignore[arg-type]


def recorded(path: Path, octets: int = 100) -> Recorded:
    """Make a recording's file."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(os.urandom(octets))
    return Recorded.of(str(path), 1.0, octets, None)


def add(log: Path, *records: CallRecord) -> None:
    """Add records to a log."""
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{one.to_json()}\n" for one in records)


def old_line(sid: str) -> str:
    """A line of version 1."""
    return json.dumps(
        {
            "id": sid,
            "account": "desk@localhost",
            "peer": "bob@localhost",
            "direction": "in",
            "state": "missed",
            "reason": "timeout: nobody answered",
            "started": "2023-11-14T22:13:20.000Z",
            "ended": "2023-11-14T22:14:20.250Z",
            "ringing": None,
            "answered": None,
            "connected": None,
            "setup_ms": None,
            "media": [],
            "recording": None,
        }
    )

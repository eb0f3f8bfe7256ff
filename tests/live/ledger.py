"""What every live test holds the file of detail records to."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from callboard.actors.records.recording_outcome import RecordedDirection
from callboard.jingle import Reason

FIELDS = (
    *("version", "uuid", "id", "account", "peer", "direction", "state", "reason", "text"),
    *("started", "ringing", "answered", "connected", "ended", "setup_ms", "steps"),
    *("media", "recordings", "freezes", "listeners", "bridges", "digits"),
)
STATES = {"completed", "missed", "declined", "busy", "cancelled", "failed"}
MEDIA = [
    *("kind", "codec", "sent", "received", "lost", "jitter_ms", "rtt_ms", "mos"),
    *("freezes", "frozen_ms", "peer_lost", "peer_jitter_ms"),
]
TIMES = ("started", "ringing", "answered", "connected", "ended")


def read(path: Path) -> list[dict[str, Any]]:
    """Read a file of detail records, each checked for the fields and types of the issue."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in records:
        _check(record)
    return records


def check_complete(records: Iterable[dict[str, Any]], calls: Iterable[tuple[str, str]]) -> None:
    """See that each call, as (account, id), has exactly one record."""
    counted = Counter((record["account"], record["id"]) for record in records)
    assert not [key for key, count in counted.items() if count > 1]
    assert set(calls) <= set(counted)


def _check(record: dict[str, Any]) -> None:
    assert tuple(record) == FIELDS
    assert record["version"] == 2
    for name in ("uuid", "id", "account", "peer"):
        assert isinstance(record[name], str)
        assert record[name]
    assert record["reason"] in set(Reason)
    assert isinstance(record["text"], str)
    assert record["direction"] in ("in", "out")
    assert record["state"] in STATES
    times = [record[name] for name in TIMES if record[name] is not None]
    assert None not in (record["started"], record["ended"])
    assert all(datetime.fromisoformat(at).utcoffset() is not None for at in times)
    assert all(at.endswith("Z") for at in times)
    assert times == sorted(times)
    if record["connected"] is None:
        assert record["setup_ms"] is None
    else:
        assert record["setup_ms"] > 0
    for media in record["media"]:
        _check_media(media)
    assert list(record["steps"].values()) == sorted(record["steps"].values())
    for listener in record["listeners"]:
        assert set(listener) == {"name", "role", "part", "at", "seconds"}
        assert listener["part"] in ("received", "sent", "join", "take-over", "snapshot")
        assert listener["seconds"] >= 0
    for bridge in record["bridges"]:
        assert list(bridge) == ["uuid", "id", "account", "peer", "at", "seconds"]
        assert bridge["at"] >= 0
        assert bridge["seconds"] >= 0
    for freeze in record["freezes"]:
        assert list(freeze) == ["kind", "at", "seconds"]
        assert freeze["kind"] == "video"
        assert freeze["at"] >= 0
        assert freeze["seconds"] > 0
    for recording in record["recordings"]:
        keys = ["path", "kind", "seconds", "octets", "failure", "direction"]
        assert list(recording) == keys
        assert recording["direction"] in get_args(RecordedDirection)
        if recording["path"] is None:
            assert recording["failure"]
        else:
            goes_on = recording["direction"] == "mix" and not recording["octets"]
            assert goes_on or Path(recording["path"]).stat().st_size == recording["octets"]
            assert recording["kind"] in ("audio", "video")
            assert recording["seconds"] >= 0


def _check_media(media: dict[str, Any]) -> None:
    assert list(media) == MEDIA
    assert media["kind"] in ("audio", "video")
    assert isinstance(media["codec"], str)
    for name in ("sent", "received", "lost"):
        assert isinstance(media[name], int)
        assert media[name] >= 0
    assert media["jitter_ms"] >= 0
    for name in ("rtt_ms", "peer_lost", "peer_jitter_ms"):
        assert media[name] is None or media[name] >= 0
    assert media["mos"] is None or 1 <= media["mos"] <= 4.6

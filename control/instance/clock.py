"""Times as they are told."""

from datetime import UTC, datetime


def iso(at: float) -> str:
    """Return a time as the detail records have it: ISO 8601 in UTC, with milliseconds.

    Args:
        at: seconds since the epoch.
    """
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")

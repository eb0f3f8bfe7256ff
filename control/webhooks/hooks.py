"""Which reports are worth telling, and as what."""

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from ...actors.messages.exchange import AccountChanged, CallStatus
from ...actors.records.call_record import CallRecord
from ...config.webhook import HookName
from ...media import FinishedRecording
from ..account_standing import AccountStanding, Turn
from ..instance.new_recordings import NewRecordings
from ..instance.reported import Reported

_TURNS: Mapping[Turn, HookName] = {"lost": "account-lost", "back": "account-back"}


class Hook(Struct, frozen=True):
    """Something that is told.

    Attributes:
        name: what it is.
        report: what was reported.
        call: the record of the call that a recording is of, or None.
        at: when, in seconds since the epoch.
        id: names it and no other one.
    """

    name: HookName
    report: AccountChanged | CallStatus | CallRecord | FinishedRecording
    call: CallRecord | None = None
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: f"msg_{uuid.uuid4().hex}")


class Hooks:
    """Finds what is to be told among what is reported."""

    def __init__(self) -> None:
        self._standing = AccountStanding()
        self._calls: set[tuple[str, str]] = set()
        self._recordings = NewRecordings()
        self._began = time.time()
        self._left: set[Path] = set()  # recordings of calls that an earlier run left, told already

    def found(self, report: Reported) -> Iterator[Hook]:
        """Give what a report means, in order."""
        match report:
            case CallStatus():
                yield from self._status(report)
            case CallRecord():
                self._calls.discard((report.account, report.id))
                yield Hook("call-ended", report)
                for one in self._recordings.of(report):
                    if one.path is not None:
                        file = FinishedRecording(Path(one.path), one.seconds, one.octets)
                        yield Hook("recording-ready", file, report)
                        if report.started < self._began:
                            self._left.add(file.path)
            case FinishedRecording() if report.path in self._left:
                self._left.discard(report.path)
            case FinishedRecording():
                yield Hook("recording-ready", report)
            case AccountChanged():
                turn = self._standing.take(report)
                if turn is not None:
                    yield Hook(_TURNS[turn], report)

    def _status(self, report: CallStatus) -> Iterator[Hook]:
        key = (report.account, report.id)
        if report.phase == "ended":
            self._calls.discard(key)
        elif key not in self._calls:
            self._calls.add(key)
            yield Hook("call-started", report)

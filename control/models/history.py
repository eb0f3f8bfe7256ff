"""Past calls: one, and those that a search finds."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .detail_record import DetailRecord, RecordedFile


class PastRecordedFile(RecordedFile):
    """One file of a recording of a past call.

    Attributes:
        presence: whether it is there; ``removed``: `keep` in the file did not let it stay;
            ``missing``: somebody else moved or removed it; ``none``: there never was a file.
    """

    presence: Literal["present", "removed", "missing", "none"]


class PastCallDetail(DetailRecord):
    """A call that has ended, with what is left of its recordings."""

    recordings: tuple[PastRecordedFile, ...]


class HistoryResult(Result):
    """A page of past calls.

    Attributes:
        calls: the latest first.
        total: how many the search finds in all.
        next: what `after` is for the next page; None: this is the last.
        skipped: lines of the file of records that are none, or of a newer Callboard.
    """

    calls: tuple[PastCallDetail, ...]
    total: int
    next: str | None
    skipped: int


class PastCallResult(Result):
    """One past call."""

    call: PastCallDetail


class PastCallCommand(Command[PastCallResult]):
    """Ask for one past call.

    Attributes:
        call: its record's ``uuid``, its session id, or how one of them begins; ``last`` or
            ``last-failed``.
    """

    name: ClassVar[str] = "past-call"
    result = PastCallResult

    call: Annotated[str, Field(min_length=1, max_length=3_100)]

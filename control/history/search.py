"""What to look for among past calls, and what was found."""

import base64
import binascii
import json
import math
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Struct
from pydantic import Field, field_validator

from ...actors.records.call_record import CallRecord, State
from ...config.jid import parse_jid
from ...config.pattern import check_pattern
from ...jingle import Reason
from ..models.base import Command
from ..models.history import HistoryResult
from ..problem import Advice, AdvisedError
from .past_call import PastCall

#: Calls that one page may have.
MOST = 1000
#: Characters at the beginning of an id that can name a call.
SHORTEST = 4
#: Names of the call that ended last, and of the last one that failed: which did not come about,
#: whoever was to blame, or broke. What our own policy refused, before it rang, is no such call.
LAST = ("last", "last-failed")
_FAILED = (
    "state <> 'completed' AND NOT (direction = 'in' AND state IN ('busy', 'declined', 'cancelled') "
    "AND json_extract(line, '$.ringing') IS NULL)"
)
#: Octets in a database that belong to one parameter at the most.
_LONGEST = 3100
_WILD = frozenset("*?")

Text = Annotated[str, Field(min_length=1, max_length=_LONGEST)]


class Search(Command[HistoryResult]):
    """What to look for; what is left out matches each call. It is a command of a running instance.

    Attributes:
        account, peer: a JID, a pattern as ``*@example.org``, or a user's name or a domain alone.
            A JID with a resource matches that one only.
        since, until: when the call began, in seconds since the epoch.
        state, reason, direction: as the detail records have them.
        text: what occurs in a JID, the reason, the sentence or the session id, in any case.
        limit: how many calls to return at the most, the latest first.
        after: the `Page.next` of the page before.
    """

    name: ClassVar[str] = "history"
    result = HistoryResult

    account: Text | None = None
    peer: Text | None = None
    since: Annotated[float, Field(allow_inf_nan=False)] | None = None
    until: Annotated[float, Field(allow_inf_nan=False)] | None = None
    state: State | None = None
    reason: Annotated[Reason, Field(strict=False)] | None = None
    direction: Literal["in", "out"] | None = None
    text: Text | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    after: Annotated[str, Field(max_length=4096)] | None = None

    @field_validator("account", "peer")
    @classmethod
    def _check_party(cls, text: str | None) -> str | None:
        if text is not None:
            _party("peer", text)
        return text

    @field_validator("after")
    @classmethod
    def _check_after(cls, text: str | None) -> str | None:
        if text is not None:
            _cursor(text)
        return text


class Page(Struct, frozen=True):
    """Calls that a search has found, the latest first.

    Attributes:
        calls: the calls.
        total: how many the search finds in all.
        next: the `Search.after` of the next page; None: this is the last. What comes meanwhile
            moves no call from one page to another.
        skipped: lines of the log that are no detail records, or of a newer version.
    """

    calls: tuple[PastCall, ...]
    total: int
    next: str | None
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "calls": [one.to_json() for one in self.calls],
            "total": self.total,
            "next": self.next,
            "skipped": self.skipped,
        }


class UnknownCallError(AdvisedError, LookupError):
    """No call goes by a name; the message says what to do."""


class AmbiguousCallError(UnknownCallError):
    """More than one call goes by a name; the message says which.

    Args:
        name: the name.
        calls: those that go by it, the latest first.
    """

    def __init__(self, name: str, calls: Sequence[PastCall]) -> None:
        # Both ends of a call between two accounts have one session id.
        ids = ", ".join(f"{one.record.uuid} ({one.record.account})" for one in calls[:3])
        more = " …" if len(calls) > 3 else ""
        super().__init__(f"more than one past call is {name!r:.60}: give one of {ids}{more}")
        self.calls = calls


#: A call that was copied with its file, as logrotate does, counts once.
_ONCE = (
    "NOT EXISTS (SELECT 1 FROM calls AS same WHERE same.uuid = calls.uuid AND same.id < calls.id)"
)


def find_calls(database: sqlite3.Connection, search: Search, folder: Path) -> Page:
    """Search an index. Blocking.

    Args:
        database: the index.
        search: what to look for.
        folder: where recordings are.
    """
    wanted, values = _conditions(search)
    where = " AND ".join([_ONCE, *wanted])
    (total,) = database.execute(
        f"SELECT count(*) FROM calls WHERE {where}",  # noqa: S608 - conditions of ours
        values,
    ).fetchone()
    if search.after is not None:
        where += " AND (started, uuid) < (?, ?)"
        values += _cursor(search.after)
    rows = database.execute(
        f"SELECT started, uuid, line FROM calls JOIN lines USING (id) WHERE {where} "  # noqa: S608
        "ORDER BY started DESC, uuid DESC LIMIT ?",
        [*values, search.limit + 1],
    ).fetchall()
    shown = rows[: search.limit]
    more = rows[search.limit :]
    (skipped,) = database.execute("SELECT total(skipped) FROM files").fetchone()
    return Page(
        tuple(_past_call(database, line, folder) for _, _, line in shown),
        total,
        _cursor_of(*shown[-1][:2]) if more else None,
        int(skipped),
    )


def find_call(
    database: sqlite3.Connection, name: str, folder: Path, among: Search | None = None
) -> PastCall:
    """Find one call in an index. Blocking.

    Args:
        database: the index.
        name: its ``uuid`` or its session id, or the beginning of one, of four characters or more;
            ``last``, or ``last-failed``.
        folder: where recordings are.
        among: what else must match; None: nothing.

    Raises:
        AmbiguousCallError: there is more than one.
        UnknownCallError: there is none.
    """
    name = name.encode(errors="replace").decode()
    also, given = _conditions(among or Search())
    rows: list[tuple[str]] = []
    for wanted, values, order in _last(name) if name in LAST else _names(name):
        if rows:
            break
        conditions = " AND ".join((f"({wanted})", _ONCE, *also))
        rows = database.execute(
            f"SELECT line FROM calls JOIN lines USING (id) WHERE {conditions} {order}",  # noqa: S608
            [*values, *given],
        ).fetchall()
    if not rows:
        raise _none(name, is_among=bool(also))
    found = [_past_call(database, line, folder) for (line,) in rows]
    if len(found) > 1:
        raise AmbiguousCallError(name, found)
    return found[0]


def _none(name: str, *, is_among: bool) -> UnknownCallError:
    """Say that there is no such call, and what to do."""
    if is_among:
        return UnknownCallError(f"no past call by the name {name!r:.60} matches the other options")
    if name in LAST:
        return UnknownCallError("no calls yet" if name == "last" else "no call has failed yet")
    return UnknownCallError(
        f"there is no past call {name!r:.60}",
        Advice(
            "give the id that 'callboard calls' shows, or the call's whole session id",
            "give the uuid that the history shows, or the call's whole session id",
        ),
    )


Condition = tuple[str, tuple[str, ...], str]


def _last(name: str) -> Iterator[Condition]:
    """Give the condition that a call is the one that ended last, or failed, and its order."""
    yield f"? = 'last' OR ({_FAILED})", (name,), "ORDER BY ended DESC, uuid LIMIT 1"


def _names(name: str) -> Iterator[Condition]:
    """Give the conditions that a call goes by a name: by the whole of an id, then by its beginning.

    A running call is shown by the beginning of its session id, a past one by that of its uuid.
    """
    order = "ORDER BY started DESC, uuid DESC LIMIT 10"
    yield "uuid = ? OR sid = ?", (name, name), order
    if len(name) >= SHORTEST:
        last = name + chr(sys.maxunicode)
        condition = "(uuid >= ? AND uuid < ?) OR (sid >= ? AND sid < ?)"
        yield condition, (name.lower(), last.lower(), name, last), order


def _past_call(database: sqlite3.Connection, line: str, folder: Path) -> PastCall:
    record = CallRecord.from_json(line)
    removed: dict[str, float] = {}
    for one in record.recordings:
        (at,) = database.execute(
            "SELECT max(at) FROM removals WHERE path = ?", (one.path,)
        ).fetchone()
        if one.path is not None and at is not None:
            removed[one.path] = at
    return PastCall.of(record, folder, removed)


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    wanted: list[str] = []
    values: list[Any] = []
    for column, value in (
        ("state = ?", search.state),
        ("reason = ?", None if search.reason is None else str(search.reason)),
        ("direction = ?", search.direction),
        ("started >= ?", search.since),
        ("started < ?", search.until),
        ("instr(words, ?)", None if search.text is None else search.text.casefold()),
    ):
        if value is not None:
            wanted.append(column)
            values.append(value)
    for column, text in (("account", search.account), ("peer", search.peer)):
        if text is not None:
            condition, more = _party(column, text)
            wanted.append(condition)
            values += more
    return wanted, values


def _party(column: str, text: str) -> tuple[str, list[str]]:
    """Return the condition that an account or peer is meant by a text."""
    bare = "account" if column == "account" else "bare"
    text = text.strip()
    if "/" in text:
        whole = parse_jid(text)
        if column == "account":  # which has no resource in the records
            return f"{bare} = ?", [whole.bare]
        return "peer = ?", [str(whole)]
    if "@" not in text and set(text) - {"*"}:  # a user, a server, or the domain of some
        user = check_pattern(f"{text}@*")
        words = [_glob(user), _glob(user.removesuffix("@*"))]
        condition = f"{bare} GLOB ? OR {bare} GLOB ?"
        try:
            words.append(_glob(check_pattern(f"*@{text}")))
            condition += f" OR {bare} GLOB ?"
        except ValueError:
            pass  # no domain is called so
        return f"({condition})", words
    pattern = check_pattern(text)
    if set(pattern) & _WILD:
        return f"{bare} GLOB ?", [_glob(pattern)]
    return f"{bare} = ?", [pattern]


def _glob(pattern: str) -> str:
    """Return a pattern as SQLite has it, where brackets mean something."""
    return pattern.replace("[", "[[]")


def _cursor_of(started: float, uuid: str) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([float(started), uuid]).encode()).decode().rstrip("=")
    )


def _cursor(text: str) -> list[Any]:
    try:
        padded = text + "=" * (-len(text) % 4)
        match json.loads(base64.urlsafe_b64decode(padded.encode("ascii"))):
            case [float() as started, str(uuid)] if math.isfinite(started):
                uuid.encode()
                return [started, uuid]
    except (ValueError, RecursionError, binascii.Error):
        pass
    raise ValueError("this is the end of no page: give what 'next' says of the page before")

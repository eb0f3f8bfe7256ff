"""What the index holds: the tables, and what puts things into them."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ...actors.records.call_record import CallRecord
from .log_file import LogFile, Mark
from .removals import Removal

#: Grows when a table changes: an index of another version is made again.
VERSION = 1
#: KiB of the index that are kept in memory while it is used.
CACHE = 32_768

_TABLES = f"""
CREATE TABLE files (
    id INTEGER PRIMARY KEY, kind TEXT, device TEXT, inode TEXT, size INTEGER, modified INTEGER,
    position INTEGER, head BLOB, tail BLOB, skipped INTEGER NOT NULL DEFAULT 0,
    UNIQUE (device, inode)
);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, file INTEGER, uuid TEXT, sid TEXT, account TEXT, peer TEXT,
    bare TEXT, direction TEXT, state TEXT, reason TEXT, started REAL, ended REAL, words TEXT
);
CREATE INDEX calls_by_file ON calls (file);
CREATE INDEX calls_by_uuid ON calls (uuid);
CREATE INDEX calls_by_sid ON calls (sid);
CREATE INDEX calls_by_time ON calls (started, uuid);
CREATE INDEX calls_by_account ON calls (account, started);
CREATE INDEX calls_by_peer ON calls (bare, started);
CREATE TABLE lines (id INTEGER PRIMARY KEY, line TEXT);
CREATE TABLE recordings (path TEXT, call INTEGER, file INTEGER, ended REAL);
CREATE INDEX recordings_by_path ON recordings (path, ended);
CREATE INDEX recordings_by_time ON recordings (ended);
CREATE INDEX recordings_by_file ON recordings (file);
CREATE TABLE removals (path TEXT, at REAL, why TEXT, file INTEGER);
CREATE INDEX removals_by_path ON removals (path);
CREATE INDEX removals_by_file ON removals (file);
PRAGMA user_version = {VERSION};
"""
#: Tables with what stands in a file, in the order in which they are emptied.
_CONTENT = ("recordings", "removals", "calls")


def connect(path: Path | str) -> sqlite3.Connection:
    """Open an index that is there.

    Args:
        path: its file, or ``:memory:``.

    Raises:
        sqlite3.Error: it is no database, or can't be opened.
    """
    # Whoever closes the index may do so on another thread than that of its work.
    database = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:  # what retention takes out of the log is not to be found in the index either
        database.execute("PRAGMA secure_delete = ON")
        database.execute(f"PRAGMA cache_size = -{CACHE}")
    except BaseException:
        database.close()
        raise
    return database


def make(path: Path | str) -> sqlite3.Connection:
    """Make the tables of an index, and open it.

    Args:
        path: its file, which is empty, or ``:memory:``.

    Raises:
        sqlite3.Error: it can't be written.
    """
    database = connect(path)
    try:
        database.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Let all that is done with the block be done at once, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def known_file(database: sqlite3.Connection, file: LogFile, kind: str) -> tuple[int, Mark | None]:
    """Return a file's number in the index, and how far it was read."""
    # Some file systems have inodes of 64 bits, which SQLite's numbers do not hold.
    identity = (str(file.identity[0]), str(file.identity[1]))
    found = database.execute(
        "SELECT id, size, modified, position, head, tail, kind FROM files "
        "WHERE device = ? AND inode = ?",
        identity,
    ).fetchone()
    if found is None:
        with transaction(database):
            made = database.execute(
                "INSERT INTO files (device, inode, kind) VALUES (?, ?, ?)", (*identity, kind)
            )
        return int(made.lastrowid or 0), None
    number, size, modified, offset, head, tail, was = found
    if was != kind or offset is None:
        with transaction(database):
            forget_file(database, number)
            database.execute("UPDATE files SET kind = ? WHERE id = ?", (kind, number))
        return number, None
    return number, Mark(*file.identity, size, modified, offset, head, tail)


def note_mark(database: sqlite3.Connection, number: int, mark: Mark) -> None:
    """Note how far a file has been read."""
    database.execute(
        "UPDATE files SET size = ?, modified = ?, position = ?, head = ?, tail = ? WHERE id = ?",
        (mark.size, mark.modified, mark.offset, mark.head, mark.tail, number),
    )


def forget_file(database: sqlite3.Connection, number: int) -> None:
    """Take out what a file held."""
    database.execute(
        "DELETE FROM lines WHERE id IN (SELECT id FROM calls WHERE file = ?)", (number,)
    )
    for table in _CONTENT:
        database.execute(f"DELETE FROM {table} WHERE file = ?", (number,))  # noqa: S608 - ours


def last_pairs(database: sqlite3.Connection, most: int) -> list[tuple[str, str, float]]:
    """Return the accounts and peers of the last calls, with the time at which each last one ended.

    Args:
        database: the index.
        most: how many pairs at the most.
    """
    return database.execute(
        "SELECT account, bare, max(ended) FROM "
        "(SELECT account, bare, ended FROM calls ORDER BY started DESC LIMIT ?) "
        "GROUP BY account, bare ORDER BY max(ended) DESC LIMIT ?",
        (most * 100, most),
    ).fetchall()


def _take_call(database: sqlite3.Connection, number: int, line: bytes) -> bool:
    try:
        text = line.decode()
        record = CallRecord.from_json(text)
    except ValueError:
        return not line.strip()
    bare = record.peer.partition("/")[0]
    words = (record.account, record.peer, record.reason, record.text, record.id, record.uuid)
    made = database.execute(
        "INSERT INTO calls (file, uuid, sid, account, peer, bare, direction, state, reason, "
        "started, ended, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(number, record.uuid, record.id, record.account, record.peer, bare),
            *(record.direction, record.state, str(record.reason), record.started, record.ended),
            "\n".join(words).casefold(),
        ),
    )
    call = made.lastrowid
    database.execute("INSERT INTO lines VALUES (?, ?)", (call, text))
    paths = [one.path for one in record.recordings if one.path is not None]
    database.executemany(
        "INSERT INTO recordings VALUES (?, ?, ?, ?)",
        [(path, call, number, record.ended) for path in paths],
    )
    return True


def _take_removal(database: sqlite3.Connection, number: int, line: bytes) -> bool:
    try:
        one = Removal.from_json(line)
    except ValueError:
        return not line.strip()
    database.execute(
        "INSERT INTO removals VALUES (?, ?, ?, ?)", (one.path, one.at, one.why, number)
    )
    return True


#: What takes in a line of each kind of file, and tells whether it could be read.
TAKERS: Mapping[str, Callable[[sqlite3.Connection, int, bytes], bool]] = {
    "call": _take_call,
    "removal": _take_removal,
}

"""What is found among past calls."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.recording_outcome import Recorded
from callboard.control.history.history import PastCalls
from callboard.control.history.removals import Removal, removals_of
from callboard.control.history.search import Page, Search, UnknownCallError
from callboard.jingle import Reason
from callboard.tests.control.history.past import NOON, add, old_line, past, recorded
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def calls(log: Path) -> Iterator[PastCalls]:
    past_calls = PastCalls(log, log.parent / "recordings")
    yield past_calls
    past_calls.close()


def ids(page: Page) -> list[str]:
    return [one.record.id for one in page.calls]


DAY = 86400
RECORDS = (
    past(id="a", started=NOON, peer="alice@example.org/phone"),
    past(id="b", started=NOON + 10, peer="bob@example.net", state="failed",
         reason=Reason.CONNECTIVITY_ERROR, text="No way to ÄRGER was found"),
    past(id="c", started=NOON + DAY, account="sales@localhost", direction="out", state="busy",
         reason=Reason.BUSY, peer="alice@example.net/tablet"),
    past(id="d", started=NOON - DAY, peer="müller@straße.example", state="missed",
         reason=Reason.TIMEOUT),
    past(id="e", started=NOON - 5, peer="[x]@example.org", state="declined", reason=Reason.DECLINE),
)  # fmt: skip


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, "cbaed"),
        ({"limit": 2}, "cb"),
        ({"account": "sales@localhost"}, "c"),
        ({"account": "SALES@localhost/any"}, "c"),
        ({"account": "*@localhost"}, "cbaed"),
        ({"account": "desk"}, "baed"),
        ({"peer": "alice@example.org"}, "a"),
        ({"peer": "alice@example.org/phone"}, "a"),
        ({"peer": "alice@example.org/tablet"}, ""),
        ({"peer": "alice"}, "ca"),
        ({"peer": "example.org"}, "ae"),
        ({"peer": "*@example.org"}, "ae"),
        ({"peer": "Müller@STRASSE.example"}, ""),
        ({"peer": "MÜLLER@straße.example"}, "d"),
        ({"peer": "*"}, "cbaed"),
        ({"peer": "[x]@*"}, "e"),
        ({"peer": "?ob@*"}, "b"),
        ({"state": "failed"}, "b"),
        ({"reason": "timeout"}, "d"),
        ({"direction": "out"}, "c"),
        ({"since": NOON}, "cba"),
        ({"until": NOON}, "ed"),
        ({"since": NOON - 5, "until": NOON + 10}, "ae"),
        ({"text": "ärger"}, "b"),
        ({"text": "CONNECTIVITY"}, "b"),
        ({"text": "%"}, ""),
        ({"text": "alice", "direction": "in"}, "a"),
    ],
    ids=str,
)
def test_calls_are_found(
    log: Path, calls: PastCalls, search: dict[str, object], found: str
) -> None:
    add(log, *RECORDS)
    assert "".join(ids(calls.search(Search.model_validate(search)))) == found


@pytest.mark.parametrize(
    "search",
    [{"limit": 0}, {"limit": 1001}, {"state": "fine"}, {"reason": "rain"}, {"direction": "up"},
     {"peer": ""}, {"peer": "a@b@c"}, {"peer": "*" * 9 + "@x"}, {"after": "x"}, {"after": "WzFd"},
     {"since": float("nan")}, {"until": float("inf")}, {"text": "\ud800"}, {"text": "x" * 9999},
     {"who": "alice"}, {"peer": "a b@example.org"}],
    ids=str,
)  # fmt: skip
def test_a_search_that_can_find_nothing_is_refused(search: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Search.model_validate(search)


@given(st.text(max_size=40), st.sampled_from(["peer", "account", "text", "after"]))
def test_no_text_is_more_than_a_text(
    tmp_path_factory: pytest.TempPathFactory, text: str, field: str
) -> None:
    """Whatever is asked for, the index stays, and nothing but matching calls is found."""
    log = Log.of(tmp_path_factory)
    try:
        search = Search.model_validate({field: text})
    except ValidationError:
        return
    calls = PastCalls(log, log.parent)
    before = calls.index.path.stat().st_ino if calls.index.path.exists() else None
    page = calls.search(search)
    assert page.total <= len(RECORDS)
    assert before in (None, calls.index.path.stat().st_ino)  # it was not made again
    calls.close()


class Log:
    """One log for all examples."""

    path: Path | None = None

    @classmethod
    def of(cls, factory: pytest.TempPathFactory) -> Path:
        if cls.path is None:
            cls.path = factory.mktemp("search") / "calls.jsonl"
            add(cls.path, *RECORDS)
        return cls.path


def test_pages_stay_as_they_are_while_calls_come(log: Path, calls: PastCalls) -> None:
    records = [past(id=f"{n}", started=NOON + n // 3) for n in range(30)]  # three at a time
    random.Random(1).shuffle(records)
    add(log, *records)
    found: list[str] = []
    page = calls.search(Search(limit=7))
    while True:
        found += ids(page)
        if page.next is None:
            break
        add(log, past(id="new", started=NOON + 1000 + len(found)))
        page = calls.search(Search(limit=7, after=page.next))
    assert sorted(found, key=int) == [f"{n}" for n in range(30)]
    assert [int(one) // 3 for one in found] == sorted((n // 3 for n in range(30)), reverse=True)


def test_rotated_files_are_searched_too(log: Path, calls: PastCalls) -> None:
    for name, sid in (
        ("calls.jsonl", "now"),
        ("calls.jsonl.1", "one"),
        ("calls.jsonl-20261127", "dated"),
        ("calls.jsonl.old", "not ours"),
        ("calls.jsonl.0123456789abcdef.open", "journal"),
        ("calls.jsonl.bak", "not ours"),
    ):
        add(log.with_name(name), past(id=sid))
    for name, sid in (("calls.jsonl.2.gz", "two"), ("calls.jsonl-2026112612.gz", "hour")):
        with gzip.open(log.with_name(name), "wt") as file:
            file.write(past(id=sid).to_json() + "\n")
    assert sorted(ids(calls.search(Search()))) == ["dated", "hour", "now", "one", "two"]


def test_both_versions_are_found_and_what_is_neither_is_counted(
    log: Path, calls: PastCalls
) -> None:
    log.write_text(old_line("old") + "\n\nrubbish\n" + '{"version": 3}\n{"torn": ')
    add(log.with_name("calls.jsonl.1"), past(id="new"))
    page = calls.search(Search())
    assert ids(page) == ["new", "old"]
    assert page.skipped == 2


def test_a_log_that_is_not_there_holds_no_calls(calls: PastCalls) -> None:
    calls.records.parent.mkdir(exist_ok=True)
    page = calls.search(Search())
    assert (page.calls, page.total, page.next) == ((), 0, None)


@pytest.mark.parametrize("name", ["12345678", "12345678-1111-4111-8111-111111111111", "session",
                                  "sess", "12345678-1111"])  # fmt: skip
def test_one_call_is_found_by_its_ids(log: Path, calls: PastCalls, name: str) -> None:
    one = past(id="session-1" if name == "sess" else "session",
               uuid="12345678-1111-4111-8111-111111111111")  # fmt: skip
    add(log, one, past(id="other", uuid="12345679-1111-4111-8111-111111111111"))
    assert calls.find(name).record == one


@pytest.mark.parametrize(
    ("name", "words"),
    [("nobody", "no past call"), ("123", "no past call"), ("12345678", "more than one"),
     ("both", "more than one"), ("\udcff", "no past call"), ("", "no past call")],
)  # fmt: skip
def test_a_name_of_no_call_or_of_several_is_refused(
    log: Path, calls: PastCalls, name: str, words: str
) -> None:
    add(log, *(past(id="both", uuid=f"12345678-1111-4111-8111-11111111111{n}") for n in range(2)))
    with pytest.raises(UnknownCallError, match=words):
        calls.find(name)


def test_what_else_must_match_tells_the_ends_of_one_call_apart(log: Path, calls: PastCalls) -> None:
    ends = {account: past(id="both", account=account) for account in ("a@localhost", "b@localhost")}
    add(log, *ends.values())
    with pytest.raises(
        UnknownCallError, match=r"a@localhost.*b@localhost|b@localhost.*a@localhost"
    ):
        calls.find("both")
    for account, record in ends.items():
        assert calls.find("both", Search(account=account)).record == record
        assert calls.find("last", Search(account=account)).record == record
    with pytest.raises(UnknownCallError, match="matches the other options"):
        calls.find("both", Search(account="c@localhost"))


def test_each_recording_says_whether_it_is_there(log: Path, calls: PastCalls) -> None:
    folder = log.parent / "recordings"
    link = folder / "20261128t120000z-link.ogg"
    there = recorded(folder / "20261128t120000z-there.ogg")
    link.symlink_to(there.path or "")
    moved = recorded(folder / "20261128t120000z-moved.ogg")
    records = (
        there,
        Recorded.of(f"/elsewhere/{Path(moved.path or '').name}", 1.0, 1, None),
        Recorded.of(str(folder / "20261128t120000z-kept.ogg"), 1.0, 1, None),
        Recorded.of(str(folder / "20261128t120000z-lost.ogg"), 1.0, 1, None),
        Recorded.of(str(link), 1.0, 1, None),
        Recorded.of(None, 0.0, 0, "The disk is full."),
    )
    add(log, past(recordings=records))
    removal = Removal(records[2].path or "", NOON, "for")
    removals_of(log).write_text(removal.to_json() + "\n")
    (call,) = calls.search(Search()).calls
    assert [one.presence for one in call.recordings] == [
        *("present", "present", "removed", "missing", "missing", "none")
    ]
    assert call.recordings[2].removed == NOON
    assert [one["presence"] for one in call.to_json()["recordings"]][:3] == [
        *("present", "present", "removed")
    ]


def test_what_was_found_is_the_whole_record(log: Path, calls: PastCalls) -> None:
    record: CallRecord = past(steps={"ice": 1.0}, media=({"kind": "audio"},), text="a\u2028b")
    add(log, record)
    assert calls.search(Search()).calls[0].record == record


def test_the_last_call_and_the_last_failed_one_have_names(log: Path, calls: PastCalls) -> None:
    for name, words in (("last", "no calls yet"), ("last-failed", "no call has failed yet")):
        with pytest.raises(UnknownCallError, match=words):
            calls.find(name)
    add(
        log,
        past(id="failed", state="failed", ended=NOON + 10),
        past(id="last", ended=NOON + 20, started=NOON - 50),
        past(id="other", ended=NOON + 15),
        past(id="earlier", state="failed", ended=NOON + 5),
    )
    assert calls.find("last").record.ended == NOON + 20
    assert calls.find("last-failed").record.id == "failed"
    states: list[tuple[str, bool, dict[str, object]]] = [
        ("missed", True, {"state": "missed"}),
        ("busy peer", True, {"state": "busy", "direction": "out", "ringing": None}),
        ("declined", True, {"state": "declined", "direction": "in", "ringing": NOON}),
        ("refused", False, {"state": "declined", "direction": "in", "ringing": None}),
        ("busy", False, {"state": "busy", "direction": "in", "ringing": None}),
        ("completed", False, {"state": "completed"}),
        ("never rang", True, {"state": "failed", "direction": "in", "ringing": None}),
    ]
    for number, (name, is_failed, fields) in enumerate(states):
        add(log, past(id=name, ended=NOON + 30 + number, **fields))
        assert (calls.find("last-failed").record.id == name) is is_failed
        assert calls.find("last").record.id == name

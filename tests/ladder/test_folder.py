"""Ladders on the disk: which are kept, how they are found, and that they are read as written."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from callboard.ladder.folder import (
    LadderFolder,
    LadderNotFound,
    find_ladder,
    folder_of,
    read_ladder,
    remove_ladders,
)
from callboard.ladder.ladder import Ladder, Rung

pytestmark = pytest.mark.unit

RUNGS = (
    Rung(0.0, "stanza", "out", "propose (audio)", "<message to='b@c'><propose id='ä'/></message>"),
    Rung(0.5, "ice", "", "ICE connected", times=2),
)
LADDER = Ladder(
    uuid="u-1", id="sid-1", account="a@b.c", peer="d@e.f/g", direction="out", state="completed",
    began=1000.0, seconds=2.0, cause="Completed.", rungs=RUNGS, left_out=3, gap=1,
)  # fmt: skip


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def add(folder: LadderFolder, records: Path, *names: str, state: str = "completed") -> None:
    """Keep ladders, each a second younger than the one before."""
    for number, name in enumerate(names):
        folder.add(replace(LADDER, uuid=name, id=f"sid-of-{name}", state=state))
        for path in folder_of(records).rglob(f"{name}.jsonl"):
            os.utime(path, (number, number))


def kept(records: Path) -> set[str]:
    return {path.stem for path in folder_of(records).rglob("*.jsonl")}


def test_a_ladder_is_read_as_it_was_written(records: Path) -> None:
    LadderFolder(records, 5).add(LADDER)
    path = folder_of(records) / "u-1.jsonl"
    assert read_ladder(path) == LADDER
    assert path.stat().st_mode & 0o777 == 0o600
    assert Ladder.from_json(LADDER.to_json()) == LADDER


def test_the_last_are_kept_and_all_that_failed(records: Path) -> None:
    folder = LadderFolder(records, 2)
    add(folder, records, "a", "b", "c")
    add(folder, records, "x", "y", "z", state="missed")
    assert kept(records) == {"b", "c", "x", "y", "z"}


def test_what_earlier_runs_left_counts(records: Path) -> None:
    add(LadderFolder(records, 2), records, "a", "b")
    add(LadderFolder(records, 2), records, "c")
    assert kept(records) == {"b", "c"}


def test_half_a_ladder_that_a_kill_left_is_removed(records: Path) -> None:
    add(LadderFolder(records, 2), records, "a")
    half = folder_of(records) / "b.jsonl.new"
    half.write_text("{")
    os.utime(half, (1, 1))
    assert find_ladder(records, "last").uuid == "a"
    add(LadderFolder(records, 2), records, "c")
    assert not half.exists()


def test_failed_calls_do_not_fill_the_disk(records: Path) -> None:
    add(LadderFolder(records, 2, most_failed=3), records, *"abcde", state="failed")
    assert kept(records) == {"c", "d", "e"}


@pytest.mark.parametrize(("keep", "expected"), [("all", 5), (0, 0)])
def test_all_or_only_failed_ones_are_kept(records: Path, keep: object, expected: int) -> None:
    folder = LadderFolder(records, keep)  # type: ignore[arg-type]
    add(folder, records, *"abcde")
    assert len(kept(records)) == expected


def test_what_our_own_policy_refused_is_no_failed_call(records: Path) -> None:
    folder = LadderFolder(records, 1)
    for name in "abc":
        folder.add(replace(LADDER, uuid=name, state="busy", refused=True))
    assert kept(records) == {"c"}


def test_a_call_is_found_by_id_prefix_or_place(records: Path) -> None:
    folder = LadderFolder(records, "all")
    add(folder, records, "abc", "abd")
    add(folder, records, "xyz", state="failed")
    os.utime(folder_of(records) / "abd.jsonl", (9, 9))
    for call, uuid in {
        "abc": "abc", "abd": "abd", "x": "xyz", "sid-of-abc": "abc", "sid-of-x": "xyz",
        "last": "abd", "last-failed": "xyz",
    }.items():  # fmt: skip
        assert find_ladder(records, call).uuid == uuid, call


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ab", "2 calls begin with 'ab': give one of abc"),
        ("q", "no ladder of a call 'q'"),
        ("../calls", "no ladder of a call"),
        ("", "name a call"),
        ("last-failed", "no ladder of a failed call yet"),
    ],
)
def test_a_call_that_is_not_found_says_what_to_do(records: Path, call: str, words: str) -> None:
    add(LadderFolder(records, "all"), records, "abc", "abd")
    with pytest.raises(LadderNotFound, match=words):
        find_ladder(records, call)


def test_both_sides_of_a_call_are_told_apart(records: Path) -> None:
    folder = LadderFolder(records, "all")
    folder.add(replace(LADDER, uuid="in", direction="in"))
    folder.add(replace(LADDER, uuid="out", direction="out"))
    assert find_ladder(records, "sid-1").uuid == "out"
    assert find_ladder(records, "in").uuid == "in"


@pytest.mark.parametrize(
    "text", ["", "no json\n", "[]\n", "{}\n", '{"version": 9}\n', '{"version": 1}\n', "null\n"]
)
def test_a_file_that_is_no_ladder_is_passed_over_or_named(records: Path, text: str) -> None:
    add(LadderFolder(records, "all"), records, "abc")
    bad = folder_of(records) / "bad.jsonl"
    bad.write_text(text)
    os.utime(bad, (99, 99))
    assert find_ladder(records, "a").uuid == "abc"
    with pytest.raises(LadderNotFound, match=r"bad\.jsonl: (no|a) ladder"):
        find_ladder(records, "last")


def test_ladders_go_with_their_records(records: Path) -> None:
    folder = LadderFolder(records, "all")
    add(folder, records, "a", "b")
    add(folder, records, "x", state="failed")
    outside = records.parent / "outside.jsonl"
    outside.touch()
    assert remove_ladders(records, ["a", "x", "never", "../outside", "../../outside"]) == 2
    assert kept(records) == {"b"}
    assert outside.exists()


def test_a_folder_that_cannot_be_written_raises_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "calls.ladders").write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        LadderFolder(tmp_path / "calls.jsonl", 5).add(LADDER)
    assert [path.name for path in tmp_path.iterdir()] == ["calls.ladders"]

"""docs/interop.md claims nothing that no test shows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8")
CLIENTS = [
    "Callboard itself",
    "stanza.js 12 in Chromium",
    "stanza.js 12 in Firefox 153",
    "Dino 0.4.2",
    "Conversations",
    "Movim",
    "Monal",
    "QXmpp",
    "Siskin, Beagle",
    "Psi",
    "Jitsi Meet",
]
TESTED = re.compile(r"tested (live|from captures)(?P<tests>( \[\d+\],?)+)")
TRIAL = "live, by trial"
#: Who was tried by people, and may have a cell that no test stands behind.
TRIED = {"stanza.js 12 in Firefox 153", "Dino 0.4.2"}
LIVE = {"Callboard itself": "", "stanza.js 12 in Chromium": "tests/browser/"}


def table() -> list[list[str]]:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


HEAD, _, *ROWS = table()
TESTS = {
    int(number): (path, name)
    for number, path, name in re.findall(r"^(\d+)\. `(.+?)::(\w+)`$", PAGE, re.MULTILINE)
}
CELLS = [
    pytest.param(client, cell, id=f"{client}: {row[0]}")
    for row in ROWS
    for client, cell in zip(HEAD[1:], row[1:], strict=True)
]


def test_the_table_has_all_clients_and_features() -> None:
    assert ["feature", *CLIENTS] == HEAD
    assert len(ROWS) == 14


@pytest.mark.parametrize(("client", "cell"), CELLS)
def test_a_cell_names_tests_of_its_kind(client: str, cell: str) -> None:
    cell, _, trial = cell.partition("; ")
    assert trial in {"", TRIAL}
    assert client in TRIED or TRIAL not in {cell, trial}
    if cell == TRIAL:
        return
    match = TESTED.fullmatch(cell)
    if match is None:
        assert cell in {"from its source", "not done"}
        return
    numbers = [int(number) for number in re.findall(r"\d+", match["tests"])]
    assert numbers == sorted(set(numbers))
    for number in numbers:
        path, _ = TESTS[number]
        if match[1] == "live":
            assert path.startswith(LIVE[client])
        else:
            assert path.startswith("tests/jingle/test_corpus")


@pytest.mark.parametrize("number", TESTS)
def test_a_test_exists_and_is_named_in_the_table(number: int) -> None:
    path, name = TESTS[number]
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(def {name}\(|{name} = )", text, re.MULTILINE)
    assert any(f"[{number}]" in cell for row in ROWS for cell in row)

"""The quality of a call over time, as its ladder keeps it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from callboard.ladder.ladder import QUALITY, Ladder, Quality
from callboard.tests.ladder.test_folder import LADDER

COLUMNS: Quality = dict.fromkeys(("at", *QUALITY), (1.0, None))


def test_it_is_read_as_it_was_written() -> None:
    kept = replace(LADDER, quality={"audio": COLUMNS})
    assert Ladder.from_lines(kept.to_lines()) == kept
    assert Ladder.from_json(json.loads(json.dumps(kept.to_json()))) == kept


def test_a_ladder_of_an_earlier_version_has_none() -> None:
    lines = list(LADDER.to_lines())
    assert not any("quality" in line for line in lines)
    assert Ladder.from_lines(lines).quality == {}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"audio": []},
        {"audio": {"at": [1]}},
        {"audio": {**COLUMNS, "mos": [1.0]}},
        {"audio": {**COLUMNS, "mos": ["1", "2"]}},
        {"audio": dict.fromkeys(COLUMNS, 1)},
    ],
    ids=str,
)
def test_what_is_none_is_no_ladder(wrong: Any) -> None:
    lines = [*LADDER.to_lines(), json.dumps({"quality": wrong})]
    with pytest.raises(ValueError, match="no ladder"):
        Ladder.from_lines(lines)

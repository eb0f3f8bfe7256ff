"""An editor that knows the schema says of a built-in bot's options what the bot says."""

import re
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import OptionsError
from callboard.bots.find import BUILT_IN
from callboard.bots.options_schema import options_schema, with_options
from callboard.config import settings_schema
from callboard.tests.bots.staged import ACCOUNT, PEER
from callboard.tests.config.test_schema import takes

DOCS = Path(__file__).parents[2] / "docs" / "bots.md"
ONE_OF_EACH: list[tuple[str, dict[str, Any]]] = [
    ("caller", {"to": PEER}),
    ("caller", {"to": [PEER], "seconds": "5s", "every": 60, "press": ",12#a", "record": True}),
    ("caller", {"to": PEER, "audio": ["tone:90:1s", "tone"], "video": None}),
    ("caller", {"to": 5}),
    ("caller", {"to": PEER, "press": 12}),
    ("caller", {"to": PEER, "press": "12x"}),
    ("caller", {"to": PEER, "seconds": "soon"}),
    ("caller", {"to": PEER, "audio": 5}),
    ("recorder", {"greeting": "tone", "until": "digit", "direction": "sent", "wav": True}),
    ("recorder", {"greeting": "tone", "until": "silence"}),
    ("recorder", {"direction": "in"}),
    ("recorder", {"wav": 1}),
    ("recorder", {"greeting": {"sya": "Hello"}}),
    ("recorder", {"greeting": {"say": "Hello", "rate": 1000}}),
    ("recorder", {"loud": True}),
    ("conference", {"greeting": "tone:90:1s", "record": "mix", "tones": False}),
    ("conference", {"record": True}),
    ("operator", {"patience": "5s", "to": PEER, "ringback": "tone:440:1s"}),
    ("operator", {"then": "recorder", "options": {"wav": True}}),
    ("operator", {"then": "caller"}),
    ("operator", {"patience": "soon"}),
    ("echo", {}),
    ("echo", {"loud": True}),
    ("silent", {}),
]


@pytest.mark.parametrize(("name", "options"), ONE_OF_EACH)
def test_the_schema_takes_what_the_bot_takes(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    schema = options_schema(BUILT_IN[name])
    try:
        BUILT_IN[name](None, ACCOUNT, options, tmp_path)
    except OptionsError:
        assert not takes(schema, options, schema)
    else:
        assert takes(schema, options, schema)


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_option_is_described_there_and_on_the_page(name: str) -> None:
    properties = options_schema(BUILT_IN[name])["properties"]
    assert [key for key, one in properties.items() if not one.get("description")] == []
    row = re.search(rf"^\| `{name}` \|.*\|(.*)\|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert row is not None
    assert {key for key in properties if f"`{key}`" not in row[1]} == set()


def test_the_file_s_schema_has_the_options_of_each_built_in_bot() -> None:
    cases = with_options(settings_schema())["$defs"]["AccountSettings"]["allOf"]
    assert [case["if"]["properties"]["bot"]["const"] for case in cases] == [*BUILT_IN]

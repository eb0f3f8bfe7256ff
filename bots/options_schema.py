"""The options of built-in bots as JSON Schema, for editors."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..config.duration import SCHEMA as DURATION
from ..config.duration import parse_duration
from ..media.sources.espeak import LONGEST, RATES
from . import options as readers
from .address import Address
from .bot import Bot
from .find import BUILT_IN
from .options import OneOf, Options

T = TypeVar("T")
D = TypeVar("D")
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SAID: Schema = {
    "type": "object",
    "properties": {
        "say": {**_TEXT, "maxLength": LONGEST, "description": "What espeak-ng says."},
        "voice": {**_TEXT, "description": "A name from `espeak-ng --voices`, like en-us."},
        "rate": {
            "type": "integer",
            "minimum": RATES[0],
            "maximum": RATES[1],
            "description": "Words a minute.",
        },
    },
    "required": ["say"],
    "additionalProperties": False,
}
_ITEM: Schema = {"anyOf": [_TEXT, _SAID]}
#: What each reader takes; of another one nothing is known.
_TAKEN: Mapping[object, Schema] = {
    readers.as_text: _TEXT,
    readers.as_flag: {"type": "boolean"},
    readers.as_addresses: {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
    readers.as_digits: {"type": "string", "pattern": "^[0-9A-Da-d*#,]+$"},
    readers.as_playable: {
        "anyOf": [*_ITEM["anyOf"], {"type": "array", "items": _ITEM}, {"type": "null"}]
    },
    parse_duration: DURATION,
}


class _Noted(Options):
    """Options that note how each is read."""

    def __init__(self) -> None:
        super().__init__({}, Path())
        self.schemas: dict[str, Schema] = {}

    def take(self, name: str, read: Callable[[Any], T], default: D) -> T | D:
        """Note how an option is read."""
        function = read.func if isinstance(read, partial) else read
        known = {"enum": [*read.choices]} if isinstance(read, OneOf) else _TAKEN.get(function, {})
        self.schemas[name] = dict(known)
        return super().take(name, read, default)


def options_schema(bot: type[Bot]) -> Schema:
    """Describe the options of a bot that reads each one, whatever the others are.

    Args:
        bot: its class, whose docstring describes them under ``Options:``.

    Returns:
        A schema in the dialect Draft 2020-12.
    """
    noted = _Noted()
    made = bot.__new__(bot)
    made.account, made.options = Address(""), {}
    made.read_options(noted)
    words = _described(bot)
    for name, schema in noted.schemas.items():
        if name in words:
            schema["description"] = words[name]
    return {"type": "object", "properties": noted.schemas, "additionalProperties": False}


def with_options(schema: Schema) -> Schema:
    """Add to the schema of a file which options its built-in bots take.

    Args:
        schema: as `callboard.config.settings_schema` gives it; it is changed.

    Returns:
        The same.
    """
    schema["$defs"]["AccountSettings"]["allOf"] = [
        {
            "if": {"properties": {"bot": {"const": name}}, "required": ["bot"]},
            "then": {"properties": {"options": options_schema(bot)}},
        }
        for name, bot in BUILT_IN.items()
    ]
    return schema


def _described(bot: type[Bot]) -> dict[str, str]:
    """Read what a docstring says of each option."""
    _, _, section = (inspect.getdoc(bot) or "").partition("\nOptions:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", section, re.MULTILINE)
    return {name: " ".join(text.replace("``", "`").split()) for name, text in found}

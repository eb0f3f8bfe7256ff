"""The page ``docs/configuration.md``, made from the models."""

import json
from collections.abc import Mapping
from typing import Any

from .schema import settings_schema

Schema = Mapping[str, Any]

INTRODUCTION = """\
# Configuration

<!-- Written by script/docs from the models in config/: change them, not this page. -->

One YAML 1.2 file declares the bots and where they log in:

```yaml
server: embedded                     # or {host: xmpp.example.org, port: 5222}
recordings: recordings/
accounts:
  - jid: desk@localhost
    password: ${DESK_PASSWORD}
    bot: recorder
    status: Recording line
    calls: {answer: auto, after: 2s, from: ["*@localhost"], limit: 4}
  - jid: caller-{001..020}@localhost
    password: file:secrets/callers
    bot: mybots.callers:RingRound     # a class of yours, found beside the YAML file
    options: {to: desk@localhost, every: 30s}
```

`callboard check FILE` prints everything that is wrong with a file, each problem with its line and
column, and exits with status 2. `callboard schema` prints the JSON Schema, which lets an editor
complete and check keys while you type, the options of built-in bots too.

- **Paths** are relative to the file's folder.
- **Durations** are written `2s`, `500ms`, `1m30s`, `1h`, `1d`, or as a number of seconds.
- **Patterns** match bare JIDs: `*` stands for any characters, `?` for one; `*` alone matches
  everybody.
- A list of one item may be written without brackets.
- **Secrets** stay outside the file: `${VARIABLE}` inserts an environment variable, also in the
  middle of a text (write `$${` for those two characters), and `file:PATH` the content of a file
  without its last line break. They are never shown in logs or errors.
- **Fleets**: `load-{0001..0200}@example.org` stands for 200 accounts that share everything else.
  If the first number begins with a zero, all numbers are padded to its width. A secret file with
  one line is for all accounts; one with as many lines as there are accounts gives each its own.
  A file may declare at most 100,000 accounts.
- **Anchors** work: `calls: &line {limit: 4}`, then `calls: *line` or
  `calls: {<<: *line, limit: 8}`.
"""


def reference() -> str:
    """Describe every key of the configuration file.

    Returns:
        The page, in Markdown.
    """
    schema = settings_schema()
    models: dict[str, Schema] = schema["$defs"]
    parts = [
        INTRODUCTION,
        section("The file", "", schema),
        section("server", "As a mapping:", models["Server"]),
        section("media", "", models["MediaSettings"]),
        section("metrics", "As a mapping:", models["MetricsSettings"]),
        section("web", "As a mapping:", models["WebSettings"]),
        section("web: tokens", "", models["WebTokens"]),
        section("web: media", "", models["WebMedia"]),
        section("web: media: relay", "", models["WebRelay"]),
        section("keep", "", models["Keep"]),
        section("webhooks", "Each item is a mapping:", models["WebhookSettings"]),
        section("accounts", "Each item is a mapping:", models["AccountSettings"]),
        section("accounts: calls", "", models["CallPolicy"]),
        section("accounts: subscriptions", "", models["Subscriptions"]),
    ]
    return "\n".join(parts)


def section(title: str, lead: str, model: Schema) -> str:
    """Describe the keys of a model.

    Args:
        title: The heading.
        lead: A sentence that comes before the keys, or "".
        model: Its JSON Schema.

    Returns:
        A section, in Markdown.
    """
    needed = set(model.get("required", ()))
    entries = (
        _entry(name, schema, required=name in needed)
        for name, schema in model["properties"].items()
    )
    head = "\n\n".join(text for text in (f"## {title}", model["description"], lead) if text)
    return f"{head}\n\n" + "\n".join(entries)


def _entry(name: str, schema: Schema, *, required: bool) -> str:
    facts = [_takes(schema)]
    if required:
        facts.append("required")
    elif (default := _default(schema)) is not None:
        facts.append(f"default `{default}`")
    lines = [f"### `{name}`", "", f"*{'; '.join(facts)}*"]
    if description := schema.get("description"):
        lines += ["", description]
    if examples := schema.get("examples"):
        shown = ", ".join(f"`{_yaml(example)}`" for example in examples)
        lines += ["", f"For example {shown}."]
    return "\n".join([*lines, ""])


def _default(schema: Schema) -> str | None:
    default = schema.get("default")
    if default in (None, "", []) or isinstance(default, dict):
        return None
    if schema.get("title") == "duration":
        return f"{default:g}s"
    return _yaml(default)


def _yaml(value: object) -> str:
    """Write a value as YAML on one line."""
    match value:
        case str():
            plain = value and value[0] not in "*&!|>@`%{[\"'#" and ": " not in value
            return value if plain else json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_yaml, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_yaml(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _takes(schema: Schema) -> str:
    """Say in words what a schema takes."""
    if title := schema.get("title"):
        return str(title)
    match schema:
        case {"anyOf": choices}:
            words = (_takes(choice) for choice in choices if choice.get("type") != "null")
            return " or ".join(dict.fromkeys(words))
        case {"$ref": _}:
            return "mapping with the keys below"
        case {"enum": values}:
            *some, last = (f"`{value}`" for value in values if value)
            return f"{', '.join(some)} or {last}"
        case {"type": "integer"}:
            return f"whole number from {schema['minimum']:,} to {schema['maximum']:,}"
        case {"type": "array", "items": {"type": "string"}}:
            return "list of texts"
    name = str(schema.get("format", schema["type"]))
    return _NAMES.get(name, name)


_NAMES = {
    "string": "text",
    "password": "secret",
    "boolean": "`true` or `false`",
    "array": "list of mappings with the keys below",
    "object": "mapping",
}

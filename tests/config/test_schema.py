"""The JSON Schema takes what load() takes, and refuses what a schema can refuse."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from callboard.config import ConfigError, load, settings_schema
from ruamel.yaml import YAML

ACCOUNT = "{jid: desk@localhost, bot: echo}"


def takes(schema: Mapping[str, Any], value: object, root: Mapping[str, Any]) -> bool:
    """Whether a value fits; knows the keywords that our schema uses (Draft 2020-12)."""
    if "$ref" in schema:
        return takes(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "anyOf" in schema and not any(takes(choice, value, root) for choice in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        "array": list,
        "object": dict,
        "null": type(None),
    }
    kind = schema.get("type")
    if kind and (
        not isinstance(value, kinds[kind]) or (kind != "boolean" and isinstance(value, bool))
    ):
        return False
    match value:
        case str():
            return bool(re.search(schema.get("pattern", ""), value)) and (
                len(value) <= schema.get("maxLength", len(value))
            )
        case bool() | None:
            return True
        case int() | float():
            return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        case list():
            size = len(value)
            return schema.get("minItems", size) <= size <= schema.get("maxItems", size) and all(
                takes(schema.get("items", {}), item, root) for item in value
            )
        case dict():
            known = schema.get("properties", {})
            return (
                set(schema.get("required", ())) <= set(value)
                and (schema.get("additionalProperties") is not False or set(value) <= set(known))
                and all(takes(known.get(key, {}), item, root) for key, item in value.items())
            )
    raise TypeError(value)


def used_keywords(schema: object) -> set[str]:
    match schema:
        case dict():
            inner = schema.get("properties", {}) | schema.get("$defs", {})
            names = set(schema) - {"default", "examples"}
            nested = [inner, *[schema[key] for key in ("anyOf", "items") if key in schema]]
            return names.union(
                *(used_keywords(part) for part in inner.values()),
                *(used_keywords(part) for part in nested[1:]),
            )
        case list():
            return set[str]().union(*map(used_keywords, schema))
    return set()


def test_the_keywords_are_those_that_this_test_knows() -> None:
    assert used_keywords(settings_schema()) <= {
        *("$schema", "$defs", "$ref", "title", "description", "default", "examples", "format"),
        *("type", "enum", "anyOf", "pattern", "minimum", "maximum", "maxLength", "writeOnly"),
        *("items", "minItems", "maxItems", "properties", "required", "additionalProperties"),
    }


def test_every_key_is_described() -> None:
    schema = settings_schema()
    for model in (schema, *schema["$defs"].values()):
        assert model["description"]
        for name, key in model["properties"].items():
            assert key.get("description") or "$ref" in key, name


@pytest.mark.parametrize(
    "text",
    [
        f"accounts: [{ACCOUNT}]",
        f"server: embedded\naccounts: [{ACCOUNT}]",
        "server: x.example\naccounts: [{jid: a@x.example, password: x, bot: a.b:C}]",
        (
            "server: {host: x, port: 1, tls: direct}\n"
            "accounts: [{jid: a@x, password: x, bot: e, resource: r}]"
        ),
        *(
            f"drain: {text}\naccounts: [{ACCOUNT}]"
            for text in ("0", "1.5", "'5'", "2s", "500ms", "1m30s", "1h", "1.5h", "1d2h3m4s5ms")
        ),
        f"media: {{addresses: 127.0.0.1, ports: 1-65535, stun: a:1}}\naccounts: [{ACCOUNT}]",
        f"media: {{addresses: ['::1'], ports: [5, 6], stun: [a, b]}}\naccounts: [{ACCOUNT}]",
        (
            "accounts: [{jid: 'a{01..20}@localhost', bot: e, options: {a: [1, {b: null}]}, show: xa"
            ", status: s, priority: -128, calls: {from: '*', max_duration: null, ring_timeout: 5},"
            " subscriptions: {accept: [a@b, '*@c'], request: a01@localhost}}]"
        ),
    ],
)
def test_what_load_takes_the_schema_takes(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    load(path, environ={})
    schema = settings_schema()
    assert takes(schema, YAML(typ="safe").load(text), schema)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "accounts: []",
        "accounts: [{jid: a@localhost}]",
        f"acounts: []\naccounts: [{ACCOUNT}]",
        *(
            f"drain: {text}\naccounts: [{ACCOUNT}]"
            for text in ("-1", "2 s", "''", "s", "1s1m", "soon", "1e9", "true", "[1]")
        ),
        f"media: {{ports: 5}}\naccounts: [{ACCOUNT}]",
        f"media: {{ports: [0, 5]}}\naccounts: [{ACCOUNT}]",
        f"media: {{path: all}}\naccounts: [{ACCOUNT}]",
        f"media: {{largest_picture: 0x5}}\naccounts: [{ACCOUNT}]",
        f"media: {{largest_picture: big}}\naccounts: [{ACCOUNT}]",
        f"server: [x]\naccounts: [{ACCOUNT}]",
        "accounts: [{jid: a@localhost, bot: Echo}]",
        "accounts: [{jid: a@localhost, bot: echo, password: 5}]",
        "accounts: [{jid: a@localhost, bot: echo, priority: 128}]",
        "accounts: [{jid: a@localhost, bot: echo, calls: {limit: 0}}]",
        "accounts: [{jid: a@localhost, bot: echo, calls: {limit: '1'}}]",
        "accounts: [{jid: a@localhost, bot: echo, calls: {audio: 1}}]",
    ],
)
def test_what_the_schema_refuses_load_refuses(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load(path, environ={})
    schema = settings_schema()
    assert not takes(schema, YAML(typ="safe").load(text), schema)

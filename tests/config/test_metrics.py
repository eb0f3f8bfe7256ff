"""Where metrics are served, and when accounts count as ready."""

from pathlib import Path
from typing import Any

import pytest
from callboard.config import ConfigError, load, settings_schema
from callboard.config.metrics import MetricsSettings
from callboard.tests.config.test_schema import takes
from ruamel.yaml import YAML

ACCOUNTS = "accounts: [{jid: desk@localhost, bot: echo}]\n"


def loaded(folder: Path, metrics: str) -> MetricsSettings | None:
    path = folder / "a.yaml"
    path.write_text(f"metrics: {metrics}\n{ACCOUNTS}")
    return load(path, environ={}).metrics


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9100", "127.0.0.1:9100"),
        ("9100", "127.0.0.1:9100"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0", "127.0.0.1:0"),
        ("'9100'", "127.0.0.1:9100"),
        ("localhost:9100", "127.0.0.1:9100"),
        ("'[::1]:9100'", "[::1]:9100"),
        ("'[0:0:0:0:0:0:0:1]:9100'", "[::1]:9100"),
        ("0.0.0.0:65535", "0.0.0.0:65535"),
        ("{address: 192.0.2.7:1}", "192.0.2.7:1"),
        ("{address: 9100, ready: all, accounts: true}", "127.0.0.1:9100"),
    ],
)
def test_an_address_is_read(tmp_path: Path, text: str, expected: str) -> None:
    metrics = loaded(tmp_path, text)
    assert metrics is not None
    assert str(metrics.address) == expected
    assert metrics.address.is_loopback == (expected[:3] in {"127", "[::"})
    schema = settings_schema()
    assert takes(schema, YAML(typ="safe").load(f"metrics: {text}\n{ACCOUNTS}"), schema)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("monitor.example.org:9100", 10, "is not an IP address"),
        ("127.0.0.1", 10, "has no port"),
        ("127.0.0.1:65536", 10, "has no port from 0 to 65535"),
        ("127.0.0.1:http", 10, "has no port"),
        ("127.0.0.1:\uff19", 10, "has no port"),
        ("127.0.0.1:+9", 10, "has no port"),
        ("256.0.0.1:9100", 10, "is not an IP address"),
        ("::1:9100", 10, "put an IPv6 address in brackets"),
        ("'[::1%eth0]:9100'", 10, "put an IPv6 address in brackets"),
        ("':9100'", 10, "does not say which address"),
        ("-1", 10, "has no port"),
        ("70000", 10, "has no port"),
        ("true", 10, ""),
        ("[127.0.0.1:9100]", 10, ""),
        ("{}", 10, "'address' is missing"),
        ("{address: 127.0.0.1:9100, ready: 0%}", 43, "give any, all, or a share"),
        ("{address: 127.0.0.1:9100, ready: 101%}", 43, "give any, all, or a share"),
        ("{address: 127.0.0.1:9100, ready: some}", 43, "give any, all, or a share"),
        ("{address: 127.0.0.1:9100, accounts: 1}", 46, "true or false"),
        ("{adress: 127.0.0.1:9100}", 11, "did you mean 'address'?"),
    ],
)
def test_what_is_none_is_said_with_its_place(
    tmp_path: Path, text: str, column: int, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    problem = caught.value.problems[-1]
    assert (problem.line, problem.column) == (1, column)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("ready", "accounts", "needed"),
    [
        ("any", 0, 0), ("any", 1, 1), ("any", 1000, 1), ("all", 7, 7), ("80%", 10, 8),
        ("80%", 11, 9), ("1%", 1, 1), ("100%", 3, 3), ("50 %", 3, 2), ("0%", 3, None),
    ],
)  # fmt: skip
def test_how_many_are_needed(ready: Any, accounts: int, needed: int | None) -> None:
    if needed is None:
        with pytest.raises(ValueError, match="a share from 1% to 100%"):
            MetricsSettings.model_validate({"address": 1, "ready": ready})
    else:
        found = MetricsSettings.model_validate({"address": 1, "ready": ready})
        assert found.needed(accounts) == needed

"""Limits of what is kept: slips of the pen would remove nearly everything."""

from pathlib import Path

import pytest
from callboard.config import ConfigError, load
from callboard.config.keep import Keep

FILE = "keep: {}\naccounts:\n  - {{jid: desk@localhost, bot: echo}}\n"


def keep(tmp_path: Path, text: str) -> Keep | None:
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(text))
    return load(file).keep


@pytest.mark.parametrize(
    ("text", "age", "size"),
    [
        ("{for: 90d}", 90 * 86400, None),
        ("{for: 1h}", 3600, None),
        ("{for: 1d12h}", 129600, None),
        ("{size: 20GB}", None, 20 * 10**9),
        ("{size: 1.5 TiB}", None, 3 * 2**39),
        ("{size: 500mb}", None, 500 * 10**6),
        ("{for: 90d, size: 20GB}", 90 * 86400, 20 * 10**9),
    ],
)
def test_limits(tmp_path: Path, text: str, age: float | None, size: int | None) -> None:
    found = keep(tmp_path, text)
    assert found is not None
    assert (found.for_, found.size) == (age, size)


def test_without_limits_all_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format("x").partition("\n")[2])
    assert load(file).keep is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("{for: 90}", "1:13", "give a duration with its unit, like 90d"),
        ('{for: "90"}', "1:13", "give a duration with its unit"),
        ("{for: 90s}", "1:13", "give at least 1h"),
        ("{for: 0d}", "1:13", "give at least 1h"),
        ("{for: 9999d}", "1:13", "from 0s to 365d"),
        ("{for: soon}", "1:13", "give a duration"),
        ("{for: [90d]}", "1:13", "give a duration with its unit"),
        ("{size: 20}", "1:14", "give a size with its unit"),
        ("{size: 0GB}", "1:14", "give a size with its unit"),
        ("{size: -1GB}", "1:14", "give a size with its unit"),
        ("{size: 20XB}", "1:14", "give a size with its unit"),
        ("{size: 20Gb ps}", "1:14", "give a size with its unit"),
        ("{size: 99999999999999999999PB}", "1:14", "give a size with its unit"),
        ("{size: ²GB}", "1:14", "give a size with its unit"),
        ("{}", "1:7", "give 'for', 'size' or both"),
        ("{count: 5}", "1:8", "count"),
        ("90d", "1:7", "90d"),
    ],
)
def test_a_slip_of_the_pen_is_told(tmp_path: Path, text: str, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as found:
        keep(tmp_path, text)
    (problem,) = map(str, found.value.problems)
    assert f"accounts.yaml:{line}: " in problem
    assert words in problem

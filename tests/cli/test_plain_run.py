"""A line that names a file and switches is read without typer, as typer reads it."""

from typing import Any

import pytest
import typer
from callboard.cli import app, plain_run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been run, by whoever has read the line."""
    heard: list[dict[str, Any]] = []

    def run(file: object, **given: Any) -> int:
        heard.append({"within": None, "metrics": None, **given, "file": file})
        return 7

    monkeypatch.setattr(plain_run, "run_from_start", run)
    monkeypatch.setattr(app, "run_from_start", run)
    return heard


@pytest.mark.parametrize(
    "line",
    [
        *("a.yaml", "./a/b.yaml", "/a/b", "a.yaml --json", "--json a.yaml", "run", "täg.yaml"),
        *("--web a.yaml --dev", "--json --web --dev a.yaml", "--json a.yaml --json"),
    ],
)
def test_a_plain_line_means_what_typer_reads_in_it(runs: list[dict[str, Any]], line: str) -> None:
    words = ["run", *line.split(" ")]
    plainly = plain_run.plain_run(words)
    assert plainly is not None
    assert plainly() == 7
    with pytest.raises(SystemExit) as end:
        typer.main.get_command(app.app_for(words))(words, prog_name="callboard")
    assert end.value.code == 7
    by_plain, by_typer = runs
    assert by_plain == by_typer


@pytest.mark.parametrize(
    "words",
    [
        *([], ["run"], ["run", ""], ["run", "-"], ["run", "--json"], ["run", "a", "b"]),
        *(["run", "--", "a"], ["run", "a", "--help"], ["run", "a", "-x"], ["check", "a"]),
        *(["run", "a", "--online-within", "3"], ["run", "a", "--metrics=1"], ["--version"]),
        *(["run", "a", "--jso"], ["--json", "run", "a"]),
    ],
)
def test_what_is_not_plain_is_for_typer(words: list[str]) -> None:
    assert plain_run.plain_run(words) is None


def test_typer_completes_a_line_if_a_shell_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CALLBOARD_COMPLETE", "complete_bash")
    assert plain_run.plain_run(["run", "a.yaml"]) is None

"""The page is what the models say."""

from pathlib import Path

from callboard.config import load
from callboard.config.reference_page import INTRODUCTION, reference

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run script/docs and commit the page"


def test_its_example_is_true(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(INTRODUCTION.partition("```yaml\n")[2].partition("```")[0])
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "callers").write_text("tiger\n")
    assert len(load(path, environ={"DESK_PASSWORD": "sesam"}).accounts) == 21

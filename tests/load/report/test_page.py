"""The report page: what it says to people, and that nobody else's words become markup in it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from callboard.load import load_plan
from callboard.load.report.chart import Chart, Line, timeline
from callboard.load.report.page import page
from callboard.load.run.run import Run
from callboard.load.run.verdict import Check, Status, Verdict

VENDOR = Path(__file__).parents[3] / "load" / "report" / "vendor"
PACKAGE = Path(__file__).parents[2] / "browser" / "node_modules" / "uplot"
#: Largest size that the page of a small run may have, in octets.
LARGEST = 1_500_000
HOSTILE = "</script><script>alert('1')</script><img src=x onerror=alert(1)>\"&{{ 7 * 7 }}"


class Markup(HTMLParser):
    """The elements of a page, and its text outside of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


def a_run(folder: Path) -> Run:
    file = folder / "plan.yaml"
    file.write_text(
        "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
        "phases:\n  - login: {rate: 5/s}\n"
        "  - {name: '<b>talk</b>', message: {rate: 1/s, duration: 1s}}\n",
        encoding="utf-8",
    )
    run = Run(load_plan(file), folder, shards=1)
    measured = run.measurements
    for title in ("login", "<b>talk</b>"):
        assert title in measured.phases
    measured.causes[HOSTILE, HOSTILE] = 3
    measured.record("login", 0.25)
    measured.count("login.started", 2, phase="login")
    measured.count("login.failed", 1, phase="login")
    measured.close(1.0)
    run.phases[0].began, run.phases[0].ended, run._seconds = 0.0, 1.0, 2.0
    return run


def a_verdict() -> Verdict:
    check = Check("login.failed < 1", 1, "", held=False)
    return Verdict(Status.BREACHED, f"1 threshold does not hold {HOSTILE}", (check,), (HOSTILE,))


def test_what_others_say_is_text_on_the_page_and_nothing_else(tmp_path: Path) -> None:
    html = page(HOSTILE, a_run(tmp_path), a_verdict())
    found = Markup(html)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 3  # the data, uPlot, and what draws with it
    assert "img" not in tags
    assert not [name for _, attributes in found.tags for name in attributes if name[:2] == "on"]
    # Twice in the title; in the heading, the facts, a warning, and two cells of the errors.
    assert found.text.count(HOSTILE) == 7
    assert "<b>talk</b>" in found.text
    json.loads(found.scripts[0])


def test_the_page_needs_nothing_else_and_is_small(tmp_path: Path) -> None:
    html = page("plan", a_run(tmp_path), a_verdict())
    assert len(html.encode()) < LARGEST
    for tag, attributes in Markup(html).tags:
        assert tag != "link"
        assert "src" not in attributes
        assert "href" not in attributes
    assert not re.search(r"@import|url\(", html)


def test_the_verdict_and_the_tables_are_there_before_any_script(tmp_path: Path) -> None:
    html = page("plan", a_run(tmp_path), a_verdict())
    before = Markup(html[: html.index("<script")])
    for sentence in ("failed", "1 threshold does not hold", "login.failed < 1", "✗ broken"):
        assert sentence in before.text
    bars = [attributes for _, attributes in before.tags if attributes.get("class") == "bar"]
    assert [bar["style"] or "" for bar in bars if "left: 0.0%" in (bar["style"] or "")]


def test_each_place_for_a_plot_has_one(tmp_path: Path) -> None:
    found = Markup(page("plan", a_run(tmp_path), a_verdict()))
    plots = json.loads(found.scripts[0])
    places = [int(at["data-plot"] or "") for _, at in found.tags if "data-plot" in at]
    assert places == list(range(len(plots)))
    assert len(plots) >= 3
    for plot in plots:
        assert plot["lines"]
        assert all(len(line["values"]) == len(plot["x"]) for line in plot["lines"])


def test_lines_with_places_of_their_own_share_one_axis() -> None:
    lines = [Line("one", "red", [1, 3], [10, 30]), Line("other", "blue", [2, 3], [20, 31])]
    drawn = Chart(lines, "s").to_json(9.0)
    assert drawn["x"] == [1, 2, 3]
    assert [line["values"] for line in drawn["lines"]] == [[10, None, 30], [None, 20, 31]]
    assert drawn["end"] == 9.0


def test_bars_stand_where_their_phases_were(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.phases[1].began, run.phases[1].ended = 1.0, 4.0
    first, second = timeline(run.phases, 4.0)
    assert (first.begin, first.length) == (0, 25)
    assert (second.begin, second.length, second.value) == (25, 75, "3.0 s")


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="npm's uplot is not there: run script/setup test")
@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("uPlot.iife.min.js", "dist/uPlot.iife.min.js"),
        ("uPlot.min.css", "dist/uPlot.min.css"),
        ("uPlot.LICENSE", "LICENSE"),
    ],
)
def test_the_copy_of_uplot_is_the_package_that_the_lock_file_pins(copy: str, original: str) -> None:
    assert (VENDOR / copy).read_bytes() == (PACKAGE / original).read_bytes()

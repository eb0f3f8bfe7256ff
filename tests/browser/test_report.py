"""The report of a load test in a real browser: its charts are drawn."""

from pathlib import Path

from callboard.load.report.page import page
from callboard.tests.browser.chromium import Chromium
from callboard.tests.conftest import Run
from callboard.tests.load.report.test_page import a_run, a_verdict

#: How many places for charts there are, and on how many of them something is drawn.
DRAWN = """(() => {
  const places = [...document.querySelectorAll("[data-plot]")];
  const inked = canvas => new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer
  ).some(pixel => pixel);
  return [places.length, places.filter(one => inked(one.querySelector("canvas"))).length];
})()"""


def test_every_chart_of_the_report_is_drawn(
    run: Run, tmp_path: Path, browser: tuple[Chromium, Path]
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page("plan", a_run(tmp_path), a_verdict()), encoding="utf-8")

    async def main() -> None:
        async with browser[0].tab() as tab:
            await tab.open(file.as_uri())
            places, drawn = await tab.run(DRAWN)
            assert places == drawn >= 3
            assert await tab.run("document.documentElement.scrollWidth <= window.innerWidth")

    run(main)

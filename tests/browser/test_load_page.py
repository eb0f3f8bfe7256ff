"""The board's page of a load run, and its log, in a real browser."""

import logging
import signal
import subprocess
from pathlib import Path

from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, opened
from callboard.tests.browser.test_board_page import check_looks
from callboard.tests.cli.command import command
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE
from callboard.tests.web.stage import boarded

PLAN = """\
accounts: [{jid: "a-{1..4}@localhost"}]
drain: 1s
thresholds: [call.setup.p95 < 30s]
phases:
  - login: {}
  - {name: talk, call: {rate: 2/s, duration: 1s, hold: 600s}}
  - logout: {}
"""


def test_a_load_run_is_seen_and_stopped(run: Run, tmp_path: Path, browser: Browser) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    with subprocess.Popen(
        command("load", plan, "--shards", 1, "--web"), stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        link = process.stdout.readline().partition("the board is at ")[2].strip()
        while not process.stdout.readline().endswith("talk begins\n"):
            assert process.poll() is None

        async def main() -> None:
            async with browser[0].tab() as tab:
                page = Page(tab, 0)
                await tab.open(link)
                await page.until("document.querySelector('load-page')")
                await page.shows("4 of 4 accounts online")
                await page.shows("2 calls go on")
                await page.shows("call setup")
                await page.until("document.querySelectorAll('load-page canvas').length === 4")
                words = "[...document.querySelectorAll('nav a')].map(one => one.textContent)"
                assert await tab.run(words) == ["Load run", "Log"]
                await check_looks(page)
                await page.press("Stop")
                await page.shows("The one threshold holds")
                await page.shows("stopped early")
                await page.shows("passed", ".page-head")
                await page.shows("did not begin", "li.phase:last-child")
                await page.shows("took", "li.phase:nth-child(2)")
                await page.shows("0 of 4 accounts online")
                lines = "import('/page/board.js').then(it => it.board.points.at(-1))"
                last = await tab.run(lines)
                assert (last["online"], last["calls"]) == (0, 0)
                await check_looks(page)

        try:
            run(main)
            assert process.wait(60) == 0
        finally:
            process.send_signal(signal.SIGKILL)


def test_the_log_is_shown_to_who_may_control(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE]) as (_, port), opened(browser, port) as page:
            log = logging.getLogger("callboard.bots.desk")
            log.warning("<b>before</b> it was opened")
            await page.enter("/log")
            await page.shows("<b>before</b> it was opened", "log-page")
            log.error("and after that")
            await page.shows("and after that", "log-page")
            await page.tab.run(
                "(box => { box.value = 'nothing says this'; box.oninput(); })"
                "(document.querySelector('log-page input'))"
            )
            await page.shows("No line fits", "log-page")
            await check_looks(page)
            await page.enter("/log", role="view")
            await page.shows("You may not read the log")
            assert not await page.tab.run("document.querySelector('log-page')")
            await check_looks(page)

    run(main)

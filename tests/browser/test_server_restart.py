"""The board's page while the XMPP server is away, and after it has come back."""

import asyncio
from pathlib import Path

from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.config import Settings
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import opened
from callboard.tests.chaos.server import Server
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, PASSWORD
from callboard.tests.web.stage import TOKENS


def test_the_page_tells_that_the_server_is_gone_and_back(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    server = Server(tmp_path / "server", {"alice": PASSWORD})
    settings = Settings.model_validate(
        {
            "server": {"host": "127.0.0.1", "port": server.port, "ca": server.certificate},
            "recordings": tmp_path,
            "accounts": [{"jid": ALICE, "password": PASSWORD, "bot": "echo"}],
            "web": {"tokens": TOKENS},
        }
    )

    async def main() -> None:
        await asyncio.to_thread(server.start)
        async with deployed(
            settings, BUILT_IN, tmp_path, lambda _: None, web=settings.web
        ) as deployment:
            assert deployment.board is not None
            async with opened(browser, deployment.board.port) as page:
                await page.enter()
                await page.shows("online", "account-list")
                await asyncio.to_thread(server.kill)
                shown = "document.querySelector('account-list').innerText"
                await page.until(f"!{shown}.includes('online')")
                await page.shows("live", ".link-state")
                await asyncio.to_thread(server.start)
                await page.shows("online", "account-list")

    try:
        run(main)
    finally:
        server.stop()

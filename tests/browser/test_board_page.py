"""The board's page: its types, and whether everybody can use it."""

import json
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from callboard.tests.browser.bundle import HERE, MODULES
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, conversation, on_board, settled
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB

AXE = MODULES / "axe-core" / "axe.min.js"
TYPES = MODULES / ".bin" / "tsc"

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: What axe finds: of each rule that is broken, its name and where.
FOUND = """axe.run({resultTypes: ["violations"]}).then(({violations}) => violations.map(
  one => `${one.id}: ${one.nodes.map(node => node.target.join(" ")).join(", ")}`))"""


@pytest.mark.skipif(not TYPES.exists(), reason="run 'script/setup test' for typescript")
def test_the_types_of_the_page_agree() -> None:
    done = subprocess.run([TYPES, "-p", HERE], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not AXE.exists(), reason="run 'script/setup test' for axe-core")
def test_axe_finds_nothing(run: Run, tmp_path: Path, browser: Browser) -> None:
    axe = AXE.read_text("utf-8")

    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await stage.puppets[ALICE].send(BOB, "Hello")
            found: dict[str, list[str]] = {}
            await page.enter(conversation(ALICE, BOB))
            await page.shows("Hello", ".messages")
            for scheme in SCHEMES:
                await page.tab.look(1280, 800, scheme)
                for place in (conversation(ALICE, BOB), "/calls", f"/calls/{out.id}", "/history"):
                    await page.go(f"#{place}")
                    await page.until("document.querySelector('main').innerText.length > 20")
                    await page.tab.run(axe)
                    found[f"{scheme} {place}"] = await page.tab.run(FOUND)
            assert not any(found.values()), json.dumps(found, indent=2)
            await out.hangup()
            await settled(stage, out.id)

    run(main)


async def check_looks(page: Page) -> None:
    """See that axe finds nothing and nothing sticks out, in both schemes and widths."""
    found: dict[str, list[str]] = {}
    axe = AXE.read_text("utf-8") if AXE.exists() else ""
    for scheme in SCHEMES:
        for width in (1280, 360):
            await page.tab.look(width, 800, scheme)
            await page.until(f"document.documentElement.scrollWidth <= {width}")  # plots follow
            if axe:
                await page.tab.run(axe)
                found[f"{scheme} {width}"] = await page.tab.run(FOUND)
    assert not any(found.values()), json.dumps(found, indent=2)

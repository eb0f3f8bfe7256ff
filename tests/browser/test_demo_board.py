"""``callboard demo --web``: one command and one click, to a bot that is seen and heard."""

import asyncio
import json
import re
import signal
from pathlib import Path

from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board_calls import HELPERS, OURS, sees_the_clock
from callboard.tests.cli.command import command
from callboard.tests.conftest import Run

BUTTON = """until(() => {
  const buttons = [...document.querySelectorAll("conversation-view :is(button, summary)")];
  return buttons.find((one) => one.textContent === %s);
})"""
#: The button that is to be pressed first, and those for who wants to be seen.
WORDS = re.compile(r'press (\w+):.*press (\S+) and then\s+"([^"]+)"', re.DOTALL)


async def told(out: asyncio.StreamReader) -> tuple[str, ...]:
    """Read what is said after the link; return the buttons that are named there."""
    words = ""
    while not (found := WORDS.search(words)):
        line = await out.readline()
        assert line, words
        words += line.decode()
    return found.groups()


def test_one_command_and_one_click_call_a_bot(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            *command("demo", "--web", "--out", tmp_path / "out"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            while not (line := await process.stdout.readline()).startswith(b"Open "):
                assert line, "it ended without a link"
            async with browser[0].tab() as tab:
                await tab.open(line.decode().split()[1])
                await tab.run(SOUND)
                await tab.run(f"(() => {{ {HELPERS} }})()")
                first, menu, camera = await told(process.stdout)
                await tab.run(f"{BUTTON % json.dumps(menu)}.then(one => one.click())")
                assert await tab.run(f"{BUTTON % json.dumps(camera)}.then(one => !one.disabled)")
                await tab.run(f"{BUTTON % json.dumps(first)}.then(one => one.click())")
                await sees_the_clock(tab, "Peer")
                assert await tab.run(f"hear('Peer', {OURS})")
        finally:
            process.send_signal(signal.SIGINT)
            out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        assert not error
        assert b"#token" not in out, "it is told once"

    run(main)

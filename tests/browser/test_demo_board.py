"""``callboard demo --web``: one command and one click, to a bot that is seen and heard."""

import asyncio
import signal
from pathlib import Path

from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board_calls import HELPERS, OURS, sees_the_clock
from callboard.tests.cli.command import command
from callboard.tests.conftest import Run

CLICK = """until(() => {
  const buttons = [...document.querySelectorAll("conversation-view button")];
  const button = buttons.find((one) => one.textContent === "Video");
  button?.click();
  return Boolean(button);
})"""


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
                await tab.run(CLICK)
                await sees_the_clock(tab, "Peer")
                assert await tab.run(f"hear('Peer', {OURS})")
        finally:
            process.send_signal(signal.SIGINT)
            out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        assert not error
        assert b"#token" not in out, "it is told once"

    run(main)

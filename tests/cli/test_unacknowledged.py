"""What a server never acknowledged, when the session is over: ``callboard run`` says it again."""

import asyncio
import signal
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.xmpp.resumption import SM
from callboard.actors.xmpp.stanza import CLIENT
from callboard.tests.cli.command import command
from callboard.tests.conftest import Run
from callboard.tests.live.staged_server import Line, StagedServer

DEPLOYMENT = """\
server: {{host: localhost, port: {port}, tls: direct, ca: {ca}}}
media: {{addresses: 127.0.0.1, services: false}}
accounts:
  - {{jid: alice@localhost/desk, password: s3, bot: "teller:Teller"}}
"""
TELLER = """\
from callboard.bots import Bot

class Teller(Bot):
    asked = 0

    async def on_message(self, message):
        self.asked += 1
        for text in ("one", "two") if self.asked == 1 else ("three",):
            await self.send("bob@localhost", text)
"""
"""Says one and two when it is asked first, and three when it is asked again."""
QUESTION = (
    "<message type='chat' from='bob@localhost/x' to='alice@localhost/desk'>"
    "<body>Well?</body></message>"
)


def bodies(line: Line) -> list[str | None]:
    """Return the texts that came over a connection, as far as they matter here."""
    return [one.findtext(f"{{{CLIENT}}}body") for one in line.heard if one.tag.endswith("}message")]


class Forgetful(StagedServer):
    """Loses the first two texts, and resumes no session.

    Args:
        folder: where its certificates go.
        boasts: whether it acknowledges more than it got, rather than nothing.
    """

    def __init__(self, folder: Path, *, boasts: bool) -> None:
        super().__init__(folder)
        self._boasts = boasts

    def on_session(self, line: Line) -> None:
        line.say(QUESTION)

    def on_acknowledge(self, line: Line) -> None:
        if line is not self.lines[0]:
            super().on_acknowledge(line)

    def on_element(self, line: Line, element: Element) -> None:
        super().on_element(line, element)
        if line is self.lines[0] and element.tag.endswith("}message") and len(bodies(line)) == 2:
            if self._boasts:
                line.say(f"<a xmlns='{SM}' h='{line.handled + 7}'/>{QUESTION}")
            else:
                line.cut()


@pytest.mark.parametrize("boasts", [False, True], ids=["nothing", "more than was sent"])
def test_what_was_not_acknowledged_is_sent_again(run: Run, tmp_path: Path, boasts: bool) -> None:
    async def main() -> None:
        async with Forgetful(tmp_path / "server", boasts=boasts) as server:
            file = tmp_path / "accounts.yaml"
            file.write_text(DEPLOYMENT.format(port=server.port, ca=server.authority))
            (tmp_path / "teller.py").write_text(TELLER)
            process = await asyncio.create_subprocess_exec(
                *command("run", file), stdout=asyncio.subprocess.DEVNULL
            )
            try:
                await server.until(lambda: any("three" in bodies(line) for line in server.lines))
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            said = [bodies(line) for line in server.lines]
            assert said == [["one", "two"], ["one", "two", "three"]]

    run(main)

"""What is logged: one stream, each line with its date and, of a bot's, its account."""

import json
import re
from pathlib import Path

from callboard.tests.cli.command import callboard

MODULE = """\
import logging
from callboard.bots import Bot

class Talker(Bot):
    async def on_call(self, call):
        self.log.info("hello from %s", call.peer.partition("/")[0])
        try:
            await call.add("video", "pattern")
        except Exception as error:
            self.log.warning("as it should: %s", type(error).__name__, extra={"more": 1})
        await call.answer()
"""
FILE = """\
server: embedded
log_level: {level}
accounts:
  - {{jid: desk@localhost, bot: "talker:Talker"}}
  - {{jid: alice@localhost, password: "the secret of alice", bot: silent}}
"""
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)")


def call(
    folder: Path, level: str, *options: str, module: str = MODULE, seconds: int = 1
) -> list[str]:
    """Let alice call desk; return what was printed."""
    (folder / "talker.py").write_text(module)
    file = folder / "accounts.yaml"
    file.write_text(FILE.format(level=level))
    held = ("--seconds", seconds)
    done = callboard("call", file, "alice@localhost", "desk@localhost", *held, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_lines_have_date_and_account_in_one_stream(tmp_path: Path) -> None:
    lines = call(tmp_path, "info")
    words = [found[1] for line in lines if (found := LINE.fullmatch(line))]
    first = words.index("desk@localhost Talker: hello from alice@localhost")
    second = words.index("warning desk@localhost Talker: as it should: CallOver")
    connected = next(n for n, one in enumerate(words) if one.startswith("desk@localhost ← alice"))
    assert first < second
    assert connected
    # What the bot has caught is nobody else's business.
    assert not [line for line in lines if "Traceback" in line or "Exception" in line]


def test_json_has_the_account_too(tmp_path: Path) -> None:
    events = [json.loads(line) for line in call(tmp_path, "info", "--json")]
    (said,) = [one for one in events if one.get("message", "").startswith("hello")]
    assert said["account"] == "desk@localhost"
    assert said["logger"] == "callboard.bots.Talker"


def test_debug_shows_stanzas_and_no_secret(tmp_path: Path) -> None:
    text = "\n".join(call(tmp_path, "debug"))
    assert "<iq" in text
    assert "session-initiate" in text
    assert "the secret of alice" not in text
    assert not re.search(r"<(auth|response)[^>]*>[A-Za-z0-9+/=]{4}", text)


REMOVER = """\
import asyncio, shutil
from callboard.bots import Bot

class Talker(Bot):
    async def on_call(self, call):
        await call.answer(record=True)
        folder = self.folder / "recordings"
        while not list(folder.glob("*.part")):
            await asyncio.sleep(0.01)
        await call.play("tone:440:500ms")  # until then it may be begun anew in another form
        while folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        await call.play("tone:440:3s")  # it is looked for twice a second while the call goes on
        await call.hangup()
"""


def test_a_warning_about_a_call_says_whose_it_is(tmp_path: Path) -> None:
    """As what is told of the call itself does, and not by the name that it has within."""
    lines = call(tmp_path, "warning", module=REMOVER, seconds=60)
    words = [found[1] for line in lines if (found := LINE.fullmatch(line))]
    # A slow machine may have others to say.
    warnings = [one for one in words if one.startswith("warning")]
    (warning,) = [one for one in warnings if "There is no recording: " in one]
    assert warning.startswith("warning callboard: desk@localhost ← alice@localhost: There is no")

"""An operator's day with the command alone: what runs is changed, seen and understood."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from callboard.tests.cli.command import PATIENCE, in_process, running
from callboard.tests.cli.instance import Instance

TOP = "recordings: recordings/\ndrain: 0\naccounts:\n"
STAGED = """\
  - {jid: alice@localhost, bot: silent, calls: {ring_timeout: 1s}}
  - {jid: sleepy@localhost, bot: silent}
  - {jid: far@localhost, bot: 'staging:Answering'}
  - {jid: forged@localhost, bot: 'staging:Answering'}
"""
DESK = "  - {jid: desk@localhost, bot: 'desk:Desk'}\n"
LIMITED = "  - {jid: desk@localhost, bot: 'desk:Desk', calls: {limit: 1}}\n"
CAROL = "  - {jid: carol@localhost, bot: silent}\n"

BOT = """\
from callboard.bots import Bot


class Desk(Bot):
    async def on_call(self, call):
        self.log.info("release %s takes the call")
        await call.answer()
"""
#: What peers elsewhere do wrong, done here by those two accounts; and nobody waits half a minute.
STAGING = """\
from callboard.bots import Bot
from callboard.jingle import Session, namespaces
from callboard.media import PeerConnection

PeerConnection.__init__.__kwdefaults__["ice_deadline"] = 1.0
accept, answer = Session.accept, PeerConnection.answer


def patient(self, *given, **named):  # so that who calls is the one who gives up
    self._connectivity._ice_deadline.seconds = 30.0
    return answer(self, *given, **named)


def staged(self, *given, **named):
    jingle = accept(self, *given, **named)
    if self.responder.startswith("far@"):
        for each in jingle.iter(f"{{{namespaces.ICE_UDP}}}transport"):
            each.set("pwd", "of_somebody_else_entirely")
    if self.responder.startswith("forged@"):
        for each in jingle.iter(f"{{{namespaces.DTLS}}}fingerprint"):
            each.text = ":".join(["AB"] * 32)
    return jingle


Session.accept, PeerConnection.answer = staged, patient


class Answering(Bot):
    async def on_call(self, call):
        await call.answer()
"""

#: Whom alice called in vain (carol, where desk was busy), what the record says, and the ladder.
FAILURES = {
    ("alice@localhost", "far@localhost"): ("failed", "No route: "),
    ("alice@localhost", "forged@localhost"): ("failed", "Wrong fingerprint: "),
    ("carol@localhost", "desk@localhost"): ("busy", "Busy: "),
    ("alice@localhost", "sleepy@localhost"): ("missed", "Never accepted: "),
}


def yesterday(records: Path) -> int:
    """Let all calls have been a day earlier; tell how many there were."""
    found = [json.loads(line) for line in records.read_text("utf-8").splitlines()]
    for record in found:
        for name in ("started", "ringing", "answered", "connected", "ended"):
            if record[name] is not None:
                earlier = datetime.fromisoformat(record[name]) - timedelta(days=1)
                record[name] = earlier.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    records.write_text("".join(f"{json.dumps(one)}\n" for one in found), "utf-8")
    return len(found)


def test_an_operators_day(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    (tmp_path / "staging.py").write_text(STAGING)
    (tmp_path / "desk.py").write_text(BOT % 1)
    file.write_text(TOP + STAGED + DESK)
    with running("run", file) as run:
        day = Instance(run, file)
        for name in ("alice", "sleepy", "far", "forged", "desk"):
            day.until("AccountReady", jid=f"{name}@localhost")

        # Add an account, change a policy, deploy a new bot: nobody is logged out for it.
        file.write_text(TOP + STAGED + DESK + CAROL)
        assert day.answer("reload")["added"] == ["carol@localhost"]
        day.until("AccountReady", jid="carol@localhost")
        file.write_text(TOP + STAGED + LIMITED + CAROL)
        [changed] = day.answer("reload")["changed"]
        assert (changed["jid"], changed["keys"]) == ("desk@localhost", ["calls.limit"])
        (tmp_path / "desk.py").write_text(BOT % 2)
        [changed] = day.answer("reload")["changed"]
        assert (changed["jid"], changed["keys"]) == ("desk@localhost", ["code"])
        assert day.answer("status")["accounts"] == {"total": 6, "by_state": {"online": 6}}

        # The day's calls: one that goes well, and four that do not.
        with day.calling("alice@localhost", "desk@localhost"):
            assert "desk@localhost Desk: release 2 takes the call" in day.give("logs").stdout
            assert len(day.answer("calls", "--live")) > 0
            for account, to in FAILURES:
                done = in_process("call", file, account, to, "--seconds", "1")
                assert done.returncode == 1, (account, to, done.stdout)
        states = [e["state"] for e in run.events if e["event"] == "AccountChanged"]
        assert set(states) == {"connecting", "online"}
        run.process.kill()
        run.process.wait(PATIENCE)

    records = tmp_path / "recordings" / "calls.jsonl"
    count = yesterday(records)
    with running("run", file) as run:
        morning = Instance(run, file)
        morning.until("AccountReady", jid="desk@localhost")
        assert not morning.answer("calls", "--since", "today")["calls"]
        found = morning.answer("calls", "--since", "yesterday", "--until", "yesterday")["calls"]
        assert len(found) == count
        for (account, peer), (state, cause) in FAILURES.items():
            assert why(morning, account, peer, state).startswith(cause)
        assert morning.give("stop").returncode == 0
        assert run.process.wait(PATIENCE) == 0


def why(instance: Instance, account: str, peer: str, state: str) -> str:
    """Find yesterday's call, and say from its ladder why it came to nothing."""
    search: Any = ("--until", "yesterday", "--account", account, "--peer", peer, "--state", state)
    found = instance.answer("calls", *search)["calls"]
    [record] = [one for one in found if one["direction"] == "out"]
    ladder = instance.give("ladder", record["uuid"]).stdout
    shown = json.loads(instance.give("ladder", record["uuid"], "--format", "json").stdout)
    cause: str = shown["cause"]
    # The last lines say it too, in as many lines as it takes.
    assert "".join(cause.split()) in "".join(ladder.split())
    return cause

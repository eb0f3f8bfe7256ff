"""The accounts of one shard, in calls of several phases at once."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call import leg
from callboard.actors.context import Endpoint
from callboard.actors.xmpp.tls_context import trust
from callboard.load import load_plan
from callboard.load.measure.tally import Tally
from callboard.load.run.activity import perform
from callboard.load.run.shard_accounts import ShardAccounts
from callboard.media import PeerConnection, ReceivePath
from callboard.server import Prosody
from callboard.tests.conftest import Run

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0
PLAN = """\
server: embedded
accounts: [{jid: a@localhost}, {jid: b@localhost}, {jid: c@localhost}]
phases:
  - login: {rate: 50/s}
  - call: {from: a@*, to: b@*, rate: 1/s, duration: 2s, hold: 500ms, path: packets}
  - call: {from: c@*, to: b@*, rate: 1/s, duration: 3s, hold: 500ms, path: frames}
    start: with
"""


@pytest.mark.parametrize("answer", ["manual", "auto"])
def test_calls_of_overlapping_phases_receive_on_the_path_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, answer: str
) -> None:
    paths: list[ReceivePath] = []

    class Watched(PeerConnection):
        def __init__(self, *, path: ReceivePath, **given: Any) -> None:
            paths.append(path)
            super().__init__(path=path, **given)

    monkeypatch.setattr(leg, "PeerConnection", Watched)
    file = tmp_path / "plan.yaml"
    words = "{answer: auto, after: 0s}" if answer == "auto" else "{}"
    file.write_text(PLAN.replace("localhost}", f"localhost, calls: {words}}}"), "utf-8")
    plan = load_plan(file)
    tally = Tally()

    async def main() -> None:
        passwords = {one.user: one.password.get_secret_value() for one in plan.accounts}
        async with asyncio.timeout(PATIENCE), Prosody(passwords) as prosody:
            accounts = ShardAccounts(plan, tmp_path, 0, 1, tally)
            context = await asyncio.to_thread(trust, prosody.certificate)
            await accounts.open(Endpoint(prosody.address, prosody.port, False, context))
            await perform(0, accounts)
            await asyncio.gather(perform(1, accounts), perform(2, accounts))
            await accounts.close(0.0)

    run(main)
    phases = tally.take().phases
    counters = [phases[number].counters for number in (1, 2)]
    assert not any(one.get("call.failed") for one in counters)
    # On a busy machine a caller may still be in its last call; then there is one fewer.
    packets, frames = (one["call.ok"] for one in counters)
    assert Counter(paths) == {ReceivePath.PACKETS: 2 * packets, ReceivePath.FRAMES: 2 * frames}

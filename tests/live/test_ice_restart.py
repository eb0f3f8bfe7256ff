"""ICE is restarted in mid-call (XEP-0176 §5.7)."""

import asyncio
from pathlib import Path

import pytest
from callboard.media import PeerConnection
from callboard.tests.conftest import Run
from callboard.tests.live.heard import check_sound
from callboard.tests.live.stage import ALICE, BOB, staged


@pytest.mark.parametrize("restarts", [ALICE, BOB], ids=["the caller", "the called"])
def test_ice_is_restarted_by_either_side_and_the_recording_goes_on(
    run: Run, tmp_path: Path, restarts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[PeerConnection] = []
    note = PeerConnection.restart_acknowledged

    def noted(self: PeerConnection) -> None:
        acknowledged.append(self)
        note(self)

    monkeypatch.setattr(PeerConnection, "restart_acknowledged", noted)

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone:440", video="pattern")
            came = await stage.ringing(BOB)
            await came.answer(audio="tone:880", video="pattern", record=True)
            await out.connected()
            await stage.media(BOB, "audio", packets=20)
            await (out if restarts == ALICE else came).restart_ice()
            for account in (ALICE, BOB):
                await stage.step(account, "ice-restart")
            for call, account in ((out, ALICE), (came, BOB)):
                now = {one.kind: one.received for one in (await call.status()).statistics}
                await stage.media(account, "audio", packets=now["audio"] + 30)
                await stage.media(account, "video", packets=now["video"] + 10)
            assert len(acknowledged) == len(set(acknowledged)) == 2
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            record = await stage.record(BOB)
            assert all(one["lost"] == 0 for one in record.media)
            (recording,) = record.recordings
            assert recording.path is not None
            await asyncio.to_thread(check_sound, Path(recording.path), record)

    run(main)

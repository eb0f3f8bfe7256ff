"""A connection that held, and holds no more."""

import re

import pytest
from aioice import ice
from callboard.media import ClockPattern, Connected, MediaFailed, Tone
from callboard.media.rtc import _aiortc
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call


@pytest.mark.parametrize("restart", ["", "unanswered", "given up"])
def test_a_peer_that_vanishes_is_found_out_by_its_silence(
    run: Run, monkeypatch: pytest.MonkeyPatch, restart: str
) -> None:
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(ice, "CONSENT_FAILURES", 1)

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await a.received("audio", 2)
            if restart:
                await a.pc.renew_ice()
            if restart == "given up":
                a.pc.give_up_restart()
            for connection in _aiortc.ice_connections(b.pc._pc):
                for protocol in connection._protocols:
                    protocol.transport.abort()
            failed = await a.event(MediaFailed)
            assert failed.reason == "connectivity-error"
            assert failed.text == "The peer can't be reached any more."

    run(main)


def test_what_is_added_without_a_bundle_meets_the_ice_deadline(run: Run) -> None:
    def lost(sdp: str) -> str:
        """Let no candidate of the last section lead anywhere."""
        audio, video = sdp.split("m=video")
        video = re.sub(r"a=(candidate|end-of-candidates).*\r\n", "", video)
        return re.sub(r"a=group.*\r\n", "", f"{audio}m=video{video}")

    async def main() -> None:
        a, b = Leg(ice_deadline=0.5), Leg()
        offer = re.sub(r"a=group.*\r\n", "", await a.pc.offer(audio=Tone(), video=None))
        answer = await b.pc.answer(offer, audio=Tone(), video=None)
        await a.pc.accept(re.sub(r"a=group.*\r\n", "", answer))
        await a.event(Connected)
        await a.received("audio", 5)
        more = lost(await a.pc.offer_more(video=ClockPattern()))
        await a.pc.accept(lost(await b.pc.answer(more, audio=None, video=None)))
        failed = await a.event(MediaFailed)
        assert failed.reason == "connectivity-error"
        assert "within 0.5 s" in failed.text
        await a.pc.close()
        await b.pc.close()

    run(main)

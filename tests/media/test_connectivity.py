"""A connection that held, and holds no more."""

import pytest
from aioice import ice
from callboard.media import MediaFailed, Tone, _aiortc
from callboard.tests.conftest import Run
from callboard.tests.media.legs import call


def test_a_peer_that_vanishes_is_found_out_by_its_silence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(ice, "CONSENT_FAILURES", 1)

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await a.received("audio", 2)
            for connection in _aiortc.ice_connections(b.pc._pc):
                for protocol in connection._protocols:
                    protocol.transport.abort()
            failed = await a.event(MediaFailed)
            assert failed.reason == "connectivity-error"
            assert failed.text == "The peer can't be reached any more."

    run(main)

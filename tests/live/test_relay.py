"""Two accounts that learn of a relay from their server (XEP-0215) and tell no other address."""

import asyncio
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.stream import Stream
from callboard.jingle import namespaces as ns
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage, staged
from callboard.tests.media.coturn import coturn, needs_coturn


@needs_coturn
@pytest.mark.parametrize("video", [None, "pattern"], ids=["audio", "video"])
def test_accounts_find_the_relay_at_their_server_and_use_it_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: str | None
) -> None:
    told: list[Element] = []
    transmit = Stream.transmit

    def noted(self: Stream, stanza: Element) -> None:
        told.extend(stanza.iter(f"{{{ns.ICE_UDP}}}candidate"))
        transmit(self, stanza)

    monkeypatch.setattr(Stream, "transmit", noted)

    async def main() -> None:
        options: dict[str, Any] = {"media": {"relay": "only"}}
        async with (
            coturn(tmp_path) as relay,
            staged(tmp_path, [ALICE, BOB], services=[relay.service], **options) as stage,
        ):
            for account in (ALICE, BOB):
                await services_found(stage, account)
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video=video)
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video=video)
            await out.connected()
            for account in (ALICE, BOB):
                for kind in ("audio", "video") if video else ("audio",):
                    await stage.media(account, kind, packets=10)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
    assert {candidate.get("type") for candidate in told} == {"relay"}


async def services_found(stage: Stage, jid: str) -> None:
    """Return when an account has heard from its server where the relay is."""
    account = await stage.account(jid)
    while not account._network.ice_servers:  # noqa: ASYNC110 -- nobody is told of it
        await asyncio.sleep(0.01)

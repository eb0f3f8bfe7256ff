"""Two accounts that learn of a relay from their server (XEP-0215) and tell no other address."""

import asyncio
import logging
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

import pytest
from callboard.actors.xmpp.stream import Stream
from callboard.bots import CallOver, Reason
from callboard.jingle import namespaces as ns
from callboard.media import Network
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage, staged
from callboard.tests.media.coturn import coturn, needs_coturn
from callboard.tests.media.rtc.test_dead_servers import mute_server

#: What nobody but the operator should read.
ADVICE = ("relay", "TURN", "turn:", "media.", "did not answer")


@needs_coturn
@pytest.mark.parametrize("video", [None, "pattern"], ids=["audio", "video"])
def test_accounts_find_the_relay_at_their_server_and_use_it_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: str | None
) -> None:
    told: list[Element] = []
    transmit = Stream.transmit

    def noted(self: Stream, stanza: Element, *, at_leisure: bool = False) -> None:
        told.extend(stanza.iter(f"{{{ns.ICE_UDP}}}candidate"))
        transmit(self, stanza, at_leisure=at_leisure)

    monkeypatch.setattr(Stream, "transmit", noted)

    async def main() -> None:
        options: dict[str, Any] = {"media": {"relay": "only"}}
        async with (
            coturn(tmp_path) as relay,
            staged(tmp_path, [ALICE, BOB], services=[relay.service], **options) as stage,
        ):
            for account in (ALICE, BOB):
                await services_found(stage, account)
            out, _ = await stage.connected(ALICE, BOB, audio="tone", video=video)
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
    while not account._ice_servers.network.ice_servers:  # noqa: ASYNC110 -- nobody is told of it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("who", [ALICE, BOB], ids=["the caller", "the called"])
def test_a_call_without_its_relay_ends_and_only_the_operator_learns_what_to_do(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    who: str,
) -> None:
    told: list[str] = []
    transmit = Stream.transmit

    def noted(self: Stream, stanza: Element, *, at_leisure: bool = False) -> None:
        told.append(tostring(stanza, "unicode"))
        transmit(self, stanza, at_leisure=at_leisure)

    monkeypatch.setattr(Stream, "transmit", noted)

    async def main() -> None:
        with mute_server() as (server, _):
            port = int(server.url.partition("?")[0].rpartition(":")[2])
            dead = {"type": "turn", "host": "127.0.0.1", "port": port, "transport": "udp"}
            service = {**dead, "username": "user", "password": "s3cret"}
            options: dict[str, Any] = {"media": {"relay": "only"}}
            async with staged(tmp_path, [ALICE, BOB], services=[service], **options) as stage:
                for account in (ALICE, BOB):
                    await services_found(stage, account)
                if who == BOB:  # the caller has no need of a relay
                    alice = await stage.account(ALICE)
                    alice._ice_servers.network = Network(("127.0.0.1",), account=ALICE)
                    alice._network_changed()
                out = await stage.puppets[ALICE].call(BOB, audio="tone")
                if who == BOB:
                    came = await stage.ringing(BOB)
                    with pytest.raises(CallOver) as over:
                        await came.answer(audio="tone")
                    assert "no network address" in str(over.value)
                record = await out.ended()
                assert record.state == "failed"
                assert record.reason == Reason.CONNECTIVITY_ERROR
                assert record.text
                assert not [word for word in ADVICE if word in record.text]

    with caplog.at_level(logging.WARNING):
        run(main)
    warnings = [record.getMessage() for record in caplog.records]
    assert any(f"{who}: " in line and "turn:127.0.0.1" in line for line in warnings)
    ends = [stanza for stanza in told if "<reason" in stanza or "session-terminate" in stanza]
    assert not [word for word in ADVICE for stanza in ends if word in stanza]

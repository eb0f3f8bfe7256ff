"""Calls that fail: bot, detail record and peer are told which failure it was."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from aioice import ice
from aiortc import RTCDtlsTransport
from callboard.actors.call.signalling import WORDS
from callboard.bots import Call, CallOver
from callboard.jingle import Reason, Session
from callboard.jingle import namespaces as ns
from callboard.media import PeerConnection
from callboard.media.rtc import _aiortc
from callboard.media.rtc.ice import _aioice
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device, reason_of
from callboard.tests.live.stage import ALICE, BOB, Stage, staged

VIDEO = pytest.mark.parametrize("video", [None, "pattern"], ids=["audio", "video"])
DEVICE = "carol@localhost/device"


async def begin(stage: Stage, video: str | None) -> tuple[Call, Call]:
    """Let alice call bob, who answers; neither waits until they are connected."""
    out = await stage.puppets[ALICE].call(BOB, audio="tone", video=video)
    return out, await stage.ringing(BOB)


async def ended(call: Call, reason: Reason, words: str = "") -> str:
    """See that a call's bot and its record say why it ended; return the record's sentence.

    Who found out says what it found; the other was told no more than what peers are told.
    """
    record = await call.ended()
    assert (record.state, record.reason) == ("failed", reason)
    assert words in record.text or record.text == f'the peer says "{WORDS[reason]}"'
    with pytest.raises(CallOver, match=reason):
        await call.connected()
    return record.text


def sooner(monkeypatch: pytest.MonkeyPatch, deadline: str) -> None:
    """Let a deadline of the media be half a second."""
    monkeypatch.setitem(PeerConnection.__init__.__kwdefaults__ or {}, deadline, 0.5)


@pytest.mark.parametrize("role", ["caller", "callee"])
def test_ice_that_finds_no_way_fails_with_connectivity_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    sooner(monkeypatch, "ice_deadline")

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            jid = (await stage.account(ALICE))._session.jid
            if role == "caller":
                call = await stage.puppets[ALICE].call(DEVICE, message=False)
                initiate, _ = await device.hears_jingle("session-initiate")
                assert await device.jingle(jid, device.accept(initiate)) == ""
            else:
                assert await device.jingle(jid, device.initiate("sid-1")) == ""
                call = await stage.ringing(ALICE)
                with pytest.raises(CallOver, match="connectivity-error"):
                    await call.answer()
            terminate, _ = await device.hears_jingle("session-terminate")
            assert reason_of(terminate) == "connectivity-error"
            assert (await call.ended()).why.startswith("connectivity-error: No pair")
            assert await stage.states(ALICE) == ["failed"]

    run(main)


@VIDEO
def test_a_handshake_that_does_not_end_fails_with_failed_transport(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: str | None
) -> None:
    async def stuck(*_: Any) -> None:
        """Say nothing, as a peer does that speaks another DTLS."""

    monkeypatch.setattr(RTCDtlsTransport, "start", stuck)
    sooner(monkeypatch, "dtls_deadline")

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await begin(stage, video)
            with pytest.raises(CallOver, match="failed-transport"):
                await came.answer(audio="tone")
            words = "The DTLS handshake was not done"
            said = [await ended(call, Reason.FAILED_TRANSPORT, words) for call in (out, came)]
            assert any(words in text for text in said)
            assert await stage.states(ALICE, BOB) == ["failed", "failed"]

    run(main)


@VIDEO
@pytest.mark.parametrize("forger", ["prepare", "accept"], ids=["the caller", "the called"])
def test_a_certificate_that_is_not_the_announced_one_fails_with_security_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forger: str, video: str | None
) -> None:
    say: Callable[[Session, str], Element] = getattr(Session, forger)

    def forged(self: Session, sdp: str, **named: Any) -> Element:
        jingle = say(self, sdp, **named)
        for each in jingle.iter(f"{{{ns.DTLS}}}fingerprint"):
            each.text = ":".join(["AB"] * 32)
        return jingle

    monkeypatch.setattr(Session, forger, forged)

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await begin(stage, video)
            with suppress(CallOver):  # who forged may be through its handshake first
                await came.answer(audio="tone")
            words = "not the one it announced"
            said = [await ended(call, Reason.SECURITY_ERROR, words) for call in (out, came)]
            assert any(words in text for text in said)
            for call in (out, came):
                received = [one["received"] for one in (await call.ended()).media]
                assert not any(received)
            assert await stage.states(ALICE, BOB) == ["failed", "failed"]

    run(main)


@VIDEO
@pytest.mark.parametrize("stays", [ALICE, BOB], ids=["the caller", "the called"])
def test_a_peer_that_vanishes_fails_with_connectivity_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: str, video: str | None
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await begin(stage, video)
            await came.answer(audio="tone", video=video)
            await stage.media(ALICE, "audio", packets=10)
            stayed, gone = (out, came) if stays == ALICE else (came, out)
            monkeypatch.setattr(ice, "CONSENT_INTERVAL", 0.05)
            monkeypatch.setattr(ice, "CONSENT_FAILURES", 1)
            actor: Any = gone._ref._actor_weakref()
            for connection in _aiortc.ice_connections(actor._leg.connection._pc):
                for protocol in connection._protocols:
                    monkeypatch.setattr(protocol.transport, "sendto", lambda *_: None)
            # The consent of both sides lapses, and whoever finds out first tells the other.
            await ended(stayed, Reason.CONNECTIVITY_ERROR, "The peer can't be reached")
            assert (await stage.states(stays)) == ["failed"]

    run(main)


@pytest.mark.parametrize("whose", [ALICE, BOB], ids=["the caller's", "the called's"])
def test_a_fault_inside_the_media_library_is_failed_in_the_record(
    run: Run, tmp_path: Path, whose: str
) -> None:
    async def die() -> None:
        raise RuntimeError("a fault in aiortc")

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await begin(stage, None)
            await came.answer(audio="tone")
            await stage.media(whose, "audio")
            account = await stage.account(whose)
            conversation = account._conversations[BOB if whose == ALICE else ALICE]
            (call,) = conversation._actor_weakref()._calls
            connection = call.ref._actor_weakref()._leg.connection._pc
            transport, *_ = _aiortc.dtls_transports(connection)
            transport._recv_next = die  # type: ignore[method-assign]
            arrivals = _aioice.arrivals(_aiortc.ice_connection(transport.transport))
            assert arrivals is not None
            arrivals.put_nowait((b"P?", 1))  # wakes its task, which media and reports pass by
            record = await (out if whose == ALICE else came).ended()
            assert (record.state, record.reason) == ("failed", "failed-transport")
            assert await stage.states(whose) == ["failed"]

    run(main)

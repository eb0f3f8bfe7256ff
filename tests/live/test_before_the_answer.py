"""What a caller changes while its call rings."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from callboard.bots import CallOver
from callboard.jingle import namespaces as ns
from callboard.media import PeerConnection
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER, Device, reason_of
from callboard.tests.live.stage import ALICE
from callboard.tests.live.test_bad_jingle import (
    DESCRIPTION,
    TRANSPORT,
    a_call_works,
    content,
    on_stage,
    within,
)

VIDEO = (
    OFFER.replace("m=audio", "m=video")
    .replace("opus/48000/2", "VP8/90000")
    .replace("mid:0", "mid:1")
    .replace("BUNDLE 0", "BUNDLE 1")
)


def add_video(device: Device) -> Element:
    added = device.initiate("sid-1", VIDEO)
    added.set("action", "content-add")
    return added


def restart_ice(device: Device) -> Element:
    info = device.initiate("sid-1")
    info.set("action", "transport-info")
    content(info).remove(within(info, DESCRIPTION))
    within(info, TRANSPORT).set("ufrag", "fresh")
    within(info, TRANSPORT).set("pwd", "fresh" * 5)
    return info


def test_what_is_added_while_it_rings_is_refused_and_answers_nothing(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, alice):
            assert await device.jingle(alice, device.initiate("sid-1")) == ""
            came = await stage.ringing(ALICE)
            assert await device.jingle(alice, add_video(device)) == ""
            refusal, _ = await device.hears_jingle("content-reject")
            assert reason_of(refusal) == "failed-application"
            assert (await came.status()).media == ("audio",)
            answering = asyncio.ensure_future(came.answer())
            accept, _ = await device.hears_jingle("session-accept")
            assert [one.get("name") for one in accept.findall(f"{{{ns.JINGLE}}}content")] == ["0"]
            # Now it is taken: the refused name is free again.
            assert await device.jingle(alice, add_video(device)) == ""
            await device.hears_jingle("content-accept")
            assert await device.jingle(alice, device.terminate("sid-1", "cancel")) == ""
            with pytest.raises(CallOver):
                await answering
            assert await stage.states(ALICE) == ["cancelled"]
            await a_call_works(stage)

    run(main)


def test_new_credentials_while_it_rings_are_those_that_count(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[str] = []
    answer = PeerConnection.answer

    async def noted(
        self: PeerConnection, offer: str, *, refuse: Collection[Any] = (), **sources: Any
    ) -> str:
        taken.append(offer)
        return await answer(self, offer, refuse=refuse, **sources)

    monkeypatch.setattr(PeerConnection, "answer", noted)

    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, alice):
            assert await device.jingle(alice, device.initiate("sid-1")) == ""
            came = await stage.ringing(ALICE)
            assert await device.jingle(alice, restart_ice(device)) == ""
            answering = asyncio.ensure_future(came.answer())
            await device.hears_jingle("session-accept")
            assert ["a=ice-ufrag:fresh" in one for one in taken] == [True]
            assert await device.jingle(alice, device.terminate("sid-1", "cancel")) == ""
            with pytest.raises(CallOver):
                await answering
            assert await stage.states(ALICE) == ["cancelled"]

    run(main)
    assert "ICE could not be restarted" not in caplog.text

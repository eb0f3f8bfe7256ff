"""Offers and answers whose fingerprint comes in a stanza of its own (XEP-0320 §3)."""

import asyncio
import copy
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from callboard.bots import CallOver
from callboard.jingle import Proceed, Propose
from callboard.jingle import namespaces as ns
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE
from callboard.tests.live.test_bad_jingle import (
    DESCRIPTION,
    DEVICE,
    content,
    on_stage,
    within,
    without_fingerprint,
)


def parted(jingle: Element) -> Element:
    """Take the fingerprint out of a description; return the transport-info that brings it."""
    info = copy.deepcopy(jingle)
    info.set("action", "transport-info")
    content(info).remove(within(info, DESCRIPTION))
    without_fingerprint(jingle)
    return info


@pytest.mark.parametrize("first", ["offer", "answer"])
@pytest.mark.parametrize("proposed", [True, False], ids=["proposed", "direct"])
def test_an_offer_may_be_without_its_fingerprint_until_that_comes(
    run: Run, tmp_path: Path, proposed: bool, first: str
) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, alice):
            initiate = device.initiate("sid-1")
            info = parted(initiate)
            if proposed:
                device.say(ALICE, Propose("sid-1", ("audio",)))
            else:
                assert await device.jingle(alice, initiate) == ""
            came = await stage.ringing(ALICE)
            if not proposed and first == "offer":
                assert await device.jingle(alice, info) == ""
            answering = asyncio.ensure_future(came.answer())
            if proposed:
                await device.hears(Proceed)
                assert await device.jingle(alice, initiate) == ""
            if proposed or first == "answer":
                await stage.step(ALICE, "proceed")
                assert await device.jingle(alice, info) == ""
            accept, _ = await device.hears_jingle("session-accept")
            assert accept.find(f".//{{{ns.DTLS}}}fingerprint") is not None
            assert await device.jingle(alice, device.terminate("sid-1", "success")) == ""
            with pytest.raises(CallOver):
                await answering

    run(main)


def test_an_answer_may_be_without_its_fingerprint_if_that_came_before(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, alice):
            call = await stage.puppets[ALICE].call(DEVICE, message=False)
            initiate, _ = await device.hears_jingle("session-initiate")
            accept = device.accept(initiate)
            info = parted(accept)
            assert await device.jingle(alice, info) == ""
            assert await device.jingle(alice, accept) == ""
            assert "accept" in (await call.status()).steps
            assert await device.jingle(alice, device.terminate(call.id, "success")) == ""
            await call.ended()

    run(main)

"""Pictures between a bot and Chromium over a bad line: what each has of the other's."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.media import Direction, PeerConnection
from callboard.tests.browser.recorded import pictures
from callboard.tests.browser.stage import DESK, Browser, Scene, scene
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.media.lossy import Road, road, without_candidates


@asynccontextmanager
async def call_over(
    link: Road, browser: Browser, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Scene, Any]]:
    """A call of the page's with video, all packets of which go over a line."""
    answer, add_candidate = PeerConnection.answer, PeerConnection.add_candidate

    async def answer_over(pc: PeerConnection, offer: str, **sources: Any) -> str:
        sdp = await answer(pc, without_candidates(offer), **sources)
        sdp, far = await link.lead_to(sdp)
        mid = re.findall(r"a=mid:(\S+)", offer)[0]
        await add_candidate(pc, mid, far)
        return sdp

    async def leave_out(pc: PeerConnection, mid: str, candidate: str) -> None:
        """The page's own addresses would lead past the line."""

    monkeypatch.setattr(PeerConnection, "answer", answer_over)
    monkeypatch.setattr(PeerConnection, "add_candidate", leave_out)
    async with scene(browser, folder) as here:
        call = await here.page_calls(video=True, record=True)
        await call.connected()
        await here.page.see("it.width > 0 && it.height > 0")
        await here.stage.media(DESK, "video", 60)
        yield here, call


async def lossy(
    browser: Browser, folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, **bad: Any
) -> tuple[dict[str, Any], CallRecord, int]:
    """Let a line be bad for a while.

    Returns:
        what the page counted meanwhile, our record, and how many pictures the page sent in all.
    """
    async with road() as link, call_over(link, browser, folder, monkeypatch) as (here, call):
        before = await here.page("picture")
        for name, value in bad.items():
            setattr(link, name, value)
        after = await here.page.look("picture", f"it.at > {before['at'] + seconds}")
        link.lost = link.late = 0.0
        link.closed = False
        shown = after["shown"]
        await here.page.look("picture", f"it.shown > {shown + 15}")
        after = await here.page("picture")
        await call.hangup()
        record = await call.ended()
    return {name: after[name] - before[name] for name in after}, record, after["sent"]


def test_pictures_both_ways_over_a_bad_line(
    browser: Browser, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, record, sent = run(
        lossy(browser, tmp_path, monkeypatch, 8.0, lost=0.1, late=0.02, burst=2)
    )
    # stanza.js tells Chromium nothing of our stream of retransmissions: it counts none of them.
    assert theirs["nacks"] > 0
    # What a browser can't decode it drops, and what it decodes on a busy machine may be late.
    assert theirs["dropped"] <= 0.1 * theirs["shown"] + 5 + 30 * lateness()
    [ours] = [one for one in record.media if one["kind"] == "video"]
    assert ours["lost"] > 0
    assert len(record.freezes) == ours["freezes"]
    assert sum(each.seconds for each in record.freezes) * 1000 == pytest.approx(
        ours["frozen_ms"], abs=10
    )
    assert len(pictures(record, Direction.RECEIVED)) >= 0.9 * sent


def test_pictures_both_ways_after_an_outage(
    browser: Browser, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, record, _ = run(lossy(browser, tmp_path, monkeypatch, 2.0, closed=True))
    assert theirs["freezes"] >= 1
    longest = max(each.seconds for each in record.freezes)
    assert 1.5 < longest <= 2.0 + 0.8 + lateness()

"""How calls with a browser end: by whom, at which stage, and what is said and recorded of it."""

from pathlib import Path

import pytest
from callboard.actors.messages.call import CallOver
from callboard.tests.browser.stage import BOT, CALLERS, DESK, Browser, scene
from callboard.tests.conftest import Run

CALLER = pytest.mark.parametrize("caller", CALLERS)


@CALLER
def test_the_callee_hangs_up(browser: Browser, caller: str, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.called_by(caller)
            await (here.page("hangup") if caller == "bot" else call.hangup())
            assert (await here.page.until("terminated"))["reason"] == "success"
            record = await call.ended()
            assert (record.state, record.reason) == ("completed", "success")

    run(main)


def test_the_page_declines(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.desk.call(here.page.jid, audio="tone")
            await here.page.until("incoming")
            await here.page("decline")
            with pytest.raises(CallOver):
                await call.connected()
            record = await call.ended()
            assert (record.state, record.reason) == ("declined", "decline")

    run(main)


def test_the_bot_declines(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            await here.page("call", BOT, False)
            call = await here.ringing()
            await call.decline()
            assert (await here.page.until("terminated"))["reason"] == "decline"
            assert (await call.ended()).state == "declined"

    run(main)


def test_the_bot_withdraws(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.desk.call(here.page.jid, audio="tone")
            await here.page.until("incoming")
            await call.hangup()
            assert (await here.page.until("terminated"))["reason"] == "cancel"
            assert (await call.ended()).state == "cancelled"

    run(main)


def test_the_page_withdraws(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            await here.page("call", BOT, False)
            call = await here.ringing()
            await here.page("cancel")
            record = await call.ended()
            assert (record.state, record.reason) == ("missed", "cancel")

    run(main)


@CALLER
def test_nobody_answers(browser: Browser, caller: str, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path, calls={"ring_timeout": "1s"}) as here:
            if caller == "bot":
                await here.desk.call(here.page.jid, audio="tone")
            else:
                await here.page("call", BOT, False)
            assert (await here.page.until("terminated"))["reason"] == "timeout"
            record = await here.stage.record(DESK)
            assert (record.state, record.why) == ("missed", "timeout: nobody answered")

    run(main)


def test_the_page_closes_its_media_and_says_nothing(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.bot_calls()
            await here.page("vanish")
            record = await call.ended()
            assert record.state == "completed"
            assert record.why == "gone: the peer closed the media and said nothing"

    run(main)


@CALLER
def test_a_forged_fingerprint_ends_the_call_before_any_media(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            await here.page("be", {"forged": True})
            with pytest.raises(CallOver, match="security-error"):
                await here.called_by(caller)
            record = await here.stage.record(DESK)
            assert record.state == "failed"
            assert record.reason == "security-error"
            assert record.recordings == ()
            assert [(one["sent"], one["received"]) for one in record.media] == [(0, 0)]
            assert (await here.page.until("terminated"))["reason"] == "security-error"

    run(main)

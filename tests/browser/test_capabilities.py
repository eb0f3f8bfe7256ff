"""What the bot and the page learn of each other before they call (XEP-0030, XEP-0115)."""

from pathlib import Path

from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Presence
from callboard.tests.browser.stage import (
    BOT,
    DESK,
    HEARS_TONE,
    PAGE,
    TONE,
    Browser,
    scene,
)
from callboard.tests.conftest import Run

AUDIO, VIDEO = "urn:xmpp:jingle:apps:rtp:audio", "urn:xmpp:jingle:apps:rtp:video"


def test_a_contact_without_call_messages_is_called_directly(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        subscriptions = {"request": [PAGE], "accept": [PAGE]}
        async with scene(browser, tmp_path, subscriptions=subscriptions) as here:
            await here.stage.told(
                DESK, Presence, lambda one: here.page.jid in one.contact.resources
            )
            assert {AUDIO, VIDEO} <= set(await here.page("features", BOT))
            call = await here.desk.call(PAGE, audio=f"tone:{TONE}")
            assert call.peer == here.page.jid
            await here.page.until("incoming")
            await here.page("accept", False)
            await call.connected()
            assert (await here.page.hear(HEARS_TONE)).level > -40
            assert "<propose" not in here.page.dialogue()

    run(main)


def test_an_account_without_video_takes_the_audio_of_a_video_call(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path, calls={"video": False}) as here:
            features = await here.page("features", BOT)
            assert AUDIO in features
            assert VIDEO not in features
            await here.page("call", BOT, True)
            call = await here.ringing()
            await call.answer(audio=f"tone:{TONE}")
            assert (await here.page.hear(HEARS_TONE)).level > -40
            await here.stage.until(
                CallStatus, lambda one: any(s.received > 10 for s in one.statistics)
            )
            found = await here.page.statistics()
            assert found["video"] == {"sent": 0, "received": 0}

    run(main)

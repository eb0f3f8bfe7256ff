"""What an operator gets from built-in bots with a YAML file alone."""

import time
from pathlib import Path
from typing import Any

import pytest
from callboard.config.keep import Keep
from callboard.control.history.history import PastCalls
from callboard.control.history.retention import Retention
from callboard.control.history.search import Search
from callboard.tests.conftest import Run
from callboard.tests.live import heard
from callboard.tests.live.stage import ALICE, BOB, CAROL, staged
from callboard.tests.live.test_playback import hears
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.media.espeak import needs_espeak

DESK = "desk@localhost"


def entry(bot: str, **options: Any) -> dict[str, Any]:
    return {"jid": DESK, "bot": bot, "options": options}


@needs_espeak
def test_a_recorder_says_its_greeting_and_records_the_caller_alone(
    run: Run, tmp_path: Path
) -> None:
    options = {
        "greeting": ["tone:600:1s", {"say": "One", "rate": 300}, "tone:880:1s"],
        "direction": "received",
        "wav": True,
    }

    async def main() -> None:
        async with staged(tmp_path, [ALICE, entry("recorder", **options)]) as stage:
            call = await stage.puppets[ALICE].call(DESK, audio="tone:350")
            await call.connected()
            for frequency in (600, 880, 0):
                await hears(call, frequency)
            await call.hangup()
            [recording] = (await stage.record(DESK)).recordings
            assert recording.path is not None
            [channels] = heard.tones(Path(recording.path))
            assert channels == [pytest.approx(350, abs=5)]

    run(main)


def test_a_greeting_ends_with_a_key_of_the_callers(run: Run, tmp_path: Path) -> None:
    options = {"greeting": "tone:600:1h", "until": "digit", "audio": "tone:1000"}

    async def main() -> None:
        async with staged(tmp_path, [ALICE, entry("recorder", **options)]) as stage:
            call = await stage.puppets[ALICE].call(DESK)
            await call.connected()
            await hears(call, 600)
            await call.press("1")
            await hears(call, 1000)
            await call.hangup()

    run(main)


def test_a_conference_lets_all_who_call_hear_each_other(run: Run, tmp_path: Path) -> None:
    options = {"greeting": "tone:880:500ms", "record": "mix", "tones": False}

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL, entry("conference", **options)]) as stage:
            calls = {}
            for jid, tone in ((ALICE, 400), (BOB, 700)):
                calls[jid] = await stage.puppets[jid].call(DESK, audio=f"tone:{tone}")
                await hears(calls[jid], 880)
            assert (await until_heard(calls[ALICE], 700))[400] < 300
            assert (await until_heard(calls[BOB], 400))[700] < 300
            for call in calls.values():
                await call.hangup()
                await call.ended()

    run(main)
    [mix] = [one for one in tmp_path.iterdir() if one.suffix == ".ogg"]
    assert heard.tones(mix)

    calls = PastCalls(tmp_path / "calls.jsonl", tmp_path)
    try:
        found = calls.search(Search(account=DESK)).calls
        mixes = [one for call in found for one in call.recordings]
        assert [one.recorded.direction for one in mixes] == ["mix", "mix"], "one of each call"
        assert {one.path for one in mixes} == {mix}
        assert max(one.recorded.octets for one in mixes) == mix.stat().st_size
        keep = Keep.model_validate({"for": "1d"})
        removed = Retention(calls, keep).sweep(time.time() + 86400 * 0.9)
        assert removed.is_none
        removed = Retention(calls, keep).sweep(time.time() + 86400 * 1.05)
        assert removed.recordings == 1
        assert not mix.exists()
        found = calls.search(Search(account=DESK)).calls
        assert {one.presence for call in found for one in call.recordings} == {"removed"}
    finally:
        calls.close()


HANDED_ON: list[tuple[dict[str, Any], str]] = [
    ({}, "decline"),
    ({"then": "echo"}, "echo"),
    ({"to": BOB}, "bridge"),
]


@pytest.mark.parametrize(("options", "becomes"), HANDED_ON, ids=[one for _, one in HANDED_ON])
def test_an_operator_hands_on_what_nobody_takes(
    run: Run, tmp_path: Path, options: dict[str, Any], becomes: str
) -> None:
    options = {"patience": "300ms", **options}

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, entry("operator", **options)]) as stage:
            call = await stage.puppets[ALICE].call(DESK, audio="tone:400")
            if becomes == "decline":
                record = await call.ended()
                assert (record.state, record.reason) == ("declined", "decline")
                return
            if becomes == "echo":
                await hears(call, 400)
            else:
                other = await stage.ringing(BOB)
                await hears(call, 440)
                await other.answer(audio="tone:700")
                await hears(call, 700)
            await call.hangup()
            await call.ended()

    run(main)

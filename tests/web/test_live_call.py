"""What the board tells of a call that goes on: who is there, what is shown, how it came through."""

import asyncio
from pathlib import Path

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.media.hearing import still_picture
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.media.page import page
from callboard.tests.web.http import ask
from callboard.tests.web.stage import TOKENS, boarded
from callboard.tests.web.test_page_media import leave, post, target
from callboard.web import snapshots

SIGNATURES = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG"}


def test_a_snapshot_is_taken_and_the_peer_is_told_nothing(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            await stage.media(BOB, "video", 1)
            ladder = f"/api/ladders/{came.id}?account={BOB}"

            async def stanzas() -> int:
                found = (await ask(port, ladder, token=TOKENS["view"])).json
                return sum(one["kind"] == "stanza" for one in found["rungs"])

            before = await stanzas()
            for form, signature in SIGNATURES.items():
                where = target(came, "snapshot", format=form)
                assert (await ask(port, where, token=TOKENS["view"])).status == 403
                found = await ask(port, where, token=TOKENS["listen"])
                assert (found.status, found.headers["content-type"]) == (200, f"image/{form}")
                assert found.body.startswith(signature)
            assert await stanzas() == before
            # Media has flowed for a while: what was measured is there, also of the call's past.
            await stage.until(CallStatus, lambda one: one.account == BOB and one.seconds > 2)
            live = (await ask(port, ladder, token=TOKENS["view"])).json["quality"]
            assert set(live) == {"audio", "video"}
            await out.hangup()
            record = await came.ended()
            [seen] = record.listeners
            assert (seen.name, seen.part, seen.role) == ("listen", "snapshot", "listen")
            past = await ask(port, f"/api/ladders/{record.uuid}", token=TOKENS["view"])
            audio = past.json["quality"]["audio"]
            assert len(audio["at"]) >= len(live["audio"]["at"]) >= 1
            assert audio["at"] == sorted(audio["at"])
            assert audio["received"][-1] > 0
            assert audio["mos"][-1] > 3

    run(main)


def test_a_call_without_a_picture_has_no_snapshot(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            found = await ask(port, target(came, "snapshot"), token=TOKENS["listen"])
            assert (found.status, found.json["type"]) == (422, "wrong-argument")
            await out.hangup()
            await came.ended()

    run(main)


def test_only_so_many_snapshots_are_waited_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST", 1)
    monkeypatch.setattr(still_picture, "PATIENCE", 1.0)

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            both = {"audio": "tone", "video": "pattern"}
            out, came = await stage.connected(ALICE, BOB, {"audio": "tone"}, **both)
            where = f"/api/calls/{out.id}/snapshot?account={ALICE}"  # Bob shows nothing
            found = await asyncio.gather(*(ask(port, where, token=TOKENS["listen"]) for _ in "ab"))
            assert sorted(one.status for one in found) == [409, 429]
            assert (await ask(port, where, token=TOKENS["listen"])).status == 409
            await out.hangup()
            await came.ended()

    run(main)


def test_who_is_there_is_told_at_once_and_no_longer_than_that(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port), page() as one:
            out, came = await stage.connected(ALICE, BOB, {"audio": "tone:1000"}, audio="tone:400")
            where = target(came, "listen/received")
            found = await post(port, where, await one.to_listen(), "listen")
            await one.take(found.body.decode())
            there = await stage.until(
                CallStatus, lambda one: one.account == BOB and one.guests != ()
            )
            assert [(one.name, one.part) for one in there.guests] == [("listen", "received")]
            listed = (await ask(port, f"/api/calls?account={BOB}", token=TOKENS["view"])).json
            [guest] = listed["calls"][0]["guests"]
            assert (guest["name"], guest["part"], guest["role"]) == ("listen", "received", "listen")
            stage.events.clear()
            await leave(port, found.headers["location"])
            await stage.until(CallStatus, lambda one: one.account == BOB and not one.guests)
            await out.hangup()
            await came.ended()

    run(main)


def test_what_a_bot_does_to_a_call_is_told(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)

            async def told() -> tuple[bool, list[str], bool]:
                answer = await ask(port, f"/api/calls?account={ALICE}", token=TOKENS["view"])
                [call] = answer.json["calls"]
                return call["holds"], call["mutes"], call["recording"]

            assert await told() == (False, [], False)
            await out.hold()
            await out.mute()
            recording = await out.record()
            assert await told() == (True, ["audio"], True)
            await out.hold(False)
            await out.mute("audio", False)
            await recording.stop()
            assert await told() == (False, [], False)
            await out.hangup()
            await came.ended()

    run(main)

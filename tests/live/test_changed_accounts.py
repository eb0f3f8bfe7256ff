"""Accounts that change while the exchange runs, with as little as needs be."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from callboard.actors.messages.exchange import (
    AccountChanged,
    ChangeAccount,
    FindAccount,
    PresenceReturned,
)
from callboard.bots.adapter import bot_factory
from callboard.bots.bot import Bot
from callboard.config import AccountSettings
from callboard.tests.conftest import Run
from callboard.tests.live.stage import (
    ALICE,
    BOB,
    PATIENCE,
    Puppet,
    Stage,
    Told,
    entry,
    staged,
)


def logins(stage: Stage, jid: str) -> list[str]:
    return [event.state for event in stage.all(AccountChanged) if event.jid == jid]


async def changed(
    stage: Stage,
    new: AccountSettings,
    bots: dict[str, type[Bot]] | None = None,
    seconds: float = 600,
) -> Any:
    """Change an account, and return its reference."""
    made = None if bots is None else bot_factory(bots, stage.folder)
    change = ChangeAccount(new, seconds, made)
    return await (await stage.exchange.request(change, timeout=PATIENCE))


def told(stage: Stage, jid: str) -> list[Any]:
    return [event.what for event in stage.all(Told) if event.account == jid]


IN_PLACE: list[dict[str, Any]] = [
    {"calls": {"from": "*@nowhere", "limit": 1}},
    {"calls": {"video": False}},
    {"status": "Back soon"},
    {"show": "away", "priority": 5},
    {"subscriptions": {"request": "alice@localhost"}},
    {"password": "another one"},
    {"options": {"floor": 4}},
]


@pytest.mark.parametrize("more", IN_PLACE, ids=lambda more: next(iter(more)))
def test_what_needs_no_new_login_is_changed_without_one(
    run: Run, tmp_path: Path, more: dict[str, Any]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            before = await stage.exchange.request(FindAccount(BOB), timeout=PATIENCE)
            assert await changed(stage, entry(BOB, **more)) is before
            assert (await stage.account(BOB))._context.settings == entry(BOB, **more)
            assert (await out.status()).phase == (await came.status()).phase == "connected"
            if "options" in more:
                assert stage.puppets[BOB].options == {"floor": 4}
            await out.hangup()
            assert (await stage.record(BOB, out.id)).state == "completed"
            assert logins(stage, BOB) == ["connecting", "online"]

    run(main)


def test_the_next_call_meets_the_new_policy(run: Run, tmp_path: Path) -> None:
    """Also where the peer's conversation began with the old one."""

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            await changed(stage, entry(BOB, calls={"answer": "never"}))
            late = await stage.puppets[ALICE].call(BOB, audio="tone")
            assert (await stage.record(ALICE, late.id)).state != "completed"
            assert (await out.status()).phase == "connected"
            await changed(stage, entry(BOB))
            again = await stage.puppets[ALICE].call(BOB, audio="tone")
            await (await stage.ringing(BOB, again.id)).answer(audio="tone")
            await again.connected()

    run(main)


def test_a_new_status_is_shown_at_once(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [BOB]) as stage:
            await changed(stage, entry(BOB, status="Back soon"))
            await stage.until(PresenceReturned, lambda e: (e.jid, e.status) == (BOB, "Back soon"))

    run(main)


class NewPuppet(Puppet):
    """The next version of a bot."""


class Unmakable(Bot):
    """A bot that can't be made."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        raise ValueError("no, thanks")


class Busy(Puppet):
    """Begins a call when it starts, and sees it to its end."""

    ended: ClassVar[list[str]] = []

    async def on_start(self) -> None:
        await super().on_start()
        call = await self.call(ALICE, audio="tone")
        self.ended.append((await call.ended()).reason)


def test_a_bot_without_calls_stops_before_the_next_one_starts(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            new = type("NewPuppet", (NewPuppet,), {"stage": stage})
            await changed(stage, entry(BOB), {"puppet": new})
            await stage.until(Told, lambda _: told(stage, BOB).count("start") == 2)
            assert [one for one in told(stage, BOB) if isinstance(one, str)] == [
                *("start", "stop", "start")
            ]
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await (await stage.ringing(BOB, out.id)).answer(audio="tone")
            await out.connected()
            assert isinstance(stage.puppets[BOB], NewPuppet)
            assert logins(stage, BOB) == ["connecting", "online"]

    run(main)


def test_calls_go_on_with_the_bot_that_they_began_with(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            _, came = await stage.connected(ALICE, BOB)
            old = stage.puppets[BOB]
            new = type("NewPuppet", (NewPuppet,), {"stage": stage})
            await changed(stage, entry(BOB), {"puppet": new})
            await stage.until(Told, lambda _: told(stage, BOB).count("start") == 2)
            with pytest.raises(Exception, match="has taken over"):
                await old.call(ALICE)
            late = await stage.puppets[ALICE].call(BOB, audio="tone")
            await (await stage.ringing(BOB, late.id)).answer(audio="tone")
            await late.connected()
            assert "stop" not in told(stage, BOB)
            assert (await came.status()).phase == "connected"
            await came.hangup()
            await stage.told(BOB, str, lambda what: what == "stop")
            assert (await late.status()).phase == "connected"

    run(main)


def test_a_bot_that_calls_is_left_its_call_and_no_longer(run: Run, tmp_path: Path) -> None:
    """Also when it has ordered the call and nobody knows yet how the peer can be called."""

    async def main() -> None:
        Busy.ended.clear()
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            busy = type("Busy", (Busy,), {"stage": stage})
            await changed(stage, entry(BOB), {"puppet": busy})
            account = await stage.account(BOB)
            while not account._conversations.unplaced():  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)
            await changed(stage, entry(BOB), {"puppet": stage_puppet(stage)})
            came = await stage.ringing(ALICE)
            await came.answer(audio="tone")
            await came.connected()
            assert told(stage, BOB).count("stop") == 1
            await came.hangup()
            await stage.until(Told, lambda _: told(stage, BOB).count("stop") == 2)

    run(main)


def stage_puppet(stage: Stage) -> type[Puppet]:
    return type("Puppet", (Puppet,), {"stage": stage})


def test_the_calls_of_a_replaced_bot_have_a_deadline(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            await changed(stage, entry(BOB), {"puppet": stage_puppet(stage)}, seconds=0.1)
            assert (await stage.record(BOB, out.id)).state == "completed"
            await stage.told(BOB, str, lambda what: what == "stop")
            assert logins(stage, BOB) == ["connecting", "online"]

    run(main)


def test_a_bot_that_cannot_be_made_changes_nothing(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [BOB]) as stage:
            old = stage.puppets[BOB]
            new = entry(BOB, status="Back soon")
            with pytest.raises(ValueError, match="no, thanks"):
                await changed(stage, new, {"puppet": Unmakable})
            account = await stage.account(BOB)
            assert account._context.settings.status == ""
            assert account._bots.current._bot is old
            assert not old.is_replaced

    run(main)


def test_the_right_password_brings_an_account_online_that_had_given_up(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        wrong = {"jid": BOB, "password": "wrong"}
        async with staged(tmp_path, [ALICE, wrong], wait=False) as stage:
            await stage.state(BOB, "failed")
            await changed(stage, entry(BOB))
            await stage.state(BOB, "online")

    run(main)


def test_an_account_that_restarts_after_a_crash_has_its_new_settings(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [BOB]) as stage:
            ref = await changed(stage, entry(BOB, status="Back soon"))
            ref.kill()
            await stage.until(AccountChanged, lambda _: logins(stage, BOB)[2:].count("online") == 1)
            assert (await stage.account(BOB))._context.settings.status == "Back soon"

    run(main)

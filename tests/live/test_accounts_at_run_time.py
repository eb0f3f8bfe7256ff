"""Accounts that are added, changed and removed while the exchange runs."""

from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import (
    AccountChanged,
    AccountRemoved,
    AddAccount,
    ChangeAccount,
    FindAccount,
    RemoveAccount,
)
from callboard.tests.conftest import Run
from callboard.tests.live.stage import (
    ALICE,
    BOB,
    PATIENCE,
    Stage,
    entry,
    staged,
)

CAROL = "carol@localhost"


def states(stage: Stage, jid: str) -> list[str]:
    return [event.state for event in stage.all(AccountChanged) if event.jid == jid]


def test_an_account_that_may_return_is_not_told_as_removed(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, CAROL]) as stage:

            async def remove(*, may_return: bool) -> None:
                wanted = RemoveAccount(CAROL, 5, may_return)
                await (await stage.exchange.request(wanted, timeout=PATIENCE))

            await stage.online(CAROL)
            for _ in range(2):
                await remove(may_return=True)
                assert states(stage, CAROL)[-1] == "closed"
                with pytest.raises(ValueError, match="no account"):
                    await remove(may_return=True)
                await stage.exchange.request(AddAccount(entry(CAROL)), timeout=PATIENCE)
                await stage.until(AccountChanged, lambda _: states(stage, CAROL)[-1] == "online")
            await remove(may_return=True)
            assert not stage.all(AccountRemoved)
            await remove(may_return=False)  # the file does not declare it any more
            assert stage.all(AccountRemoved) == [AccountRemoved(CAROL)]

    run(main)


def test_an_account_that_is_to_return_can_be_removed(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:

            async def ask(message: RemoveAccount | ChangeAccount) -> Any:
                return await stage.exchange.request(message, timeout=PATIENCE)

            out, _ = await stage.connected(ALICE, BOB)
            await ask(RemoveAccount(BOB, 600, may_return=True))
            changed = await ask(ChangeAccount(entry(BOB), 600, returns=True))
            removed = await ask(RemoveAccount(BOB, 600))
            with pytest.raises(ValueError, match="is removed"):
                await changed
            await out.hangup()
            assert await removed is None
            await stage.until(AccountRemoved)
            assert states(stage, BOB) == ["connecting", "online", "leaving", "closed"]

    run(main)


def test_an_account_is_added_and_removed(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE], guests=["carol"]) as stage:
            ref = await stage.exchange.request(AddAccount(entry(CAROL)), timeout=PATIENCE)
            await stage.online(CAROL)
            with pytest.raises(ValueError, match="already has a child"):
                await stage.exchange.request(AddAccount(entry(CAROL)), timeout=PATIENCE)
            removed = await stage.exchange.request(RemoveAccount(CAROL, 5), timeout=PATIENCE)
            assert await removed is None
            assert not ref.is_alive()
            assert await stage.exchange.request(FindAccount(CAROL), timeout=PATIENCE) is None
            assert states(stage, CAROL) == ["connecting", "online", "closed"]
            assert stage.all(AccountRemoved) == [AccountRemoved(CAROL)]
            with pytest.raises(ValueError, match="no account"):
                await stage.exchange.request(RemoveAccount(CAROL, 5), timeout=PATIENCE)
            await stage.exchange.request(AddAccount(entry(CAROL)), timeout=PATIENCE)
            await stage.until(
                AccountChanged, lambda _: states(stage, CAROL)[3:] == ["connecting", "online"]
            )
        assert len(stage.all(AccountRemoved)) == 1  # the end of all removes none

    run(main)


def test_the_calls_of_a_removed_account_go_on_until_they_end(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB], guests=["carol"]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            removed = await stage.exchange.request(RemoveAccount(BOB, 600), timeout=PATIENCE)
            late = await stage.puppets[ALICE].call(BOB, audio="tone", message=True)
            assert (await stage.record(ALICE, late.id)).reason == "gone"
            assert (await out.status()).phase == "connected"
            assert not removed.done()
            await out.hangup()
            assert await removed is None
            assert (await stage.record(BOB, out.id)).state == "completed"

    run(main)


def test_calls_that_last_too_long_are_ended(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            removed = await stage.exchange.request(RemoveAccount(BOB, 0), timeout=PATIENCE)
            assert await removed is None
            assert (await stage.record(BOB, out.id)).state == "completed"
            assert (await out.ended()).reason == "success"

    run(main)


def test_an_account_is_changed_when_its_calls_have_ended(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            before = await stage.exchange.request(FindAccount(BOB), timeout=PATIENCE)
            first, last = (
                entry(BOB, resource="first"),
                entry(BOB, resource="last"),
            )
            given_up = await stage.exchange.request(ChangeAccount(first, 600), timeout=PATIENCE)
            changed = await stage.exchange.request(ChangeAccount(last, 600), timeout=PATIENCE)
            with pytest.raises(ValueError, match="changed once more"):
                await given_up
            assert not changed.done()
            await out.hangup()
            after = await changed
            assert after is not before
            await stage.until(AccountChanged, lambda _: states(stage, BOB)[-1] == "online")
            assert (await stage.account(BOB))._session.jid == f"{BOB}/last"
            same = await stage.exchange.request(ChangeAccount(last, 0), timeout=PATIENCE)
            assert await same is after
            with pytest.raises(ValueError, match="no account"):
                await stage.exchange.request(ChangeAccount(entry(CAROL), 0), timeout=PATIENCE)

    run(main)


def test_a_change_that_the_end_of_the_exchange_overtakes_is_told(run: Run, tmp_path: Path) -> None:
    async def main() -> Any:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await stage.ringing(BOB)
            assert out.id
            last = entry(BOB, resource="last")
            return await stage.exchange.request(ChangeAccount(last, 600), timeout=PATIENCE)

    changed = run(main)
    with pytest.raises(ValueError, match=r"drains|has ended"):
        changed.get()

"""A bot that raises what ends programs, or won't end: its account goes on, and so do the others."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest
from callboard.actors.bot import containment
from callboard.actors.messages.exchange import AccountChanged, BotFailed, ChatMessage
from callboard.bots import Bot, Call, CallOver, Invite, Message, Presence
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged


def leave() -> NoReturn:
    raise SystemExit(3)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def close() -> NoReturn:
    raise GeneratorExit


def give_up() -> NoReturn:
    raise asyncio.CancelledError


def cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


class Worse(BaseException):
    """Nothing that anybody expects."""


def surprise() -> NoReturn:
    raise Worse


class UnspeakableError(Exception):
    """Can't even be shown."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class Worst(Worse):
    """The same, and no ordinary exception."""

    __str__ = __repr__ = UnspeakableError.__str__


def mumble() -> NoReturn:
    raise UnspeakableError


def choke() -> NoReturn:
    raise Worst


ENDS = [leave, interrupt, close, give_up, cancel, surprise, mumble, choke]
WAYS = pytest.mark.parametrize("end", ENDS)


class Unruly(Bot):
    """Ends in the same way wherever it can."""

    way: ClassVar[Callable[[], None]]
    calls = 0

    async def end(self) -> None:
        type(self).way()
        await asyncio.sleep(0)  # where a cancelled task notices

    async def on_start(self) -> None:
        await self.end()

    async def on_presence(self, presence: Presence) -> None:
        await self.end()

    async def on_invite(self, invite: Invite) -> None:
        await self.end()

    async def on_message(self, message: Message) -> None:
        if message.body == "answer":
            await message.reply("here")
        elif message.body == "task":
            done, _ = await asyncio.wait({asyncio.create_task(self.end())})
            failed = [one.cancelled() or one.exception() for one in done]
            await message.reply("raised" if all(failed) else "went well")
        else:
            await self.end()

    async def on_call(self, call: Call) -> None:
        self.calls += 1
        if self.calls > 1:
            await call.answer()
        await self.end()

    async def on_media(self, call: Call) -> None:
        await self.end()

    async def on_data(self, call: Call, data: str | bytes) -> None:
        await self.end()

    async def on_stop(self) -> None:
        await self.end()


def unruly(end: Callable[[], None]) -> type[Unruly]:
    """Return a bot that ends like this."""
    return type("Unruly", (Unruly,), {"way": staticmethod(end)})


async def failures(stage: Stage, count: int) -> None:
    """Return when bob's bot has failed so often."""
    await stage.until(BotFailed, lambda _: len(stage.all(BotFailed)) >= count)


@WAYS
def test_each_handler_is_contained(run: Run, tmp_path: Path, end: Callable[[], None]) -> None:
    async def main() -> None:
        accounts: list[Any] = [
            ALICE,
            {"jid": BOB, "bot": "unruly", "subscriptions": {"request": ALICE}},
        ]
        async with staged(tmp_path, accounts, {"unruly": unruly(end)}) as stage:
            alice = stage.puppets[ALICE]
            await alice.send(BOB, "end")
            await alice.invite(BOB)
            await alice.set_presence(status="changed")
            refused = await alice.call(BOB)
            with pytest.raises(CallOver):
                await refused.connected()
            assert (await refused.ended()).state == "failed"

            taken = await alice.call(BOB, data=True)
            assert (await taken.ended()).state == "failed"
            await alice.send(BOB, "task")
            assert (await stage.told(ALICE, Message)).body == "raised"
            await alice.send(BOB, "answer")
            await stage.told(ALICE, Message, lambda one: one.body == "here")
            assert {one.account for one in stage.all(BotFailed)} == {BOB}
        assert len(stage.all(BotFailed)) >= 6

    run(main)


@WAYS
def test_a_call_goes_on_whatever_is_raised_of_its_media(
    run: Run, tmp_path: Path, end: Callable[[], None]
) -> None:
    class Steady(Unruly):
        way = staticmethod(end)

        async def on_start(self) -> None:
            pass

        async def on_call(self, call: Call) -> None:
            await call.answer()

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "steady"}]
        async with staged(tmp_path, accounts, {"steady": Steady}) as stage:
            call = await stage.puppets[ALICE].call(BOB, data=True)
            await call.connected()
            await call.hold()
            await failures(stage, 1)
            await call.send("data")
            await failures(stage, 2)
            await call.hangup()
            assert (await call.ended()).state == "completed"
            assert await stage.states(BOB) == ["completed"]

    run(main)


def test_a_task_that_nobody_awaits_is_told_with_its_bot(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Careless(Bot):
        async def on_message(self, message: Message) -> None:
            async def fall() -> None:
                raise SystemExit

            asyncio.create_task(fall())  # noqa: RUF006 - as the careless do
            await asyncio.sleep(0)
            await message.reply("done")

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "careless"}]
        async with staged(tmp_path, accounts, {"careless": Careless}) as stage:
            await stage.puppets[ALICE].send(BOB, "go")
            await stage.told(ALICE, Message)

    run(main)
    words = "bot Careless of bob@localhost: a task that it made failed"
    assert words in [record.getMessage() for record in caplog.records]


def test_a_callback_that_fails_is_told_with_its_bot_and_ends_no_call(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Careless(Bot):
        async def on_call(self, call: Call) -> None:
            await call.answer()

        async def on_message(self, message: Message) -> None:
            def fall() -> None:
                raise ValueError(message.body)

            loop = asyncio.get_running_loop()
            loop.call_soon(fall)
            loop.call_later(0, fall)
            asyncio.create_task(asyncio.sleep(0)).add_done_callback(lambda _: fall())
            await asyncio.sleep(0.01)
            await message.reply("done")

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "careless"}]
        async with staged(tmp_path, accounts, {"careless": Careless}) as stage:
            call = await stage.puppets[ALICE].call(BOB)
            await call.connected()
            await stage.puppets[ALICE].send(BOB, "fall")
            await stage.told(ALICE, Message)
            await call.hangup()
            assert (await call.ended()).state == "completed"

    run(main)
    words = "bot Careless of bob@localhost: a callback of its own failed"
    assert [record.getMessage() for record in caplog.records].count(words) == 3


def test_who_swallows_its_cancellation_is_not_waited_for(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containment, "UNWILLING", 0.2)
    let_go = asyncio.Event()

    class Stubborn(Bot):
        async def on_message(self, message: Message) -> None:
            await message.reply("here")
            while not let_go.is_set():
                try:
                    await let_go.wait()
                except asyncio.CancelledError:
                    continue

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "stubborn"}]
        async with staged(tmp_path, accounts, {"stubborn": Stubborn}) as stage:
            await stage.puppets[ALICE].send(BOB, "stay")
            await stage.told(ALICE, Message)
        assert stage.all(AccountChanged)[-1].state == "closed"
        assert not let_go.is_set()
        let_go.set()
        await asyncio.sleep(0)

    with caplog.at_level(logging.WARNING):
        run(main)
    [told] = [one for one in caplog.messages if "bot Stubborn of bob@localhost goes on" in one]
    assert f"{__file__}:" in told  # the line at which it waits, and not that of who called it


def test_a_bot_that_can_not_be_made_leaves_the_others_alone(run: Run, tmp_path: Path) -> None:
    class Refusing(Bot):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            raise SystemExit("no database")

    async def main() -> None:
        accounts: list[Any] = [{"jid": BOB, "bot": "refusing"}, ALICE, CAROL]
        async with staged(tmp_path, accounts, {"refusing": Refusing}, wait=False) as stage:
            await stage.online(ALICE, CAROL)
            waiting = await stage.state(BOB, "waiting")
            assert "no database" in waiting.detail
            call = await stage.puppets[ALICE].call(CAROL)
            await (await stage.ringing(CAROL)).answer()
            await call.connected()

    run(main)


class Late(Bot):
    """Does something more when its account has ended."""

    async def on_message(self, message: Message) -> None:
        deeds: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "reply": lambda: message.reply("too late"),
            "send": lambda: self.send(BOB, "too late"),
            "invite": lambda: self.invite(BOB),
            "call": lambda: self.call(BOB),
            "set_presence": lambda: self.set_presence("away"),
            "roster": self.roster,
        }
        try:
            await asyncio.Event().wait()
        finally:
            await deeds[message.body]()


@pytest.mark.parametrize("deed", ["reply", "send", "invite", "call", "set_presence", "roster"])
def test_what_comes_too_late_at_the_end_is_no_failure(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, deed: str
) -> None:
    async def main() -> None:
        late = {"jid": ALICE, "bot": "late"}
        async with staged(tmp_path, [late, BOB], {"late": Late}) as stage:
            await stage.online(ALICE, BOB)
            await stage.puppets[BOB].send(ALICE, deed)
            await stage.until(ChatMessage, lambda e: (e.account, e.body) == (ALICE, deed))
            await stage.puppets[BOB].send(ALICE, "a second one waits for the first")
            await stage.until(ChatMessage, lambda e: e.direction == "in" and e.body != deed)

    run(main)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []

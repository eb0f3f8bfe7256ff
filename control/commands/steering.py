"""``answer``, ``decline``, ``hold``, ``mute``, ``press`` and ``record``: calls that go on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ...bots import Call
from ..instance.instance import Instance
from ..models.base import Command
from ..models.steering import (
    AnswerCommand,
    DeclineCommand,
    HoldCommand,
    MuteCommand,
    PressCommand,
    RecordCommand,
    SteeredResult,
)
from .finding import HANDLED, find_call
from .handler import Handler, Tell
from .refusals import refusing

#: Seconds in which a call that can't be answered says so; its media may take longer.
TAKEN = 2.0


def _steering(command: type[Command[Any]], do: Callable[[Any, Call], Awaitable[object]]) -> Handler:
    """Return the handler of a command that does something to one end of a call."""

    async def handle(given: Any, instance: Instance, tell: Tell) -> SteeredResult:
        with refusing():
            status, ref = await find_call(instance, given.call, given.account)
            await do(given, await Call.of(ref, instance.folder, status))
        return SteeredResult(id=status.id, account=status.account, peer=status.peer)

    return Handler(command, handle)


async def _answer(command: AnswerCommand, call: Call) -> None:
    work = asyncio.ensure_future(
        call.answer(audio=command.audio, video=command.video, record=command.record)
    )
    done, _ = await asyncio.wait({work}, timeout=TAKEN)
    if done:
        work.result()
        return
    work.cancel()  # nobody waits for its media any more; it goes on all the same
    await asyncio.wait({work})


async def _decline(_: DeclineCommand, call: Call) -> None:
    await call.decline()


async def _hold(command: HoldCommand, call: Call) -> None:
    await call.hold(command.on, play=command.play)


async def _mute(command: MuteCommand, call: Call) -> None:
    await call.mute(command.kind, command.on)


async def _press(command: PressCommand, call: Call) -> None:
    await call.press(command.digits)


async def _record(command: RecordCommand, call: Call) -> None:
    if command.on:
        await call.record(command.direction)
        return
    going = [one for one in await call.recordings() if not one.ended.done()]
    if not going:
        raise ValueError("nothing of this call is recorded now")
    async with asyncio.timeout(HANDLED):
        await asyncio.gather(*(one.stop() for one in going))


ANSWER = _steering(AnswerCommand, _answer)
DECLINE = _steering(DeclineCommand, _decline)
HOLD = _steering(HoldCommand, _hold)
MUTE = _steering(MuteCommand, _mute)
PRESS = _steering(PressCommand, _press)
RECORD = _steering(RecordCommand, _record)

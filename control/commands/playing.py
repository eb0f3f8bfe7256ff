"""``say`` and ``play``: what is heard and seen in a call."""

import asyncio

from ...bots import Call
from ...bots.playback import Playback
from ..instance.instance import Instance
from ..models.playing import PlayCommand, PlayedResult, SayCommand
from .finding import find_call
from .handler import Handler, Tell
from .refusals import refusing


async def _say(command: SayCommand, instance: Instance, tell: Tell) -> PlayedResult:
    with refusing():
        call = await _found(instance, command.call, command.account)
        said = await call.say(command.text, voice=command.voice, rate=command.rate, wait=False)
        return await _played(said, wait=command.wait)


async def _play(command: PlayCommand, instance: Instance, tell: Tell) -> PlayedResult:
    with refusing():
        call = await _found(instance, command.call, command.account)
        played = await call.play(command.source, kind=command.kind, wait=False, loop=command.loop)
        return await _played(played, wait=command.wait and not played.repeats)


async def _found(instance: Instance, name: str, account: str | None) -> Call:
    status, ref = await find_call(instance, name, account)
    return await Call.of(ref, instance.folder, status)


async def _played(playback: Playback, *, wait: bool) -> PlayedResult:
    """Wait for the end of what is played; stop it if the client leaves before that."""
    if wait:
        try:
            await playback.ended
        except asyncio.CancelledError:
            await playback.stop()
            raise
    return PlayedResult(is_over=playback.is_over, position=playback.position)


SAY = Handler(SayCommand, _say)
PLAY = Handler(PlayCommand, _play)

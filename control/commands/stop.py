"""``stop``: the end of the instance."""

from ..instance.instance import Instance
from ..models.stop import StopCommand, StopResult
from .handler import Handler, Tell


async def _stop(command: StopCommand, instance: Instance, tell: Tell) -> StopResult:
    calls = instance.overview.call_count
    if command.now or instance.state != "ending":
        instance.stop(now=command.now)
    seconds = 0.0 if command.now else instance.settings.drain
    return StopResult(calls=calls, seconds=seconds)


STOP = Handler(StopCommand, _stop)

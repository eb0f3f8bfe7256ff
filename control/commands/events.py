"""``events`` and ``logs``: what happens, and what is logged."""

import time
from typing import Protocol

from ..instance.clock import iso
from ..instance.event_hub import EventHub, Wanted
from ..instance.events import EVENTS_OF
from ..models.events import EventsCommand, LogsCommand, NowEvent, StreamResult
from ..problem import ControlError, ProblemKind
from .handler import Handler, Tell

#: The kinds of events that there are.
KINDS = frozenset(kind.__name__ for kind in EVENTS_OF) | {
    *("Gap", "LoadPhase", "LoadPoint", "LoadVerdict")
}


class Telling(Protocol):
    """What tells what happens: an instance, or a load run."""

    events: EventHub
    logs: EventHub


async def _events(command: EventsCommand, instance: Telling, tell: Tell) -> StreamResult:
    only = frozenset(command.only)
    if unknown := sorted(only - KINDS):
        words = f"{unknown[0][:60]!r} is no event: give one of {', '.join(sorted(KINDS))}"
        raise ControlError(ProblemKind.WRONG_ARGUMENT, f"only: {words}")
    wanted: Wanted = (lambda entry: entry.kind in only) if only else (lambda _: True)
    return await _stream(
        instance.events, wanted, command.last, tell, follow=command.follow, mark=command.mark
    )


async def _logs(command: LogsCommand, instance: Telling, tell: Tell) -> StreamResult:
    return await _stream(instance.logs, lambda _: True, command.last, tell, follow=command.follow)


async def _stream(
    hub: EventHub, wanted: Wanted, last: int, tell: Tell, *, follow: bool, mark: bool = False
) -> StreamResult:
    reader = hub.open(wanted)
    try:
        tell(*(entry.line for entry in hub.last(last, wanted)))
        if mark:
            tell(NowEvent(time=iso(time.time()), event="Now"))
        while follow:
            tell(*(entry.line for entry in await reader.next()))
    finally:
        hub.close(reader)
    return StreamResult()


EVENTS = Handler(EventsCommand, _events)
LOGS = Handler(LogsCommand, _logs)

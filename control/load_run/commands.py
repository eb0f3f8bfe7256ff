"""The commands that a load run takes."""

from ..commands.events import EVENTS, LOGS
from ..commands.handler import Handler, Tell, table
from ..models.calls import CallsCommand, CallsResult
from ..models.load import LoadPointsCommand, LoadPointsResult
from ..models.status import StatusCommand, StatusResult
from ..models.stop import StopCommand, StopResult
from .load_run import LoadRun


async def _status(command: StatusCommand, run: LoadRun, tell: Tell) -> StatusResult:
    return run.status()


async def _calls(command: CallsCommand, run: LoadRun, tell: Tell) -> CallsResult:
    return run.calls()


async def _points(command: LoadPointsCommand, run: LoadRun, tell: Tell) -> LoadPointsResult:
    return run.points(command.limit)


async def _stop(command: StopCommand, run: LoadRun, tell: Tell) -> StopResult:
    return run.stop(now=command.now)


#: What a load run takes.
COMMANDS = table(
    Handler(StatusCommand, _status),
    Handler(CallsCommand, _calls),
    Handler(LoadPointsCommand, _points),
    *(EVENTS, LOGS),
    Handler(StopCommand, _stop),
)

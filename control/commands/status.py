"""``status``: how the instance stands."""

from ..instance.instance import Instance
from ..models.status import StatusCommand, StatusResult
from .handler import Handler, Tell


async def _status(command: StatusCommand, instance: Instance, tell: Tell) -> StatusResult:
    return instance.status(command.limit)


STATUS = Handler(StatusCommand, _status)

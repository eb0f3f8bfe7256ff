"""``reload``: read the file and its bots again."""

from ..instance.instance import Instance
from ..models.reload import ReloadCommand, ReloadResult
from .handler import Handler, Tell


async def _reload(command: ReloadCommand, instance: Instance, tell: Tell) -> ReloadResult:
    return await instance.reload()


RELOAD = Handler(ReloadCommand, _reload)

"""The bot ``silent``."""

from .bot import Bot
from .call import Call


class Silent(Bot):
    """Is there, lets calls ring, and says nothing."""

    async def on_call(self, call: Call) -> None:
        """Let it ring: the caller gives up, or ``calls.ring_timeout`` ends it."""
        await call.ended()

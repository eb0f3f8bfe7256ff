"""The bot ``silent``."""

from .bot import Bot
from .call import Call
from .options import Options


class SilentBot(Bot):
    """Is there, lets calls ring, and says nothing."""

    def read_options(self, options: Options) -> None:
        """Take no options."""

    async def on_call(self, call: Call) -> None:
        """Let it ring: the caller gives up, or ``calls.ring_timeout`` ends it."""
        await call.ended()

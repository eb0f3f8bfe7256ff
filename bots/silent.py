"""The bot ``silent``."""

from typing import Any

from .bot import Bot
from .call import Call
from .options import Options


class SilentBot(Bot):
    """Is there, lets calls ring, and says nothing."""

    def __init__(self, *given: Any) -> None:
        """See that there are no options.

        Raises:
            OptionsError: there are.
        """
        super().__init__(*given)
        Options(self.options).check()

    async def on_call(self, call: Call) -> None:
        """Let it ring: the caller gives up, or ``calls.ring_timeout`` ends it."""
        await call.ended()

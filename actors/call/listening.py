"""What a call's bot hears and sees of it."""

from collections.abc import AsyncIterator
from typing import Any

from ..messages.call import Listen
from ..runtime.actor import handles
from .shared_parts import SharedParts


class Listening:
    """Gives the bot what the peer sends.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts

    @handles(Listen)
    def frames(self, message: Listen) -> AsyncIterator[Any]:
        """Return the decoded frames of a kind, as they come.

        Raises:
            ValueError: the receive path is not ``frames``, or nothing of the kind is received.
        """
        return self._parts.leg.connection.media.frames(message.kind)

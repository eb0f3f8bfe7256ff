"""What a call's bot hears and sees of it."""

from typing import Any

from ...media import ReaderQueue, Speech
from ..messages.call import Listen, ListenForSpeech
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
    def frames(self, message: Listen) -> ReaderQueue[Any]:
        """Return the decoded frames of a kind, as they come.

        Raises:
            ValueError: the receive path does not decode the kind, or nothing of it is received.
        """
        media = self._parts.leg.connection.media
        return media.frames(message.kind, rate=message.rate, layout=message.layout)

    @handles(ListenForSpeech)
    def speech(self, message: ListenForSpeech) -> ReaderQueue[Speech]:
        """Return when the peer begins and ends to speak, as it does.

        A part of the call that only wants to know of it, to stop what is played for example, has
        `ConnectionMedia.hear_speech` call it, and posts itself a message.

        Raises:
            SpeechError: the extra ``speech`` is not installed.
            ValueError: no audio is received.
        """
        return self._parts.leg.connection.media.speech(message.options)

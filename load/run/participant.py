"""What the accounts of a load test do by themselves: take calls, receive messages."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...actors.context import BotPort, Ref
from ...actors.messages.account import Contact, Invitation, Send
from ...actors.messages.call import Answer
from ...actors.messages.exchange import CallStatus
from ...media import Path as ReceivePath
from ...media import Silence, Source
from ..measure.tally import Tally
from .mark import phase_of, read, receipt

#: Seconds in which a call's actor takes a message.
HANDLED = 10.0


@dataclass(frozen=True, slots=True)
class Sources:
    """What both sides send in the calls of a phase; None for nothing of that kind."""

    audio: Source | None
    video: Source | None


SILENCE = Sources(Silence(), None)


class Participant(BotPort):
    """The bot of an account that has no other: it answers what the phases send.

    Args:
        account: the account's actor.
        tally: told what arrives.
        phases: how many the plan has.
        sources: what is sent in the calls of each phase that has begun, by its place in the plan.
    """

    def __init__(
        self, account: Ref, tally: Tally, phases: int, sources: Mapping[int, Sources]
    ) -> None:
        self.name = "participant"
        self.path: ReceivePath | None = None
        self._sources = sources
        self._account = account
        self._tally = tally
        self._phases = phases

    async def started(self) -> None:
        """Wait for the phases."""

    async def stopping(self) -> None:
        """Say nothing."""

    async def presence(self, contact: Contact) -> None:
        """Take no notice."""

    async def media(self, call: Any, kinds: tuple[str, ...]) -> None:
        """Take no notice."""

    async def data(self, call: Any, data: str | bytes) -> None:
        """Take no notice."""

    async def recording_failed(self, call: Any, why: str) -> None:
        """Take no notice."""

    async def invited(self, invitation: Invitation) -> None:
        """Take no notice."""

    async def called(self, call: Any, status: CallStatus) -> None:
        """Answer with the media of the phase."""
        phase = phase_of(status.id, self._phases)
        found = SILENCE if phase is None else self._sources.get(phase, SILENCE)
        answer = Answer(
            found.audio if "audio" in status.media else None,
            found.video if "video" in status.media else None,
        )
        await call.request(answer, timeout=HANDLED)

    async def text(self, sender: str, body: str) -> None:
        """Note how long a message of a phase took, and send its receipt if one is wanted."""
        mark = read(body, self._phases)
        if mark is None:
            return
        tally = self._tally.of(mark.phase)
        tally.count("message.received")
        tally.record("message.delivery", (time.time_ns() - mark.sent) / 1e9)
        if mark.receipt:
            self._account.tell(Send(receipt(sender, mark.identifier)))

    def answer(self) -> Answer:
        """Say how a call is taken when `calls.answer` is ``auto``."""
        found = next(reversed([SILENCE, *self._sources.values()]))
        return Answer(found.audio, found.video)

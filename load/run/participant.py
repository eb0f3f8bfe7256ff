"""What the accounts of a load test do by themselves: take calls, receive messages."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...actors.messages.account import AccountRef, Invitation, Send
from ...actors.messages.bot import BotPort
from ...actors.messages.call import Answer, CallRef
from ...actors.messages.exchange import CallStatus
from ...actors.xmpp.contact import Contact
from ...media import ReceivePath, Silence, Source
from ..measure.tally import Tally
from ..plan.phase import CallPhase, Phase
from .phase_tag import phase_of, read_tag, receipt

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
        phases: the plan's.
        sources: what is sent in the calls of each phase that has begun, by its place in the plan.
    """

    def __init__(
        self,
        account: AccountRef,
        tally: Tally,
        phases: Sequence[Phase],
        sources: Mapping[int, Sources],
    ) -> None:
        self.name = "participant"
        self._sources = sources
        self._account = account
        self._tally = tally
        self._phases = phases

    async def started(self) -> None:
        """Wait for the phases."""

    def replaced(self) -> None:
        """Nothing is reloaded in a load test."""

    async def stopping(self) -> None:
        """Say nothing."""

    async def presence(self, contact: Contact) -> None:
        """Take no notice."""

    async def media(self, call: CallRef, kinds: tuple[str, ...]) -> None:
        """Take no notice."""

    async def data(self, call: CallRef, data: str | bytes) -> None:
        """Take no notice."""

    async def digit(self, call: CallRef, digit: str) -> None:
        """Take no notice."""

    async def recording_failed(self, call: CallRef, why: str) -> None:
        """Take no notice."""

    async def taken_over(self, call: CallRef, person: str) -> None:
        """Take no notice."""

    async def given_back(self, call: CallRef, person: str) -> None:
        """Take no notice."""

    async def invited(self, invitation: Invitation) -> None:
        """Take no notice."""

    async def called(self, call: CallRef, status: CallStatus) -> None:
        """Answer with the media of the phase."""
        found = self._sources_of(status.id)
        answer = Answer(
            found.audio if "audio" in status.media else None,
            found.video if "video" in status.media else None,
        )
        await call.request(answer, timeout=HANDLED)

    async def text(self, sender: str, body: str) -> None:
        """Note how long a message of a phase took, and send its receipt if one is wanted."""
        tag = read_tag(body, len(self._phases))
        if tag is None:
            return
        tally = self._tally.of(tag.phase)
        tally.count("message.received")
        tally.record("message.delivery", (time.time_ns() - tag.sent) / 1e9)
        if tag.receipt:
            self._account.tell(Send(receipt(sender, tag.identifier)))

    def path_of(self, sid: str) -> ReceivePath | None:
        """Say how a call receives media: as its phase says."""
        phase = phase_of(sid, len(self._phases))
        activity = None if phase is None else self._phases[phase].activity
        return ReceivePath(activity.path) if isinstance(activity, CallPhase) else None

    def answer_to(self, sid: str) -> Answer:
        """Say how a call is answered when `calls.answer` is ``auto``: with its phase's media."""
        found = self._sources_of(sid)
        return Answer(found.audio, found.video)

    def _sources_of(self, sid: str) -> Sources:
        phase = phase_of(sid, len(self._phases))
        return SILENCE if phase is None else self._sources.get(phase, SILENCE)

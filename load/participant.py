"""What the accounts of a load test do by themselves: take calls, receive messages."""

import time
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ..actors.context import BotPort, Ref
from ..actors.messages.account import Contact, Invitation, Send
from ..actors.messages.call import Answer
from ..actors.messages.exchange import CallStatus
from ..media import Path as ReceivePath
from ..media import Silence, Source
from .tally import Tally

CLIENT = "jabber:client"
RECEIPTS = "urn:xmpp:receipts"
MARK = "callboard-load"
#: Seconds in which a call's actor takes a message.
HANDLED = 10.0


class Participant(BotPort):
    """The bot of an account that has no other: it answers what the phases send.

    Args:
        account: the account's actor.
        tally: told what arrives.
    """

    def __init__(self, account: Ref, tally: Tally) -> None:
        self.name = "participant"
        self.path: ReceivePath | None = None
        self.audio: Source | None = Silence()
        self.video: Source | None = None
        self._account = account
        self._tally = tally

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

    async def invited(self, invitation: Invitation) -> None:
        """Take no notice."""

    async def called(self, call: Any, status: CallStatus) -> None:
        """Answer with the media of the phase."""
        answer = Answer(
            self.audio if "audio" in status.media else None,
            self.video if "video" in status.media else None,
        )
        await call.request(answer, timeout=HANDLED)

    async def text(self, sender: str, body: str) -> None:
        """Note how long a message of a phase took, and send its receipt if one is wanted."""
        parts = body.split(" ", 4)
        if parts[0] != MARK or len(parts) < 4:
            return
        _, identifier, sent, receipt = parts[:4]
        self._tally.count("message.received")
        self._tally.record("message.delivery", (time.time_ns() - int(sent)) / 1e9)
        if receipt == "receipt":
            stanza = Element(f"{{{CLIENT}}}message", {"to": sender, "type": "chat"})
            SubElement(stanza, f"{{{RECEIPTS}}}received", {"id": identifier})
            self._account.tell(Send(stanza))

    def answer(self) -> Answer:
        """Say how a call is taken when `calls.answer` is ``auto``."""
        return Answer(self.audio, self.video)


def letter(to: str, identifier: str, size: int, *, receipt: bool) -> Element:
    """Return a message of a phase, as `Participant.text` understands it.

    Args:
        to: a bare JID.
        identifier: the message's id.
        size: characters of the body; a mark, the id and the time have room in any.
        receipt: whether a receipt is wanted (XEP-0184).
    """
    stanza = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat", "id": identifier})
    # The wall clock: on several machines the delivery is as exact as their clocks agree.
    words = f"{MARK} {identifier} {time.time_ns()} {'receipt' if receipt else 'none'} "
    SubElement(stanza, f"{{{CLIENT}}}body").text = words + "." * (size - len(words))
    if receipt:
        SubElement(stanza, f"{{{RECEIPTS}}}request")
    return stanza

"""Those who hear a call at a page, or talk in it."""

import logging

from msgspec import Struct

from ...jingle import Reason
from ...media import Silence
from ..messages.call import (
    AddMedia,
    AdmitGuest,
    Answer,
    CallOver,
    GuestAdmitted,
    GuestConnected,
    GuestGone,
    GuestKind,
    GuestRefused,
    RemoveMedia,
)
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .content_changes import ContentChanges
from .course import CallingIn
from .guest import Guest
from .opening import Opening
from .page_offer import read_offer
from .shared_parts import SharedParts

log = logging.getLogger(__name__)

#: Guests of a call at the same time.
MOST = 16

_WORDS = {
    GuestKind.RECEIVED: "listens to the peer",
    GuestKind.SENT: "listens to what we send",
    GuestKind.JOIN: "talks beside the bot",
    GuestKind.TAKE_OVER: "talks in the place of the bot",
}


class _Seat(Struct):
    kind: GuestKind
    name: str
    ends_call: bool
    is_told: bool = False
    has_added: bool = False


class Guests:
    """Lets in who listens or talks at a page, and notes it for the record.

    Args:
        parts: the call's.
        opening: answers a call that somebody takes.
        contents: adds the video of who takes over.
    """

    def __init__(self, parts: SharedParts, opening: Opening, contents: ContentChanges) -> None:
        self._contents = contents
        self._count = 0
        self._guests: dict[int, _Seat] = {}
        self._opening = opening
        self._parts = parts

    @handles(AdmitGuest)
    def admit(self, message: AdmitGuest) -> GuestAdmitted:
        """Let somebody in; who takes over a call that rings answers it.

        Raises:
            OfferError: the offer can't be used.
            GuestRefused: the call is not connected, or has no room.
        """
        parts = self._parts
        if not parts.course.is_connected and message.kind is not GuestKind.TAKE_OVER:
            raise GuestRefused("early", "the call is not connected yet: try again when it is")
        if message.kind.talks and any(each.kind.talks for each in self._guests.values()):
            raise GuestRefused("talking", "somebody talks in this call already: wait for the end")
        if len(self._guests) >= MOST:
            words = f"the call has {MOST} guests, and takes no more: let one of them leave"
            raise GuestRefused("full", words)
        offer = read_offer(message.offer, message.kind)
        if message.kind is GuestKind.TAKE_OVER and parts.course.find(CallingIn) is not None:
            shows = Silence() if "video" in parts.progress.media else None
            self._opening.answer(Answer(Silence(), shows))
        owner = parts.owner.actor_ref
        answer, why, over = (AsyncioFuture[str]() for _ in range(3))
        self._count += 1
        number = self._count
        guest = Guest.start(
            owner,
            number,
            too_late=parts.too_late,
            media=parts.leg.connection.media,
            kind=message.kind,
            offer=offer,
            network=message.network,
            answer=answer,
            why=why,
            over=over,
        )
        guest.ended.add_done_callback(lambda _: owner.post(GuestGone(number)))
        parts.leg.guests[number] = guest
        self._guests[number] = _Seat(message.kind, message.name, message.ends_call)
        parts.progress.guest_comes(number, message.kind, message.name, message.role)
        parts.trace.note("state", f"{message.name} {_WORDS[message.kind]}")
        return GuestAdmitted(guest, answer, why, over)

    @handles(GuestConnected)
    def connected(self, message: GuestConnected) -> None:
        """Tell the bot that somebody has taken over, and offer the peer what it shows."""
        guest = self._guests.get(message.number)
        if guest is None or guest.kind is not GuestKind.TAKE_OVER:
            return
        parts = self._parts
        guest.is_told = True
        parts.runner.run(parts.bot.taken_over(parts.owner.actor_ref, guest.name))
        if "video" in message.kinds and "video" not in parts.progress.media:
            try:
                self._contents.add(AddMedia("video", Silence()))
                guest.has_added = True
            except (CallOver, ValueError) as error:
                log.info("%s: %s is not shown: %s", parts.owner, guest.name, error)

    @handles(GuestGone)
    def over(self, message: GuestGone) -> None:
        """Note that somebody has gone, and tell the bot if it has its call back."""
        guest = self._guests.pop(message.number)
        parts = self._parts
        parts.leg.guests.pop(message.number, None)
        parts.progress.guest_goes(message.number)
        if parts.course.is_over:
            return
        parts.progress.report()
        parts.trace.note("state", f"{guest.name} has left")
        if guest.ends_call:
            parts.closing.hang_up_for_bot(Reason.SUCCESS, "who had placed it at a page has left")
            return
        if guest.has_added and "video" in parts.progress.media:
            try:
                self._contents.remove(RemoveMedia("video"))
            except (CallOver, ValueError) as error:
                log.info("%s: the video of %s stays: %s", parts.owner, guest.name, error)
        if guest.is_told:
            parts.runner.run(parts.bot.given_back(parts.owner.actor_ref, guest.name))

"""The sessions of pages that listen to calls, or talk in them."""

import asyncio
import secrets
from collections import OrderedDict

from pykka import ActorDeadError

from ..actors.messages.call import (
    AdmitGuest,
    CallOver,
    CallRef,
    GuestAdmitted,
    GuestRefused,
    OfferError,
)
from ..media import DescriptionError, MediaError
from .problem_details import Refusal
from .rates import Rates

#: Sessions that go on at once, of all calls.
MOST = 64
#: Sessions a second that those of one role may open, and how many at once: each is work.
RATE, BURST = 5.0, 64
#: Sessions whose end is still told.
KEPT = 256
#: Seconds in which a call takes a message, and in which an offer must be answered.
HANDLED = 10.0

#: What HTTP says of a call that takes no guest, by why that is.
_STATUS = {"early": 409, "talking": 409, "full": 429}


class PageSessions:
    """Opens sessions, ends them, and knows why those ended that have.

    A session is the call's: it goes on whatever becomes of the board, until the page leaves, is
    lost, or the call ends.
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[GuestAdmitted, str]] = {}  # and the role of who opened it
        self._over: OrderedDict[str, str] = OrderedDict()
        self._opening = 0
        self._rates = Rates(RATE, BURST)

    async def open(self, call: CallRef, order: AdmitGuest) -> tuple[str, str]:
        """Let a page into a call.

        Args:
            call: the call.
            order: what the page is to do there.

        Returns:
            The session's id, and the answer to the page's offer.

        Raises:
            Refusal: it can't be let in; says why, and what to do.
        """
        if len(self._open) + self._opening >= MOST:
            raise Refusal(429, f"{MOST} pages listen or talk already: close one of them")
        if seconds := self._rates.wait(order.role):
            after = {"Retry-After": str(int(seconds) + 1)}
            raise Refusal(429, f"this opens more than {RATE:g} sessions a second: wait", after)
        self._rates.count(order.role)
        try:
            session, admitted = await self._admitted(call, order)
            try:
                async with asyncio.timeout(HANDLED):
                    return session, await admitted.answer
            except BaseException:
                self.end(session)
                raise
        except OfferError as error:
            raise Refusal(400, str(error)) from None
        except GuestRefused as refused:
            raise Refusal(_STATUS[refused.why], str(refused)) from None
        except DescriptionError as error:
            raise Refusal(422, str(error)) from None
        except (MediaError, TimeoutError) as error:
            raise Refusal(503, f"the media of the page can't be had: {error}") from None
        except CallOver as over:
            raise Refusal(409, str(over)) from None
        except ActorDeadError:
            raise Refusal(409, call.last_words) from None

    async def _admitted(self, call: CallRef, order: AdmitGuest) -> tuple[str, GuestAdmitted]:
        self._opening += 1
        try:
            admitted = await call.request(order, timeout=HANDLED)
            session = secrets.token_urlsafe(16)
            self._open[session] = admitted, order.role
        finally:
            self._opening -= 1
        admitted.why.add_done_callback(lambda why: self._ends(session, why.get(timeout=0)))
        admitted.over.add_done_callback(lambda _: self._open.pop(session, None))
        return session, admitted

    def end(self, session: str) -> None:
        """End a session.

        Args:
            session: its id.

        Raises:
            Refusal: there is none, or it has ended, or is about to; says why.
        """
        if session in self._over:
            raise Refusal(410, f"the session has ended: {self._over[session]}")
        if session in self._open:
            admitted, _ = self._open[session]
            admitted.guest.stop(block=False)
        else:
            raise Refusal(404, "there is no such session")

    def end_of(self, role: str) -> None:
        """End the sessions of a role.

        Args:
            role: its name in the configuration file.
        """
        for admitted, whose in self._open.values():
            if whose == role:
                admitted.guest.stop(block=False)

    async def close(self) -> None:
        """End all sessions."""
        admitted = [each for each, _ in self._open.values()]
        for each in admitted:
            each.guest.stop(block=False)
        for each in admitted:
            await each.over

    def _ends(self, session: str, why: str) -> None:
        self._over[session] = why
        while len(self._over) > KEPT:
            self._over.popitem(last=False)

"""The keys that are pressed in a call, by its peer and by its bot."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from ...config.jid import bare
from ...jingle import DtmfReceived
from ...media import Budget, DigitBegan
from ..messages.call import CallOver, ListenToDigits, Press, Pressed
from ..messages.exchange import DigitPressed
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .digit_queue import DigitQueue
from .shared_parts import SharedParts

log = logging.getLogger(__name__)

#: Seconds in which a press that is told twice, in RTP and in a stanza, is one.
SAME = 2.0
#: Stanzas with a key a second, and at once, that are taken of a peer.
RATE, AT_ONCE = 20.0, 40.0

#: Presses that are remembered for as long as that.
MOST_TOLD = 64

_Way = Literal["rtp", "stanza"]


class Digits:
    """Tells the bot which keys the peer presses, and presses those that the bot wants pressed.

    They may be a PIN: nothing of them is kept, unless the account's ``calls.keep_digits`` says so.

    Args:
        parts: the call's.
        on_press: called once for each press of the peer's.
    """

    def __init__(self, parts: SharedParts, on_press: Callable[[], None]) -> None:
        self._parts = parts
        self._on_press = on_press
        self._budget = Budget(RATE, AT_ONCE)
        self._queue = DigitQueue()
        self._presses = 0
        self._told: list[tuple[str, _Way, float]] = []
        parts.waiters.at_end(self._queue.end)

    @handles(ListenToDigits)
    def listen(self, message: ListenToDigits) -> DigitQueue:
        """Return the keys that nobody has read yet, and those that are still to come."""
        if message.fresh:
            self._queue.clear()
        return self._queue

    @handles(Press)
    def press(self, message: Press) -> AsyncioFuture[None]:
        """Press keys, after those that wait.

        Returns:
            A future that is done when the last of them has been sent.

        Raises:
            ValueError: one is no key, they are too many, or the peer takes none.
        """
        sent = self._parts.leg.connection.media.press(message.digits, message.seconds)[-1].sent
        self._presses += 1
        number, ref = self._presses, self._parts.owner.actor_ref
        future = self._parts.waiters.add(("press", number))
        sent.add_done_callback(lambda done: ref.post(Pressed(number, done.result())))
        return future

    @handles(Pressed)
    def _pressed(self, message: Pressed) -> None:
        if not message.sent and self._parts.leg.connection.closed:
            return  # the call is about to be over, which settles it with the reason
        too_late = self._parts.too_late
        error = None if message.sent else too_late.refusal("the call sends no audio any more")
        self._parts.waiters.settle(("press", message.number), error)

    def heard(self, event: DigitBegan) -> None:
        """The peer's RTP tells of a press (RFC 4733)."""
        self._hear(event.digit, "rtp")

    def signalled(self, event: DtmfReceived) -> None:
        """A stanza of the peer's tells of a press (XEP-0181)."""
        if self._budget.take():
            self._hear(event.digit, "stanza")

    def _hear(self, digit: str, way: _Way) -> None:
        if self._is_told(digit, way) or self._parts.course.is_over:
            return
        self._on_press()
        parts = self._parts
        signalling = parts.signalling
        shown = digit if parts.context.settings.calls.keep_digits else None
        if shown is not None:
            parts.progress.keep_digit(shown)
            log.info("%s: the peer pressed %s", parts.owner, shown)
        parts.context.exchange.post(
            DigitPressed(signalling.sid, signalling.own, bare(signalling.peer), shown)
        )
        self._queue.put(digit)
        parts.runner.run(self._tell(digit), lane="digits")

    async def _tell(self, digit: str) -> None:
        try:
            await self._parts.bot.digit(self._parts.owner.actor_ref, digit)
        except CallOver:
            if not self._parts.course.is_over:
                raise

    def _is_told(self, digit: str, way: _Way) -> bool:
        """Tell whether the other way has told of this press already, and note it if not."""
        now = asyncio.get_running_loop().time()
        while self._told and now - self._told[0][2] > SAME:
            del self._told[0]
        same = next((one for one in self._told if one[0] == digit and one[1] != way), None)
        if same is not None:
            self._told.remove(same)
            return True
        self._told.append((digit, way, now))
        del self._told[:-MOST_TOLD]
        return False

"""Asks from time to time whether a peer still wants what is sent to it (RFC 7675).

aioice's own way is a task that wakes three times for each question, and objects that are written to
octets three times for each message. Questions are the same here, at the same times but for the
pacer's beat, and consent lapses after the same time.

`tests/media/rtc/test_aioice_contract.py` fails when a name used here moves.
"""

import asyncio
import logging
import os
from typing import Any

from aioice import Connection, ice, stun
from aioice.ice import CandidatePair

from ...sources.pacer import Pacer
from .usual_stun import REQUEST, Key, sealed

logger = logging.getLogger(__name__)

COMPONENT = 1
"""The one that there is: RTCP is always multiplexed (RFC 5761)."""


class Consent:
    """Asks for a connection, by the pair that is in use.

    Attributes:
        key: What answers must be signed with.
    """

    def __init__(self, connection: Connection) -> None:
        """Prepare to ask.

        Args:
            connection: One that is connected, and whose sockets are ours.
        """
        password = connection.remote_password
        assert password is not None  # noqa: S101 -- it is connected
        self._password = password.encode()
        self.key = Key(password)
        self._attributes = b""
        self._connection = connection
        self._failures = 0
        self._is_asking = False
        self._loop = asyncio.get_running_loop()
        self._lapsed: asyncio.Future[None] = self._loop.create_future()
        self._same: tuple[CandidatePair | None, bool] = (None, False)
        self._transaction: tuple[Any, bytes] | None = None

    async def lapse(self) -> None:
        """Ask until too many questions have had no answer.

        Raises:
            Exception: A fault in what asks.
        """
        first = _after(self._loop.time())
        ticket = Pacer.running().start(self._step, due=first)
        try:
            await self._lapsed
        finally:
            ticket.cancel()
            self._forget()

    def answered(self) -> None:
        """Take note that the last question was answered, by who was asked."""
        self._failures = 0
        self._forget()

    def response_received(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Take an answer that is unusual in its form, as `stun.Transaction` does."""
        del addr
        if not message.check_message_integrity(self._password):
            return
        if message.message_class == stun.Class.RESPONSE:
            self.answered()
        else:
            self._forget()
            self._failures += 1

    def _step(self, due: float) -> float | None:
        del due  # answers take their time from when they were asked for
        now = self._loop.time()
        try:
            if self._is_asking:
                return self._conclude(now)
            self._is_asking = self._ask()
        except Exception as error:
            self._lapsed.set_exception(error)
            return None
        return now + stun.RETRY_RTO if self._is_asking else _after(now)

    def _ask(self) -> bool:
        connection = self._connection
        pair = connection._nominated.get(COMPONENT)  # noqa: SLF001
        if pair is None:
            return False
        same = pair, connection.ice_controlling
        if same != self._same:
            request = connection.build_request(pair, nominate=False)
            self._attributes, self._same = bytes(request)[20:], same
        transaction = os.urandom(12)
        protocol: Any = pair.protocol
        address = pair.remote_addr
        self._transaction = protocol, transaction
        protocol.ask(transaction, self, address)
        protocol.transport.sendto(sealed(REQUEST, transaction, self._attributes, self.key), address)
        return True

    def _conclude(self, now: float) -> float | None:
        """Count a question that had no answer; say when the next one is due, if one is."""
        self._is_asking = False
        if self._transaction is None:
            now -= stun.RETRY_RTO
        else:
            self._forget()
            self._failures += 1
        if self._failures >= ice.CONSENT_FAILURES:
            logger.info("The peer has not said for long that it wants what is sent to it")
            self._lapsed.set_result(None)
            return None
        return _after(now)

    def _forget(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            protocol, number = transaction
            protocol.ask_no_more(number)


def _after(now: float) -> float:
    """Choose when the next question is due (RFC 7675 §5.1)."""
    seconds = ice.CONSENT_INTERVAL
    return Pacer.common(now + 0.8 * seconds, now + 1.2 * seconds)

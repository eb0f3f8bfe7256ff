"""The sockets of an ICE connection: what may come through them, and from whom.

aioice takes every datagram that is not STUN, from any address, whatever its length and shape. What
it raises while it reads STUN goes to the loop. So `datagram_received` of its protocols is replaced
here. `tests/media/rtc/test_aioice_contract.py` fails when a name used here moves.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aioice import Connection, stun
from aioice.ice import CandidatePair, StunProtocol
from aioice.turn import TurnClientMixin, TurnClientTcpProtocol, TurnClientUdpProtocol

from ...budget import Budget
from ._aioice_consent import COMPONENT, Consent
from .datagram import Shape, is_from_turn_server, shape
from .udp_transport import UdpTransport
from .usual_stun import (
    ANSWER,
    CONTROLLED,
    CONTROLLING,
    REQUEST,
    SEAL,
    TRANSACTION,
    Key,
    MappedAddress,
    is_intact,
    is_sealed,
    is_signed,
    is_usual_answer,
    is_usual_request,
    sealed,
)

logger = logging.getLogger(__name__)

FAREWELL = 1.0
"""Seconds for a TURN server to confirm that an allocation is given up; aioice waits for 32."""

MOST_REMOTE = 64
"""Addresses from which one socket takes something: those heard of last."""

MOST_CANDIDATES = 128
"""Of a peer, with those that it was never heard to have (RFC 8445 §19.5.1)."""

CHECKS = 100
"""Requests a second that one socket answers: RFC 8445 §14 has a peer send 20 for each pair."""

Dropped = Counter[str]
"""How many datagrams were dropped, and why."""

Address = tuple[Any, ...]

_STUN = Shape.STUN


class _Asked:
    """What a peer asks by the pair that is in use, again and again.

    Attributes:
        address: The peer's.
        key: What requests are signed with, and answers.
        mapped: How answers tell the address.
        pair: The pair.
    """

    __slots__ = ("_like", "_receiver", "_username", "address", "key", "mapped", "pair")

    def __init__(self, receiver: Connection, pair: CandidatePair) -> None:
        self.address = pair.remote_addr
        self.key = Key(receiver.local_password)
        self.mapped = MappedAddress(pair.remote_addr)
        self.pair = pair
        self._like = b"", b"", False  # how it was asked last, and whether we were controlling
        self._receiver = receiver
        self._username = f"{receiver.local_username}:{receiver.remote_username}".encode()

    def is_said(self, data: bytes) -> bool:
        """Tell whether a message asks that, whoever sends it."""
        is_controlling = self._receiver.ice_controlling
        like = data[:8], data[20:-SEAL], is_controlling
        if like == self._like:
            return is_sealed(data)
        role = CONTROLLED if is_controlling else CONTROLLING
        if not is_usual_request(data, self._username, role):
            return False
        self._like = like
        return True


class Socket(StunProtocol):
    """A socket of our own, or an address at a TURN server.

    A datagram that is not STUN is taken only from an address from which STUN came with valid
    integrity; whether that pair was nominated does not matter, as the peer may nominate another
    one than we do, or sooner.

    Attributes:
        dropped: Counts what is not taken.
    """

    def __init__(self, receiver: Connection, dropped: Dropped) -> None:
        """Belong to an ICE connection.

        Args:
            receiver: The connection.
            dropped: Where it is counted what is not taken.
        """
        super().__init__(receiver)
        self._asked: dict[bytes, Address] = {}
        self._checks = Budget(CHECKS, 2 * CHECKS)
        self.dropped = dropped
        self._heard: dict[Address, None] = {}
        self._mine = f"{receiver.local_username}:".encode()
        self._usual: _Asked | None = None

    def packets_received(self, at: int, length: int, size: int, addr: Address) -> int:
        """Take usual packets that lie one after the other in the sockets' room; never raise.

        Args:
            at: Where the first one begins.
            length: Where the last one ends.
            size: Octets of each but the last.
            addr: Where they come from.

        Returns:
            Where the first one begins that is not done with: it is for `datagram_received`, or for
            another call.
        """
        queue: Any = self.receiver._queue  # noqa: SLF001
        if queue.lane is None or queue.packets:
            return at
        if (addr if len(addr) == 2 else addr[:2]) not in self._heard:
            return at
        try:
            taken: int = queue.lane(at, length, size)
        except Exception as error:
            self._not_understood(error)
            return length
        return taken

    def datagram_received(self, data: Any, addr: Address) -> None:
        """Take a datagram, or drop it in silence; never raise."""
        if len(addr) > 2:
            addr = addr[:2]
        try:
            start = data[:2]
            if start == REQUEST:
                if self._usual_request(data, addr):
                    return
            elif start == ANSWER and self._usual_answer(data, addr):
                return
            found = shape(data)
            if found is None:
                self.dropped["malformed"] += 1
            elif found is _STUN:
                self._stun(data, addr)
            elif addr in self._heard:
                self.receiver._queue.put_nowait((data, 1))  # noqa: SLF001
            else:
                self.dropped["from a stranger"] += 1
        except Exception as error:
            self._not_understood(error)

    def _not_understood(self, error: Exception) -> None:
        self.dropped["not understood"] += 1
        logger.debug("A datagram was not understood: %r", error)

    def send_burst(self, datagrams: Sequence[bytes], addr: tuple[str, int]) -> None:
        """Send datagrams to one address, at once.

        Args:
            datagrams: In their order.
            addr: Where they go.
        """
        transport = self.transport
        if isinstance(transport, UdpTransport):
            transport.send_burst(datagrams, addr)
        else:  # by a relay, they are wrapped one by one
            for datagram in datagrams:
                transport.sendto(datagram, addr)

    async def request(
        self,
        request: stun.Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[stun.Message, tuple[str, int]]:
        """Ask, and take an answer from that address alone (RFC 8445 §7.2.5.2.1)."""
        self._asked[request.transaction_id] = addr
        try:
            return await super().request(request, addr, integrity_key, retransmissions)
        finally:
            del self._asked[request.transaction_id]

    def ask(self, transaction: bytes, consent: Consent, addr: Address) -> None:
        """Let an answer from an address be handed to who asks for consent.

        Args:
            transaction: The number of the answer's transaction.
            consent: Who asks.
            addr: Where the request goes.
        """
        self.transactions[transaction] = consent  # type: ignore[assignment]
        self._asked[transaction] = addr

    def ask_no_more(self, transaction: bytes) -> None:
        """Take no answer for who has asked for consent.

        Args:
            transaction: The number of the answer's transaction.
        """
        del self.transactions[transaction], self._asked[transaction]

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Send STUN; what has no valid integrity gets no answer, so that nothing is reflected."""
        if message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR):
            if "MESSAGE-INTEGRITY" not in message.attributes:
                self.dropped["without integrity"] += 1
                return
            self._hear(addr)
        super().send_stun(message, addr)

    def _hear(self, addr: Address) -> None:
        self._heard.pop(addr, None)
        self._heard[addr] = None
        if len(self._heard) > MOST_REMOTE:
            del self._heard[next(iter(self._heard))]

    def _stun(self, data: bytes, addr: Address) -> None:
        answers = data[0] & 1  # RFC 8489 §5: the higher bit of the class
        if answers:
            self._answer(data, addr)
        elif not data[1] & 0x10:  # else an indication, which keeps a way open and says nothing
            self._request(data, addr)

    def _answer(self, data: bytes, addr: Address) -> None:
        transaction = self.transactions.get(data[8:20])
        if transaction is None or self._asked.get(data[8:20]) != addr:
            self.dropped["unasked"] += 1
            return
        message = stun.parse_message(data)
        password = self.receiver.remote_password
        if password is not None and message.check_message_integrity(password.encode()):
            self._hear(addr)
        transaction.response_received(message, addr)

    def _request(self, data: bytes, addr: Address) -> None:
        receiver = self.receiver
        if self._mine not in data:
            self.dropped["without integrity"] += 1
            return
        if not self._checks.take():
            self.dropped["too many checks"] += 1
            return
        message = stun.parse_message(data)
        if "PRIORITY" not in message.attributes:  # aioice needs it later, and asserts nothing
            self.dropped["malformed"] += 1
            return
        known = receiver._remote_candidates  # noqa: SLF001
        if len(known) >= MOST_CANDIDATES and not any(
            (each._network_host, each.port) == addr  # noqa: SLF001
            for each in known
        ):
            self.dropped["too many addresses"] += 1
            return
        receiver.request_received(message, addr, self)

    def _usual_request(self, data: bytes, addr: Address) -> bool:
        """Answer a request by the pair in use that changes nothing; False if it is another one.

        aioice would grant it, and then find that it has nothing to do.
        """
        receiver = self.receiver
        pair = receiver._nominated.get(COMPONENT)  # noqa: SLF001
        if (
            pair is None
            or pair.protocol is not self
            or pair.state is not CandidatePair.State.SUCCEEDED
            or not (pair.remote_nominated or receiver.ice_controlling)
            or receiver._closing  # noqa: SLF001
        ):
            return False
        usual = self._usual
        if usual is None or usual.pair is not pair:
            usual = self._usual = _Asked(receiver, pair)
        if addr != usual.address or not usual.is_said(data):
            return False
        if not self._checks.take():
            self.dropped["too many checks"] += 1
        elif not is_intact(data):
            raise ValueError("the fingerprint is wrong")
        elif not is_signed(data, usual.key):
            self.dropped["without integrity"] += 1
        else:
            transaction = data[TRANSACTION]
            self._hear(addr)
            mapped = usual.mapped.attribute(transaction)
            self.transport.sendto(sealed(ANSWER, transaction, mapped, usual.key), addr)
        return True

    def _usual_answer(self, data: bytes, addr: Address) -> bool:
        """Take an answer to who asks for consent; False if it is anything else."""
        transaction = data[TRANSACTION]
        consent: Any = self.transactions.get(transaction)
        if (
            type(consent) is not Consent
            or self._asked[transaction] != addr
            or not is_usual_answer(data)
            or not is_intact(data)
            or not is_signed(data, consent.key)
        ):
            return False
        self._hear(addr)
        consent.answered()
        return True


class _Client(TurnClientMixin):
    def __init__(self, dropped: Dropped, *parameters: Any) -> None:
        super().__init__(*parameters)
        self._dropped = dropped
        #: Done with the reason when nobody listens at the server's port: aioice would wait on.
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def error_received(self, error: Exception) -> None:
        """Take note of what ICMP says (RFC 8489 §6.2.1)."""
        if isinstance(error, ConnectionRefusedError) and not self.broken.done():
            self.broken.set_result(error)

    def datagram_received(self, data: Any, addr: tuple[str, int]) -> None:
        if not is_from_turn_server(data):
            self._dropped["malformed"] += 1
            return
        try:
            super().datagram_received(data, addr)
        except Exception as error:
            self._dropped["not understood"] += 1
            logger.debug("A TURN server was not understood: %r", error)

    async def delete(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(super().delete(), FAREWELL)


class UdpClient(_Client, TurnClientUdpProtocol):
    """A TURN server reached over UDP."""


class TcpClient(_Client, TurnClientTcpProtocol):
    """A TURN server reached over TCP or TLS."""

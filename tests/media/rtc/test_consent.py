"""Checks by the pair in use are written, read and answered as aioice does it, by whomever."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aioice import Candidate, Connection, stun
from aioice.ice import CandidatePair
from callboard.media.budget import Budget
from callboard.media.rtc.ice._aioice_consent import Consent
from callboard.media.rtc.ice._aioice_sockets import Socket
from callboard.media.rtc.ice.usual_stun import (
    ANSWER,
    REQUEST,
    Key,
    MappedAddress,
    is_intact,
    is_sealed,
    is_signed,
    is_usual_answer,
    sealed,
)
from callboard.media.sources.pacer import Pacer
from callboard.tests.conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESSES = [("192.0.2.7", 50000), ("2001:db8::7", 1), ("fe80::1", 65535), ("10.0.0.1", 8466)]
OURS, THEIRS = "ours" * 6, "theirs" * 4
"""Passwords."""
TIE = 1 << 40
RARE = 0.06
OFTEN = {
    "USERNAME": 0.97,
    "PRIORITY": 0.95,
    "ICE-CONTROLLING": 0.1,
    "ICE-CONTROLLED": 0.9,
    "USE-CANDIDATE": 0.3,
    "XOR-MAPPED-ADDRESS": 0.95,
    "SOFTWARE": 0.05,
    "ERROR-CODE": 0.05,
}
"""How often a message has an attribute."""
UNKNOWN = tuple(map(bytes.fromhex, ("c0570004000a0001", "00990003abcdef00", "0025000401020304")))
"""Attributes that may be left out by who does not know them, and such as may not."""

TRANSACTIONS = st.binary(min_size=12, max_size=12)
PASSWORDS = st.text(min_size=1, max_size=100)


@given(
    TRANSACTIONS,
    PASSWORDS,
    st.text(max_size=40),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from(["ICE-CONTROLLING", "ICE-CONTROLLED"]),
)
def test_a_request_is_written_as_aioice_writes_it(
    transaction: bytes, password: str, username: str, priority: int, tie: int, role: str
) -> None:
    message = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        transaction,
        {"USERNAME": username, "PRIORITY": priority, role: tie},
    )
    attributes = bytes(message)[20:]
    message.add_message_integrity(password.encode())
    key = Key(password)
    found = sealed(REQUEST, transaction, attributes, key)
    assert found == bytes(message)
    assert is_sealed(found)
    assert is_intact(found)
    assert is_signed(found, key)
    assert not is_signed(found, Key(password + "1"))
    for at in range(len(found)):
        other = found[:at] + bytes([found[at] ^ 1 << at % 8]) + found[at + 1 :]
        assert not (is_sealed(other) and is_intact(other) and is_signed(other, key)), at


@given(
    TRANSACTIONS,
    PASSWORDS,
    st.integers(1, 65535),
    st.ip_addresses(network="0.0.0.0/0") | st.ip_addresses(v=6),
)
def test_an_answer_is_written_as_aioice_writes_it(
    transaction: bytes, password: str, port: int, host: Any
) -> None:
    address = str(host), port
    message = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, transaction, {"XOR-MAPPED-ADDRESS": address}
    )
    message.add_message_integrity(password.encode())
    told = MappedAddress(address).attribute(transaction)
    found = sealed(ANSWER, transaction, told, Key(password))
    assert found == bytes(message)
    assert is_usual_answer(found)


class Wire:
    """Notes what is sent, in the place of a transport."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Any]] = []
        self.on_sent: Callable[[bytes], None] = lambda _: None

    def sendto(self, data: bytes, addr: Any = None) -> None:
        """Note a datagram."""
        self.sent.append((data, addr))
        self.on_sent(data)


class End:
    """A connection with a pair in use."""

    def __init__(self, *, is_controlling: bool, address: Any = ADDRESSES[0]) -> None:
        self.connection = connection = Connection(
            ice_controlling=is_controlling, local_username="ours", local_password=OURS
        )
        connection.remote_username, connection.remote_password = "theirs", THEIRS
        connection._tie_breaker = TIE
        self.dropped: Counter[str] = Counter()
        self.socket = Socket(connection, self.dropped)
        self.wire = Wire()
        transport: Any = self.wire
        self.socket.transport = transport
        host, port = address
        remote = Candidate("1", 1, "udp", 1, host, port, "host")
        self.socket.local_candidate = Candidate("1", 1, "udp", 1, "192.0.2.1", 4000, "host")
        self.pair = CandidatePair(self.socket, remote)
        self.pair.state, self.pair.nominated = CandidatePair.State.SUCCEEDED, True
        self.pair.remote_nominated = not is_controlling
        connection._remote_candidates.append(remote)
        connection._check_list.append(self.pair)
        connection._nominated[1] = self.pair
        connection._early_checks_done = connection._check_list_done = True

    def told(self) -> Any:
        """What can be seen from outside; not when checks of other pairs are sent."""
        answers = [each for each in self.wire.sent if each[0][0] & 1]
        connection = self.connection
        return (
            answers,
            dict(self.dropped),
            list(self.socket._heard),
            self.socket._checks._left,
            connection.ice_controlling,
            [repr(each) for each in connection._nominated.values()],
            [
                (repr(each), each.nominated, each.remote_nominated)
                for each in connection._check_list
            ],
            list(self.socket.transactions),
        )


def attributes(chance: random.Random, kind: stun.Class) -> dict[str, Any]:
    """What a message says; mostly what is usual."""
    if kind is not stun.Class.REQUEST:
        said: dict[str, Any] = {"XOR-MAPPED-ADDRESS": chance.choice(ADDRESSES)}
    else:
        said = {
            "USERNAME": chance.choice(
                ["ours:theirs"] * 20 + ["ours:other", "other:theirs", "ours"]
            ),
            "PRIORITY": chance.choice([1, 77]),
            "ICE-CONTROLLING": chance.choice([1, TIE, TIE + 1]),
            "ICE-CONTROLLED": chance.choice([1, TIE, TIE + 1]),
            "USE-CANDIDATE": None,
        }
    said |= {"SOFTWARE": "something", "ERROR-CODE": (500, "no")}
    chosen = [each for each in said.items() if chance.random() < OFTEN[each[0]]]
    if chance.random() < RARE:
        chance.shuffle(chosen)
    return dict(chosen)


def message(
    chance: random.Random, kind: stun.Class, transaction: bytes, address: Any
) -> tuple[bytes, Any]:
    """A datagram that may be unusual in some way, and where it comes from."""
    method = stun.Method.ALLOCATE if chance.random() < RARE else stun.Method.BINDING
    data = bytes(stun.Message(method, kind, transaction, attributes(chance, kind)))
    if chance.random() < RARE:
        data = with_more(data, chance.choice(UNKNOWN))
    key = OURS if kind is stun.Class.REQUEST else THEIRS
    if chance.random() < RARE:
        key = chance.choice([OURS, THEIRS, "other"])
    if chance.random() > RARE:
        data = with_more(data, b"\0\x08\0\x14" + stun.message_integrity(data, key.encode()))
        if chance.random() > RARE:
            fingerprint = stun.message_fingerprint(data).to_bytes(4)
            data = with_more(data, b"\x80\x28\0\4" + fingerprint)
    if chance.random() < RARE:
        data = with_more(data, b"\x80\x22\0\4abcd")
    if chance.random() < RARE:
        data = data[: chance.randrange(1, len(data))]
    if chance.random() < RARE:
        place = chance.randrange(len(data))
        data = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
    return data, chance.choice(ADDRESSES) if chance.random() < RARE else address


def with_more(data: bytes, attribute: bytes) -> bytes:
    """Add an attribute."""
    return stun.set_body_length(data, len(data) - 20 + len(attribute)) + attribute


async def taken(seed: int, is_controlling: bool, address: Any, *, usual: bool) -> tuple[Any, int]:
    """Let a socket take datagrams; give what can be seen after each, and how many went our way."""
    chance = random.Random(seed)
    by_us = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_usual_request", "_usual_answer"):
            way = getattr(Socket, name)

            def counted(*arguments: Any, way: Any = way) -> bool:
                nonlocal by_us
                done = bool(usual and way(*arguments))
                by_us += done
                return done

            patch.setattr(Socket, name, counted)
        patch.setattr("callboard.media.rtc.ice._aioice_consent.os.urandom", chance.randbytes)
        end = End(is_controlling=is_controlling, address=address)
        end.socket._checks = Budget(0, 10)
        consent = Consent(end.connection)
        noted = []
        before: list[tuple[bytes, Any]] = []
        for _ in range(25):
            if chance.random() < 0.5:
                consent._forget()
                assert consent._ask()
                transaction = end.wire.sent[-1][0][8:20]
                kind = chance.choice([stun.Class.RESPONSE] * 4 + [stun.Class.ERROR])
            else:
                transaction, kind = chance.randbytes(12), stun.Class.REQUEST
            before.append(message(chance, kind, transaction, address))
            end.socket.datagram_received(*before[-1])
            if chance.random() < 0.2:
                end.socket.datagram_received(*chance.choice(before))
            noted.append((end.told(), consent._failures, consent._transaction is None))
        for check in asyncio.all_tasks() - {asyncio.current_task()}:
            check.cancel()
    return noted, by_us


def test_whatever_comes_is_taken_as_aioice_takes_it() -> None:
    by_us = 0

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from(ADDRESSES))
    def holds(seed: int, is_controlling: bool, address: Any) -> None:
        nonlocal by_us
        ours, more = asyncio.run(taken(seed, is_controlling, address, usual=True))
        theirs, none = asyncio.run(taken(seed, is_controlling, address, usual=False))
        assert ours == theirs
        assert none == 0
        by_us += more

    holds()
    assert by_us > 500


ASKED = {
    "always answered": [0.1] * 12,
    "never answered": [],
    "answered late": [0.1, 0.1, *[0.6] * 12],
    "refused": [0.1, *[-0.1] * 12],
    "at times": [0.1, None, None, 0.4, *[None] * 5, 0.1, -0.2],
}
"""After how many seconds questions are answered; below 0: with an error; None: never."""


@pytest.mark.parametrize("answers", ASKED.values(), ids=ASKED)
def test_consent_is_asked_for_and_lapses_when_it_does_in_aioice(
    run: Run, monkeypatch: pytest.MonkeyPatch, answers: list[float | None]
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.4)
    monkeypatch.setattr(Pacer, "common", lambda first, last: first + 0.4 * (last - first))
    key = Key(THEIRS)

    async def asked(*, by_us: bool) -> list[float]:
        end, loop = End(is_controlling=True), asyncio.get_running_loop()
        address = end.pair.remote_addr
        began, moments, waits = loop.time(), [], iter(answers)

        def answer(request: bytes) -> None:
            assert is_signed(request, key)
            moments.append(loop.time() - began)
            if (after := next(waits, None)) is None:
                return
            transaction = request[8:20]
            found = sealed(ANSWER, transaction, MappedAddress(address).attribute(transaction), key)
            if after < 0:
                error = stun.Message(stun.Method.BINDING, stun.Class.ERROR, transaction)
                error.add_message_integrity(THEIRS.encode())
                found = bytes(error)
            loop.call_later(abs(after), end.socket.datagram_received, found, address)

        end.wire.on_sent = answer
        if by_us:
            await Consent(end.connection).lapse()
        else:
            closed = loop.create_future()

            async def close() -> None:
                closed.set_result(None)

            monkeypatch.setattr(end.connection, "close", close)
            await end.connection.query_consent()
            assert closed.done()
        assert end.socket.transactions == {} == end.socket._asked
        return [*moments, loop.time() - began]

    ours, theirs = (run(partial(asked, by_us=by_us), loop="virtual") for by_us in (True, False))
    assert len(ours) == len(theirs)
    # Each question may be earlier by the way of the answer, as they are counted from each other.
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True), 1):
        assert abs(mine - other) <= 0.5 * number


def test_who_stops_asking_leaves_nothing(run: Run) -> None:
    async def main() -> None:
        end = End(is_controlling=False)
        asking = asyncio.ensure_future(Consent(end.connection).lapse())
        await asyncio.sleep(6.2)
        assert len(end.wire.sent) == 1
        asking.cancel()
        await asyncio.sleep(60)
        assert len(end.wire.sent) == 1
        assert end.socket.transactions == {} == end.socket._asked

    run(main, loop="virtual")


def test_without_a_pair_nothing_is_asked(run: Run) -> None:
    async def main() -> None:
        end = End(is_controlling=False)
        end.connection._nominated.clear()
        asking = asyncio.ensure_future(Consent(end.connection).lapse())
        await asyncio.sleep(60)
        assert end.wire.sent == []
        end.connection._nominated[1] = end.pair
        await asyncio.sleep(7)
        assert len(end.wire.sent) > 0
        asking.cancel()

    run(main, loop="virtual")

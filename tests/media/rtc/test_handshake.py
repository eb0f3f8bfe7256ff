"""DTLS and ICE may begin before descriptions are made and taken, and lead to the same call."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from callboard.media import ClockPattern, Connected, IceConnected, MediaError, MediaFailed, Tone
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import handshake, transports
from callboard.media.rtc.ice import _aioice
from callboard.media.rtc.ice.datagram_queue import DatagramQueue
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, pair
from callboard.tests.media.rtc.test_known_answers import OTHER, OWN, Call, Change
from OpenSSL import SSL

_HELLO = b"\x16\xfe"


def transport(leg: Leg) -> Any:
    """Give a leg's one DTLS transport."""
    [found] = _aiortc.dtls_transports(leg.pc._pc)
    return found


def waiting(leg: Leg) -> list[bytes]:
    """Give what has come to a leg and was not read."""
    queue = _aioice.arrivals(_aiortc.ice_connection(transport(leg).transport))
    assert queue is not None
    return [item[0] for item in queue._items if item is not None]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so in the insides of a leg."""
    while not condition():  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(0.001)


async def told(change: Change = str, *, like: Change = str) -> Call:
    """Give a call whose answer was told, and whose caller was not given it yet.

    Args:
        change: Made to the offer.
        like: Made to the one that was answered before.
    """
    call = Call()
    await call.begin(change=like)
    await call.end()
    call = Call()
    await call.begin(waits=True, change=change)
    assert len(call.told) == 1
    return call


async def greeted(change: Change = str) -> Call:
    """Give the same, once the called side has said hello."""
    call = await told(change)
    await until(lambda: bool(waiting(call.caller)))
    return call


async def connected(call: Call) -> None:
    """Let a call be connected, and sound pass both ways."""
    if call.caller.pc._pc.signalingState != "stable":
        call.caller.pc.foresee(call.told[0])
        await call.caller.pc.accept(call.told[0])
    call.leg.pc.connect()
    for leg in (call.caller, call.leg):
        await leg.event(Connected)
        await leg.received("audio", 2)


def test_both_shake_hands_before_the_called_side_connects(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls replies before it takes the answer; aiortc is told of it all when it asks."""
    said: list[bytes] = []
    by_then: list[int] = []
    keep = _aiortc.keep_offered

    def kept(pc: RTCPeerConnection) -> None:
        by_then.append(len(said))
        keep(pc)

    monkeypatch.setattr(_aiortc, "keep_offered", kept)

    async def main() -> None:
        call = await greeted()
        assert [one[:2] for one in waiting(call.caller)] == [_HELLO]
        ends = transport(call.caller), transport(call.leg)
        queue = _aioice.arrivals(_aiortc.ice_connection(ends[1].transport))
        assert queue is not None
        put = queue.put_nowait

        def noted(item: Any) -> None:
            said.append(item[0])
            put(item)

        queue.put_nowait = noted  # type: ignore[method-assign]
        call.caller.pc.foresee(call.told[0])
        await call.caller.pc.accept(call.told[0])
        await until(lambda: bool(ends[1].encrypted))
        assert ends[1].state == "new"
        del queue.put_nowait
        await connected(call)
        await call.end()

    run(main)
    assert said[0][:2] == _HELLO
    assert by_then[0] >= 1


@pytest.mark.parametrize("who", ["caller", "called"])
def test_whose_certificate_is_not_the_announced_one_is_refused(run: Run, who: str) -> None:
    async def main() -> None:
        call = await greeted(OWN["fingerprint"] if who == "caller" else str)
        answer = call.told[0]
        if who == "called":
            answer = OWN["fingerprint"](answer)
        call.caller.pc.foresee(answer)
        await call.caller.pc.accept(answer)
        call.leg.pc.connect()
        refuses = call.caller if who == "called" else call.leg
        assert (await refuses.event(MediaFailed)).reason == "security-error"
        assert not any(isinstance(event, Connected) for event in refuses.events)
        await call.end()

    run(main)


def test_a_hello_that_was_lost_is_said_again_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue = []
    handle = SSL.Connection.DTLSv1_handle_timeout

    def late(connection: SSL.Connection) -> bool:
        overdue.append(connection)
        return handle(connection)

    monkeypatch.setattr(SSL.Connection, "DTLSv1_handle_timeout", late)

    async def main() -> None:
        call = await greeted()
        queue = _aioice.arrivals(_aiortc.ice_connection(transport(call.caller).transport))
        assert queue is not None
        assert queue.take_first(range(20, 64)) is not None
        await connected(call)
        await call.end()

    run(main)
    assert not overdue  # which is OpenSSL's way, a second later


def test_a_hello_that_openssl_refuses_keeps_no_other_from_being_heard(run: Run) -> None:
    async def main() -> None:
        call = await greeted()
        [hello] = waiting(call.caller)
        # A list of curves that is longer than what has it (RFC 8422 §5.1.1).
        begin = hello.index(b"\x00\x0a", 60) + 4
        bad = hello[:begin] + b"\xff\xff" + hello[begin + 2 :]
        queue = _aioice.arrivals(_aiortc.ice_connection(transport(call.caller).transport))
        assert queue is not None
        queue._items[:] = [(bad, 1), (hello, 1)]
        shaking: Any = getattr(transport(call.caller), handshake.HANDSHAKE)
        shaking.hear()
        assert shaking._connection is None
        shaking.hear()
        assert shaking._connection is not None
        await connected(call)
        await call.end()

    run(main)


def test_who_calls_may_be_the_one_to_say_hello(run: Run) -> None:
    """As where its offer says so (RFC 5763 §5)."""

    async def main() -> None:
        call = await told(OTHER["setup"], like=OTHER["setup"])
        assert "a=setup:passive" in call.told[0]
        await connected(call)
        assert _aiortc.dtls_role(transport(call.caller)) == "client"
        await call.end()

    run(main)


def test_nothing_of_openssl_is_kept_for_a_handshake_that_is_over(run: Run) -> None:
    async def main() -> None:
        call = await greeted()
        await connected(call)
        for leg in (call.caller, call.leg):
            done: Any = getattr(transport(leg), handshake.HANDSHAKE)
            assert (done._connection, done._send, done._words) == (None, None, b"")
        await call.end()

    run(main)


def test_a_handshake_that_is_stopped_on_its_way_is_gone_on_with(run: Run) -> None:
    async def main() -> None:
        call = await greeted()
        call.caller.pc.foresee(call.told[0])
        [goes_ahead] = [
            task
            for task in asyncio.all_tasks()
            if getattr(task.get_coro(), "__qualname__", "") == "go_ahead"
            and task.get_coro().cr_frame.f_locals["transport"] is transport(call.leg)  # type: ignore[union-attr]
        ]
        await call.leg.event(IceConnected)
        goes_ahead.cancel()
        await call.caller.pc.accept(call.told[0])
        call.leg.pc.connect()
        await call.caller.event(Connected)
        await call.leg.event(Connected)
        await call.end()

    run(main)


@pytest.mark.parametrize("video", [False, True], ids=["sound", "pictures"])
@pytest.mark.parametrize(
    "change",
    [
        str,
        OTHER["lite"],
        lambda answer: answer.replace("a=group:", "a=groups:"),
        lambda answer: answer.replace("a=ice-pwd:", "a=ice-password:"),
        lambda answer: answer.replace("127.0.0.1", "not-an-address"),
    ],
    ids=["plain", "lite", "unbundled", "keyless", "unreadable"],
)
def test_whatever_an_answer_says_to_foresee_it_changes_only_when_we_connect(
    run: Run, change: Change, video: bool
) -> None:
    """`accept` is given the real one, as what is wrong with another one is for it to say."""

    async def main() -> None:
        async with pair() as (a, b):
            pictures = ClockPattern(160, 120) if video else None
            offer = await a.pc.offer(audio=Tone(), video=pictures)
            answer = await b.pc.answer(offer, audio=Tone(), video=None)
            a.pc.foresee(change(answer))
            a.pc.foresee(change(answer))
            await a.pc.accept(answer)
            for leg in (a, b):
                await leg.event(Connected)
                await leg.received("audio", 2)
            a.pc.foresee(answer)  # too late, which is nothing

    run(main)


def test_who_has_closed_foresees_nothing(run: Run) -> None:
    async def main() -> None:
        async with pair() as (a, b):
            offer = await a.pc.offer(audio=Tone(), video=None)
            answer = await b.pc.answer(offer, audio=None, video=None)
            await a.pc.close()
            tasks = asyncio.all_tasks()
            a.pc.foresee(answer)
            assert asyncio.all_tasks() == tasks
            with pytest.raises(MediaError):
                await a.pc.accept(answer)

    run(main)


def test_a_queue_gives_at_once_what_is_of_a_kind_and_only_that() -> None:
    queue, kind = DatagramQueue(), range(20, 64)
    assert queue.take_first(kind) is None
    for item in ((_HELLO, 1), (b"\x80\x60", 1), (_HELLO, 1), None):
        queue.put_nowait(item)
    assert queue.take_first(kind) == _HELLO
    assert queue.take_first(kind) is None
    assert [item and item[0] for item in queue._items] == [b"\x80\x60", _HELLO, None]
    queue._items[:] = [None]
    assert queue.take_first(kind) is None


def test_the_names_are_where_they_were(run: Run) -> None:
    async def main() -> None:
        async with pair() as (a, _):
            await a.pc.offer(audio=Tone(), video=None)
            end = transport(a)
            assert isinstance(getattr(end, handshake.HANDSHAKE), handshake.Handshake)
            for name in (handshake.CERTIFICATE, transports.ROLE, transports.SSL):
                assert hasattr(end, name), name
            connection = _aiortc.ice_connection(end.transport)
            assert callable(connection.check_complete)

    run(main)

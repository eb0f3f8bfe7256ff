"""What a peer with the right keys may have an SCTP association keep and reckon."""

import inspect
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import (
    Chunk,
    DataChunk,
    SackChunk,
    serialize_packet,
)
from callboard.media import DataOpened, DataReceived
from callboard.media.rtc._aiortc import association
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg
from callboard.tests.media.parties import jingle_call
from hypothesis import given, settings
from hypothesis import strategies as st

FIRST, LAST, WHOLE = 2, 1, 3
TEXT = 51
TSNS = 1 << 32


def data(tsn: int, octets: bytes = b"x", *, flags: int = WHOLE, **fields: int) -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn = tsn % TSNS
    chunk.user_data = octets
    chunk.protocol = TEXT
    for name, value in fields.items():
        setattr(chunk, name, value)
    return chunk


def sack(tsn: int, gaps: list[tuple[int, int]]) -> SackChunk:
    chunk = SackChunk()
    chunk.cumulative_tsn = tsn % TSNS
    chunk.advertised_rwnd = 100_000
    chunk.duplicates = []
    chunk.gaps = gaps
    return chunk


def wide_gaps(_: int, acknowledged: int) -> Iterator[Chunk]:
    for _ in range(3):
        yield sack(acknowledged, [(0, 65535)] * 280)


def without_end(tsn: int, _: int) -> Iterator[Chunk]:
    yield data(tsn, flags=FIRST)
    for number in range(1, 1_500):
        yield data(tsn + number, flags=0)


def with_holes(tsn: int, _: int) -> Iterator[Chunk]:
    for number in range(1, 1_500):
        yield data(tsn + 2 * number)


def backwards(tsn: int, _: int) -> Iterator[Chunk]:
    for number in range(1_500, 0, -1):
        yield data(tsn + number)


def before_their_turn(tsn: int, _: int) -> Iterator[Chunk]:
    for number in range(1_500):
        yield data(tsn + number, stream_id=number % 65535, stream_seq=7)


def on_every_stream(tsn: int, _: int) -> Iterator[Chunk]:
    for number in range(1_500):
        yield data(tsn + number, stream_id=number)


def long_names(tsn: int, _: int) -> Iterator[Chunk]:
    for number in range(300):
        opening = struct.pack("!BBHLHH", 3, 0, 0, 0, 1100, 0) + b"l" * 1100
        yield data(tsn + number, opening, stream_id=100 + number, protocol=50)


@pytest.mark.parametrize(
    "attack",
    [
        *(wide_gaps, without_end, with_holes, backwards),
        *(before_their_turn, on_every_stream, long_names),
    ],
)
def test_a_call_outlives_a_flood_and_keeps_little_of_it(run: Run, attack: Any) -> None:
    """The loop is never kept for long: every test fails where one callback takes 250 ms."""

    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            await a.leg.event(DataOpened)
            await b.leg.event(DataOpened)
            ours, theirs = sctp(a.leg), sctp(b.leg)
            chunks = list(attack(ours._local_tsn, theirs._local_tsn - 1))
            for number, chunk in enumerate(chunks):
                await send(ours, chunk)
                if not number % 50:
                    await b.leg.received("audio", 1)
            await b.leg.received("audio", 20)
            streams = theirs._inbound_streams
            assert len(streams) <= association.MOST_STREAMS
            assert held(theirs) <= 2 * association.MOST_CHUNKS
            assert len(theirs._sack_misordered) <= 2 * association.MOST_CHUNKS
            assert len(theirs._data_channels) <= 1

    run(main)


def sctp(leg: Leg) -> Any:
    return leg.pc._pc.sctp


async def send(transport: Any, chunk: Chunk) -> None:
    packet = serialize_packet(
        transport._local_port, transport._remote_port, transport._remote_verification_tag, chunk
    )
    await transport.transport._send_data(packet)


def held(transport: Any) -> int:
    return sum(len(each.reassembly) for each in transport._inbound_streams.values())


def test_messages_go_both_ways_though_acknowledgements_name_gaps(run: Run) -> None:
    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            await a.leg.event(DataOpened)
            await b.leg.event(DataOpened)
            ours = sctp(a.leg)
            await send(ours, sack(sctp(b.leg)._local_tsn - 1, [(1, 65535), (2, 3), (9, 4)]))
            for _ in range(5):
                b.leg.pc.data.send("x" * 60_000)
            await a.leg.until(
                lambda: sum(isinstance(one, DataReceived) for one in a.leg.events) == 5
            )

    run(main)


numbers = st.integers(0, 40)


class Noted:
    """What aiortc's association keeps of the chunks that it has got."""

    def __init__(self, last: int) -> None:
        self._last_received_tsn = last
        self._sack_misordered: set[int] = set()
        self._sack_duplicates: list[int] = []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(numbers, max_size=120))
def test_chunks_are_noted_as_aiortc_notes_them(received: list[int]) -> None:
    theirs: Any = Noted(5)
    ours: Any = Noted(5)
    mark = association._marker(ours)
    for number in received:
        assert mark(5 + number) == RTCSctpTransport._mark_received(theirs, 5 + number)
        assert ours._last_received_tsn == theirs._last_received_tsn
        assert ours._sack_misordered == theirs._sack_misordered


@given(st.permutations(range(1, 30)))
def test_chunks_are_noted_where_their_numbers_begin_anew(order: list[int]) -> None:
    """aiortc itself takes the highest numbers for the last ones there."""
    noted: Any = Noted(TSNS - 10)
    mark = association._marker(noted)
    assert not any(mark((TSNS - 10 + number) % TSNS) for number in order)
    assert noted._last_received_tsn == 19
    assert not noted._sack_misordered
    assert mark(19)


@pytest.mark.parametrize("seed", range(5))
def test_what_was_dropped_is_taken_when_it_comes_again(run: Run, seed: int) -> None:
    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            await a.leg.event(DataOpened)
            await b.leg.event(DataOpened)
            ours, theirs = sctp(a.leg), sctp(b.leg)
            (stream,) = theirs._data_channels
            first, turn = ours._local_tsn, theirs._inbound_streams[stream].sequence_number
            chunks = [
                data(
                    first + 3 * number + part,
                    bytes([97 + part]),
                    flags=(FIRST, 0, LAST)[part],
                    stream_id=stream,
                    stream_seq=turn + number,
                )
                for number in range(200)
                for part in range(3)
            ]
            random.Random(seed).shuffle(chunks)
            while (theirs._last_received_tsn - first) % TSNS + 1 != len(chunks):
                for chunk in chunks:
                    await theirs._receive_data_chunk(chunk)
            assert held(theirs) == 0
            assert [e.data for e in b.leg.events if isinstance(e, DataReceived)] == ["abc"] * 200

    run(main)


def test_the_names_are_used_as_we_think() -> None:
    source = inspect.getsource(RTCSctpTransport)
    for line in (
        "await self._receive_data_chunk(chunk)",
        "await self._receive_sack_chunk(chunk)",
        "await self._receive(*message)",
        "if self._mark_received(chunk.tsn):",
        "for gap in chunk.gaps:",
        f"self.{association.WINDOW} -= len(chunk.user_data)",
        f"self.{association.INBOUND_STREAMS}[stream_id] = InboundStream()",
        f"for schunk in self.{association.SENT}:",
        f"self.{association.REPEATED}.append(tsn)",
        f"self.{association.HELD_BACK}.add(tsn)",
    ):
        assert line in source

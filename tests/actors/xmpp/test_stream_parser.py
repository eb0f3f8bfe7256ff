"""Streams share parsers between two stanzas, and nobody can tell: each split, each wrong octet."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser, tostring

import pytest
from callboard.actors.xmpp import stream_parser
from callboard.actors.xmpp.stream_parser import MOST_READ, MOST_SPARE, StreamParser
from callboard.tests.jingle import corpus
from hypothesis import given
from hypothesis import strategies as st

STREAMS = "http://etherx.jabber.org/streams"
HEADER = (
    f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS}' "
    "xml:lang='en' version='1.0' id='5d' from='localhost'>"
).encode()


def stanzas() -> list[bytes]:
    """Stanzas of all kinds that servers send, and what they had better not send."""
    made = [
        b"<message from='a@b/c'><body>Hallo &lt; &amp; &#228; \xc3\xa4</body></message>",
        b"<presence/>",
        b"<presence from=\"a@b/'c'\"><show>a>b</show></presence>",
        b"<r xmlns='urn:xmpp:sm:3'/>",
        b"<iq id='/>' type=\"result\"><query xmlns='jabber:iq:roster'><item jid='a'/></query></iq>",
        b"<stream:features><a xmlns='x:y'/></stream:features>",
        b"<x:iq xmlns:x='jabber:client'><x:a xmlns='other'><b/></x:a></x:iq>",
        b"<message><body><![CDATA[</message><a>]]></body></message>",
        b"<message><!-- </message> --><body/></message>",
        b"<?target <a/> ?><presence/>",
        b"<!-- <presence/> --><presence/>",
        b" \n<presence  />\r\n",
        b"text<presence/>&amp;",
        b"<stream:error><a/></stream:error></stream:stream>",
        b"</stream:stream >",
        b"</stream>",
        b"<a b='<'/>",
        b"<a><b></a></b>",
        b"<a:b/>",
        b"<a/><a b='1' b='2'/>",
        b"<a>&nope;</a>",
        b"<!DOCTYPE a><a/>",
        b"<a/>]]><a/>",
        b"<a/>\x00<a/>",
        b"<a/>\xff<a/>",
        b"<stream:stream xmlns='jabber:client'><a/></stream:stream><presence/>",
    ]
    found = sorted(corpus.FOLDER.glob("*/*.xml"), key=lambda file: file.stat().st_size)
    return made + [file.read_bytes() for file in found[:40]]


STANZAS = stanzas()
HEADERS = [
    HEADER,
    f"<stream xmlns='{STREAMS}' xmlns:c='jabber:client'>".encode(),
    f"<s:stream xmlns:s='{STREAMS}' xmlns='jabber:client' xmlns:q='&quot;&apos;&lt;'>".encode(),
    b"<?xml version='1.0' encoding='iso-8859-1'?>" + HEADER[21:],
    b"<!DOCTYPE a [<!ENTITY nope 'yes'>]>" + HEADER[21:],
    b"<!-- <a> -->" + HEADER[21:],
    b"\xef\xbb\xbf" + HEADER,
]

Heard = list[tuple[str, str, bytes]]


def alone(chunks: Sequence[bytes]) -> Heard:
    """Read a stream with a parser of its own, as slixmpp does."""
    parser: Any = XMLPullParser(("start", "end"))
    heard, depth = Heard(), 0
    root: Element | None = None
    try:
        for chunk in chunks:
            parser.feed(chunk)
            if (flush := getattr(parser, "flush", None)) is not None:
                flush()
            for kind, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if kind == "start" else -1
                heard.append(event(kind, element, depth))
                if kind == "end" and depth == 1:
                    root.clear()
    except (ParseError, ValueError, LookupError) as error:
        heard.append(("error", str(error).partition(": line")[0], b""))
    return heard


def event(kind: str, element: Element, depth: int) -> tuple[str, str, bytes]:
    is_whole = kind == "end" and depth == 1
    return kind, element.tag, tostring(element) if is_whole else b""


class Shared:
    """Reads a stream that shares parsers with others."""

    def __init__(self) -> None:
        self.heard: Heard = []
        self.parser = StreamParser()
        self._depth = 0

    def feed(self, chunk: bytes) -> None:
        if self.heard and self.heard[-1][0] == "error":
            return
        try:
            for kind, element in self.parser.feed(chunk):
                self._depth += 1 if kind == "start" else -1
                self.heard.append(event(kind, element, self._depth))
        except (ParseError, ValueError, LookupError) as error:
            self.heard.append(("error", str(error).partition(": line")[0], b""))


def shared(chunks: Sequence[bytes]) -> Heard:
    reader = Shared()
    for chunk in chunks:
        reader.feed(chunk)
    return reader.heard


@pytest.fixture(autouse=True)
def _no_spare_ones() -> Iterator[None]:
    stream_parser._spare.clear()
    yield
    stream_parser._spare.clear()


def same(chunks: Sequence[bytes]) -> None:
    assert shared(chunks) == alone(chunks), chunks


@pytest.mark.parametrize("number", range(len(STANZAS)))
def test_it_reads_as_before_wherever_a_stanza_is_split(number: int) -> None:
    stanza = STANZAS[number]
    step = max(1, len(stanza) // 150)
    for at in range(0, len(stanza) + 1, step):
        same([HEADER, b"<presence/>", stanza[:at], stanza[at:], b"<message/>", b"<r/>"])


@pytest.mark.parametrize("header", HEADERS)
def test_it_reads_as_before_wherever_a_header_is_split(header: bytes) -> None:
    rest = [
        b"<presence/>",
        b"<a>&nope;</a>" if b"DOCTYPE" in header else b"<c:a/>",
        b"\xc3\xa4<b/>",
    ]
    for at in range(len(header) + 1):
        same([header[:at], header[at:], *rest])
        same([header[:at], header[at:] + rest[0], *rest[1:]])
    same([header[at : at + 1] for at in range(len(header))] + rest)


@given(
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(STANZAS), max_size=5),
    st.lists(st.integers(0, 3000), max_size=12),
    st.lists(
        st.tuples(st.integers(0, 3000), st.sampled_from(list(b"<>/!?'\"&;[]- \x00\xff"))),
        max_size=2,
    ),
)
def test_it_reads_as_before_whatever_comes(
    header: bytes, found: list[bytes], splits: list[int], wrong: list[tuple[int, int]]
) -> None:
    data = bytearray(header + b"".join(found) + b"<presence/>")
    for at, octet in wrong:
        data[at % len(data)] = octet
    places = sorted({0, len(data), *(at % len(data) for at in splits)})
    same([bytes(data[at:end]) for at, end in pairwise(places)])


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(STANZAS), st.integers(0, 60)), max_size=6),
        min_size=2,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_streams_that_share_hear_nothing_of_each_other(
    streams: list[list[tuple[bytes, int]]], random: Random
) -> None:
    readers = [Shared() for _ in streams]
    chunks = [
        [HEADER, *(part for stanza, at in found for part in (stanza[:at], stanza[at:]) if part)]
        for found in streams
    ]
    turns = [number for number, found in enumerate(chunks) for _ in found]
    random.shuffle(turns)
    queues = [iter(found) for found in chunks]
    for number in turns:
        readers[number].feed(next(queues[number]))
    for reader, found in zip(readers, chunks, strict=True):
        assert reader.heard == alone(found)


def test_who_waits_for_a_stanza_has_no_parser() -> None:
    readers = [Shared() for _ in range(50)]
    for reader in readers:
        for chunk in (HEADER, b"<stream:features/>", b"<presence/><mess", b"age/>", b" ", b"\n"):
            reader.feed(chunk)
        assert reader.parser.is_between
    assert sum(map(len, stream_parser._spare.values())) == 1
    for reader in readers[:20]:
        reader.feed(b"<mess")
        assert not reader.parser.is_between
    for reader in readers[:20]:
        reader.feed(b"age/>")
        assert reader.parser.is_between
    assert sum(map(len, stream_parser._spare.values())) == MOST_SPARE


@pytest.mark.parametrize("header", HEADERS[3:])
def test_a_stream_that_is_not_like_others_keeps_its_parser(header: bytes) -> None:
    reader = Shared()
    reader.feed(header)
    reader.feed(b"<presence/>")
    assert not reader.parser.is_between
    assert not stream_parser._spare


def test_a_parser_that_has_read_much_is_replaced() -> None:
    reader = Shared()
    reader.feed(HEADER)
    reader.feed(b"<message>" + b"x" * MOST_READ + b"</message>")
    assert reader.parser.is_between
    reader.feed(b"<presence/>")
    reader.feed(b"<message>" + b"x" * MOST_READ + b"</message>")
    assert reader.parser.is_between
    assert not any(stream_parser._spare.values())


def test_headers_are_bounded() -> None:
    for number in range(stream_parser.MOST_HEADERS * 2):
        reader = Shared()
        reader.feed(f"<s:stream xmlns:s='{STREAMS}' xmlns:x='{number}'>".encode())
        reader.feed(b"<a/>")
    assert len(stream_parser._spare) == stream_parser.MOST_HEADERS


def test_what_was_heard_stays_whole() -> None:
    reader = StreamParser()
    list(reader.feed(HEADER))
    *_, (_, one) = reader.feed(b"<a><b/></a>")
    list(reader.feed(b"<c/>"))
    assert tostring(one).count(b"b />") == 1

"""The XML of streams: each has a parser only while it is in the middle of a stanza.

A parser of expat's takes 17 KiB, and thousands of streams wait for their next stanza at any time.
All of those whose headers declare the same namespaces are at the same place in the same document,
as far as a parser can tell, so one parser does for all of them: whoever gets something takes it,
and gives it back after the last whole stanza.
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, XMLPullParser

from .markup import escape

Namespaces = tuple[tuple[str, str], ...]
Header = tuple[str, Namespaces]
"""What a stanza's meaning depends on: the name of the root as it is written, and its namespaces."""

LONGEST_HEADER = 4096
"""Octets of a stream's header; a stream with a longer one keeps its parser."""

MOST_SPARE = 4
"""Parsers that are kept for one header. As a whole stanza is read at once, one is enough, mostly.
"""

MOST_HEADERS = 16
"""Headers for which parsers are kept."""

MOST_READ = 1 << 20
"""Octets after which a parser is replaced: it remembers each name, and makes room for the longest
stanza."""

_ROOT = re.compile(
    rb"""\s*(?:<\?xml\s+version=(['"])1\.0\1(?:\s+encoding=(['"])(?i:utf-8)\2)?\s*\?>)?\s*"""
    rb"""<([A-Za-z_][A-Za-z0-9_.:-]*)[\s>]"""
)
"""The beginning of a stream that others can share a parser with: no other encoding, no DTD."""


class StreamParser:
    """Reads one stream, from its header to its end."""

    __slots__ = ("_header", "_held", "_read")

    def __init__(self) -> None:
        self._header: Header | None = None
        self._held: _Parser | None = _Parser(("start-ns", "start", "end"))
        self._read = b""

    @property
    def is_between(self) -> bool:
        """Whether the last stanza is whole and no other has begun, so that it has no parser."""
        return self._held is None

    def feed(self, data: bytes) -> Iterator[tuple[str, Element]]:
        """Read what has come in.

        Args:
            data: Any part of the stream, which goes on where the one before ended.

        Yields:
            "start" or "end", and the element. What was in the stream's root is gone after it.

        Raises:
            ParseError: It is no XML.
            ValueError, LookupError: It is in an encoding that can't be read.
        """
        held = self._held
        if held is None:
            if data.isspace():
                return
            assert self._header is not None  # noqa: S101 -- or it would have kept its parser
            held = self._held = _taken(self._header)
        if held.namespaces is not None:
            yield from self._first(held, data)
        else:
            yield from held.feed(data)
        if self._header is not None and held.is_between:
            self._held = None
            if held.namespaces is None:
                _give_back(self._header, held)

    def _first(self, held: "_Parser", data: bytes) -> Iterator[tuple[str, Element]]:
        """Read with the parser that has read the stream's own header, and learn what that says."""
        is_open = held.root is not None
        if not is_open and len(self._read) <= LONGEST_HEADER:
            self._read += data
        for kind, element in held.feed(data):
            if not is_open:
                is_open = True
                found = _ROOT.match(self._read)
                if found is not None and held.namespaces is not None:
                    self._header = (found[3].decode(), tuple(held.namespaces))
                self._read = b""
            yield kind, element


class _Parser:
    """A parser, with what tells whether it is between two stanzas.

    Expat says nothing of what it holds back of a tag that is not whole. But each "<" begins a tag,
    where there are no comments, instructions and CDATA sections: when all of them were heard, and
    the last octet is ">", nothing is held back.

    Args:
        events: what `XMLPullParser` is to tell.

    Attributes:
        namespaces: the prefixes and names that the root declares; None where they are known.
        root: the stream's element, once it has begun.
    """

    __slots__ = ("_begun", "_depth", "_is_odd", "_last", "_octets", "_parser", "namespaces", "root")

    def __init__(self, events: tuple[str, ...]) -> None:
        self.namespaces: list[tuple[str, str]] | None = [] if "start-ns" in events else None
        self.root: Element | None = None
        self._begun = 0
        self._depth = 0
        self._is_odd = False
        self._last = b""
        self._octets = 0
        self._parser: Any = XMLPullParser(events)  # type: ignore[arg-type]

    @property
    def is_between(self) -> bool:
        """Whether it holds nothing but the stream's root."""
        return self._depth == 1 and not self._begun and self._last == b">" and not self._is_odd

    @property
    def is_worn(self) -> bool:
        """Whether it has read so much that it should be replaced."""
        return self._octets > MOST_READ

    def feed(self, data: bytes) -> Iterator[tuple[str, Element]]:
        """Read on."""
        self._count(data)
        self._parser.feed(data)
        if (flush := getattr(self._parser, "flush", None)) is not None:
            flush()  # from expat 2.6 on, it waits with a tag that came in parts
        for kind, element in self._parser.read_events():
            if kind == "start-ns":
                if self.root is None and self.namespaces is not None:
                    self.namespaces.append(element)
                continue
            if kind == "start":
                self._depth += 1
                self._begun -= 1
                if self.root is None:
                    self.root = element
            else:
                self._depth -= 1
            yield kind, element
            if kind == "end" and self._depth == 1 and self.root is not None:
                self.root.clear()

    def _count(self, data: bytes) -> None:
        """Count the tags that begin, also where a part ends after the "<"."""
        self._octets += len(data)
        self._begun += data.count(b"<") - data.count(b"</")
        if self._last == b"<":
            self._begun -= data[:1] == b"/"
            self._is_odd = self._is_odd or data[:1] in (b"!", b"?")
        if self.root is not None or self.namespaces is None:
            self._is_odd = self._is_odd or b"<!" in data or b"<?" in data
        else:
            self._begun -= data.count(b"<?")
            self._is_odd = self._is_odd or b"<!" in data
        self._last = data.rstrip()[-1:] or self._last


_spare: dict[Header, list[_Parser]] = {}


def _taken(header: Header) -> _Parser:
    """Take a parser that is between two stanzas of such a stream."""
    spare = _spare.get(header)
    if spare:
        return spare.pop()
    name, namespaces = header
    declared = "".join(
        f" xmlns{prefix and ':'}{prefix}='{escape(uri)}'" for prefix, uri in namespaces
    )
    parser = _Parser(("start", "end"))
    for _ in parser.feed(f"<{name}{declared}>".encode()):
        pass
    return parser


def _give_back(header: Header, parser: _Parser) -> None:
    if parser.is_worn:
        return
    if header not in _spare and len(_spare) >= MOST_HEADERS:
        del _spare[next(iter(_spare))]
    spare = _spare.setdefault(header, [])
    if len(spare) < MOST_SPARE:
        spare.append(parser)

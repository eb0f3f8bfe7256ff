"""What happens in one call, as it happens: the ladder that grows while the call goes on."""

import time
import zlib
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from msgspec import Struct

from ...ladder.ladder import Kind, Ladder, Rung, Way
from ...media import MediaStatistics
from ..context import Context
from ..records.call_record import CallRecord
from ..xmpp.redaction import redacted
from ..xmpp.stanza_title import title
from .quality_curve import QualityCurve

#: Rungs that are kept of a call's beginning, and of its end.
FIRST = 200
LAST = 200
#: Characters of stanzas that are kept of each of the two.
MAX_XML = 96 * 1024
#: Characters of a stanza that is kept deflated: two of a call are some 2 KiB each, with pictures 5.
LONG = 1024
#: Seconds after which stanzas are written down; and how many may wait for that at most.
AFTER = 0.1
MOST_WAITING = 32
#: Characters of the words of a rung.
_MAX_TEXT = 200

#: Has a function called a moment later.
Later = Callable[[Callable[[], None]], object]


class _Said(Struct, frozen=True):
    """A stanza that is to be written down."""

    at: float
    way: Way
    stanza: Element
    of: str

    def rung(self) -> Rung:
        text = title(self.stanza, self.of)
        return Rung(self.at, "stanza", self.way, text, redacted(self.stanza))


class Trace:
    """Collects the ladder of one call, in bounded room: its beginning, and its end so far.

    What is secret or private in a stanza is left out here, so that it is nowhere later. What
    happens again and again without anything between it is one rung that counts.

    To write a stanza takes as long as to answer it. So it is done a moment later where that can
    be: the peer does not wait for it.

    Args:
        is_on: whether anything is collected.
        later: has a function called `AFTER` seconds from now; None: stanzas are written at once.
    """

    __slots__ = (
        "_curve",
        "_first",
        "_is_on",
        "_last",
        "_later",
        "_left_out",
        "_origin",
        "_room",
        "_waiting",
        "began",
    )

    def __init__(self, *, is_on: bool, later: Later | None = None) -> None:
        self.began = time.time()
        self._curve = QualityCurve()
        self._is_on = is_on
        self._origin = time.monotonic()
        self._later = later
        self._waiting: list[Rung | _Said] = []
        self._first: list[Rung] = []
        self._last: list[Rung] = []
        self._left_out = 0
        self._room = {"first": MAX_XML, "last": MAX_XML}

    @property
    def is_on(self) -> bool:
        """Whether anything is collected."""
        return self._is_on

    @property
    def seconds(self) -> float:
        """How long ago the call began, in seconds."""
        return round(time.monotonic() - self._origin, 4)

    def stanza(self, way: Way, stanza: Element, of: str = "", *, at: float | None = None) -> None:
        """Add a stanza.

        Args:
            way: out or in.
            stanza: an ``<iq/>`` or a ``<message/>``.
            of: of an IQ's answer, what it answers.
            at: when, on `time.monotonic`'s clock; None: now. What was before others takes its
                place before them, as an invite to the call does.
        """
        if not self._is_on:
            return
        said = _Said(self._when(at), way, stanza, of)
        if self._later is None:
            self._put(said.rung())
            return
        if not self._waiting:
            self._later(self.write)
        self._waiting.append(said)
        if len(self._waiting) >= MOST_WAITING:
            self.write()

    def _when(self, at: float | None) -> float:
        return self.seconds if at is None else round(at - self._origin, 4)

    def write(self) -> None:
        """Write down what waits for that."""
        waiting, self._waiting = self._waiting, []
        for one in sorted(waiting, key=lambda each: each.at):
            self._put(one if isinstance(one, Rung) else one.rung())

    def _put(self, rung: Rung) -> None:
        """Add a rung where its time is."""
        if self._first and not self._last and rung.at < self._first[-1].at:
            insort(self._first, _packed(rung), key=lambda one: one.at)
            self._room["first"] -= len(rung.xml)
        else:
            self._add(rung)

    def note(self, kind: Kind, text: str, way: Way = "", *, at: float | None = None) -> None:
        """Add what is no stanza.

        Args:
            kind: what sort of thing.
            text: it, in a few words.
            way: whether it went out or came in; "": neither.
            at: when, on `time.monotonic`'s clock; None: now.
        """
        if not self._is_on:
            return
        rung = Rung(self._when(at), kind, way, _line(text))
        if self._waiting:
            self._waiting.append(rung)
        else:
            self._put(rung)

    def _add(self, rung: Rung) -> None:
        last = self._last or self._first
        if last and not rung.xml:
            before = last[-1]
            if (before.kind, before.way, before.text) == (rung.kind, rung.way, rung.text):
                last[-1] = Rung(before.at, rung.kind, rung.way, rung.text, times=before.times + 1)
                return
        if not self._last and len(self._first) < FIRST and len(rung.xml) <= self._room["first"]:
            self._room["first"] -= len(rung.xml)
            self._first.append(_packed(rung))
            return
        self._last.append(_packed(rung))
        self._room["last"] -= len(rung.xml)
        while len(self._last) > LAST or self._room["last"] < 0:
            self._room["last"] += len(_unpacked(self._last.pop(0)).xml)
            self._left_out += 1

    def measure(self, seconds: float, statistics: Iterable[MediaStatistics]) -> None:
        """Add how media come through.

        Args:
            seconds: for how long they have flowed.
            statistics: the call's counters.
        """
        if self._is_on:
            self._curve.add(seconds, statistics)

    def ladder(self, record: CallRecord, *, cause: str, is_over: bool = True) -> Ladder:
        """Return what was collected up to now.

        Args:
            record: the call's detail record, as it stands.
            cause: why it ended as it did.
            is_over: whether it is over.
        """
        self.write()
        rungs, earlier = tuple(map(_unpacked, (*self._first, *self._last))), 0.0
        if rungs and rungs[0].at < 0:  # what led to the call is the first of it
            earlier = -rungs[0].at
            rungs = tuple(replace(one, at=round(one.at + earlier, 4)) for one in rungs)
        seconds = round(max(0.0, record.ended - record.started), 4) if is_over else self.seconds
        connected = record.steps.get("dtls")
        return Ladder(
            uuid=record.uuid,
            id=record.id,
            account=record.account,
            peer=record.peer,
            direction=record.direction,
            state=record.state if is_over else "running",
            began=self.began - earlier,
            seconds=seconds,
            cause=cause,
            rungs=rungs,
            left_out=self._left_out,
            connected=None if connected is None else round(connected, 4),
            gap=len(self._first) if self._left_out else 0,
            quality=self._curve.columns(),
        )


def keep_refusal(
    context: Context, record: CallRecord, heard: Element | None, said: Element
) -> None:
    """Keep the ladder of a call that our own policy refuses before it is one.

    Args:
        context: of the account.
        record: its detail record.
        heard: what the peer has said.
        said: what it is answered.
    """
    if context.keep_ladder is None:
        return
    trace = Trace(is_on=True)
    if heard is not None:
        trace.stanza("in", heard)
    trace.stanza("out", said)
    words = f": {record.text}" if record.text else ""
    cause = f"Refused by our own policy ({record.reason}{words})."
    context.keep_ladder(replace(trace.ladder(record, cause=cause), refused=True))


def _packed(rung: Rung) -> Rung:
    """Deflate a long stanza: it begins with "x" then, where XML begins with "<"."""
    if len(rung.xml) < LONG:
        return rung
    octets = zlib.compress(rung.xml.encode(errors="surrogatepass"), 1)
    return replace(rung, xml=octets.decode("latin-1"))


def _unpacked(rung: Rung) -> Rung:
    if not rung.xml.startswith("x"):
        return rung
    octets = zlib.decompress(rung.xml.encode("latin-1"))
    return replace(rung, xml=octets.decode(errors="surrogatepass"))


def _line(text: str) -> str:
    shown = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _MAX_TEXT else f"{shown[: _MAX_TEXT - 1]}…"

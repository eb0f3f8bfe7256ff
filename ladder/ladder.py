"""The ladder of one call: its stanzas, and what its media did between them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

#: The form of a file. It grows by one when a field changes its meaning or goes.
VERSION = 1

Kind = Literal["stanza", "ice", "dtls", "media", "keyframe", "quality", "stream", "state"]
Way = Literal["out", "in", ""]

#: What is kept of how a kind of media came through, besides ``at``, in seconds of flowing media.
#: The numbers mean what they mean in a detail record; ``peer_mos`` is what the peer hears.
QUALITY = (
    *("sent", "received", "lost", "jitter_ms", "rtt_ms", "mos"),
    *("peer_lost", "peer_jitter_ms", "peer_mos"),
)
#: Each of these at the same moments.
Quality = Mapping[str, tuple[float | None, ...]]

_KINDS = frozenset(get_args(Kind))
_WAYS = frozenset(get_args(Way))


@dataclass(frozen=True, slots=True)
class Rung:
    """One thing that happened.

    Attributes:
        at: when, in seconds after the first rung.
        kind: what sort of thing it was.
        way: ``out`` from us to the peer, ``in`` from the peer to us, "" here.
        text: it, in a few words on one line.
        xml: the stanza, with secrets, texts and digits masked; "" for everything else.
        times: how often it happened in a row.
    """

    at: float
    kind: Kind
    way: Way
    text: str
    xml: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Ladder:
    """What happened in one call, as one of its two accounts saw it.

    Attributes:
        uuid: that of the call's detail record.
        id: the session id.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        state: what became of the call; ``running`` while it goes on.
        began: the time of the first rung, in seconds since the epoch.
        seconds: how long the call took, from its first rung to its end.
        cause: why it ended as it did, in a sentence; "" while it goes on.
        rungs: in the order in which they happened.
        left_out: how many rungs were not kept.
        gap: how many of the rungs stand before those that were not kept.
        refused: whether our own policy refused it before it rang.
        connected: after how many seconds media could flow; None: never.
        quality: how its media came through over time, by kind.
    """

    uuid: str
    id: str
    account: str
    peer: str
    direction: Literal["in", "out"]
    state: str
    began: float
    seconds: float
    cause: str
    rungs: tuple[Rung, ...]
    left_out: int = 0
    gap: int = 0
    refused: bool = False
    connected: float | None = None
    quality: Mapping[str, Quality] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        """Whether the call did not come about, or broke, against our will."""
        return self.state not in ("completed", "running") and not self.refused

    def to_lines(self) -> Iterator[str]:
        """Give lines of JSON: what is known of the call, each rung, and the quality over time."""
        yield json.dumps(self._head(), ensure_ascii=True)
        for rung in self.rungs:
            yield json.dumps(_fields(rung), ensure_ascii=True)
        if self.quality:
            yield json.dumps({"quality": self.quality}, ensure_ascii=True)

    def to_json(self) -> dict[str, Any]:
        """Return the ladder as one object of JSON."""
        rungs = [_fields(rung) for rung in self.rungs]
        return {**self._head(), "rungs": rungs, "quality": self.quality}

    def _head(self) -> dict[str, Any]:
        head = {each.name: getattr(self, each.name) for each in fields(self)}
        del head["rungs"], head["quality"]
        return {"version": VERSION, **head}

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> "Ladder":
        """Read what `to_lines` gave.

        Raises:
            ValueError: it is no ladder, or one of a newer version.
        """
        try:
            head, *rungs = (json.loads(line) for line in lines)
            quality = rungs.pop() if rungs and "quality" in rungs[-1] else {}
            return cls.from_json({**head, **quality, "rungs": rungs})
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"no ladder: {error}") from None

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Ladder":
        """Read what `to_json` gave.

        Raises:
            ValueError: it is no ladder, or one of a newer version.
        """
        version = found.get("version")
        if isinstance(version, int) and version > VERSION:
            raise ValueError(
                f"a ladder of version {version}; this Callboard reads versions up to {VERSION}: "
                "update Callboard"
            )
        try:
            values = {
                each.name: found[each.name]
                for each in fields(cls)
                if each.name in found or each.default_factory is MISSING
            }
            values["quality"] = _quality(found.get("quality", {}))
            values["rungs"] = tuple(_rung(one) for one in found["rungs"])
            ladder = cls(**values)
            _check(isinstance(getattr(ladder, name), str) for name in _TEXTS)
            _check((ladder.direction in ("in", "out"), version == VERSION))
            _check((isinstance(ladder.refused, bool),))
            _check((isinstance(ladder.connected, int | float | None),))
            numbers = (ladder.began, ladder.seconds, ladder.left_out, ladder.gap)
            _check(isinstance(one, int | float) for one in numbers)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no ladder: {error!r}") from None
        return ladder


_TEXTS = ("uuid", "id", "account", "peer", "state", "cause")


def _fields(rung: Rung) -> dict[str, Any]:
    found = asdict(rung)
    if not rung.xml:
        del found["xml"]
    if rung.times == 1:
        del found["times"]
    return found


def _rung(found: Mapping[str, Any]) -> Rung:
    rung = Rung(**found)
    _check((rung.kind in _KINDS, rung.way in _WAYS))
    _check((isinstance(rung.text, str), isinstance(rung.xml, str)))
    _check((isinstance(rung.at, int | float), isinstance(rung.times, int)))
    return rung


def _quality(found: Mapping[str, Mapping[str, Iterable[Any]]]) -> dict[str, Quality]:
    quality: dict[str, Quality] = {
        kind: {name: tuple(column) for name, column in columns.items()}
        for kind, columns in found.items()
    }
    for columns in quality.values():
        _check((set(columns) >= {"at", *QUALITY}, len({len(one) for one in columns.values()}) == 1))
        _check(isinstance(one, int | float | None) for column in columns.values() for one in column)
    return quality


def _check(facts: Iterable[bool]) -> None:
    if not all(facts):
        raise TypeError("a field is not what it should be")

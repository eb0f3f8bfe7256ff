"""The call detail record: what ``calls.jsonl`` holds of each call of each account."""

import dataclasses
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from ...jingle import Reason
from ..runtime.message import message
from .recording_outcome import Recorded

#: The form of a line. It grows by one when a field changes its meaning or goes.
VERSION = 2

State = Literal["completed", "missed", "declined", "busy", "cancelled", "failed"]

#: What the record of a call says that was going on when the program died.
KILLED = "the program was killed, or the machine went down, while the call went on"

#: Reasons (XEP-0166 §7.4) that mean that something went wrong.
FAILURES = frozenset(
    {
        Reason.CONNECTIVITY_ERROR,
        Reason.FAILED_APPLICATION,
        Reason.FAILED_TRANSPORT,
        Reason.GENERAL_ERROR,
        Reason.INCOMPATIBLE_PARAMETERS,
        Reason.MEDIA_ERROR,
        Reason.SECURITY_ERROR,
        Reason.UNSUPPORTED_APPLICATIONS,
        Reason.UNSUPPORTED_TRANSPORTS,
    }
)

#: What a call that never connected is called where the reason alone decides it.
UNCONNECTED: dict[Reason, State] = {
    Reason.BUSY: "busy",
    Reason.DECLINE: "declined",
    Reason.TIMEOUT: "missed",
    Reason.EXPIRED: "cancelled",
}

#: What would end a line for some readers, or act on a terminal, or can't be written as UTF-8.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TIMES = ("started", "ringing", "answered", "connected", "ended")


@message
class RecordedFreeze:
    """A time in which the peer's media stood still.

    Attributes:
        kind: audio or video.
        at: when it began, in seconds after the call began.
        seconds: how long it lasted.
    """

    kind: Literal["audio", "video"]
    at: float
    seconds: float


@message
class Listener:
    """A person at a page who heard the call, or talked in it.

    Attributes:
        name: who it was.
        part: what it did: ``received`` and ``sent`` heard that direction, ``join`` was heard beside
            the bot, ``take-over`` in its place, ``snapshot`` took pictures of what the peer shows.
        at: when it began, in seconds after the call began.
        seconds: how long it lasted; None while it goes on.
        role: what allowed it.
    """

    name: str
    part: Literal["received", "sent", "join", "take-over", "snapshot"]
    at: float
    seconds: float | None = None
    role: str = ""


@message
class OtherCall:
    """A call, as the record of another one names it.

    Attributes:
        uuid: of its record.
        id: its session id.
        account: the account that has it.
        peer: its peer's JID.
    """

    uuid: str
    id: str
    account: str
    peer: str


@message
class RecordedBridge(OtherCall):
    """A time in which the peer, and that of another call, heard and saw each other.

    Attributes:
        at: when it began, in seconds after the call began.
        seconds: how long it lasted; None while it goes on.
    """

    at: float
    seconds: float | None = None


@message
class CallRecord:
    """One call as one account saw it.

    Attributes:
        id: the session id. Whoever calls chooses it, so it may come twice.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        state: what became of it.
        reason: why it ended (XEP-0166 §7.4).
        text: a sentence about it, or "".
        started, ringing, answered, connected, ended: seconds since the epoch; None: it never was.
        steps: step → seconds since the call began, for each step that was taken.
        media: by kind, what `media.MediaStatistics` has.
        recordings: in the order in which they began.
        freezes: when the peer's media stood still.
        listeners: who listened, joined or took over at a page.
        bridges: with which calls it was bridged.
        digits: the keys that the peer pressed; None, unless ``calls.keep_digits`` is on.
        uuid: names this record and no other one; made here.
    """

    id: str
    account: str
    peer: str
    direction: Literal["in", "out"]
    state: State
    reason: Reason
    started: float
    ended: float
    text: str = ""
    ringing: float | None = None
    answered: float | None = None
    connected: float | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    media: tuple[Mapping[str, Any], ...] = ()
    recordings: tuple[Recorded, ...] = ()
    freezes: tuple[RecordedFreeze, ...] = ()
    listeners: tuple[Listener, ...] = ()
    bridges: tuple[RecordedBridge, ...] = ()
    digits: str | None = None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def refused(cls, sid: str, account: str, peer: str, reason: Reason, text: str) -> "CallRecord":
        """Return the record of an incoming call that the account's policy did not take."""
        at = time.time()
        return cls(
            id=sid,
            account=account,
            peer=peer,
            direction="in",
            state=outcome(reason, direction="in", ours=True, answered=False, connected=False),
            reason=reason,
            text=text,
            started=at,
            ended=at,
        )

    @classmethod
    def from_json(cls, line: str) -> "CallRecord":
        """Read a line of ``calls.jsonl``, of this version or an older one.

        Args:
            line: one line.

        Raises:
            ValueError: it is no detail record, or one of a newer version.
        """
        try:
            fields = json.loads(line)
            version = fields.get("version", 1)
            is_newer = version > VERSION
            for older in range(version, VERSION):
                fields = _UPGRADES[older](fields)
            times = {name: _seconds(fields[name]) for name in _TIMES}
            if not is_newer:
                return _adapter().validate_python({**fields, **times})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"no detail record: {where}: {first['msg']}") from None
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"no detail record: {error!r}") from None
        raise ValueError(
            f"a detail record of version {version}; this Callboard reads versions up to {VERSION}: "
            "update Callboard"
        )

    @property
    def why(self) -> str:
        """The reason, with the sentence where there is one."""
        return f"{self.reason}: {self.text}" if self.text else str(self.reason)

    @property
    def seconds(self) -> float:
        """How long media flowed; 0 if the call was never connected."""
        return 0.0 if self.connected is None else round(self.ended - self.connected, 3)

    @property
    def setup_ms(self) -> float | None:
        """Milliseconds from the beginning to connected media."""
        return None if self.connected is None else round((self.connected - self.started) * 1000, 1)

    def to_json(self) -> str:
        """Return the record as one line of JSON, times in ISO 8601 UTC."""
        line = json.dumps(
            {
                "version": VERSION,
                "uuid": self.uuid,
                "id": self.id,
                "account": self.account,
                "peer": self.peer,
                "direction": self.direction,
                "state": self.state,
                "reason": self.reason,
                "text": self.text,
                **{name: _iso(getattr(self, name)) for name in _TIMES},
                "setup_ms": self.setup_ms,
                "steps": {step: round(at, 3) for step, at in self.steps.items()},
                "media": [dict(one) for one in self.media],
                "recordings": [dataclasses.asdict(one) for one in self.recordings],
                "freezes": [dataclasses.asdict(one) for one in self.freezes],
                "listeners": [dataclasses.asdict(one) for one in self.listeners],
                "bridges": [dataclasses.asdict(one) for one in self.bridges],
                "digits": self.digits,
            },
            ensure_ascii=False,
        )
        return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def outcome(
    reason: Reason,
    *,
    direction: Literal["in", "out"],
    ours: bool,
    answered: bool,
    connected: bool,
) -> State:
    """Say in one word what became of a call.

    Args:
        reason: why it ended.
        direction: who called.
        ours: whether we ended it.
        answered: whether the callee took it.
        connected: whether media could flow.
    """
    if reason in FAILURES:
        return "failed"
    if connected:
        return "completed"
    if reason in UNCONNECTED:
        return UNCONNECTED[reason]
    if answered or (direction == "out" and ours):
        return "cancelled"
    return "declined" if (direction == "in") == ours else "missed"


@cache
def _adapter() -> TypeAdapter[CallRecord]:
    return TypeAdapter(CallRecord)


def _from_version_1(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 had one recording, no steps, and the reason and its sentence in one field."""
    words, _, failure = fields["reason"].partition("; no whole recording: ")
    reason, _, text = words.partition(": ")
    recording = fields.get("recording")
    recordings = []
    if recording is not None or failure:
        found = recording or {"path": None, "seconds": 0.0, "bytes": 0}
        recordings = [Recorded.of(found["path"], found["seconds"], found["bytes"], failure or None)]
    identity = f"{fields['account']} {fields['id']} {fields['started']}"
    return {
        **fields,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
        "reason": reason,
        "text": text,
        "recordings": recordings,
    }


#: What makes a line of the next version of one of this version.
_UPGRADES: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_version_1}


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")

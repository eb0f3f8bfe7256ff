"""The states of a call, what moves it between them, and how long each may last.

Only tables live here, and what reads them. A state is where the call stands between us and the
peer; the session within it has states of its own (`jingle.session.state`). `diagram` draws the
picture in the docs from the table.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from ...jingle import Reason

Phase = Literal["proposed", "ringing", "connecting", "connected", "ended"]
Setting = Literal["ring_timeout", "max_duration"]


class CallState(StrEnum):
    """Where a call stands."""

    #: It is there, and nobody knows yet.
    NEW = "new"
    #: We called, and no device rings yet.
    CALLING = "calling"
    #: We called, and a device of the peer's rings.
    ALERTING = "alerting"
    #: The peer has taken our call by message (XEP-0353), and our offer is not made yet.
    DESCRIBING = "describing"
    #: The peer has taken our call by message, and has our offer.
    OFFERED = "offered"
    #: The peer called, and our bot has not taken it.
    RINGING = "ringing"
    #: We have taken the peer's call, and wait for its offer.
    AWAITING = "awaiting"
    #: Our answer is being made.
    ANSWERING = "answering"
    #: Both descriptions are known: ICE and DTLS are under way.
    CONNECTING = "connecting"
    #: Media can flow.
    CONNECTED = "connected"
    #: The peer has closed the media, and its goodbye is to come.
    LEAVING = "leaving"
    #: It is over: the recording is being finished, and the connection closed.
    CLOSING = "closing"
    #: It is recorded. Its bot may go on for a while.
    ENDED = "ended"


class CallEvent(StrEnum):
    """What moves a call to another state."""

    CALL = "we call"
    RING = "we ring"
    RINGS = "the peer rings"
    TAKEN = "the peer takes the call"
    OFFER_SENT = "our offer is sent"
    ACCEPTED = "the peer accepts"
    PROCEED = "we take the call"
    ANSWER = "we answer the offer"
    ANSWER_SENT = "our answer is sent"
    CONNECTED = "media connects"
    PEER_CLOSED = "the peer closes the media"
    OVER = "it is over"
    RECORDED = "it is recorded"


class Stage(Struct, frozen=True):
    """What happens in a state.

    Attributes:
        on: the state that follows each event; what is not there changes nothing.
        phase: what is reported; None: that of the state before.
        deadline: the seconds that it may last, or which of the account's `calls` settings has them;
            that one may be None, for as long as anybody likes. One setting is one clock: it goes on
            from a state to the next that has it too. None: the state is left at once.
        reason: why the call ends when it lasts longer.
        text: a sentence about that.
    """

    on: Mapping[CallEvent, CallState]
    phase: Phase | None
    deadline: float | Setting | None
    reason: Reason = Reason.TIMEOUT
    text: str = ""


_S, _E = CallState, CallEvent
_OVER = {_E.OVER: _S.CLOSING}

STAGES: Mapping[CallState, Stage] = {
    _S.NEW: Stage({_E.CALL: _S.CALLING, _E.RING: _S.RINGING, **_OVER}, "proposed", None),
    _S.CALLING: Stage(
        {
            _E.RINGS: _S.ALERTING,
            _E.TAKEN: _S.DESCRIBING,
            _E.ACCEPTED: _S.CONNECTING,
            **_OVER,
        },
        "proposed",
        "ring_timeout",
        text="nobody answered",
    ),
    _S.ALERTING: Stage(
        {_E.TAKEN: _S.DESCRIBING, _E.ACCEPTED: _S.CONNECTING, **_OVER},
        "ringing",
        "ring_timeout",
        text="nobody answered",
    ),
    _S.DESCRIBING: Stage(
        {_E.OFFER_SENT: _S.OFFERED, **_OVER},
        "connecting",
        25.0,
        Reason.FAILED_APPLICATION,
        "the offer could not be made in time",
    ),
    _S.OFFERED: Stage(
        {_E.ACCEPTED: _S.CONNECTING, **_OVER},
        "connecting",
        30.0,
        text="the session-accept did not come",
    ),
    _S.RINGING: Stage(
        {_E.PROCEED: _S.AWAITING, _E.ANSWER: _S.ANSWERING, **_OVER},
        "ringing",
        "ring_timeout",
        text="nobody answered",
    ),
    _S.AWAITING: Stage(
        {_E.ANSWER: _S.ANSWERING, **_OVER},
        "connecting",
        30.0,
        text="the session-initiate did not come",
    ),
    _S.ANSWERING: Stage(
        {_E.ANSWER_SENT: _S.CONNECTING, **_OVER},
        "connecting",
        25.0,
        Reason.FAILED_APPLICATION,
        "the answer could not be made in time",
    ),
    _S.CONNECTING: Stage(
        {_E.CONNECTED: _S.CONNECTED, _E.PEER_CLOSED: _S.LEAVING, **_OVER},
        "connecting",
        60.0,
        Reason.CONNECTIVITY_ERROR,
        "media did not connect in time",
    ),
    _S.CONNECTED: Stage(
        {_E.PEER_CLOSED: _S.LEAVING, **_OVER},
        "connected",
        "max_duration",
        Reason.SUCCESS,
        "calls.max_duration is over",
    ),
    _S.LEAVING: Stage(_OVER, None, 3.0, Reason.GONE, "the peer closed the media and said nothing"),
    _S.CLOSING: Stage({_E.RECORDED: _S.ENDED}, "ended", 15.0),
    _S.ENDED: Stage({}, "ended", 10.0),
}

#: The states in which both sides know each other's description.
DESCRIBED = frozenset({_S.CONNECTING, _S.CONNECTED, _S.LEAVING})
#: The states in which one side has taken the call, and there is no offer yet.
UNDESCRIBED = frozenset({_S.DESCRIBING, _S.AWAITING})
#: The states in which a call does nothing more for its bot.
TOO_LATE = frozenset({_S.LEAVING, _S.CLOSING, _S.ENDED})
#: The states in which a call is over.
OVER = frozenset({_S.CLOSING, _S.ENDED})

#: Seconds that the peer has, within a state: to answer what we add, or our restart of ICE, and to
#: send what its offer still lacks once the call is answered.
ANSWERS: Mapping[Literal["add", "restart", "parts"], float] = {
    "add": 30.0,
    "restart": 30.0,
    "parts": 5.0,
}

#: Turns of the loop in which a bot takes a call at once: its answer needs seven until it is said.
AT_ONCE = 8


def diagram() -> str:
    """Return the table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for state, stage in STAGES.items():
        limit = f"calls.{stage.deadline}" if isinstance(stage.deadline, str) else ""
        limit = f"{stage.deadline:g} s" if isinstance(stage.deadline, float) else limit
        lines.append(f"    {state.name}: {state.name} ({limit})" if limit else f"    {state.name}")
    lines.append(f"    [*] --> {_S.NEW.name}")
    for state, stage in STAGES.items():
        lines += [f"    {state.name} --> {to.name}: {event}" for event, to in stage.on.items()]
    lines.append(f"    {_S.ENDED.name} --> [*]")
    return "\n".join(lines) + "\n"

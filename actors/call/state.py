"""The states of a call: what may follow each, and how long each may last.

Only tables live here, and what reads them. A state is where the call stands between us and the
peer; the session within it has states of its own (`jingle.state`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ...jingle import Reason


class CallState(StrEnum):
    """Where a call stands."""

    #: We called, and nobody has taken it.
    CALLING = "calling"
    #: The peer has taken it by message (XEP-0353), and our offer is not made yet.
    DESCRIBING = "describing"
    #: The peer has taken it by message, and has our offer.
    OFFERED = "offered"
    #: The peer called, and our bot has not taken it.
    RINGING = "ringing"
    #: We have taken it by message, and wait for the offer.
    AWAITING = "awaiting"
    #: Our answer is being made.
    ANSWERING = "answering"
    #: Both descriptions are known: ICE and DTLS are under way.
    CONNECTING = "connecting"
    #: Media can flow.
    CONNECTED = "connected"
    #: The peer has closed the media, and its goodbye is to come.
    LEAVING = "leaving"
    #: It is over: the recording is finished and the connection closed.
    CLOSING = "closing"
    #: It is recorded; its bot may go on for a while.
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a state leads to.

    Attributes:
        next: the states that may follow.
        deadline: the seconds that it may last, or which of the account's `calls` settings has them;
            that one may be None, for as long as anybody likes.
        reason: why the call ends when it lasts longer.
        text: a sentence about that.
    """

    next: frozenset[CallState]
    deadline: float | Literal["ring_timeout", "max_duration"]
    reason: Reason = Reason.TIMEOUT
    text: str = ""


_S = CallState
_OVER = {_S.CLOSING}

STAGES: Mapping[CallState, Stage] = {
    _S.CALLING: Stage(
        frozenset({_S.DESCRIBING, _S.CONNECTING, *_OVER}),
        "ring_timeout",
        text="nobody answered",
    ),
    _S.DESCRIBING: Stage(
        frozenset({_S.OFFERED, *_OVER}),
        25.0,
        Reason.FAILED_APPLICATION,
        "the offer could not be made in time",
    ),
    _S.OFFERED: Stage(
        frozenset({_S.CONNECTING, *_OVER}), 30.0, text="the session-accept did not come"
    ),
    _S.RINGING: Stage(
        frozenset({_S.AWAITING, _S.ANSWERING, *_OVER}), "ring_timeout", text="nobody answered"
    ),
    _S.AWAITING: Stage(
        frozenset({_S.ANSWERING, *_OVER}), 30.0, text="the session-initiate did not come"
    ),
    _S.ANSWERING: Stage(
        frozenset({_S.CONNECTING, _S.CONNECTED, *_OVER}),
        25.0,
        Reason.FAILED_APPLICATION,
        "the answer could not be made in time",
    ),
    _S.CONNECTING: Stage(
        frozenset({_S.CONNECTED, _S.LEAVING, *_OVER}),
        60.0,
        Reason.CONNECTIVITY_ERROR,
        "media did not connect in time",
    ),
    _S.CONNECTED: Stage(
        frozenset({_S.LEAVING, *_OVER}),
        "max_duration",
        Reason.SUCCESS,
        "calls.max_duration is over",
    ),
    _S.LEAVING: Stage(
        frozenset(_OVER), 3.0, Reason.GONE, "the peer closed the media and said nothing"
    ),
    _S.CLOSING: Stage(frozenset({_S.ENDED}), 15.0),
    _S.ENDED: Stage(frozenset(), 10.0),
}

#: Seconds that the peer has, within a state: to answer what we add, or our restart of ICE, and to
#: send what its offer still lacks once the call is answered.
ANSWERS: Mapping[Literal["add", "restart", "parts"], float] = {
    "add": 30.0,
    "restart": 30.0,
    "parts": 5.0,
}

"""What a call's peer connection tells."""

import logging

from ...jingle import Reason
from ...media import (
    AddressLost,
    Closed,
    Connected,
    DataOpened,
    DataReceived,
    Direction,
    FirstMedia,
    IceConnected,
    IceRenewed,
    MediaEvent,
    MediaFailed,
    PlaybackEnded,
    SourceError,
    VideoUnseen,
)
from ..messages.call import Tick
from .bot_requests import BotRequests
from .course import Underway
from .ice_restart import IceRestarts
from .shared_parts import SharedParts
from .state import CallEvent

log = logging.getLogger(__name__)

#: Seconds between two looks at how a call goes.
TICK = 1.0


class MediaEvents:
    """Draws what follows for the call from what its peer connection tells.

    Args:
        parts: the call's.
        requests: records, if that was asked for.
        restarts: restarts ICE.
    """

    def __init__(self, parts: SharedParts, requests: BotRequests, restarts: IceRestarts) -> None:
        self._parts = parts
        self._requests = requests
        self._restarts = restarts

    def hear(self, event: MediaEvent) -> None:
        """Go on with an event."""
        parts = self._parts
        match event:
            case Connected():
                self._connected()
            case AddressLost(address=address) if parts.course.is_connected:
                words = "%s: %s is gone from this machine; ICE is restarted"
                log.warning(words, parts.owner, address)
                self._restarts.begin()
            case PlaybackEnded(kind=kind, failure=failure):
                error = None if failure is None else SourceError(failure)
                parts.waiters.settle(("play", kind), error)
            case MediaFailed(reason=reason, text=text):
                parts.closing.hang_up(Reason(reason), text, ours=True)
            case Closed(by_peer=True):
                parts.course.take(CallEvent.PEER_CLOSED)
            case VideoUnseen():
                words = "%s: video comes in, but no key frame from which it can be shown"
                log.warning(words, parts.owner)
                parts.leg.recorders.miss(Direction.RECEIVED)
            case _:
                self._hear_more(event)

    def _connected(self) -> None:
        parts = self._parts
        underway = parts.course.find(Underway)
        if underway is None or not parts.course.take(CallEvent.CONNECTED):
            return
        parts.progress.step("dtls")
        parts.progress.note()
        parts.waiters.connected.set(None)
        if underway.record:
            self._requests.start_recording(wav=underway.wav)
        parts.owner.after(TICK, Tick())

    def _hear_more(self, event: MediaEvent) -> None:
        match event:
            case DataOpened():
                self._parts.progress.step("data")
                self._parts.leg.data_opened()
            case DataReceived(data=data):
                received = self._parts.bot.data(self._parts.owner.actor_ref, data)
                self._parts.runner.run(received)
            case IceConnected():
                self._parts.progress.step("ice")
            case IceRenewed():
                self._parts.progress.step("ice-restart")
            case FirstMedia(kind=kind):
                self._parts.progress.step(f"first-{kind}")

"""What a call's peer connection tells."""

import logging

from ...jingle import Reason
from ...media import (
    AddressLost,
    Closed,
    Connected,
    DataOpened,
    DataReceived,
    DigitBegan,
    Direction,
    FirstMedia,
    IceConnected,
    IceRenewed,
    MediaEvent,
    MediaFailed,
    PlaybackEnded,
    PlaybackStuck,
    VideoUnseen,
)
from ..messages.call import Tick
from .course import Underway
from .data_channel import DataChannel
from .digits import Digits
from .ice_restart import IceRestarts
from .media_rungs import rung_of
from .playing import Playing
from .recordings import Recordings
from .shared_parts import SharedParts
from .state import CallEvent

log = logging.getLogger(__name__)

#: Seconds between two looks at how a call goes.
TICK = 1.0


class MediaEvents:
    """Draws what follows for the call from what its peer connection tells.

    Args:
        parts: the call's.
        playing: is told when a source has ended.
        recordings: records, if that was asked for.
        data: is told when the data channel is open.
        digits: is told of the keys that the peer presses.
        restarts: restarts ICE.
    """

    def __init__(
        self,
        parts: SharedParts,
        *,
        playing: Playing,
        recordings: Recordings,
        data: DataChannel,
        digits: Digits,
        restarts: IceRestarts,
    ) -> None:
        self._parts = parts
        self._playing = playing
        self._recordings = recordings
        self._data = data
        self._digits = digits
        self._restarts = restarts

    def hear(self, event: MediaEvent, at: float) -> None:
        """Go on with an event.

        Args:
            event: what happened.
            at: when, on `time.monotonic`'s clock.
        """
        parts = self._parts
        rung = rung_of(event)
        if rung is not None:
            parts.trace.note(*rung, at=at)
        match event:
            case Connected():
                self._connected(at)
            case AddressLost(address=address) if parts.course.is_connected:
                words = "%s: %s is gone from this machine; ICE is restarted"
                log.warning(words, parts.owner, address)
                self._restarts.begin()
            case PlaybackEnded():
                self._playing.ended(event)
            case MediaFailed(reason=reason, text=text):
                parts.progress.failure = event
                parts.closing.hang_up(Reason(reason), text, ours=True)
            case Closed(by_peer=True):
                parts.course.take(CallEvent.PEER_CLOSED)
            case VideoUnseen():
                words = "%s: video comes in, but no key frame from which it can be shown"
                log.warning(words, parts.owner)
                parts.leg.recorders.miss(Direction.RECEIVED)
            case _:
                self._hear_more(event, at)

    def _connected(self, at: float) -> None:
        parts = self._parts
        underway = parts.course.find(Underway)
        if underway is None or not parts.course.take(CallEvent.CONNECTED):
            return
        parts.progress.step("dtls", at)
        parts.progress.note_soon()
        parts.waiters.connected.set(None)
        if underway.record:
            self._recordings.start(wav=underway.wav)
        parts.owner.after(TICK, Tick())

    def _hear_more(self, event: MediaEvent, at: float) -> None:
        match event:
            case DigitBegan():
                self._digits.heard(event)
            case PlaybackStuck():
                self._playing.stuck(event)
            case DataOpened():
                self._parts.progress.step("data", at)
                self._data.opened()
            case DataReceived(data=data):
                received = self._parts.bot.data(self._parts.owner.actor_ref, data)
                self._parts.runner.run(received)
            case IceConnected():
                self._parts.progress.step("ice", at)
            case IceRenewed():
                self._parts.progress.step("ice-restart", at)
            case FirstMedia(kind=kind):
                self._parts.progress.step(f"first-{kind}", at)

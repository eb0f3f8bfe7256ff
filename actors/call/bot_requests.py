"""What a bot may ask of its call while it goes on."""

from collections.abc import AsyncIterator
from typing import Any

from ...jingle import Info
from ..messages.call import (
    AddMedia,
    CallOver,
    Hold,
    Listen,
    Mute,
    Pause,
    Play,
    Record,
    RemoveMedia,
    RestartIce,
    SendData,
)
from ..runtime.future import AsyncioFuture
from .content_changes import ContentChanges
from .course import CallingIn, CallingOut
from .ice_restart import IceRestarts
from .shared_parts import SharedParts
from .state import TOO_LATE, CallState

#: What is done at once; the peer may be told of it.
Immediate = Play | SendData | Mute | Hold | Listen | Record
#: What is negotiated with the peer.
Negotiable = AddMedia | RemoveMedia | Pause | RestartIce


class BotRequests:
    """Does what a bot asks for; answering and hanging up are done elsewhere.

    Args:
        parts: the call's.
        contents: changes its contents.
        restarts: restarts ICE.
    """

    def __init__(self, parts: SharedParts, contents: ContentChanges, restarts: IceRestarts) -> None:
        self._parts = parts
        self._contents = contents
        self._restarts = restarts

    def do(self, message: Immediate) -> AsyncioFuture[None] | AsyncIterator[Any] | None:
        """Do at once what a bot asks for.

        Raises:
            CallOver: the call is over, or its media are closed.
            ValueError: the call has nothing of what it is about.
        """
        self._check_time()
        match message:
            case Play():
                return self._play(message)
            case Listen(kind):
                return self._parts.leg.connection.media.frames(kind)
            case SendData():
                self._send_data(message)
            case Mute(kind, on):
                self._parts.leg.connection.media.mute(kind, on)
                self._parts.signalling.inform(Info.MUTE if on else Info.UNMUTE, kind)
            case Hold(on):
                self._parts.leg.hold(on)
                self._parts.signalling.inform(Info.HOLD if on else Info.UNHOLD)
            case Record(on=True, wav=wav):
                self.start_recording(wav=wav)
            case Record():
                self._parts.owner.spawn(self._parts.leg.recorders.stop())
        return None

    def change(self, message: Negotiable) -> AsyncioFuture[None] | None:
        """Negotiate what a bot asks for.

        Returns:
            A future that is done when the peer goes along; None: nobody need wait for it.

        Raises:
            CallOver: the call is over or not connected, or it is being changed already.
            ValueError: the call has nothing of what it is about.
        """
        self._check_time()
        match message:
            case AddMedia():
                return self._contents.add(message)
            case RemoveMedia():
                return self._contents.remove(message)
            case Pause():
                return self._contents.pause(message)
            case RestartIce():
                self._restarts.begin()
        return None

    def _check_time(self) -> None:
        if self._parts.course.state in TOO_LATE:
            raise CallOver("the call is over")

    def _play(self, message: Play) -> AsyncioFuture[None]:
        self._parts.leg.connection.media.play(message.kind, message.source)
        future = self._parts.waiters.add(("play", message.kind))
        if message.source.repeats:
            self._parts.waiters.settle(("play", message.kind))
        return future

    def _send_data(self, message: SendData) -> None:
        if not self._has_data():
            raise ValueError("the call has no data channel: the caller asks for one, as data=True")
        self._parts.leg.send(message.data)

    def _has_data(self) -> bool:
        """Whether there is a data channel, or may be one yet (XEP-0343)."""
        course = self._parts.course
        calling, ringing = course.find(CallingOut), course.find(CallingIn)
        if calling is not None:
            return calling.order.data
        if course.state is CallState.AWAITING or (ringing is not None and ringing.offer is None):
            return True
        return "application" in self._parts.signalling.kinds

    def start_recording(self, *, wav: bool) -> None:
        """Begin to record; video may come later, where the account's policy lets it."""
        policy = self._parts.context.settings.calls
        video = "video" in self._parts.progress.media or policy.video
        self._parts.leg.record(video=video, wav=wav)

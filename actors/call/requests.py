"""What a bot may ask of its call while it goes on."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ...jingle import Info, Initiated
from ..messages.account import PlaceCall
from ..messages.call import (
    AddMedia,
    CallOver,
    Darkened,
    GetStatus,
    Hold,
    Listen,
    Mute,
    Pause,
    Play,
    Record,
    RemoveMedia,
    RestartIce,
    SendData,
    Wait,
)
from ..messages.exchange import CallStatus
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .closing import CallClosing
from .renegotiation import Renegotiation
from .state import CallState

M = TypeVar("M")
R = TypeVar("R")

#: What a call does no more for its bot.
TOO_LATE = {CallState.LEAVING, CallState.CLOSING, CallState.ENDED}


def in_time(handler: Callable[[Any, M], R]) -> Callable[[Any, M], R]:
    """Let a handler raise `CallOver` once the call is over, or its media are closed."""

    @wraps(handler)
    def handle(call: "CallRequests", message: M) -> R:
        if call._course.state in TOO_LATE:  # noqa: SLF001 - a method of the same class
            raise CallOver("the call is over")
        return handler(call, message)

    return handle


class CallRequests(CallClosing):
    """The part of a call that does what its bot asks for; answering and hanging up are `Call`'s."""

    _changes: Renegotiation
    _offer: Initiated | None
    _order: PlaceCall | None

    # -- what is sent ------------------------------------------------------------------------------

    @handles(Play)
    @in_time
    def _play(self, message: Play) -> AsyncioFuture[None]:
        self._leg.play(message.kind, message.source)
        return self._promises.played(message.kind, endless=message.source.repeats)

    @handles(SendData)
    @in_time
    def _send_data(self, message: SendData) -> None:
        if not self._has_data():
            raise ValueError("the call has no data channel: the caller asks for one, as data=True")
        self._leg.send(message.data)

    def _has_data(self) -> bool:
        """Whether there is a data channel, or may be one yet (XEP-0343)."""
        if self._offer is not None or self._progress.has("accept"):
            return "application" in self._signalling.kinds
        return self._order is None or self._order.data

    @handles(Mute)
    @in_time
    def _mute(self, message: Mute) -> None:
        self._leg.mute(message.kind, message.on)
        self._signalling.inform(Info.MUTE if message.on else Info.UNMUTE, message.kind)

    @handles(Hold)
    @in_time
    def _hold(self, message: Hold) -> None:
        self._leg.hold(message.on)
        self._signalling.inform(Info.HOLD if message.on else Info.UNHOLD)

    # -- what is negotiated anew -------------------------------------------------------------------

    @handles(AddMedia)
    @in_time
    def _add_media(self, message: AddMedia) -> AsyncioFuture[None]:
        return self._changes.add(message)

    @handles(RemoveMedia)
    @in_time
    def _remove_media(self, message: RemoveMedia) -> AsyncioFuture[None]:
        return self._changes.remove(message)

    @handles(Darkened)
    def _darkened(self, message: Darkened) -> None:
        self._changes.darkened(message)

    @handles(Pause)
    @in_time
    def _pause(self, message: Pause) -> AsyncioFuture[None]:
        return self._changes.pause(message)

    @handles(RestartIce)
    @in_time
    def _restart_ice(self, _: RestartIce) -> None:
        self._changes.restart_ice()

    # -- what is received --------------------------------------------------------------------------

    @handles(Listen)
    @in_time
    def _listen(self, message: Listen) -> Any:
        return self._leg.frames(message.kind)

    @handles(Record)
    @in_time
    def _on_record(self, message: Record) -> None:
        if message.on:
            self._start_recording(wav=message.wav)
        else:
            self.spawn(self._leg.stop_recording())

    def _start_recording(self, *, wav: bool) -> None:
        if not self._progress.is_over:
            # Video may come later, where the policy lets it.
            video = "video" in self._progress.media or self._context.settings.calls.video
            self._leg.record(video=video, wav=wav)

    # -- how it goes -------------------------------------------------------------------------------

    @handles(GetStatus)
    def _get_status(self, _: GetStatus) -> CallStatus:
        return self._progress.status()

    @handles(Wait)
    def _wait(self, message: Wait) -> AsyncioFuture[Any]:
        if message.until == "connected":
            return self._promises.connected()
        return self._promises.ended()

"""Somebody who talks beside what a leg plays."""

import asyncio
import logging
from collections import deque
from functools import partial

from ..codecs.threads import CodecThreads
from ..frames.codec import CLOCK_RATES
from ..frames.frame import EncodedFrame
from ..rtc.connection_media import ConnectionMedia
from ..sources.pacer import Pacer, Ticket
from .inserted_leg import InsertedLeg
from .mix import BLOCK, RATE, Mixed
from .room_sound import Part, RoomSound

logger = logging.getLogger(__name__)


class JoinIn:
    """Mixes somebody's sound with what a leg plays, for its peer. Pictures stay the leg's."""

    MOST_WAITING = 10
    """Frames of each that wait to be mixed: 200 ms. Above that the oldest are dropped."""

    def __init__(self, origin: ConnectionMedia, target: ConnectionMedia) -> None:
        """Change nothing yet.

        Args:
            origin: Who talks.
            target: The leg.
        """
        self._origin = origin
        self._target = target
        self._said: deque[EncodedFrame] = deque(maxlen=self.MOST_WAITING)
        self._played: deque[EncodedFrame] = deque(maxlen=self.MOST_WAITING)
        self._leg = InsertedLeg(target, lambda: None, self._played.append)
        self._sound = RoomSound()
        self._is_mixing = False
        self._ticks = 0
        self._lane = CodecThreads.running().lane()
        self._ticket: Ticket | None = None

    def open(self) -> None:
        """Begin."""
        self._origin.received.receivers.append(self._hear)
        self._ticket = Pacer.running().start(self._step)

    def close(self) -> None:
        """Let the leg's peer have again what the leg plays, and nothing else."""
        self._origin.received.remove_receiver(self._hear)
        if self._ticket is not None:
            self._ticket.cancel()
        self._lane.close()
        self._leg.give_back()

    def _hear(self, frame: EncodedFrame) -> None:
        if frame.kind == "audio":
            self._said.append(frame)

    def _step(self, due: float) -> float:
        self._ticks += 1
        self._leg.claim("audio")
        codec = self._target.codec("audio")
        if codec is not None and not self._is_mixing:
            parts = [
                Part(who, tuple(waiting), None)
                for who, waiting in (("the leg", self._played), ("somebody", self._said))
            ]
            self._played.clear()
            self._said.clear()
            self._is_mixing = True
            mix = partial(self._sound.mix, parts, wanted=(codec,))
            self._lane.run(mix, partial(self._mixed, codec, self._ticks))
        return due + BLOCK / RATE

    def _mixed(self, codec: str, tick: int, mixed: Mixed | None, error: Exception | None) -> None:
        self._is_mixing = False
        if mixed is None:
            logger.error("Sound could not be mixed", exc_info=error)
            return
        rate, now = CLOCK_RATES[codec], asyncio.get_running_loop().time()
        data = mixed.shared[codec]
        self._leg.forward(EncodedFrame("audio", codec, data, tick * rate // 50, rate, now, True))

"""One call's media: its peer connection, and what is recorded of it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from ...jingle import CandidatesReceived
from ...media import (
    Direction,
    Directions,
    IceChecking,
    IceConnected,
    Kind,
    MediaError,
    MediaEvent,
    MediaStatistics,
    Network,
    PeerConnection,
    ReceivePath,
    Source,
)
from ..context import Context
from ..messages.call import CallActorMessage, Media, RecordingBegun
from ..messages.guest import Dismiss, GuestRef
from ..runtime.actor import AsyncioActor
from .mixes import Mixes
from .recorders import Recorders

log = logging.getLogger(__name__)

#: Seconds for which it is not told how far ICE has come, unless something else is.
QUIET = 0.03
#: Seconds that the recording may take to be finished, and the connection to be closed.
RECORDING_DEADLINE = 12.0
CONNECTION_DEADLINE = 10.0
KINDS: tuple[Kind, ...] = ("audio", "video")


class Leg:
    """One call's media.

    Args:
        owner: the call.
        context: what its account works with.
        path: the receive path that the bot wants for this call; None: the settings' own.
        network: the addresses, ports and servers that its sockets may use.
        name: what recordings are named after, besides the time.
        last_words: returns a sentence about the call's end, once it is known why.

    Attributes:
        recorders: the recordings.
        mixes: those of the rooms that it was in.
        guests: those who hear it at a page, or talk in it, by number.
    """

    def __init__(
        self,
        owner: AsyncioActor[CallActorMessage],
        context: Context,
        path: ReceivePath | None,
        network: Network,
        name: str,
        last_words: Callable[[], Awaitable[str]],
    ) -> None:
        self._owner = owner
        self.recorders = Recorders(context, name, owner.actor_ref)
        self.mixes = Mixes()
        self._connection: PeerConnection | None = None
        self._connect = partial(
            PeerConnection,
            network=network,
            path=path or context.path,
            on_event=self._heard,
            largest_picture=context.largest_picture,
            last_words=last_words,
        )
        self.guests: dict[int, GuestRef] = {}
        self._passed: list[Media] = []
        self._early: list[CandidatesReceived] | None = []

    @property
    def connection(self) -> PeerConnection:
        """The WebRTC stack, which is made when it is first needed: whoever calls us hears first."""
        return self._connection or self.begin()

    def begin(self) -> PeerConnection:
        """Make the WebRTC stack, before anything needs it."""
        self._connection = self._connect()
        self.recorders.listen(self._connection.media)
        return self._connection

    def statistics(self) -> tuple[MediaStatistics, ...]:
        """Return what the media count so far."""
        return () if self._connection is None else self._connection.media.statistics()

    def _heard(self, event: MediaEvent) -> None:
        """Tell the call what its media bring; how far ICE has come goes after what follows it."""
        message = Media(event, time.monotonic())
        if isinstance(event, IceChecking | IceConnected):
            if not self._passed:
                asyncio.get_running_loop().call_later(QUIET, self._tell_passed)
            self._passed.append(message)
            return
        self._tell_passed()
        self._owner.actor_ref.post(message)

    def _tell_passed(self) -> None:
        passed, self._passed = self._passed, []
        for message in passed:
            self._owner.actor_ref.post(message)

    # -- candidates --------------------------------------------------------------------------------

    def trickled(self, event: CandidatesReceived) -> None:
        """Take candidates of the peer's; they wait until its description is known."""
        if self._early is not None:
            self._early.append(event)
            return
        for candidate in event.candidates:
            self._owner.spawn(self._add_candidate(candidate.sdp_mid or "", candidate.to_sdp()))

    def remote_described(self) -> None:
        """The peer's description is known: candidates that waited go on."""
        early, self._early = self._early or [], None
        for event in early:
            self.trickled(event)

    async def _add_candidate(self, mid: str, candidate: str) -> None:
        try:
            await self.connection.add_candidate(mid, candidate)
        except MediaError as error:
            log.debug("%s: a candidate is of no use: %s", self._owner, error)

    # -- what is sent ------------------------------------------------------------------------------

    def sends(self, kind: Kind) -> bool:
        """Tell whether anything of a kind is sent, be it paused or muted."""
        return self.connection.media.playing(kind) is not None

    def hold(self, on: bool, music: Source | None = None) -> None:
        """Send music and black, or silence and black, on everything that is sent; or go on.

        Raises:
            ValueError: the music has no sound, or the call sends none.
        """
        media = self.connection.media
        if music is not None:
            media.hold("audio", on, music)
        for kind in KINDS:
            if self.sends(kind) and (music is None or kind != "audio"):
                media.hold(kind, on)

    # -- what is recorded --------------------------------------------------------------------------

    def record(self, directions: Directions, *, video: bool, wav: bool) -> RecordingBegun:
        """Begin another recording.

        Args:
            directions: what is recorded.
            video: whether video may come.
            wav: audio as WAV.

        Raises:
            ValueError: too many go on at once.
        """
        codecs: dict[Kind, str] = {}
        for direction in directions:
            codecs |= self.connection.media.codecs(direction)
        begun = self.recorders.start(directions, video=video, wav=wav, codecs=codecs)
        for direction in directions:
            self.get_keyframe(direction)
        return begun

    def get_keyframe(self, direction: Direction) -> None:
        """Send a key frame, or ask the peer for one until it comes."""
        if direction is Direction.SENT:
            self.connection.media.send_keyframe()
        else:
            self.connection.media.request_keyframe()

    # -- the end -----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Finish the recording, close the connection, part from guests; nothing is raised."""
        await asyncio.gather(
            self._in_time("the recording", self.recorders.finish(), RECORDING_DEADLINE),
            self._in_time("the room's recording", self.mixes.finish(), RECORDING_DEADLINE),
            self._in_time("the connection", self.connection.close(), CONNECTION_DEADLINE),
            self._in_time("a page", self._part_from_guests(), CONNECTION_DEADLINE),
        )

    async def _part_from_guests(self) -> None:
        guests = tuple(self.guests.values())
        for guest in guests:
            guest.post(Dismiss("the call is over"))
        for guest in guests:
            await guest.ended

    async def _in_time(self, what: str, work: Coroutine[Any, Any, None], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            log.error("%s: %s was not closed within %.0f s", self._owner, what, seconds)
        except Exception:
            log.exception("%s: %s could not be closed", self._owner, what)

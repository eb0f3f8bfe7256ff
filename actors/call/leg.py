"""One call's media: its peer connection, what is negotiated on it, and what is recorded of it."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from dataclasses import asdict
from functools import partial
from typing import Any

from ...jingle import CandidatesReceived, Reason
from ...media import (
    Direction,
    IncompatibleMediaError,
    Kind,
    MediaError,
    MediaEvent,
    MediaStatistics,
    Network,
    NetworkError,
    PeerConnection,
    ReceivePath,
    Source,
    shown,
)
from ..context import Context
from ..messages.call import Darkened, Media, Negotiated, NegotiationFailed, Purpose
from ..records.recorded import Recorded
from ..runtime.actor import AsyncioActor
from .recorder import Recorders

log = logging.getLogger(__name__)

#: What a peer is told when no socket could be opened, or no relay be found.
NO_NETWORK = "no network address can be used for the media of this call"
#: Seconds that an offer or answer may take to be made or taken, gathering included.
NEGOTIATION_DEADLINE = 20.0
#: Seconds that the recording may take to be finished, and the connection to be closed.
RECORDING_DEADLINE = 12.0
CONNECTION_DEADLINE = 10.0
#: Messages that may wait until a data channel is open.
MAX_UNSENT = 64
KINDS: tuple[Kind, ...] = ("audio", "video")
Work = Callable[[], Coroutine[Any, Any, Any]]


class Leg:
    """One call's media.

    Offers and answers take time, so they run in tasks of the call and come back to it as
    `Negotiated` or `NegotiationFailed`. One at a time: the next begins when `settled` is called.

    Args:
        owner: the call.
        context: what its account works with.
        path: the receive path that the bot wants for this call; None: the settings' own.
        network: the addresses, ports and servers that its sockets may use.
        name: what recordings are named after, besides the time.
    """

    def __init__(
        self,
        owner: AsyncioActor,
        context: Context,
        path: ReceivePath | None,
        network: Network,
        name: str,
    ) -> None:
        self._owner = owner
        self._account = network.account
        self._recorders = Recorders(context, name, owner.actor_ref)
        self._connection = PeerConnection(
            network=network,
            path=path or context.path,
            on_event=self._heard,
            largest_picture=context.largest_picture,
        )
        self._connection.media.add_sink(self._recorders.write)
        self._waiting: deque[tuple[Purpose, Work]] = deque()
        self._busy = False
        self._renewing = False
        self._unsent: list[str | bytes] | None = []
        self._early: list[CandidatesReceived] | None = []

    def _heard(self, event: MediaEvent) -> None:
        self._owner.actor_ref.post(Media(event))

    # -- negotiation -------------------------------------------------------------------------------

    def offer(self, audio: Source | None, video: Source | None, *, data: bool) -> None:
        """Make our first offer."""
        self._begin("offer", lambda: self._connection.offer(audio=audio, video=video, data=data))

    def answer(
        self,
        purpose: Purpose,
        offer: str,
        audio: Source | None,
        video: Source | None,
        refuse: Collection[Kind],
    ) -> None:
        """Take the peer's offer, the first or one with further contents, and make our answer."""
        self._begin(
            purpose,
            lambda: self._connection.answer(offer, audio=audio, video=video, refuse=refuse),
        )

    def accept(self, purpose: Purpose, answer: str) -> None:
        """Take the peer's answer."""
        work = partial(self._connection.accept, answer)
        if purpose == "add-accept":
            self._run(purpose, work)  # it belongs to the add that keeps the others waiting
        else:
            self._begin(purpose, work)

    def add(self, kind: Kind, source: Source) -> None:
        """Make an offer with one kind of media more."""
        audio, video = (source, None) if kind == "audio" else (None, source)
        self._begin("add", lambda: self._connection.offer_more(audio=audio, video=video))

    def withdraw(self, kinds: Collection[Kind]) -> None:
        """Stop with these kinds of media; the others go on."""
        self._begin("withdraw", lambda: self._connection.withdraw(kinds))

    def restart(self, description: str) -> None:
        """Follow the peer's ICE restart (RFC 8445 §9), or take its answer to ours."""
        purpose: Purpose = "renewed" if self._renewing else "restart"
        self._renewing = False
        self._begin(purpose, lambda: self._connection.restart_ice(description))

    def renew(self) -> None:
        """Restart ICE of our own accord."""
        self._renewing = True
        self._begin("renew", self._connection.renew_ice)

    def give_up_renewal(self) -> None:
        """Go on with the old addresses, as the peer has not answered."""
        self._renewing = False
        self._connection.give_up_restart()

    def restart_acknowledged(self) -> None:
        """The peer has got our new credentials and candidates."""
        self._connection.restart_acknowledged()

    def settled(self) -> None:
        """What was begun is done: the next may begin."""
        self._busy = False
        self._next()

    def _begin(self, purpose: Purpose, work: Work) -> None:
        self._waiting.append((purpose, work))
        self._next()

    def _next(self) -> None:
        if not self._busy and self._waiting:
            self._busy = True
            self._run(*self._waiting.popleft())

    def _run(self, purpose: Purpose, work: Work) -> None:
        def failed(error: Exception) -> NegotiationFailed:
            reason, text = Reason.FAILED_APPLICATION, shown(error, str) or shown(error)
            if isinstance(error, NetworkError):
                # What has to be changed here is for the operator to know, and for nobody else.
                log.warning("%s: %s", self._account, error)
                reason, text = Reason.CONNECTIVITY_ERROR, NO_NETWORK
            elif isinstance(error, IncompatibleMediaError):
                reason = Reason.INCOMPATIBLE_PARAMETERS
            elif not isinstance(error, MediaError):
                log.warning("%s: the negotiation failed", self._owner, exc_info=error)
            return NegotiationFailed(purpose, reason, text)

        self._owner.pipe(_bounded(work), lambda sdp: Negotiated(purpose, sdp), failed)

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
            await self._connection.add_candidate(mid, candidate)
        except MediaError as error:
            log.debug("%s: a candidate is of no use: %s", self._owner, error)

    # -- what is sent and heard --------------------------------------------------------------------

    def play(self, kind: Kind, source: Source) -> None:
        """Send another source from now on."""
        self._connection.media.play(kind, source)

    def mute(self, kind: Kind, on: bool) -> None:
        """Send silence or black, or go on."""
        self._connection.media.mute(kind, on)

    def darken(self, kind: Kind, done: Darkened) -> None:
        """Send silence or black of a kind; the call is told when some has gone out."""
        self._owner.pipe(self._connection.media.darken(kind), lambda _: done, lambda _: done)

    def sends(self, kind: Kind) -> bool:
        """Tell whether anything of a kind is sent, be it paused or muted."""
        return self._connection.media.playing(kind) is not None

    def pause(self, kind: Kind, on: bool) -> None:
        """Send nothing, or go on."""
        self._connection.media.pause(kind, on)

    def hold(self, on: bool) -> None:
        """Send silence and black on everything that is sent, or go on."""
        for kind in KINDS:
            if self.sends(kind):
                self._connection.media.mute(kind, on)

    def frames(self, kind: Kind) -> AsyncIterator[Any]:
        """Iterate over decoded frames."""
        return self._connection.media.frames(kind)

    def send(self, data: str | bytes) -> None:
        """Send text or octets on the data channel; some wait while it is being opened."""
        if self._unsent is None:
            self._connection.data.send(data)
        elif len(self._unsent) < MAX_UNSENT:
            self._unsent.append(data)
        else:
            raise ValueError("the data channel is not open yet, and enough waits for it already")

    def data_opened(self) -> None:
        """The data channel is open: what waited goes on."""
        unsent, self._unsent = self._unsent or [], None
        for data in unsent:
            self._connection.data.send(data)

    def statistics(self) -> tuple[MediaStatistics, ...]:
        """Return the counters by kind."""
        return self._connection.media.statistics()

    def freezes(self) -> list[tuple[float, float]]:
        """Return when received video stood still: how many seconds ago it began, and for how long.

        Only the last ones, a hundred at the most.
        """
        now = asyncio.get_running_loop().time()
        return [(now - one.at, one.seconds) for one in self._connection.media.freezes()]

    # -- what is recorded --------------------------------------------------------------------------

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """What became of each recording that has ended."""
        return self._recorders.recorded

    @property
    def recorded_so_far(self) -> tuple[Recorded, ...]:
        """What a kill would leave: recordings that have ended, and the one that goes on."""
        return self._recorders.so_far

    def placed(self, number: int, bases: tuple[str, ...]) -> None:
        """Take note of where the files of a recording go."""
        self._recorders.placed(number, bases)

    def record(self, *, video: bool, wav: bool) -> None:
        """Begin to record both directions, unless that is done already."""
        if self._recorders.start(video=video, wav=wav):
            for direction in Direction:
                self.get_keyframe(direction)

    def get_keyframe(self, direction: Direction) -> None:
        """Send a key frame, or ask the peer for one until it comes."""
        if direction is Direction.SENT:
            self._connection.media.send_keyframe()
        else:
            self._connection.media.request_keyframe()

    def unseen(self) -> None:
        """Nothing can be shown of the video that comes in: whoever records it is to say so."""
        self._recorders.miss(Direction.RECEIVED)

    def stop_recording(self, number: int | None = None) -> Coroutine[Any, Any, None]:
        """Stop the recording that goes on, or only a certain one; another may begin at once.

        Returns:
            What finishes its files.
        """
        return self._recorders.stop(number)

    async def close(self) -> None:
        """Finish the recording and close the connection, each in its time; nothing is raised."""
        await asyncio.gather(
            self._in_time("the recording", self._recorders.finish(), RECORDING_DEADLINE),
            self._in_time("the connection", self._connection.close(), CONNECTION_DEADLINE),
        )

    async def _in_time(self, what: str, work: Coroutine[Any, Any, None], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            log.error("%s: %s was not closed within %.0f s", self._owner, what, seconds)
        except Exception:
            log.exception("%s: %s could not be closed", self._owner, what)


async def _bounded(work: Work) -> Any:
    try:
        async with asyncio.timeout(NEGOTIATION_DEADLINE):
            return await work()
    except TimeoutError:
        words = f"the media were not negotiated within {NEGOTIATION_DEADLINE:.0f} s"
        raise MediaError(words) from None


def rounded(one: MediaStatistics) -> dict[str, Any]:
    """Return statistics as a record has them: two decimals are more than anybody measures."""
    fields = asdict(one)
    del fields["reordered"]  # no part of a record
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in fields.items()}

"""A bridge: two calls that hear and see each other."""

import asyncio
from contextlib import suppress
from enum import Enum, auto

from pykka import ActorDeadError

from ...jingle import Reason
from ...media import BridgeMedia, ConnectionMedia, MediaClosedError, Source
from ..messages.bridge import (
    BothReady,
    BridgeMessage,
    NotReady,
    PeerChanged,
    SideGone,
    Unanswered,
    WaitForBridge,
)
from ..messages.call import (
    Bridged,
    CallOver,
    CallRef,
    GetIdentity,
    Hangup,
    Join,
    Leave,
    PassOn,
    PeerState,
    Play,
    Wait,
)
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from .joined_call import GONE, HANDLED, until_over


class _Stage(Enum):
    WAITING = auto()
    """One of the calls is not connected yet."""
    OPEN = auto()
    OVER = auto()


class Bridge(AsyncioActor[BridgeMessage]):
    """Owns what ties two calls together. It ends with the first of them.

    It waits until both are connected. If the other one ends before that, the one goes on.

    Args:
        one: a call.
        other: another one, which may still ring.
        ends_both: whether, when one ends, the other is hung up too; before they hear each other,
            whether the other one is when nobody waits for it any more.
        meanwhile: what the one hears until the other is connected; None: what it plays.
        patience: seconds in which the other must be connected, else it is hung up; None: as long
            as it rings.
    """

    def __init__(
        self,
        one: CallRef,
        other: CallRef,
        *,
        ends_both: bool,
        meanwhile: Source | None = None,
        patience: float | None = None,
    ) -> None:
        super().__init__()
        self._calls = (one, other)
        self._ends_both = ends_both
        self._legs: dict[CallRef, ConnectionMedia] = {}
        self._meanwhile = meanwhile
        self._media: BridgeMedia | None = None
        self._opened: AsyncioFuture[None] = AsyncioFuture()
        self._patience = patience
        self._stage = _Stage.WAITING
        self._states: dict[CallRef, PeerState] = {}
        self._waited: asyncio.Future[None] | None = None

    def on_start(self) -> None:
        """Ask both for their media, and wait until they are connected."""
        self._waited = asyncio.get_running_loop().create_future()
        self.pipe(self._prepare(self._waited), lambda ready: ready, NotReady)
        for call in self._calls:
            self.spawn(self._watch(call))
        if self._patience is not None:
            self.after(self._patience, Unanswered())

    async def _prepare(self, waited: asyncio.Future[None]) -> BothReady:
        one, other = self._calls
        order = Join(self.actor_ref, tell_states=True)
        first = await one.request(order, timeout=HANDLED)
        second = await other.request(order, timeout=HANDLED)
        await (await one.request(Wait("connected"), timeout=HANDLED))
        connected = await other.request(Wait("connected"), timeout=HANDLED)
        if self._meanwhile is not None and not connected.done():
            await one.request(Play("audio", self._meanwhile, waited), timeout=HANDLED)
        await connected
        identity = GetIdentity()
        names = [await call.request(identity, timeout=HANDLED) for call in (other, one)]
        return BothReady((first, second), (names[0], names[1]))

    @handles(WaitForBridge)
    def _wait(self, _: WaitForBridge) -> AsyncioFuture[None]:
        return self._opened

    @handles(BothReady)
    def _ready(self, message: BothReady) -> None:
        if self._stage is not _Stage.WAITING:
            return
        try:
            self._media = BridgeMedia(*(joined.media for joined in message.media))
        except (MediaClosedError, ValueError) as error:
            self._not_ready(NotReady(error))
            return
        self._stage = _Stage.OPEN
        for call, joined, name in zip(self._calls, message.media, message.names, strict=True):
            self._legs[call] = joined.media
            call.post(Bridged(self.actor_ref, name))
            self._pass_on(call, self._states.get(call, joined.state))
        self._opened.set(None)

    @handles(NotReady)
    def _not_ready(self, message: NotReady) -> None:
        if self._stage is _Stage.WAITING and not isinstance(message.error, GONE):
            self._break_off(message.error)  # else it is told why when the call has ended

    @handles(Unanswered)
    def _unanswered(self, _: Unanswered) -> None:
        if self._stage is _Stage.WAITING:
            self.spawn(self._end_unanswered(self._calls[1]))

    async def _end_unanswered(self, other: CallRef) -> None:
        with suppress(ActorDeadError):
            connected = await other.request(Wait("connected"), timeout=HANDLED)
            if not connected.done():
                text = f"nobody answered within {self._patience:g} s"
                other.post(Hangup(Reason.TIMEOUT, text))

    @handles(PeerChanged)
    def _changed(self, message: PeerChanged) -> None:
        call, before = message.call, self._states.get(message.call, PeerState())
        if self._media is None:  # it is passed on when both are ready
            self._states[call] = message.state
            return
        self._pass_on(call, message.state)
        if before.held and not message.state.held:
            for leg in self._legs.values():
                self._media.refresh(leg)
        elif "video" in before.muted - message.state.muted:
            self._media.refresh(self._legs[call])

    def _pass_on(self, call: CallRef, state: PeerState) -> None:
        self._states[call] = state
        self._other(call).post(PassOn(self.actor_ref, state))

    @handles(SideGone)
    def _gone(self, message: SideGone) -> None:
        one, other = self._calls
        if self._stage is _Stage.OPEN and self._ends_both:
            self._other(message.call).post(Hangup())
        elif self._stage is _Stage.WAITING and self._ends_both and message.call == one:
            other.post(Hangup())
        self._break_off(CallOver(message.call.last_words))

    def _other(self, call: CallRef) -> CallRef:
        one, other = self._calls
        return other if call == one else one

    async def _watch(self, call: CallRef) -> None:
        await until_over(call)
        self.actor_ref.post(SideGone(call))

    def _break_off(self, error: Exception) -> None:
        self._stage = _Stage.OVER
        if not self._opened.done():
            self._opened.fail(error)
        self.stop()

    def on_end(self, error: BaseException | None) -> None:
        """Part the calls. If nobody waits any more for the other one, it need not ring."""
        del error
        if self._stage is _Stage.WAITING and self._ends_both:
            self._calls[1].post(Hangup())
        self._stage = _Stage.OVER
        if self._media is not None:
            self._media.close()
        if self._waited is not None and not self._waited.done():
            self._waited.set_result(None)
        for call in self._calls:
            call.post(Leave(self.actor_ref))
        if not self._opened.done():
            self._opened.fail(ValueError("the bridge was stopped before it was open"))

"""A bridge: two calls that hear and see each other."""

from ...media import BridgeMedia, ConnectionMedia, MediaClosedError
from ..messages.bridge import (
    BothJoined,
    BridgeMessage,
    NotJoined,
    PeerChanged,
    SideGone,
    WaitForBridge,
)
from ..messages.call import CallRef, Hangup, Join, JoinedMedia, Leave, PassOn, PeerState
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from .joined_call import HANDLED, settle_failed, until_over


class Bridge(AsyncioActor[BridgeMessage]):
    """Owns what ties two calls together. It ends with the first of them.

    Args:
        one: a call.
        other: another one.
        ends_both: whether, when one ends, the other is hung up too.
    """

    def __init__(self, one: CallRef, other: CallRef, *, ends_both: bool) -> None:
        super().__init__()
        self._calls = (one, other)
        self._ends_both = ends_both
        self._media: BridgeMedia | None = None
        self._opened: AsyncioFuture[None] = AsyncioFuture()
        self._legs: dict[CallRef, ConnectionMedia] = {}
        self._states: dict[CallRef, PeerState] = {}

    def on_start(self) -> None:
        """Ask both for their media."""
        self.pipe(self._join(), lambda both: BothJoined(*both), NotJoined)

    async def _join(self) -> tuple[JoinedMedia, JoinedMedia]:
        one, other = self._calls
        order = Join(self.actor_ref, tell_states=True)
        first = await one.request(order, timeout=HANDLED)
        return first, await other.request(order, timeout=HANDLED)

    @handles(WaitForBridge)
    def _wait(self, _: WaitForBridge) -> AsyncioFuture[None]:
        return self._opened

    @handles(BothJoined)
    def _joined(self, message: BothJoined) -> None:
        try:
            self._media = BridgeMedia(message.one.media, message.other.media)
        except (MediaClosedError, ValueError) as error:
            self._not_joined(NotJoined(error))
            return
        for call, joined in zip(self._calls, (message.one, message.other), strict=True):
            self._legs[call] = joined.media
            self._pass_on(call, self._states.get(call, joined.state))
            self.spawn(self._watch(call))
        self._opened.set(None)

    @handles(NotJoined)
    def _not_joined(self, message: NotJoined) -> None:
        settle_failed(self._opened, message.error)
        self.stop()

    @handles(PeerChanged)
    def _changed(self, message: PeerChanged) -> None:
        call, before = message.call, self._states.get(message.call, PeerState())
        if self._media is None:  # it is passed on when both have joined
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
        if self._ends_both:
            self._other(message.call).post(Hangup())
        self.stop()

    def _other(self, call: CallRef) -> CallRef:
        one, other = self._calls
        return other if call == one else one

    async def _watch(self, call: CallRef) -> None:
        await until_over(call)
        self.actor_ref.post(SideGone(call))

    def on_end(self, error: BaseException | None) -> None:
        """Part the calls."""
        del error
        if self._media is not None:
            self._media.close()
        for call in self._calls:
            call.post(Leave(self.actor_ref))
        if not self._opened.done():
            settle_failed(self._opened, ValueError("the bridge was stopped before it was open"))

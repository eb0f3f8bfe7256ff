"""A bridge: two calls that hear and see each other."""

from ...media import BridgeMedia, MediaClosedError
from ..messages.bridge import (
    BothJoined,
    BridgeMessage,
    NotJoined,
    PeerInforms,
    SideGone,
    WaitForBridge,
)
from ..messages.call import CallRef, Hangup, Join, JoinedMedia, Leave, PassOn
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

    def on_start(self) -> None:
        """Ask both for their media."""
        self.pipe(self._join(), lambda both: BothJoined(*both), NotJoined)

    async def _join(self) -> tuple[JoinedMedia, JoinedMedia]:
        one, other = self._calls
        order = Join(self.actor_ref, tell_infos=True)
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
        for call in self._calls:
            self.spawn(self._watch(call))
        self._opened.set(None)

    @handles(NotJoined)
    def _not_joined(self, message: NotJoined) -> None:
        settle_failed(self._opened, message.error)
        self.stop()

    @handles(PeerInforms)
    def _pass_on(self, message: PeerInforms) -> None:
        self._other(message.call).post(PassOn(message.info, message.kind))

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

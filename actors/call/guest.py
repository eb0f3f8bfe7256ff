"""The actor that owns one guest of a call: its peer connection with a page."""

from collections.abc import Callable
from typing import Protocol

from ...media import (
    Closed,
    Connected,
    ConnectionMedia,
    Direction,
    IncompatibleMediaError,
    JoinIn,
    Kind,
    MediaClosedError,
    MediaEvent,
    MediaFailed,
    Network,
    PeerConnection,
    ReceivePath,
    TakeOver,
    Tap,
    cut_to,
)
from ..messages.call import CallRef, GuestConnected, GuestKind
from ..messages.guest import (
    Answered,
    Dismiss,
    GuestMessage,
    Listened,
    NotAnswered,
    OtherCodec,
    PageMedia,
)
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from .leg import KINDS
from .too_late import TooLate

#: Seconds in which a page must be connected.
PATIENCE = 10.0
#: Seconds between two looks at what has come from somebody who talks, and those without anything
#: after which they are taken to be lost.
LOOK = 0.5
LOST = 4.0


class _Part(Protocol):
    """What a guest does in a call."""

    async def answer(self, page: PeerConnection, offer: str) -> str:
        """Answer the page's offer."""

    def open(self) -> None:
        """Begin: the page is connected."""

    def close(self) -> None:
        """End."""


class Guest(AsyncioActor[GuestMessage]):
    """Owns one guest's media, so that what goes wrong with it stays away from the call.

    To let the guest go, stop the actor.

    Args:
        call: told when the page is connected.
        number: which of the call's guests it is.
        too_late: says whose call it is.
        media: the call's audio and video.
        kind: what the guest does.
        offer: the page's offer, as SDP.
        network: the addresses and ports for the page.
        answer: settled with the answer.
        why: settled with a sentence about why it ends, before the page can notice that.
        over: settled with the same sentence, when nothing of it is left.
    """

    def __init__(
        self,
        call: CallRef,
        number: int,
        *,
        too_late: TooLate,
        media: ConnectionMedia,
        kind: GuestKind,
        offer: str,
        network: Network,
        answer: AsyncioFuture[str],
        why: AsyncioFuture[str],
        over: AsyncioFuture[str],
    ) -> None:
        super().__init__()
        self._answer = answer
        self._call = call
        self._kind = kind
        self._number = number
        self._offer = offer
        self._over = over
        self._told = why
        self._why = "it was ended"
        self._received = 0
        self._too_late = too_late
        self._silent = 0.0
        self._page = PeerConnection(
            network=network,
            path=ReceivePath.PACKETS if kind.talks else ReceivePath.NONE,
            on_event=self._heard,
            ice_deadline=PATIENCE,
        )
        self._part: _Part = (
            _Talking(self._page.media, media, kind)
            if kind.direction is None
            else _Listening(self._page.media, media, kind.direction, self._other_codec)
        )

    def on_start(self) -> None:
        """Answer the page."""
        self.pipe(self._part.answer(self._page, self._offer), Answered, NotAnswered)
        self.spawn(self._outlive())

    async def _outlive(self) -> None:
        """Leave also a call that has failed, and could say nothing."""
        await self._call.ended
        self.actor_ref.post(Dismiss("the call is over"))

    @handles(Dismiss)
    def _dismiss(self, message: Dismiss) -> None:
        self._leave(message.why)

    def _heard(self, event: MediaEvent) -> None:
        self.actor_ref.post(PageMedia(event))

    def _other_codec(self, kind: Kind, codec: str) -> None:
        self.actor_ref.post(OtherCodec(kind, codec))

    @handles(Answered)
    def _answered(self, message: Answered) -> None:
        self._answer.set(message.sdp)

    @handles(NotAnswered)
    def _not_answered(self, message: NotAnswered) -> None:
        error = message.error
        if isinstance(error, MediaClosedError):
            error = self._too_late.refusal("the session was ended before it had begun")
        self._answer.fail(error)
        self._leave("its offer could not be answered")

    @handles(PageMedia)
    def _media(self, message: PageMedia) -> None:
        match message.event:
            case Connected():
                self._connected()
            case MediaFailed(text=text):
                self._leave(f"the connection with the page failed: {text}")
            case Closed():
                self._leave("the page has left")

    def _connected(self) -> None:
        try:
            self._part.open()
        except MediaClosedError:
            self._leave("the call is over")
            return
        self._call.post(GuestConnected(self._number, tuple(self._page.media.by_kind)))
        if self._kind.talks:
            self.after(LOOK, Listened())

    @handles(Listened)
    def _listened(self, message: Listened) -> None:
        received = sum(one.received for one in self._page.media.statistics())
        self._silent = 0.0 if received > self._received else self._silent + LOOK
        self._received = received
        if self._silent >= LOST:
            self._leave(f"nothing has come from the page for {LOST:.0f} s")
        else:
            self.after(LOOK, message)

    @handles(OtherCodec)
    def _goes_on_otherwise(self, message: OtherCodec) -> None:
        self._leave(f"the call's {message.kind} goes on in {message.codec}: listen again")

    def _leave(self, why: str) -> None:
        self._why = why
        self.stop()

    async def on_end(self, error: BaseException | None) -> None:
        """Let the call go on without the guest, and close the connection with the page."""
        if error is not None:
            self._why = f"a fault of Callboard's own: {error!r}"
        self._told.set(self._why)
        self._part.close()
        if not self._answer.done():
            self._answer.fail(self._too_late.refusal(f"the session is over ({self._why})"))
        try:
            await self._page.close()
        finally:
            self._over.set(self._why)


class _Listening:
    """Hears and sees one direction of the call."""

    def __init__(
        self,
        page: ConnectionMedia,
        call: ConnectionMedia,
        direction: Direction,
        on_other_codec: Callable[[Kind, str], None],
    ) -> None:
        self._call = call
        self._direction = direction
        self._tap = Tap(call, direction, page, on_other_codec)

    async def answer(self, page: PeerConnection, offer: str) -> str:
        """Answer with the codecs that flow, and no others."""
        codecs = self._call.flowing(self._direction)
        if not codecs:
            raise IncompatibleMediaError(f"nothing is {self._direction} in this call for a page")
        try:
            answer = await page.answer(
                cut_to(offer, codecs),
                audio=self._tap.source() if "audio" in codecs else None,
                video=self._tap.source() if "video" in codecs else None,
            )
        except IncompatibleMediaError:
            has = " and ".join(codecs.values())
            raise IncompatibleMediaError(f"the call has {has}: offer to receive that") from None
        self._tap.prepare()
        return answer

    def open(self) -> None:
        """Begin to forward."""
        self._tap.open()

    def close(self) -> None:
        """Forward nothing more."""
        self._tap.close()


class _Talking:
    """Is heard by the call's peer."""

    def __init__(self, page: ConnectionMedia, call: ConnectionMedia, kind: GuestKind) -> None:
        self._call = call
        self._refuses: tuple[Kind, ...] = ("video",) if kind is GuestKind.JOIN else ()
        self._talk = JoinIn(page, call) if kind is GuestKind.JOIN else TakeOver(page, call)

    async def answer(self, page: PeerConnection, offer: str) -> str:
        """Answer with what the call sends before all else, as that need not be transcoded."""
        prefer = [codec for kind in KINDS if (codec := self._call.codec(kind)) is not None]
        return await page.answer(offer, audio=None, video=None, refuse=self._refuses, prefer=prefer)

    def open(self) -> None:
        """Begin to be heard."""
        self._talk.open()

    def close(self) -> None:
        """Let the bot be heard again."""
        self._talk.close()

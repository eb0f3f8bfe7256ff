"""A bridge, as a bot sees it: two calls that hear and see each other."""

from typing import TYPE_CHECKING, Literal, Self

from ..actors import messages
from ..media import Source

if TYPE_CHECKING:
    from ..actors.messages.bridge import BridgeRef
    from ..actors.messages.call import CallRef

OnHangup = Literal["both", "one"]


class Bridge:
    """Two calls that hear and see each other: what `Call.bridge` gives.

    It ends when it is stopped, or with the first of the calls.
    """

    def __init__(self, ref: "BridgeRef") -> None:
        """Make a handle; see `Call.bridge`.

        Args:
            ref: the bridge's actor.
        """
        self._ref = ref

    @classmethod
    async def of(
        cls,
        one: "CallRef",
        other: "CallRef",
        on_hangup: OnHangup,
        meanwhile: Source | None,
        patience: float | None,
    ) -> Self:
        """Join two calls, and return once they hear each other.

        Args:
            one: a call's actor.
            other: another one's.
            on_hangup: what happens when one ends: see `Call.bridge`.
            meanwhile: what the one hears until the other is connected; None: what it plays.
            patience: seconds in which the other must be connected; None: as long as it rings.

        Raises:
            CallOver: one is over.
            SourceError: what one should hear can't be played.
            ValueError: one is in a room or a bridge.
        """
        # The media stack comes with it.
        from ..actors.joining.bridge import Bridge as BridgeActor  # noqa: PLC0415
        from ..actors.joining.joined_call import HANDLED  # noqa: PLC0415

        both = on_hangup == "both"
        ref = BridgeActor.start(one, other, ends_both=both, meanwhile=meanwhile, patience=patience)
        try:
            await (await ref.request(messages.bridge.WaitForBridge(), timeout=HANDLED))
        except BaseException:
            ref.stop(block=False)
            raise
        return cls(ref)

    def __repr__(self) -> str:
        return f"<Bridge {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether the calls hear each other."""
        return self._ref.is_alive()

    async def stop(self) -> None:
        """Part the calls, which go on and hear silence. Does nothing if it has ended."""
        self._ref.stop(block=False)
        await self._ref.ended

    async def ended(self) -> None:
        """Wait until it has been stopped, or one of the calls has ended."""
        await self._ref.ended

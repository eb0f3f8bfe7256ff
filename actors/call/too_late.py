"""What a call tells who asks for something too late, or in vain."""

from typing import TYPE_CHECKING

from ...config.jid import bare
from ...media import CallOver

if TYPE_CHECKING:
    from ..messages.call import CallRef


def name_call(own: str, peer: str, *, outgoing: bool) -> str:
    """Return what sentences call a call.

    Args:
        own: our JID.
        peer: the peer's.
        outgoing: whether we call.
    """
    return f"{bare(own)} {'→' if outgoing else '←'} {bare(peer)}"


def never_began(own: str, peer: str, why: str) -> CallOver:
    """Return the error of a call that we were to place, and that never was.

    Args:
        own: our JID.
        peer: the peer's.
        why: a sentence about it.
    """
    return CallOver(f"{name_call(own, peer, outgoing=True)}: the call never began: {why}")


class TooLate:
    """Says whose call it is, and why it is over or does not do what was asked.

    What it says of the end stands at the call's reference too, for who finds the call gone.

    Args:
        ref: the call's.
        name: what sentences call it.
    """

    def __init__(self, ref: "CallRef", name: str) -> None:
        self._name = name
        self._ref = ref
        self.over("its media are closed")  # which somebody may see before the call ends for that

    def over(self, why: str) -> None:
        """Take note of why the call is over.

        Args:
            why: a sentence about it.
        """
        self._ref.last_words = f"{self._name}: the call is over ({why})"

    @property
    def words(self) -> str:
        """What there is to say of the end, as far as it is known now."""
        return self._ref.last_words

    def error(self) -> CallOver:
        """Return the error for who asks for something when it is over."""
        return CallOver(self._ref.last_words)

    def refusal(self, words: str) -> CallOver:
        """Return the error for who asks for something that this call does not do.

        Args:
            words: a sentence about why.
        """
        return CallOver(f"{self._name}: {words}")

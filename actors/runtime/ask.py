"""Messages that are answered."""

from typing import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from typing_extensions import TypeVar
else:
    from typing import TypeVar

__all__ = ["Ask"]

M_co = TypeVar("M_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Ask(Generic[M_co, R_co]):
    """A message whose sender is given an answer; see ``AsyncioActorRef.request``.

    The two parameters are for type checkers alone: the union of all messages that the actor takes,
    and the type of the answer. Both may stand in quotes.

    Example:
        >>> @message
        ... class GetTotal(Ask["CounterMessage", int]):
        ...     pass
        >>> CounterMessage = Add | GetTotal
    """

    __slots__ = ()

"""Sequences whose items are made when somebody asks for them."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class OnDemand(Sequence[T]):
    """A sequence that holds what its items are made of."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Make an item, or several."""
        if isinstance(index, slice):
            return list(map(self._one, range(len(self))[index]))
        return self._one(range(len(self))[index])

    def __iter__(self) -> Iterator[T]:
        """Make all items, one after the other."""
        return map(self._one, range(len(self)))

    @abstractmethod
    def _one(self, at: int) -> T:
        """Make the item at a place, from 0."""

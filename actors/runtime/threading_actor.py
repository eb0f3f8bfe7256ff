"""An actor for work that blocks."""

from typing import Any, Self

import pykka

from .future import AsyncioFuture
from .ref import AwaitableRef

__all__ = ["ThreadingActor"]


class ThreadingActor(pykka.ThreadingActor):
    """An actor on a thread of its own, for work that blocks, whose answers can be awaited."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._actor_ref = AwaitableRef(self)

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> AwaitableRef[Self]:
        """Start an actor on a new thread.

        Args:
            args: for the constructor.
            kwargs: for the constructor.

        Returns:
            Its address.
        """
        ref = super().start(*args, **kwargs)
        assert isinstance(ref, AwaitableRef)  # noqa: S101 - set in __init__
        return ref

    @staticmethod
    def _create_future() -> AsyncioFuture[Any]:
        return AsyncioFuture()

"""The address of an actor, as Pykka has it, for programs on an asyncio loop."""

import asyncio
import logging
from asyncio import _get_running_loop
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

import pykka
from pykka import ActorDeadError

from ._pykka import ActorStop
from .ask import Ask
from .future import AsyncioFuture

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for the default

    from .actor import AsyncioActor

    M_contra = TypeVar("M_contra", contravariant=True, default=Any)
else:
    from typing import TypeVar

    M_contra = TypeVar("M_contra", contravariant=True)

__all__ = ["AsyncioActorRef", "AwaitableRef"]

log = logging.getLogger(__name__)

A = TypeVar("A", bound=pykka.Actor)
R = TypeVar("R")


class AwaitableRef(pykka.ActorRef[A]):
    """An actor's address, whose answers are ``AsyncioFuture``."""

    @overload
    def ask(
        self, message: Any, *, block: Literal[False], timeout: float | None = None
    ) -> AsyncioFuture[Any]: ...
    @overload
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any: ...
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send a message and get its answer.

        Args:
            message: what the actor is to handle.
            block: wait for the answer here; only where no loop runs. False gives an awaitable.
            timeout: seconds to wait, with ``block``.

        Returns:
            The answer, or with ``block=False`` a future of it.

        Raises:
            RuntimeError: ``block`` in a thread that runs a loop; the message is not sent.
            pykka.Timeout: no answer within ``timeout`` seconds.
            Exception: what the handler raised; ``pykka.ActorDeadError`` if the actor is not there.
        """
        self._guard(block)
        return super().ask(message, block=block, timeout=timeout)

    async def request(self, message: Any, *, timeout: float) -> Any:
        """Send a message and await its answer; for the edges, never inside a handler.

        Args:
            message: what the actor is to handle.
            timeout: seconds to wait for the answer.

        Returns:
            The answer.

        Raises:
            TimeoutError: no answer within ``timeout`` seconds.
            pykka.ActorDeadError: the actor ended before it answered.
            Exception: what the handler raised.
        """
        answer = self.ask(message, block=False)
        try:
            async with asyncio.timeout(timeout) as limit:
                return await answer
        except TimeoutError:
            if not limit.expired():
                raise
            msg = f"{self} did not answer {type(message).__name__} within {timeout:g} s"
            raise TimeoutError(msg) from None

    @overload
    def stop(self, *, block: Literal[True], timeout: float | None = None) -> bool: ...
    @overload
    def stop(
        self, *, block: Literal[False], timeout: float | None = None
    ) -> AsyncioFuture[bool]: ...
    @overload
    def stop(
        self, *, block: bool = True, timeout: float | None = None
    ) -> bool | AsyncioFuture[bool]: ...
    def stop(
        self, *, block: bool = True, timeout: float | None = None
    ) -> bool | AsyncioFuture[bool]:
        """Ask the actor to stop after what was sent to it before.

        Args:
            block: wait for the end here; only where no loop runs. False gives an awaitable.
            timeout: seconds to wait, with ``block``.

        Returns:
            True if the actor was alive, or with ``block=False`` a future of that.

        Raises:
            RuntimeError: ``block`` in a thread that runs a loop; the actor goes on.
            pykka.Timeout: it did not stop within ``timeout`` seconds.
        """
        self._guard(block)
        asked = self.ask(ActorStop(), block=False)

        def was_alive(timeout: float | None) -> bool:
            try:
                asked.get(timeout=timeout)
            except ActorDeadError:
                return False
            return True

        stopped = AsyncioFuture.derived(was_alive, asked)
        return stopped.get(timeout=timeout) if block else stopped

    def _guard(self, block: bool) -> None:
        """Refuse to block a loop before anything has been sent."""
        if block and _get_running_loop() is not None:
            msg = f"waiting for {self} here would freeze the running loop: await with block=False"
            raise RuntimeError(msg)


class AsyncioActorRef(AwaitableRef[Any], Generic[M_contra]):
    """The address of an actor on an asyncio loop, typed by the messages that the actor takes.

    An address of an actor that takes more is also one of an actor that takes less: whoever only
    says ``Add`` accepts every ``AsyncioActorRef[Add | ...]``.
    """

    started: AsyncioFuture[None]
    """Here when ``on_start`` has returned; raises what it raised."""

    ended: AsyncioFuture[BaseException | None]
    """Here when the actor and all its tasks are gone: None after a stop, else what ended it."""

    last_words: str
    """A sentence for who comes too late. The actor writes it, and it outlives the actor."""

    def __init__(self, actor: "AsyncioActor[Any]") -> None:
        super().__init__(actor)
        self.started = AsyncioFuture()
        self.ended = AsyncioFuture()
        self.last_words = "it has ended"

    if TYPE_CHECKING:
        # Pykka takes anything. Here mypy is to reject what the actor does not handle.
        def tell(self, message: M_contra) -> None:
            """Send a message without waiting for an answer."""

        @overload
        def ask(
            self, message: M_contra, *, block: Literal[False], timeout: float | None = None
        ) -> AsyncioFuture[Any]: ...
        @overload
        def ask(
            self, message: M_contra, *, block: bool = True, timeout: float | None = None
        ) -> Any: ...
        def ask(
            self, message: M_contra, *, block: bool = True, timeout: float | None = None
        ) -> Any:
            """Send a message and get its answer, or a future of it."""

        @overload
        async def request(self, message: Ask[M_contra, R], *, timeout: float) -> R: ...
        @overload
        async def request(
            self: "AsyncioActorRef[object]", message: object, *, timeout: float
        ) -> Any: ...
        async def request(self, message: Any, *, timeout: float) -> Any:
            """Send a message and await its answer."""

    def post(self, message: M_contra) -> bool:
        """Tell the actor something, or nobody if it is gone: neighbours end in any order.

        Args:
            message: what the actor is to handle.

        Returns:
            Whether it was there.
        """
        try:
            self.tell(message)
        except ActorDeadError:
            log.debug("%s is gone and does not hear of %s", self, type(message).__name__)
            return False
        return True

    def kill(self) -> None:
        """End the actor at once, from any thread: cancel its handler, refuse what is queued.

        ``on_stop`` still runs (if ``on_start`` had returned); a second kill cancels that too.
        """
        actor = self._actor_weakref()
        if actor is not None:
            actor.kill()

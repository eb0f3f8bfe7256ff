"""Pykka's actor model on an asyncio loop: one task an actor instead of one thread an actor.

Everything of Pykka stays (refs, registry, proxies, messages); wanted differences are:

- ``await ref.started`` raises what ``on_start`` raised; ``await ref.ended`` waits for the end.
- A ``BaseException`` in one actor stops that actor, never the others.
- ``ref.kill()`` cancels at once, where ``ref.stop()`` queues behind what was sent before.
- Whoever still waits for an answer when an actor ends gets ``pykka.ActorDeadError``.
"""

import asyncio
import logging
from asyncio import _get_running_loop
from collections.abc import Callable, Coroutine, Mapping
from operator import attrgetter
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from pykka import ActorDeadError, ActorRegistry

from ._pykka import ActorStop, BaseActor, Envelope, Flag
from .dispatch import handler_table, handles
from .future import AsyncioFuture, ExcInfo
from .inbox import Inbox, refuse
from .ref import AsyncioActorRef
from .tasks import Crash, Tasks, Timer

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for the default

    M = TypeVar("M", default=Any)
else:
    from typing import TypeVar

    M = TypeVar("M")

__all__ = ["AsyncioActor", "AsyncioActorRef", "handles"]

logger = logging.getLogger(__name__)
#: For what only Pykka's tests want to be said, such as the traceback of an exception that the asker
#: is given, and may catch: who runs accounts reads it when debugging only.
_pykka = logging.getLogger("pykka")

T = TypeVar("T")

BURST = 64
"""Messages that an actor handles before it lets the rest of its loop have a turn."""

Hook = Coroutine[Any, Any, None] | None
"""What a hook returns: nothing, or the coroutine of an ``async def``."""


class AsyncioActor(BaseActor, Generic[M]):
    """An actor that is a task of an asyncio loop: one message at a time, in order.

    It runs on the loop that runs where ``start()`` is called, else on the class attribute
    ``loop``. Hooks, handlers and proxied methods may be plain or ``async``. A handler does not
    await the network or another actor: it hands what waits to ``pipe()``, and gets a message.

    The parameter, which may be left out, is the union of the messages that the actor takes. Type
    checkers then reject any other message to it.

    An actor that would grow too large is made of parts: plain objects in its attributes, whose
    ``@handles`` methods are handlers of the actor's, as ``parts={"_attribute": Part}`` says.

    Example:
        >>> class Counter(AsyncioActor[Add]):
        ...     total = 0
        ...
        ...     @handles(Add)
        ...     def add(self, message: Add) -> int:
        ...         self.total += message.amount
        ...         return self.total
    """

    loop: ClassVar[asyncio.AbstractEventLoop | None] = None
    """The loop for actors that are started where no loop runs."""

    _handlers: ClassVar[dict[type, Callable[[Any], Any]]] = {}
    _parts: ClassVar[dict[str, type]] = {}

    actor_inbox: Inbox
    _actor_ref: AsyncioActorRef[M]

    def __init_subclass__(cls, parts: Mapping[str, type] | None = None, **kwargs: Any) -> None:
        """Read the handlers of a class, and of its parts.

        Args:
            parts: the classes of objects that handle messages for the actor, by the names of the
                attributes that hold them.
            kwargs: for other bases.
        """
        super().__init_subclass__(**kwargs)
        cls._parts = {**cls._parts, **(parts or {})}
        table = handler_table(cls, cls._parts)
        cls._handlers = {message: attrgetter(name) for message, name in table.items()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor_stopped = Flag()  # before its address is made, which has it too
        self._actor_ref = AsyncioActorRef(self)
        self._task: asyncio.Task[None] | None = None
        self._tasks: Tasks | None = None
        self._is_begun = False
        self._is_killed = False
        self._is_over = False
        self._end: BaseException | None = None

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> AsyncioActorRef[M]:
        """Start an actor, from any thread.

        Args:
            args: for the constructor.
            kwargs: for the constructor.

        Returns:
            Its address. ``await ref.started`` to know that ``on_start`` went well.

        Raises:
            RuntimeError: no loop is running here, and the class has none.
        """
        cls._find_loop()
        ref = super().start(*args, **kwargs)
        assert isinstance(ref, AsyncioActorRef)  # noqa: S101 - set in __init__
        return ref

    @property
    def actor_ref(self) -> AsyncioActorRef[M]:
        """This actor's address."""
        return self._actor_ref

    def on_start(self) -> Hook:
        """Set up, before the first message; plain or ``async``. What it raises ends the actor."""
        return None

    def on_stop(self) -> Hook:
        """Clean up after the last message of a stopped or killed actor; plain or ``async``.

        The actor's own tasks and timers have ended before. Not called after a failure.
        """
        return self.on_end(None)

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Hook:
        """Clean up after a message without an asker raised; plain or ``async``.

        Args:
            exception_type: the class of what was raised.
            exception_value: what was raised.
            traceback: where it was raised.
        """
        return self.on_end(exception_value or RuntimeError("an unknown error"))

    def on_end(self, error: BaseException | None, /) -> Hook:
        """Clean up in whatever way the actor ends; plain or ``async``.

        The two hooks above call it, unless they are overridden.

        Args:
            error: the bug that ended it; None if it was stopped or killed.
        """
        return None

    def on_receive(self, message: Any) -> Any:
        """Hand a message to its ``@handles`` method; one without is logged as warning and ignored.

        Args:
            message: what was told or asked.

        Returns:
            The answer, or the coroutine that gives it.
        """
        for kind in type(message).__mro__:
            if handler := self._handlers.get(kind):
                return handler(self)(message)
        return super().on_receive(message)

    def kill(self) -> None:
        """End at once, from any thread: see ``AsyncioActorRef.kill``."""
        inbox = self.actor_inbox
        if inbox.loop is None or _get_running_loop() is inbox.loop:
            self._cancel()
        elif not inbox.loop.is_closed():
            inbox.loop.call_soon_threadsafe(self._cancel)

    def spawn(self, work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Run a coroutine in a task of this actor's, cancelled and awaited when the actor ends.

        Args:
            work: what waits for something, so that the handler need not.
            name: of the task, for logs.

        Returns:
            The task. What it raises, other than its cancellation, fails the actor.

        Raises:
            pykka.ActorDeadError: the actor has ended.
        """
        return self._own().spawn(work, name=name)

    def pipe(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], M],
        failed: Callable[[Exception], M] | None = None,
        *,
        name: str | None = None,
    ) -> asyncio.Task[None]:
        """Run a coroutine in a task of this actor's, and tell this actor how it ended.

        Args:
            work: what waits for something.
            then: makes a message of the result.
            failed: makes a message of the exception; without it an exception fails the actor.
            name: of the task, for logs.

        Returns:
            The task. Cancelled (by ``cancel()`` or the actor's end), it tells nothing.

        Raises:
            pykka.ActorDeadError: the actor has ended.
        """
        return self._own().pipe(work, then, failed, name=name)

    def after(self, seconds: float, message: M) -> Timer:
        """Tell this actor a message later, unless it has ended or the timer was cancelled.

        Args:
            seconds: from now.
            message: what it is told.

        Returns:
            The timer.

        Raises:
            pykka.ActorDeadError: the actor has ended.
        """
        return self._own().after(seconds, message)

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    @staticmethod
    def _create_future() -> AsyncioFuture[Any]:
        return AsyncioFuture()

    @classmethod
    def _find_loop(cls) -> asyncio.AbstractEventLoop:
        loop = _get_running_loop() or cls.loop
        if loop is None:
            msg = (
                f"{cls.__name__}.start() needs a running event loop, or one as {cls.__name__}.loop"
            )
            raise RuntimeError(msg)
        return loop

    def _start_actor_loop(self) -> None:
        self.actor_inbox.loop = loop = self._find_loop()
        if _get_running_loop() is loop:
            self._launch()
        else:
            loop.call_soon_threadsafe(self._launch)

    def _launch(self) -> None:
        assert self.actor_inbox.loop is not None  # noqa: S101 - set just before
        self._task = self.actor_inbox.loop.create_task(self._live(), name=str(self))
        # A task that is cancelled before its first step never enters its coroutine.
        self._task.add_done_callback(lambda _: self._bury())

    async def _live(self) -> None:
        """Be the actor, from ``on_start`` to the last farewell."""
        try:
            try:
                if not self._is_killed:
                    await self._begin()
                    await self._receive()
            except asyncio.CancelledError as error:
                self._end = self._end or error
                if self.actor_ref.started.done():
                    await self._finish()
            await self._release()
        finally:
            self._bury()

    async def _begin(self) -> None:
        self._is_begun = True
        if error := await self._run_hook(self.on_start):
            self.actor_ref.started.set_exception(_for_others(error, self))
        else:
            self.actor_ref.started.set(None)

    async def _receive(self) -> None:
        inbox = self.actor_inbox
        burst = 0
        while not self.actor_stopped.is_set():
            if self._is_killed:
                raise asyncio.CancelledError
            if inbox.empty():
                burst = 0
                await inbox.arrival()
                continue
            burst += 1
            if burst % BURST == 0:
                await asyncio.sleep(0)
            await self._deliver(inbox.get())

    async def _deliver(self, envelope: Envelope[Any]) -> None:
        """Handle one message, answer it, and end the actor where its handling ends it."""
        reply_to = envelope.reply_to
        try:
            answer = self._handle_receive(envelope.message)
            # Nothing but a coroutine: an attribute may be a future that this very actor will set.
            if isinstance(answer, CoroutineType):
                answer = await answer
            if reply_to is not None:
                reply_to.set(answer)
        except Exception as error:
            if reply_to is None:
                await self._fail(error)
            else:
                _pykka.info("Exception returned from %s to caller:", self, exc_info=True)
                reply_to.set_exception()
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._is_cancelled(error):
                refuse(envelope)
                raise
            self._end = error
            logger.exception("%r in %s: it stops, the others go on", error, self)
            if reply_to is not None:
                reply_to.set_exception(_for_others(error, self))
            await self._finish()

    def _handle_receive(self, message: Any) -> Any:
        if isinstance(message, ActorStop):
            return self._finish()
        if isinstance(message, Crash):
            raise message.error
        return super()._handle_receive(message)

    async def _finish(self) -> None:
        """Stop in good order, once."""
        if self.actor_stopped.is_set():
            return
        ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        await self._release()
        await self._run_hook(self.on_stop)
        logger.debug("Stopped %s", self)

    async def _fail(self, error: BaseException) -> None:
        """End because a message that nobody waits for raised."""
        exc_info = (type(error), error, error.__traceback__)
        self._end = error
        self._handle_failure(*exc_info)
        await self._release()
        await self._run_hook(self.on_failure, *exc_info)

    async def _run_hook(self, hook: Callable[..., Hook], *args: Any) -> BaseException | None:
        """Run a hook; what it raises ends the actor and is given back."""
        try:
            pending = hook(*args)
            if isinstance(pending, CoroutineType):
                await pending
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._is_cancelled(error):
                raise
            self._handle_failure(type(error), error, error.__traceback__)
            self._end = self._end or error
            return error
        return None

    async def _release(self) -> None:
        if self._tasks is not None:
            await self._tasks.close()

    def _own(self) -> Tasks:
        if self._tasks is None:
            self._tasks = Tasks(self.actor_ref)
        if self._is_over:
            self._tasks.abandon()
        return self._tasks

    def _cancel(self) -> None:
        self._is_killed = True
        if self._is_begun and self._task is not None:
            self._task.cancel()

    def _is_cancelled(self, error: BaseException) -> bool:
        """Tell this actor's own cancellation from one that a handler met in what it awaited."""
        is_requested = self._task is not None and self._task.cancelling() > 0
        return isinstance(error, asyncio.CancelledError) and is_requested

    def _bury(self) -> None:
        """Answer everybody who still waits; the last thing an actor does, however it ends."""
        if self._is_over:
            return
        self._is_over = True
        if not self.actor_stopped.is_set():
            ActorRegistry.unregister(self.actor_ref)
            self.actor_stopped.set()
        if self._tasks is not None:
            self._tasks.abandon()
        self.actor_inbox.close()
        if not self.actor_ref.started.done():
            self._end = self._end or asyncio.CancelledError()
            self.actor_ref.started.set_exception(_for_others(self._end, self))
        self.actor_ref.ended.set(self._end)


def _for_others(error: BaseException, actor: AsyncioActor) -> ExcInfo:
    """Give an exception in a form that does not stop whoever it is raised at."""
    if not isinstance(error, Exception):
        dead = ActorDeadError(f"{actor} was ended by {error!r}")
        dead.__cause__ = error
        return ActorDeadError, dead, None
    return type(error), error, error.__traceback__

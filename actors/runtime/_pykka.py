"""The parts of Pykka that a new kind of actor cannot do without, and that it keeps private.

Pykka 4.5 has no public way to add a runtime: its own sibling packages import these too.
``tests/actors/runtime/test_pykka_contract.py`` fails when they move. Besides, the runtime overrides
the methods that ``pykka.Actor`` names "for implementors of new actor types", with an underscore.
"""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope
from pykka.messages import _ActorStop as ActorStop

__all__ = ["ActorStop", "BaseActor", "Envelope", "Flag"]


class Flag:
    """Stands where Pykka has a `threading.Event`: 1 KiB, most of it for threads that wait."""

    __slots__ = ("_event", "_is_set")
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._event: threading.Event | None = None
        self._is_set = False

    def is_set(self) -> bool:
        """Tell whether it is set; from any thread."""
        return self._is_set

    def set(self) -> None:
        """Set it, for good, and wake the threads that wait."""
        with self._lock:
            self._is_set = True
            if self._event is not None:
                self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait in a thread until it is set.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            Whether it is set.
        """
        with self._lock:
            if not self._is_set and self._event is None:
                self._event = threading.Event()
        return self._is_set or (self._event is not None and self._event.wait(timeout))


if TYPE_CHECKING:

    class BaseActor:
        """``pykka.Actor``, as type checkers are to see it: without hooks.

        Pykka's hooks are plain functions and ours may be ``async``, which an override must not
        change; checkers compare an override with every base class, so they are shown another one.
        """

        actor_urn: str
        actor_stopped: Flag

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        @classmethod
        def start(cls, *args: Any, **kwargs: Any) -> Any: ...

        def stop(self) -> None: ...

        def on_receive(self, message: Any) -> Any: ...

        def _handle_receive(self, message: Any) -> Any: ...

        def _handle_failure(
            self,
            exception_type: type[BaseException] | None,
            exception_value: BaseException | None,
            traceback: TracebackType | None,
        ) -> None: ...

else:
    BaseActor = pykka.Actor

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

__all__ = ["ActorStop", "BaseActor", "Envelope"]

if TYPE_CHECKING:

    class BaseActor:
        """``pykka.Actor``, as type checkers are to see it: without hooks.

        Pykka's hooks are plain functions and ours may be ``async``, which an override must not
        change; checkers compare an override with every base class, so they are shown another one.
        """

        actor_urn: str
        actor_stopped: threading.Event

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

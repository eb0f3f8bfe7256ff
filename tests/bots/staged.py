"""An actor whose answers are staged, and the handles over it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from callboard.actors import AsyncioFuture
from callboard.actors.messages.call import GetStatus, Wait
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.bots import Call, Reason
from pykka import ActorDeadError

T = TypeVar("T")

ACCOUNT, PEER = "desk@localhost", "alice@localhost"
RINGING = CallStatus("sid", ACCOUNT, f"{PEER}/phone", "in", "ringing", ("audio",))
RECORD = CallRecord(
    "sid", ACCOUNT, PEER, "in", "completed", Reason.BUSY, 1.0, 2.0, "somebody hung up"
)


def settled(value: T) -> AsyncioFuture[T]:
    """A promise that is kept already."""
    future: AsyncioFuture[T] = AsyncioFuture()
    future.set(value)
    return future


def broken(error: Exception) -> AsyncioFuture[Any]:
    """A promise that can't be kept any more."""
    future: AsyncioFuture[Any] = AsyncioFuture()
    future.set_exception((type(error), error, None))
    return future


class Staged:
    """Stands in for an actor: keeps what it is told or asked, and answers as it was given.

    Args:
        answers: message's type → answer; an exception is raised. What is not there gets None.
    """

    def __init__(self, answers: Mapping[type, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.heard: list[Any] = []
        self.has_ended = False
        self.last_words = f"{ACCOUNT} ← {PEER}: the call is over ({RECORD.why})"

    def is_alive(self) -> bool:
        return not self.has_ended

    def tell(self, message: Any) -> None:
        if self.has_ended:
            raise ActorDeadError
        self.heard.append(message)

    def post(self, message: Any) -> bool:
        if not self.has_ended:
            self.heard.append(message)
        return not self.has_ended

    async def request(self, message: Any, *, timeout: float) -> Any:
        assert timeout > 0
        if self.has_ended:
            raise ActorDeadError
        self.heard.append(message)
        answer = self.answers.get(type(message))
        if isinstance(answer, Exception):
            raise answer
        return answer


def staged_call(
    folder: Path,
    answers: Mapping[Any, Any] | None = None,
    *,
    record: AsyncioFuture[CallRecord] | None = None,
) -> tuple[Staged, Call]:
    """An actor of a call that rings, and the handle on it."""
    actor: Any = Staged({Wait: settled(None), GetStatus: RINGING, **(answers or {})})
    return actor, Call(actor, RINGING, record or AsyncioFuture(), folder)

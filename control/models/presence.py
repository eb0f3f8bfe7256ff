"""What an account shows of itself."""

from typing import ClassVar

from .base import Command, Result
from .calls import Name


class PresenceResult(Result):
    """The presence was changed."""

    account: str


class PresenceCommand(Command[PresenceResult]):
    """Change what an account's contacts see; what is not given stays (RFC 6121 §4.7).

    Attributes:
        account: the account.
        show: ``available``, ``chat``, ``away``, ``dnd`` or ``xa``.
        status: a text.
        priority: -128 to 127.
    """

    name: ClassVar[str] = "presence"
    result = PresenceResult

    account: Name
    show: str | None = None
    status: str | None = None
    priority: int | None = None

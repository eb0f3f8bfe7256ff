"""The ladder of a call."""

from typing import ClassVar

from ...ladder.ladder import Ladder
from .base import Command, Result
from .calls import Name


class LadderResult(Result):
    """What happened in a call.

    Attributes:
        ladder: it; of a call that goes on, as far as it has grown.
    """

    ladder: Ladder


class LadderCommand(Command[LadderResult]):
    """Ask what happened in a call, whether it goes on or has ended.

    Attributes:
        call: its id or its record's uuid, or how one begins; ``last`` is the call that ended last,
            ``last-failed`` the one that failed last.
        account: whose end of a call that goes on, if both are accounts of the instance; None: the
            caller's.
    """

    name: ClassVar[str] = "ladder"
    result = LadderResult

    call: Name
    account: Name | None = None

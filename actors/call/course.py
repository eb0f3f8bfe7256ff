"""Which state a call is in, and the clock of that state."""

import logging

from ...config import CallPolicy
from ..messages.call import Overdue
from ..runtime.actor import AsyncioActor
from ..runtime.tasks import Timer
from .state import STAGES, CallState

log = logging.getLogger(__name__)


class Course:
    """The course of one call through the states of `call_state`.

    Each state has one deadline: the call is told `Overdue` with it if it is still there then.

    Args:
        owner: the call.
        policy: the account's `calls`, where some deadlines are.

    Attributes:
        state: where the call stands; None: it has not begun.
    """

    def __init__(self, owner: AsyncioActor, policy: CallPolicy) -> None:
        self.state: CallState | None = None
        self._owner = owner
        self._policy = policy
        self._timer: Timer | None = None

    def enter(self, state: CallState) -> bool:
        """Go to a state, and start its clock; tell whether that may follow.

        Args:
            state: the next one. What comes too late changes nothing.
        """
        if self.state is not None and state not in STAGES[self.state].next:
            log.debug("%s: %s does not follow %s", self._owner, state, self.state)
            return False
        self.state = state
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = STAGES[state].deadline
        seconds = getattr(self._policy, deadline) if isinstance(deadline, str) else deadline
        if seconds is not None and not self._owner.actor_stopped.is_set():
            self._timer = self._owner.after(seconds, Overdue(state))
        return True

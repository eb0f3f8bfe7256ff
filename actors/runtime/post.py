"""Telling an actor something that it may not live to hear."""

import logging
from typing import Any

from pykka import ActorDeadError, ActorRef

log = logging.getLogger(__name__)


def post(ref: ActorRef[Any], message: object) -> bool:
    """Tell an actor something, or nobody if it is gone: its neighbours end in any order.

    Args:
        ref: the actor.
        message: what it is told.

    Returns:
        whether it was there.
    """
    try:
        ref.tell(message)
    except ActorDeadError:
        log.debug("%s is gone and does not hear of %s", ref, type(message).__name__)
        return False
    return True

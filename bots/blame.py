"""Whose code raised something, where no task of a bot's ran it."""

import traceback
from types import FrameType
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..media import is_authors

if TYPE_CHECKING:
    from .bot import Bot

#: All bots that there are, by their ids: a bot of an author's may be neither hashable nor equal to
#: itself.
MADE: "WeakValueDictionary[int, Bot]" = WeakValueDictionary()
#: Bots that are named at the most.
MOST = 3


def blamed(error: BaseException) -> str:
    """Name the bots that what was raised came from.

    A callback that ends its loop leaves nothing but the lines it has run: the bot is found among
    their variables, or else by the module that they are in.

    Args:
        error: what was raised.

    Returns:
        ``bot NAME of ACCOUNT``, or several of these where more than one is made by that module; ""
        if it came from no bot's code.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_authors(frame)]
    found = next(filter(None, map(_bots_in, reversed(frames))), None) or _bots_of(frames)
    names = sorted({f"bot {type(bot).__name__} of {bot.account}" for bot in found})
    rest = f" or {len(names) - MOST} more" if len(names) > MOST else ""
    return " or ".join(names[:MOST]) + rest


def _bots_in(frame: FrameType) -> "list[Bot]":
    held = map(id, frame.f_locals.values())
    return [MADE[each] for each in held if each in MADE]


def _bots_of(frames: list[FrameType]) -> "list[Bot]":
    modules = {frame.f_globals.get("__name__") for frame in frames}
    return [bot for bot in MADE.values() if type(bot).__module__ in modules]

"""The board of what a command runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..config.web import WebSettings
from ..control.commands.handler import Handler, Served

if TYPE_CHECKING:
    from ..web.app import Shown
    from ..web.board import Board
    from ..web.board_place import BoardPlace


@asynccontextmanager
async def place_held(web: WebSettings, shown: Served) -> "AsyncIterator[BoardPlace]":
    """Hold the port of a board, and keep its link, before anything costs time or is seen outside.

    Args:
        web: where, and who may do what.
        shown: what will be shown.

    Raises:
        OSError: the port can't be had; says what to do.
    """
    from ..web.board_place import BoardPlace  # noqa: PLC0415 - few need it

    place = await BoardPlace.taken(web, shown.socket)
    try:
        yield place
    finally:
        await place.leave()


@asynccontextmanager
async def boarded(
    web: WebSettings,
    shown: "Shown",
    commands: Mapping[str, Handler] | None = None,
    place: "BoardPlace | None" = None,
) -> "AsyncIterator[Board]":
    """Serve a board meanwhile.

    Args:
        web: where, and who may do what.
        shown: what runs.
        commands: what can be asked of it; None: what an instance takes.
        place: where, if that is held already.

    Raises:
        OSError: the port can't be had; says what to do.
    """
    board_type = await asyncio.to_thread(_load_board)
    board = await board_type.started(web, shown, commands, place)
    try:
        yield board
    finally:
        await board.close()


def _load_board() -> "type[Board]":
    from ..web.board import Board  # noqa: PLC0415 - the extra "web", and half a second

    return Board

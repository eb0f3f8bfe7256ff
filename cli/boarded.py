"""The board of what a command runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..config.web import WebSettings
from ..control.commands.handler import Handler

if TYPE_CHECKING:
    from ..web.app import Shown
    from ..web.board import Board


@asynccontextmanager
async def boarded(
    web: WebSettings, shown: "Shown", commands: Mapping[str, Handler] | None = None
) -> "AsyncIterator[Board]":
    """Serve a board meanwhile.

    Args:
        web: where, and who may do what.
        shown: what runs.
        commands: what can be asked of it; None: what an instance takes.

    Raises:
        OSError: the port can't be had; says what to do.
    """
    board_type = await asyncio.to_thread(_load_board)
    board = await board_type.started(web, shown, *(() if commands is None else (commands,)))
    try:
        yield board
    finally:
        await board.close()


def _load_board() -> "type[Board]":
    from ..web.board import Board  # noqa: PLC0415 - the extra "web", and half a second

    return Board

"""A board to be visited."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callboard.actors.messages.exchange import ExchangeRef
from callboard.config import Settings
from callboard.config.web import WebSettings
from callboard.control.instance.instance import Instance, State
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import Stage
from callboard.web.board import Board

TOKENS = {
    name: f"the token of those who {name}".replace(" ", "-")
    for name in ("view", "listen", "control", "talk")
}


class Nothing:
    """Keeps an instance running that has nothing to run."""

    state: State = "running"

    @property
    def exchange(self) -> ExchangeRef:
        raise AssertionError("nothing runs")

    def stop(self, *, now: bool = False) -> None:
        self.state = "ending"


def an_instance(folder: Path, **settings: Any) -> Instance:
    """Return an instance that was told nothing yet."""
    accounts = [{"jid": "desk@localhost", "bot": "recorder"}]
    declared = {"recordings": folder, "accounts": accounts, **settings}
    return Instance(Settings.model_validate(declared), folder / "a.yaml", folder, Nothing())


@asynccontextmanager
async def bare_board(folder: Path, **web: Any) -> AsyncIterator[tuple[Board, int]]:
    """Serve the board of an instance that does nothing; give it and its port.

    Args:
        folder: where files would be.
        web: what the YAML file would have under ``web``; tokens for all roles if it has none.
    """
    settings = WebSettings.model_validate({"tokens": TOKENS, **web})
    board = await Board.started(settings, an_instance(folder))
    try:
        yield board, board.port
    finally:
        await board.close()


@asynccontextmanager
async def boarded(
    folder: Path, accounts: Sequence[str | Mapping[str, Any]], **settings: Any
) -> AsyncIterator[tuple[Stage, int]]:
    """Run accounts with a board; give the stage and the board's port.

    Args:
        folder: where recordings go.
        accounts: what the YAML file would have.
        settings: what else `staged` takes.
    """
    web = settings.pop("web", {"tokens": TOKENS})
    async with controlled(folder, accounts, web=web, **settings) as (stage, _):
        assert stage.deployment is not None
        assert stage.deployment.board is not None
        yield stage, stage.deployment.board.port

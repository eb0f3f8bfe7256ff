"""Accounts that call each other: what the benchmarks of whole calls share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from callboard.actors.messages.exchange import AccountReady, CallStatus
from callboard.benchmarks.accounts import HOST, password, user
from callboard.bots import Bot, Call
from callboard.cli.deployed import deployed
from callboard.cli.deployment import Deployment
from callboard.cli.views.event import Event, Observer
from callboard.config import Settings
from callboard.config.web import WebSettings

#: Seconds in which anything must happen.
PATIENCE = 30.0
#: Seconds from one call to the next: an account takes ten a second of one caller.
BETWEEN = 0.1


class Seat(Bot):
    """A bot that can be moved from outside; it takes each call at once and plays a tone.

    Attributes:
        taken: the bots of this process, by account.
        calls: what it has taken.
    """

    taken: ClassVar[dict[str, "Seat"]] = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taken[self.account] = self
        self.calls: list[Call] = []

    async def on_call(self, call: Call) -> None:
        """Answer."""
        self.calls.append(call)
        await call.answer(
            audio=self.options.get("audio", "tone:880"), video=self.options.get("video")
        )
        await call.ended()


def nobody(_: Event) -> None:
    """Hear nothing."""


class Switchboard:
    """What happens in a deployment, for those who wait for it.

    Attributes:
        heard: told all of it too.
    """

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], CallStatus] = {}
        self.ready: set[str] = set()
        self.heard: Observer = nobody
        self._changed = asyncio.Event()

    def see(self, event: Event) -> None:
        """Take an event."""
        self.heard(event)
        match event:
            case AccountReady():
                self.ready.add(event.jid)
            case CallStatus():
                self.calls[event.account, event.id] = event
            case _:
                return
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when something is so."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def connected(self) -> int:
        """Return how many calls are connected, on either side."""
        return sum(status.phase == "connected" for status in self.calls.values())

    def took(self, account: str, call: str, step: str) -> float | None:
        """Return when a call took a step, in seconds since it began there."""
        status = self.calls.get((account, call))
        return None if status is None else status.steps.get(step)


@asynccontextmanager
async def seated(
    numbers: list[int],
    port: int,
    authority: str,
    folder: str,
    *,
    ladders: str | int = 100,
    web: WebSettings | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Switchboard, Deployment]]:
    """Log in some accounts, each with a seat.

    Args:
        numbers: which accounts.
        port: the server's, on loopback.
        authority: the file with the authority of its certificate.
        folder: where detail records go.
        ladders: whose are kept.
        web: where to serve the board; None: nowhere.
        options: the seats'.
    """
    settings = Settings.model_validate(
        {
            "server": {"host": "127.0.0.1", "port": port, "ca": authority},
            "recordings": folder,
            "call_log": Path(folder, "calls.jsonl"),
            "drain": 1,
            "ladders": ladders,
            "media": {"addresses": ["127.0.0.1"]},
            "accounts": [
                {
                    "jid": f"{user(number)}@{HOST}/seat",
                    "password": password(number),
                    "bot": "seat",
                    "options": options,
                    "calls": {"limit": 1000},
                }
                for number in numbers
            ],
        }
    )
    board = Switchboard()
    async with deployed(settings, {"seat": Seat}, Path(folder), board.see, web=web) as deployment:
        await board.until(lambda: len(board.ready) == len(numbers))
        yield board, deployment

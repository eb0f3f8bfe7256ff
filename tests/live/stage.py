"""A real Prosody, a real exchange, and everything they report: what live tests play on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from callboard.actors.call_record import CallRecord
from callboard.actors.messages.exchange import AccountChanged, CallStatus, FindAccount
from callboard.bots import Bot
from callboard.bots.find import BUILT_IN
from callboard.cli.deployment import Deployment, deployed
from callboard.config import Settings

E = TypeVar("E")

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 20.0


class Stage:
    """A deployment that runs, with every event that it reported."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.deployment: Deployment | None = None
        self._changed = asyncio.Event()

    def see(self, event: Any) -> None:
        """Take an event."""
        self.events.append(event)
        self._changed.set()

    async def until(self, kind: type[E], found: Callable[[E], bool] = lambda _: True) -> E:
        """Return the first event of a kind that fits, past or to come."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                self._changed.clear()
                for event in self.events[seen:]:
                    if isinstance(event, kind) and found(event):
                        return event
                seen = len(self.events)
                await self._changed.wait()

    async def online(self, *jids: str) -> None:
        """Return when these accounts are online."""
        for jid in jids:
            await self.until(AccountChanged, lambda e, jid=jid: e.jid == jid and e.state == "online")

    async def phase(self, account: str, phase: str) -> CallStatus:
        """Return when a call of this account is in this phase."""
        return await self.until(CallStatus, lambda e: e.account == account and e.phase == phase)

    async def step(self, account: str, step: str) -> CallStatus:
        """Return when a call of this account has taken this step."""
        return await self.until(CallStatus, lambda e: e.account == account and step in e.steps)

    async def record(self, account: str) -> CallRecord:
        """Return the first detail record of this account."""
        return await self.until(CallRecord, lambda e: e.account == account)

    async def account(self, jid: str) -> Any:
        """Return the reference of an account."""
        assert self.deployment is not None
        return await self.deployment.exchange.request(FindAccount(jid), timeout=5)


@asynccontextmanager
async def staged(
    folder: Path,
    accounts: Sequence[Mapping[str, Any]],
    bots: Mapping[str, type[Bot]] | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Run accounts on a private Prosody, wait until all are online, and shut down in order.

    Args:
        folder: where recordings and ``calls.jsonl`` go.
        accounts: what the YAML file would have under ``accounts``; passwords are made up.
        bots: classes besides the built-in ones, by the name that accounts have for them.
        settings: what the YAML file would have at its top.
    """
    declared = [{"password": "secret", **one} for one in accounts]
    checked = Settings.model_validate(
        {
            "server": "embedded",
            "recordings": folder,
            "calls": folder / "calls.jsonl",
            "drain": 2,
            **settings,
            "accounts": declared,
        }
    )
    stage = Stage()
    async with deployed(checked, {**BUILT_IN, **(bots or {})}, folder, stage.see) as deployment:
        stage.deployment = deployment
        await stage.online(*(one["jid"] for one in accounts))
        yield stage

"""The root of the tree: starts what a file declares, keeps it running, and ends it in order."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ..config import Settings
from ..media import Network, Writer
from ..media import Path as ReceivePath
from .account import Account
from .call_log import CallLog
from .call_record import CallRecord
from .context import BotFactory, Context, Endpoint, Ref
from .farewell import farewell
from .future import AsyncioFuture
from .jid import bare
from .messages.account import Drain
from .messages.exchange import (
    AccountChanged,
    BotFailed,
    CallStatus,
    FindAccount,
    Report,
    Shutdown,
    WhenSettled,
)
from .runtime import AsyncioActor, handles

log = logging.getLogger(__name__)

#: Seconds that accounts have to end when the exchange stops without a drain.
ACCOUNTS_DEADLINE = 25.0


class Exchange(AsyncioActor):
    """Starts the accounts of one deployment and supervises them.

    Args:
        settings: what the file declares.
        endpoint: where the accounts connect to.
        bot: makes each account's bot.
        observer: told each report and each detail record, on the loop; it must not block.
    """

    def __init__(
        self,
        settings: Settings,
        endpoint: Endpoint,
        bot: BotFactory,
        observer: Callable[[Report | CallRecord], None],
    ) -> None:
        super().__init__()
        self._settings = settings
        self._endpoint = endpoint
        self._bot = bot
        self._observer = observer
        self._accounts: dict[str, Ref] = {}
        self._states: dict[str, AccountChanged] = {}
        self._settling: list[AsyncioFuture[int]] = []
        self._log: Ref | None = None
        self._writer: Writer | None = None

    async def on_start(self) -> None:
        """Open the file of records, then start the accounts in the file's order."""
        settings = self._settings
        self._log = CallLog.start(settings.calls, self._observer)
        await self._log.started
        self._writer = Writer()
        network = Network(settings.media.addresses, settings.media.ports, settings.media.stun)
        for account in settings.accounts:
            context = Context(
                settings=account,
                endpoint=self._endpoint,
                network=network,
                path=ReceivePath(settings.media.path),
                recordings=settings.recordings,
                writer=self._writer,
                exchange=self.actor_ref,
                log=self._log,
                bot=self._bot,
            )
            self._accounts[bare(account.jid)] = Account.start(context)

    async def on_stop(self) -> None:
        """End in reverse: accounts, then records, then the writer."""
        await farewell(reversed(self._accounts.values()), ACCOUNTS_DEADLINE)
        await self._close()

    async def on_failure(self, *_: object) -> None:
        """Leave nothing behind."""
        await self.on_stop()

    async def _close(self) -> None:
        if self._log is not None:
            await farewell([self._log], ACCOUNTS_DEADLINE)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)

    @handles(AccountChanged)
    def _account_changed(self, report: AccountChanged) -> None:
        self._states[report.jid] = report
        self._observer(report)
        if report.state == "closed":
            self._accounts.pop(report.jid, None)
            if not self._accounts:
                self.stop()
        self._settle()

    @handles(CallStatus, BotFailed)
    def _reported(self, report: CallStatus | BotFailed) -> None:
        self._observer(report)

    @handles(WhenSettled)
    def _when_settled(self, _: WhenSettled) -> AsyncioFuture[int]:
        future: AsyncioFuture[int] = AsyncioFuture()
        self._settling.append(future)
        self._settle()
        return future

    def _settle(self) -> None:
        """Answer those who wait for the first logins, once none is open."""
        states = [report.state for report in self._states.values()]
        if len(states) < len(self._settings.accounts) or "connecting" in states:
            return
        waiting, self._settling = self._settling, []
        for future in waiting:
            future.set(states.count("online"))

    @handles(FindAccount)
    def _find_account(self, message: FindAccount) -> Any:
        return self._accounts.get(bare(message.jid))

    @handles(Shutdown)
    def _shut_down(self, message: Shutdown) -> None:
        if not self._accounts:
            self.stop()
        for account in self._accounts.values():
            if account.is_alive():
                account.tell(Drain(message.seconds))

"""The root of the tree: starts what a file declares, keeps it running, and ends it in order."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from functools import partial

from msgspec import Struct

from ..config import AccountSettings, Settings
from ..config.jid import bare
from ..ladder.folder import LadderFolder
from ..media import IceServer, Network, ReceivePath, Writer, shown
from .account import Account
from .call_log_supervisor import LOG_DEADLINE, CallLogSupervisor
from .context import Context, Endpoint, KeepLadder
from .messages.account import AccountRef, ChangeSettings, DrainAccount
from .messages.bot import BotFactory
from .messages.exchange import (
    AccountChanged,
    AccountReady,
    AccountRemoved,
    AddAccount,
    BotFailed,
    CallStatus,
    ChangeAccount,
    ChatMessage,
    ChatMessageBounced,
    DigitPressed,
    ExchangeMessage,
    FindAccount,
    PresenceReturned,
    ReceiptReceived,
    RemoveAccount,
    Report,
    Shutdown,
    WhenSettled,
)
from .observer import Observer
from .records.call_record import CallRecord
from .runtime.actor import handles
from .runtime.backoff import Backoff
from .runtime.future import AsyncioFuture
from .runtime.messages import (
    Child,
    ChildDied,
    Drain,
    Restart,
    RestartChild,
    StartChild,
    StopChild,
)
from .runtime.supervision import Supervisor

log = logging.getLogger(__name__)

#: Seconds that an account has to end when it is stopped without a drain.
GRACE = 25.0
#: Seconds beyond a drain's deadline that accounts have to end their calls and log out.
LOGOUT = 20.0
#: Seconds that the last octets of recordings may take to be written.
WRITER_DEADLINE = 10.0


class _Change(Struct):
    """New settings that wait for the end of an account with its old ones.

    Attributes:
        settings: the new ones.
        bot: makes its bot.
        done: the promise of its new reference.
    """

    settings: AccountSettings
    bot: BotFactory
    done: AsyncioFuture[AccountRef | None]

    def give_up(self, why: str) -> None:
        """Break the promise."""
        self.done.fail(ValueError(why))


class Exchange(Supervisor[ExchangeMessage]):
    """Starts the accounts of one deployment and supervises them.

    An account that crashes is started again, with back-off; one that has drained is not.

    Args:
        settings: what the file declares.
        endpoint: where the accounts connect to.
        bot: makes each account's bot.
        observer: told each report and each detail record, on the loop; it must not block.
        keep_ladder: told each call's ladder in the place of the folder that the settings ask for.
    """

    def __init__(
        self,
        settings: Settings,
        endpoint: Endpoint,
        bot: BotFactory,
        observer: Callable[[Report | CallRecord], None],
        keep_ladder: KeepLadder | None = None,
    ) -> None:
        super().__init__(
            (self._child(one, bot) for one in settings.accounts),
            # One account that crashes again and again must not take the others along.
            intensity=None,
            backoff=Backoff(),
            patient=True,  # nor one whose bot can't be made
        )
        self._settings = settings
        self._endpoint = endpoint
        self._bot = bot
        self._observer = Observer(observer)
        media = settings.media
        self._network = Network(
            media.addresses,
            media.ports,
            tuple(IceServer(url) for url in media.stun),
            relay_only=media.relay == "only",
        )
        folder = None
        if settings.ladders != "off" and keep_ladder is None:
            folder = LadderFolder(settings.call_log, settings.ladders)
        self._log = CallLogSupervisor.start(settings.call_log, self._observer, folder)
        self._keep_ladder = self._log.post if folder is not None else keep_ladder
        self._writer = Writer()
        self._accounts: dict[str, AccountRef] = {}
        self._states: dict[str, str] = {}
        self._settling: list[AsyncioFuture[int]] = []
        self._known = {bare(one.jid): (one, bot) for one in settings.accounts}
        self._changes: dict[str, _Change] = {}
        self._logged_out: dict[str, BotFactory] = {}

    async def on_start(self) -> None:
        """Open the file of records, then start the accounts in the file's order."""
        try:
            await self._log.started
        except BaseException:
            await self._close()
            raise
        await super().on_start()

    async def on_end(self, error: BaseException | None) -> None:
        """End in reverse: accounts, then records, then the writer."""
        await super().on_end(error)
        for future in self._settling:  # nobody logs in any more
            future.set(0)
        for change in self._changes.values():
            change.give_up(f"{self} has ended")
        await self._close()

    async def _close(self) -> None:
        self._log.stop(block=False)
        try:
            async with asyncio.timeout(LOG_DEADLINE + 1):
                await self._log.ended
        except TimeoutError:
            log.error("the file of detail records took too long to be written")
        await asyncio.to_thread(self._writer.close, WRITER_DEADLINE)

    def _child(self, settings: AccountSettings, bot: BotFactory) -> Child:
        start = partial(self._start_account, settings, bot)
        return Child(bare(settings.jid), start, Restart.TRANSIENT, GRACE)

    @handles(AddAccount)
    def _add_account(self, message: AddAccount) -> AccountRef:
        returns = self._logged_out.get(bare(message.settings.jid))
        return self._add(message.settings, message.bot or returns or self._bot)

    def _add(self, settings: AccountSettings, bot: BotFactory) -> AccountRef:
        ref = self.start_child(StartChild(self._child(settings, bot)))
        self._known[bare(settings.jid)] = settings, bot
        self._logged_out.pop(bare(settings.jid), None)
        return ref

    @handles(RemoveAccount)
    def _remove_account(self, message: RemoveAccount) -> AsyncioFuture[BaseException | None]:
        jid = bare(message.jid)
        if jid in self._logged_out and not message.may_return:
            return self._remove_logged_out(jid)
        if message.may_return and (jid in self._known or jid in self._changes):
            self._logged_out[jid] = self._bot_made_for(jid)
        change = self._changes.pop(jid, None)
        if change is not None:  # it is on its way out already
            change.give_up(f"{jid} is removed")
            ref = self._entries[jid].ref
            assert ref is not None  # noqa: S101 - else it would have started anew
            return ref.ended
        if jid not in self._known:
            raise ValueError(f"there is no account {jid}")
        return self._drain_account(jid, message.seconds)

    def _remove_logged_out(self, jid: str) -> AsyncioFuture[BaseException | None]:
        """Let an account that has logged out, or is about to, not return."""
        self._logged_out.pop(jid, None)
        change = self._changes.pop(jid, None)
        if change is not None:
            change.give_up(f"{jid} is removed")
        entry = self._entries.get(jid)
        if entry is not None and entry.ref is not None:
            return entry.ref.ended
        self._observer(AccountRemoved(jid))
        gone: AsyncioFuture[BaseException | None] = AsyncioFuture()
        gone.set(None)
        return gone

    def _drain_account(self, jid: str, seconds: float) -> AsyncioFuture[BaseException | None]:
        """Log an account out when its calls have ended, and forget it then."""
        del self._known[jid]
        drain = DrainAccount(seconds)
        return self.stop_child(StopChild(jid, drain, seconds + LOGOUT))

    @handles(ChangeAccount)
    def _change_account(self, message: ChangeAccount) -> AsyncioFuture[AccountRef | None]:
        jid = bare(message.settings.jid)
        if jid in self._logged_out and jid not in self._changes and not message.returns:
            self._logged_out[jid] = message.bot or self._logged_out[jid]
            stays: AsyncioFuture[AccountRef | None] = AsyncioFuture()
            stays.set(None)
            return stays
        if jid not in self._known and jid not in self._entries:
            raise ValueError(f"there is no account {jid}")
        if self._is_draining:
            raise ValueError(f"{self} drains and does not start {jid!r}")
        changed: AsyncioFuture[AccountRef | None] = AsyncioFuture()
        if jid in self._known and self._keeps_its_login(message.settings):
            changed.set(self._change_in_place(message))
            return changed
        changing = self._changes.get(jid)
        if changing is not None:
            changing.give_up(f"{jid} is changed once more")
        bot = message.bot or self._bot_made_for(jid)
        self._changes[jid] = _Change(message.settings, bot, changed)
        if jid in self._known:
            self._drain_account(jid, message.seconds)
            self._start_changed(jid)  # if it has not even been there
        return changed

    def _bot_made_for(self, jid: str) -> BotFactory:
        """Return what makes the bot of an account, as it was last declared."""
        if jid in self._changes:
            return self._changes[jid].bot
        return self._known[jid][1] if jid in self._known else self._logged_out.get(jid, self._bot)

    def _keeps_its_login(self, settings: AccountSettings) -> bool:
        """Tell whether an account can take other settings as it is."""
        jid = bare(settings.jid)
        is_same = settings.jid == self._known[jid][0].jid
        return is_same and self._states.get(jid) != "failed" and jid in self._accounts

    def _change_in_place(self, message: ChangeAccount) -> AccountRef:
        """Let an account go on with other settings; nothing happens if its bot can't be made."""
        settings, jid = message.settings, bare(message.settings.jid)
        (before, made), entry, ref = self._known[jid], self._entries[jid], self._accounts[jid]
        make = message.bot or made
        new_bot = message.bot is not None or _bot_of(settings) != _bot_of(before)
        if settings == before and not new_bot:
            return ref
        bot = make(ref, settings) if new_bot and entry.ref is not None else None
        self._known[jid] = settings, make
        entry.child = self._child(settings, make)
        if entry.ref is None:  # it waits for its next start
            self.restart_child(RestartChild(jid))
        else:
            ref.post(ChangeSettings(settings, bot, message.seconds))
        return self._accounts[jid]

    def child_died(self, message: ChildDied) -> None:
        """Start an account with its new settings when it has ended with its old ones."""
        super().child_died(message)
        self._start_changed(message.name)

    def _start_changed(self, jid: Hashable) -> None:
        if jid in self._entries or jid not in self._changes:
            return
        change = self._changes.pop(str(jid))
        try:
            change.done.set(self._add(change.settings, change.bot))
        except Exception as error:
            change.give_up(str(error))

    def _forget(self, name: Hashable) -> None:
        """Forget what was known of an account that is no more."""
        super()._forget(name)
        jid = str(name)
        self._accounts.pop(jid, None)
        self._states.pop(jid, None)
        if jid not in self._known and jid not in self._changes and jid not in self._logged_out:
            self.actor_ref.post(AccountRemoved(jid))
        self._settle()

    def _start_account(self, settings: AccountSettings, bot: BotFactory) -> AccountRef:
        context = Context(
            settings=settings,
            endpoint=self._endpoint,
            network=self._network,
            use_services=self._settings.media.services,
            path=ReceivePath(self._settings.media.path),
            largest_picture=self._settings.media.most_pixels,
            recordings=self._settings.recordings,
            writer=self._writer,
            exchange=self.actor_ref,
            log=self._log,
            bot=bot,
            keep_ladder=self._keep_ladder,
        )
        try:
            ref = Account.start(context)
        except Exception as error:
            self._unmade(bare(settings.jid), settings.bot, error)
            raise
        self._accounts[bare(settings.jid)] = ref
        return ref

    def _unmade(self, account: str, bot: str, error: Exception) -> None:
        """Let it be known that an account's bot could not be made; it is tried again."""
        log.error("%s: its bot %s can't be made", account, bot, exc_info=error)
        words = shown(error, str)
        self._observer(BotFailed(account, bot, f"{type(error).__name__}: {words}"))
        self._account_changed(AccountChanged(account, "waiting", f"its bot can't be made: {words}"))

    @handles(AccountChanged)
    def _account_changed(self, report: AccountChanged) -> None:
        self._states[report.jid] = report.state
        self._observer(report)
        self._settle()

    @handles(AccountReady, PresenceReturned, ReceiptReceived, ChatMessage, ChatMessageBounced)
    def _account_reported(self, report: Report) -> None:
        self._observer(report)

    @handles(AccountRemoved)
    def _account_removed(self, report: AccountRemoved) -> None:
        self._observer(report)

    @handles(CallStatus, DigitPressed, BotFailed)
    def _call_reported(self, report: Report) -> None:
        self._observer(report)

    @handles(WhenSettled)
    def _when_settled(self, _: WhenSettled) -> AsyncioFuture[int]:
        future: AsyncioFuture[int] = AsyncioFuture()
        self._settling.append(future)
        self._settle()
        return future

    def _settle(self) -> None:
        """Answer those who wait for the first logins, once none is open.

        While nobody is online, a login that is tried again is open.
        """
        if not self._settling or self._entries.keys() - self._states.keys():
            return
        states = list(self._states.values())
        if "connecting" in states or ("waiting" in states and "online" not in states):
            return
        waiting, self._settling = self._settling, []
        for future in waiting:
            future.set(states.count("online"))

    @handles(FindAccount)
    def _find_account(self, message: FindAccount) -> AccountRef | None:
        return self._accounts.get(bare(message.jid))

    @handles(Shutdown)
    def _shut_down(self, message: Shutdown) -> None:
        self.drain(Drain(message.seconds + LOGOUT, DrainAccount(message.seconds)))


def _bot_of(settings: AccountSettings) -> tuple[object, ...]:
    """Return what a bot is made of."""
    return settings.bot, settings.options

"""The accounts of one shard: who is online, who is busy, what the actors say of them."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from ...actors.call_libraries import call_libraries
from ...actors.context import Endpoint
from ...actors.exchange import Exchange
from ...actors.messages.account import AccountRef
from ...actors.messages.bot import BotPort
from ...actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    AddAccount,
    BotFailed,
    CallStatus,
    ExchangeRef,
    PresenceReturned,
    ReceiptReceived,
    Report,
    Shutdown,
)
from ...actors.records.call_record import CallRecord
from ...actors.runtime.messages import StopChild
from ...bots.adapter import bot_factory
from ...bots.find import find_bot
from ...config import AccountSettings
from ...config.jid import bare
from ..measure.actor_reports import measure_call, measure_login, measure_media, measure_setup
from ..measure.tally import Tally
from ..plan.pairing import owner
from ..plan.plan import PARTICIPANT, LoadAccount, Plan
from .participant import Participant, Sources
from .phase_tag import phase_of

#: Seconds in which the exchange takes a message; it never waits for anything itself.
HANDLED = 30.0
#: Seconds that everything may take to close, beyond what running calls get.
CLOSING = 60.0


class LoginFailed(Exception):  # noqa: N818 - what happened, not a fault
    """An account could not log in; the message says why."""


@dataclass(slots=True)
class ShardAccount:
    """One account of this shard.

    Attributes:
        settings: what the plan declares of it.
        online: whether its stream is open.
        busy: whether it is in a call that a phase began.
        ref: its actor, once it was started.
    """

    settings: LoadAccount
    online: bool = False
    busy: bool = False
    ref: AccountRef | None = None

    @property
    def actor(self) -> AccountRef:
        """Its actor; only once it has been started."""
        assert self.ref is not None  # noqa: S101 - phases choose among those that are online
        return self.ref


@dataclass(frozen=True, slots=True)
class _Login:
    """A login that a phase waits for, and where it is recorded."""

    done: "asyncio.Future[None]"
    tally: Tally


@dataclass(slots=True)
class _Waiting:
    """What phases wait for: logins by account, and what comes back by account and words."""

    logins: dict[str, _Login] = field(default_factory=dict)
    returns: dict[tuple[str, str], "asyncio.Future[None]"] = field(default_factory=dict)


class ShardAccounts:
    """The accounts of one shard, and the exchange that they live in.

    Args:
        plan: the whole plan.
        folder: the plan's folder.
        shard: which shard this is.
        shards: how many there are.
        tally: told what is measured.

    Attributes:
        by_place: this shard's accounts, by their place in the plan.
        sources: what is sent in the calls of each phase that has begun.
    """

    def __init__(self, plan: Plan, folder: Path, shard: int, shards: int, tally: Tally) -> None:
        self.plan = plan
        self.folder = folder
        self.shard = shard
        self.shards = shards
        self.tally = tally
        self.by_place = {
            place: ShardAccount(settings)
            for place, settings in enumerate(plan.accounts)
            if owner(place, shards) == shard
        }
        self.sources: dict[int, Sources] = {}
        self._by_jid = {bare(one.settings.jid): one for one in self.by_place.values()}
        self._waiting = _Waiting()
        self._calls: dict[tuple[str, str], CallStatus] = {}
        self._exchange: ExchangeRef | None = None

    async def open(self, endpoint: Endpoint) -> None:
        """Start the exchange, with no account yet.

        Args:
            endpoint: where accounts connect to.
        """
        names = {one.settings.bot for one in self.by_place.values()} - {PARTICIPANT}
        classes = {name: await asyncio.to_thread(find_bot, name, self.folder) for name in names}
        theirs = bot_factory(classes, self.folder)

        def make(ref: AccountRef, settings: AccountSettings) -> BotPort:
            if settings.bot != PARTICIPANT:
                return theirs(ref, settings)
            return Participant(ref, self.tally, self.plan.phases, self.sources)

        settings = self.plan.model_copy(update={"accounts": (), "call_log": None, "ladders": "off"})
        keep = None if self.plan.ladders == "off" else self.tally.ladder
        await call_libraries()  # nothing of it is to be measured
        self._exchange = Exchange.start(settings, endpoint, make, self._see, keep)
        await self._exchange.started

    async def close(self, seconds: float) -> None:
        """End running calls after a while, log everybody out, and stop.

        Args:
            seconds: how long calls may go on.
        """
        if self._exchange is None or not self._exchange.is_alive():
            return
        self._exchange.tell(Shutdown(seconds))
        async with asyncio.timeout(seconds + CLOSING):
            await self._exchange.ended

    # -- what phases do ----------------------------------------------------------------------------

    async def log_in(self, place: int, seconds: float, tally: Tally) -> None:
        """Start an account and return when its login is complete.

        Args:
            place: the account's place in the plan.
            seconds: how long it may take.
            tally: where the login is recorded if it succeeds.

        Raises:
            LoginFailed: it did not come to that.
        """
        account = self.by_place[place]
        jid = bare(account.settings.jid)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.logins[jid] = _Login(done, tally)
        try:
            account.ref = await self.exchange.request(AddAccount(account.settings), timeout=HANDLED)
            async with asyncio.timeout(seconds):
                await done
        except (LoginFailed, TimeoutError, ValueError) as error:
            words = f"not complete within {seconds:g} s" if not str(error) else str(error)
            if not isinstance(error, ValueError):
                await self.exchange.request(StopChild(jid), timeout=HANDLED)
            raise LoginFailed(words) from None
        finally:
            del self._waiting.logins[jid]

    async def log_out(self, place: int) -> None:
        """Stop an account and return when it has logged out.

        Args:
            place: the account's place in the plan.
        """
        account = self.by_place[place]
        account.online = False
        jid = bare(account.settings.jid)
        await (await self.exchange.request(StopChild(jid), timeout=HANDLED))
        account.ref = None

    async def returned(self, jid: str, words: str, seconds: float) -> float | None:
        """Wait for a receipt or a returned presence.

        Args:
            jid: the account that it comes to.
            words: the message's id, or the presence's status.
            seconds: how long.

        Returns:
            After how many seconds it came, or None.
        """
        key = bare(jid), words
        began = time.monotonic()
        arrived = self._waiting.returns[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await arrived
        except TimeoutError:
            return None
        finally:
            del self._waiting.returns[key]
        return time.monotonic() - began

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of the accounts."""
        if self._exchange is None:
            raise RuntimeError("the accounts are not open")
        return self._exchange

    @property
    def online(self) -> int:
        """How many accounts are online."""
        return sum(one.online for one in self.by_place.values())

    @property
    def calls(self) -> int:
        """How many calls begun by this shard's accounts go on."""
        return sum(one.direction == "out" for one in self._calls.values())

    # -- what the actors say -----------------------------------------------------------------------

    def _see(self, event: Report | CallRecord) -> None:
        match event:
            case CallStatus():
                self._call_status(event)
            case CallRecord():
                status = self._calls.pop((event.account, event.id), None)
                phase = phase_of(event.id, len(self.plan.phases))
                measure_call(event, status, phase, self.tally.of(phase))
            case AccountReady():
                self._account_ready(event)
            case AccountChanged():
                self._account_changed(event)
            case PresenceReturned():
                self._came_back(event.jid, event.status)
            case ReceiptReceived():
                self._came_back(event.account, event.id)
            case BotFailed():
                self.tally.fail("bot", f"{event.bot}: {event.error}")

    def _call_status(self, status: CallStatus) -> None:
        key = (status.account, status.id)
        tally = self.tally.of(phase_of(status.id, len(self.plan.phases)))
        before = self._calls.get(key)
        if before is None:
            if status.phase == "ended":
                return
            if status.direction == "out":
                tally.count("call.started")
        if status.direction == "out":
            measure_setup(before, status, tally)
        measure_media(before, status, tally)
        self._calls[key] = status

    def _account_ready(self, event: AccountReady) -> None:
        waiting = self._waiting.logins.get(event.jid)
        if waiting is None:
            self.tally.count("account.returned")
            return
        measure_login(event, waiting.tally)
        self._settle(event.jid, None)

    def _account_changed(self, event: AccountChanged) -> None:
        account = self._by_jid[event.jid]
        if event.state == "online":
            account.online = True
        elif account.online:
            account.online = False
            if event.state == "waiting":
                self.tally.count("account.lost")
                self.tally.cause("account", event.detail.partition("; next try")[0])
        if event.state in ("failed", "waiting"):
            self._settle(event.jid, event.detail.partition("; next try")[0])

    def _settle(self, jid: str, failure: str | None) -> None:
        waiting = self._waiting.logins.get(jid)
        if waiting is None or waiting.done.done():
            return
        if failure is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(LoginFailed(failure))

    def _came_back(self, jid: str, words: str) -> None:
        arrived = self._waiting.returns.get((jid, words))
        if arrived is not None and not arrived.done():
            arrived.set_result(None)

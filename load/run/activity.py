"""What the phases do, each on the accounts of one shard."""

import asyncio
import secrets
import time
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from pykka import ActorDeadError

from ...actors.messages.account import PlaceCall, Send, SetPresence
from ...actors.messages.call import CallOver, Hangup, Wait
from ...config.jid import bare
from ..measure.tally import Tally
from ..plan.pairing import turns
from ..plan.phase import CallPhase, IdlePhase, LoginPhase, LogoutPhase, MessagePhase, PresencePhase
from ..plan.plan import pairing, places_of
from .pace import pace
from .participant import HANDLED
from .phase_sources import find_sources
from .phase_tag import new_tag, session_id, tagged_message
from .shard_accounts import LoginFailed, ShardAccount, ShardAccounts

LOGIN_DEADLINE = 60.0
"""Seconds that a login may take."""
RETURN_DEADLINE = 10.0
"""Seconds in which a receipt, or a presence's return, must have come."""
PLACE_DEADLINE = 20.0
"""Seconds in which a call must be placed; asking what the peer can do takes 3 of them at most."""
END_DEADLINE = 30.0
"""Seconds that a call may take to end after it was hung up."""


async def perform(phase: int, accounts: ShardAccounts) -> None:
    """Do what a phase says with the accounts of this shard, to its end.

    Args:
        phase: its place in the plan.
        accounts: the accounts.
    """
    tally = accounts.tally.of(phase)
    match accounts.plan.phases[phase].activity:
        case LoginPhase() as login:
            await _log_in(login, accounts, tally)
        case LogoutPhase() as logout:
            await _log_out(logout, accounts, tally)
        case IdlePhase() as idle:
            await asyncio.sleep(idle.duration)
        case PresencePhase() as presence:
            await _change_presence(presence, accounts, tally)
        case MessagePhase() as message:
            await _send_messages(message, phase, accounts, tally)
        case CallPhase() as call:
            await _Calls(call, phase, accounts, tally).run()


def _once(places: list[int], accounts: ShardAccounts) -> Iterable[int]:
    """Give one turn to each account of this shard."""
    return takewhile(
        lambda turn: turn < len(places), turns(places, accounts.shard, accounts.shards)
    )


async def _log_in(login: LoginPhase, accounts: ShardAccounts, tally: Tally) -> None:
    places = places_of(accounts.plan.accounts, login.accounts)

    async def log_in(turn: int) -> None:
        if accounts.by_place[places[turn]].ref is not None:
            tally.drop("login", "the account was already logged in")
            return
        tally.count("login.started")
        try:
            await accounts.log_in(places[turn], LOGIN_DEADLINE, tally)
        except LoginFailed as failure:
            tally.fail("login", str(failure))

    await pace("login", _once(places, accounts), login.arrivals, log_in, tally)


async def _log_out(logout: LogoutPhase, accounts: ShardAccounts, tally: Tally) -> None:
    places = places_of(accounts.plan.accounts, logout.accounts)

    async def log_out(turn: int) -> None:
        account = accounts.by_place[places[turn]]
        if not account.online:
            tally.drop("logout", "the account was offline")
            return
        tally.count("logout.started")
        began = time.monotonic()
        await accounts.log_out(places[turn])
        tally.count("logout.ok")
        tally.record("logout", time.monotonic() - began)

    await pace("logout", _once(places, accounts), logout.arrivals, log_out, tally)


async def _change_presence(presence: PresencePhase, accounts: ShardAccounts, tally: Tally) -> None:
    places = places_of(accounts.plan.accounts, presence.accounts)

    async def change(turn: int) -> None:
        account = accounts.by_place[places[turn % len(places)]]
        if not account.online:
            tally.drop("presence", "the account was offline")
            return
        words = f"load {turn} {secrets.token_hex(4)}"
        tally.count("presence.started")
        account.actor.tell(SetPresence(status=words))
        seconds = await accounts.returned(account.settings.jid, words, RETURN_DEADLINE)
        if seconds is None:
            tally.cause("presence", f"not announced within {RETURN_DEADLINE:g} s")
            return
        tally.count("presence.ok")
        tally.record("presence.returned", seconds)

    iterations = turns(places, accounts.shard, accounts.shards)
    await pace("presence", iterations, presence.arrivals, change, tally)


async def _send_messages(
    message: MessagePhase, phase: int, accounts: ShardAccounts, tally: Tally
) -> None:
    pairs = pairing(accounts.plan.accounts, message)

    async def send(iteration: int) -> None:
        first, second = pairs.pair(iteration)
        account = accounts.by_place[first]
        if not account.online:
            tally.drop("message", "the sender was offline")
            return
        tag = new_tag(phase, receipt=message.receipts)
        tally.count("message.started")
        stanza = tagged_message(bare(accounts.plan.accounts[second].jid), tag, message.size)
        account.actor.tell(Send(stanza))
        if not message.receipts:
            return
        seconds = await accounts.returned(account.settings.jid, tag.identifier, RETURN_DEADLINE)
        if seconds is None:
            tally.cause("message", f"no receipt within {RETURN_DEADLINE:g} s")
            return
        tally.count("message.receipted")
        tally.record("message.receipt", seconds)

    iterations = pairs.iterations(accounts.shard, accounts.shards)
    await pace("message", iterations, message.arrivals, send, tally)


class _Calls:
    """The calls of one phase.

    Args:
        phase: what they are like.
        number: its place in the plan.
        accounts: the accounts of this shard.
        tally: the phase's.
    """

    def __init__(
        self, phase: CallPhase, number: int, accounts: ShardAccounts, tally: Tally
    ) -> None:
        self._phase = phase
        self._number = number
        self._accounts = accounts
        self._tally = tally
        self._pairs = pairing(accounts.plan.accounts, phase)

    async def run(self) -> None:
        """Place the calls, hold them, hang up."""
        sources = await find_sources(self._phase, self._accounts.folder)
        self._accounts.sources[self._number] = sources
        await pace(
            "call",
            self._pairs.iterations(self._accounts.shard, self._accounts.shards),
            self._phase.arrivals,
            self._call,
            self._tally,
        )

    async def _call(self, iteration: int) -> None:
        first, second = self._pairs.pair(iteration)
        caller = self._accounts.by_place[first]
        if not caller.online:
            self._tally.drop("call", "the caller was offline")
        elif caller.busy:
            self._tally.drop("call", "the caller was still in its last call")
        else:
            caller.busy = True
            try:
                await self._hold(caller, second, iteration)
            finally:
                caller.busy = False

    async def _hold(self, caller: ShardAccount, second: int, iteration: int) -> None:
        jid = self._accounts.plan.accounts[second].jid
        to = bare(jid) if self._phase.propose else jid
        sid = session_id(self._number)
        sent = self._accounts.sources[self._number]
        order = PlaceCall(to, sent.audio, sent.video, message=self._phase.propose, sid=sid)
        try:
            async with asyncio.timeout(PLACE_DEADLINE):
                call = await (await caller.actor.request(order, timeout=HANDLED))
        except Exception as error:
            self._tally.count("call.started")
            self._tally.fail("call", f"not placed: {str(error) or type(error).__name__}")
            return
        try:
            await self._until(call, "connected")
            seconds = self._phase.hold.draw(self._accounts.plan.seed, iteration)
            async with asyncio.timeout(seconds):
                await self._until(call, "ended")
        except (CallOver, ActorDeadError):
            return  # the detail record says what happened
        except TimeoutError:
            pass
        call.tell(Hangup())
        try:
            async with asyncio.timeout(END_DEADLINE):
                await self._until(call, "ended")
        except (TimeoutError, CallOver, ActorDeadError):
            self._tally.cause("call", f"not ended {END_DEADLINE:g} s after the hangup")

    @staticmethod
    async def _until(call: Any, what: Any) -> None:
        await (await call.request(Wait(what), timeout=HANDLED))

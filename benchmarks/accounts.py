"""Accounts that log in and then idle: ours, plain slixmpp's and tsung's."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import slixmpp
from callboard.actors.context import Endpoint
from callboard.actors.exchange import Exchange
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    AddAccount,
    FindAccount,
    Shutdown,
)
from callboard.actors.xmpp.tls_context import trust
from callboard.bots import Bot
from callboard.bots.adapter import bot_factory
from callboard.config import AccountSettings, Settings

HOST = "localhost"
#: What an account of ours does itself: discovery, capabilities, resumption, pings, carbons and
#: call messages.
PLUGINS = ("xep_0030", "xep_0115", "xep_0198", "xep_0199", "xep_0280", "xep_0353")


def user(number: int) -> str:
    """Return the name of an account."""
    return f"user{number + 1}"


def password(number: int, fleet: bool = False) -> str:
    """Return its password; each has another, so that none is hashed for two, but in a fleet."""
    return "fleet" if fleet else f"password{number + 1}"


def passwords(count: int, fleet: bool = False) -> dict[str, str]:
    """Return the passwords of so many accounts, as the server is given them."""
    return {user(number): password(number, fleet) for number in range(count)}


class Logins(logging.Handler):
    """Counts logins by what the embedded server logs: the same yardstick for every client."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.times: list[float] = []
        self._began: list[float] = []
        self._open: dict[str, float] = {}
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        logger = logging.getLogger("callboard.server.prosody")
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("callboard.server.prosody").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the server's."""
        line, now = record.getMessage(), time.monotonic()
        if "Client connected" in line:
            self._open[_stream(line)] = now
        elif "Authenticated as" in line:
            self._began.append(self._open.get(_stream(line), now))
            self.times.append(now)
            self._changed.set()

    async def reach(self, count: int, patience: float = 20.0) -> int:
        """Return when so many have logged in, or nobody has for some time.

        Args:
            count: how many.
            patience: seconds without a login after which those that are missing have failed.

        Returns:
            how many have.

        Raises:
            TimeoutError: more than one in twenty is missing.
        """
        try:
            while len(self.times) < count:
                self._changed.clear()
                await asyncio.wait_for(self._changed.wait(), patience)
        except TimeoutError:
            if len(self.times) < count * 0.95:
                raise
        return len(self.times)

    def rate(self, warm: int) -> float:
        """Return the logins a second, from the first connection to the last login.

        A client that opens all its connections at once would seem quicker if only what is between
        its logins counted: much of their work is done before the first of them.

        Args:
            warm: how many logged in before, after which nothing happened for a while.
        """
        return (len(self.times) - warm) / (self.times[-1] - min(self._began[warm:]))


def _stream(line: str) -> str:
    """Return the stream that a line of the server's log is about."""
    return next((word for word in line.split() if word.startswith("c2s")), "")


class Idle(Bot):
    """A bot that does nothing."""


class Ours:
    """Our accounts of one process.

    Args:
        exchange: supervises them.
        bots: the class of their bot, by name.
    """

    def __init__(self) -> None:
        self.exchange: Any = None
        self.ready: set[str] = set()
        self._away: set[str] = set()
        self._stands: dict[str, tuple[float, AccountChanged]] = {}
        self._changed = asyncio.Event()

    def see(self, event: object) -> None:
        """Take an event of the exchange."""
        if isinstance(event, AccountReady):
            self.ready.add(event.jid)
            self._changed.set()
        elif isinstance(event, AccountChanged):
            self._stands[event.jid] = time.monotonic(), event
            if event.state == "online":
                self._away.discard(event.jid)
                self._changed.set()

    async def login(
        self, first: int, last: int, at_once: int = 20, *, fleet: bool = False
    ) -> float:
        """Log in, and return the seconds that it took.

        Args:
            first: the first account's number.
            last: the number after the last one's.
            at_once: how many logins may be open at a time.
            fleet: whether they share one password.
        """
        began = time.monotonic()
        goal = len(self.ready) + last - first
        for number in range(first, last):
            while len(self.ready) < goal - (last - number) - at_once + 1:
                await self._change()
            account = {
                "jid": f"{user(number)}@{HOST}",
                "password": password(number, fleet),
                "bot": "idle",
            }
            self.exchange.tell(AddAccount(AccountSettings.model_validate(account)))
            await asyncio.sleep(0)
        while len(self.ready) < goal:
            await self._change()
        return time.monotonic() - began

    async def lose(self, count: int) -> float:
        """Break the connections of all at once, and return the seconds until they are back.

        Args:
            count: how many have logged in.
        """
        accounts = []
        for number in range(count):
            ref = await self.exchange.request(FindAccount(f"{user(number)}@{HOST}"), timeout=60)
            accounts.append(ref._actor_weakref())  # noqa: SLF001 -- no message breaks a connection
        self._away = {f"{user(number)}@{HOST}" for number in range(count)}
        began = time.monotonic()
        for account in accounts:
            account._session.stream.lose()  # noqa: SLF001
        try:
            while self._away:
                await self._change()
        except TimeoutError:
            raise TimeoutError(self._who_is_away()) from None
        return time.monotonic() - began

    def _who_is_away(self) -> str:
        """Name the accounts that have not come back, each with the last that was heard of it."""
        now = time.monotonic()
        lines = []
        for jid in sorted(self._away):
            at, last = self._stands[jid]
            lines.append(f"{jid}: {last.state} for {now - at:.1f} s: {last.detail}")
        return f"{len(lines)} accounts are not back:\n" + "\n".join(lines)

    async def _change(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(60):
            await self._changed.wait()


@asynccontextmanager
async def ours(port: int, authority: str, folder: str) -> AsyncIterator[Ours]:
    """Run an exchange without accounts.

    Args:
        port: the server's, on loopback.
        authority: the file with the authority of the server's certificate.
        folder: where detail records would go.
    """
    tune_garbage_collection()  # as `callboard run` and the shards of `callboard load` do
    context = await asyncio.to_thread(trust, Path(authority))
    settings = Settings.model_validate(
        {
            "server": {"host": "127.0.0.1", "port": port, "ca": authority},
            "recordings": folder,
            "call_log": Path(folder, "calls.jsonl"),
            "media": {"addresses": ["127.0.0.1"]},
            "accounts": [{"jid": f"nobody@{HOST}", "password": "none", "bot": "idle"}],
        }
    ).model_copy(update={"accounts": ()})
    accounts = Ours()
    endpoint = Endpoint("127.0.0.1", port, False, context)
    factory = bot_factory({"idle": Idle}, Path(folder))
    accounts.exchange = Exchange.start(settings, endpoint, factory, accounts.see)
    await accounts.exchange.started
    try:
        yield accounts
    finally:
        accounts.exchange.tell(Shutdown(0))
        await accounts.exchange.ended


class Plain:
    """Accounts of slixmpp as it comes, with the plugins for what an account of ours does.

    It is told where the server is, and that it speaks STARTTLS; each account makes the TLS context
    of its own that slixmpp makes.

    Args:
        port: the server's, on loopback.
        authority: the file with the authority of the server's certificate.
    """

    def __init__(self, port: int, authority: str) -> None:
        self._port = port
        self._authority = authority
        self._clients: list[slixmpp.ClientXMPP] = []

    async def login(self, first: int, last: int, at_once: int = 20) -> float:
        """Log in, and return the seconds that it took."""
        began = time.monotonic()
        places = asyncio.Semaphore(at_once)

        async def one(number: int) -> None:
            async with places:
                await self._login(number)

        async with asyncio.TaskGroup() as group:
            for number in range(first, last):
                group.create_task(one(number))
        return time.monotonic() - began

    async def _login(self, number: int) -> None:
        client = slixmpp.ClientXMPP(f"{user(number)}@{HOST}/plain", password(number))
        client.ca_certs = Path(self._authority)
        client.enable_direct_tls = False
        for plugin in PLUGINS:
            client.register_plugin(plugin)
        ready = asyncio.Event()

        async def started(_: object) -> None:
            await client.get_roster()
            client.plugin["xep_0280"].enable()
            await client.plugin["xep_0115"].update_caps()
            client.send_presence()
            ready.set()

        client.add_event_handler("session_start", started)
        client.connect("127.0.0.1", self._port)
        self._clients.append(client)
        async with asyncio.timeout(60):
            await ready.wait()

    async def close(self) -> None:
        """Log out."""
        for client in self._clients:
            client.abort()
        await asyncio.sleep(0)

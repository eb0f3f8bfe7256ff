"""A real Prosody, a real exchange, and everything they report: what live tests play on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from callboard.actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    BotFailed,
    CallStatus,
    ExchangeRef,
    FindAccount,
)
from callboard.actors.records.call_record import CallRecord
from callboard.bots import Bot, Call, Invite, Message, Presence
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.cli.deployment import Deployment
from callboard.config import AccountSettings, Settings
from callboard.config.jid import bare
from callboard.server import Prosody
from callboard.server.configuration import MODULES
from callboard.tests.live import ledger

E = TypeVar("E")

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0
PASSWORD = "correct horse battery staple"
ALICE, BOB, CAROL = "alice@localhost", "bob@localhost", "carol@localhost"


@dataclass(frozen=True)
class Told:
    """What a puppet was told.

    Attributes:
        account: whose puppet.
        what: the call that rings, the message, the invite, the contact's presence, how a call
            stands whose media changed, what came on a data channel, why a recording failed, or
            "start" or "stop".
    """

    account: str
    what: Call | CallStatus | Invite | Message | Presence | str | bytes


class Stage:
    """A deployment that runs, with every event that it reported."""

    def __init__(self, prosody: Prosody, folder: Path) -> None:
        self.prosody = prosody
        self.folder = folder
        self.events: list[Any] = []
        self.puppets: dict[str, Puppet] = {}
        self.deployment: Deployment | None = None
        self._changed = asyncio.Event()

    def see(self, event: Any) -> None:
        """Take an event."""
        self.events.append(event)
        self._changed.set()

    def all(self, kind: type[E]) -> list[E]:
        """Return the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

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
        """Return when these accounts are online, and the server has their presence.

        Before that, a proposal to the bare JID may meet nobody.
        """
        for jid in jids:
            await self._ready((await self.state(jid, "online")).jid)

    async def _ready(self, jid: str) -> None:
        await self.until(AccountReady, lambda e: e.jid == jid)

    async def state(self, jid: str, state: str) -> AccountChanged:
        """Return when an account is in this state."""
        wanted = bare(jid)
        return await self.until(AccountChanged, lambda e: e.jid == wanted and e.state == state)

    async def phase(self, account: str, phase: str) -> CallStatus:
        """Return when a call of this account is in this phase."""
        return await self.until(CallStatus, lambda e: e.account == account and e.phase == phase)

    async def step(self, account: str, step: str) -> CallStatus:
        """Return when a call of this account has taken this step."""
        return await self.until(CallStatus, lambda e: e.account == account and step in e.steps)

    async def media(self, account: str, kind: str = "audio", packets: int = 1) -> CallStatus:
        """Return when a call of this account has received so many packets of a kind."""
        return await self.until(
            CallStatus,
            lambda e: (
                e.account == account
                and any(one.kind == kind and one.received >= packets for one in e.statistics)
            ),
        )

    async def record(self, account: str, sid: str | None = None) -> CallRecord:
        """Return the first detail record of this account, or the one of a call."""
        return await self.until(CallRecord, lambda e: e.account == account and sid in (None, e.id))

    async def failure(self, account: str) -> BotFailed:
        """Return what an account's bot raised."""
        return await self.until(BotFailed, lambda e: e.account == account)

    async def ringing(self, account: str, sid: str | None = None) -> Call:
        """Return the first call, or the one of this id, that came in to an account's puppet.

        Others are told of it by then, too: a bot hears of a call first.
        """
        call = await self.told(account, Call, lambda call: sid in (None, call.id))
        await self.until(CallStatus, lambda e: (e.account, e.id) == (account, call.id))
        return call

    async def connected(
        self, caller: str, callee: str, back: Mapping[str, Any] | None = None, /, **media: Any
    ) -> tuple[Call, Call]:
        """Return a call between two puppets that is connected, as either has it.

        Args:
            caller: whose puppet calls.
            callee: whose puppet answers.
            back: the sources that the callee sends, by kind; the caller's if left out.
            media: the sources that the caller sends, by kind; a tone if there are none.
        """
        media = media or {"audio": "tone"}
        out = await self.puppets[caller].call(callee, **media)
        came = await self.ringing(callee)
        await came.answer(**(back or media))
        await out.connected()
        return out, came

    async def told(
        self, account: str, kind: type[E], found: Callable[[E], bool] = lambda _: True
    ) -> E:
        """Return the first thing of a kind that fits, of all that an account's puppet was told."""
        event = await self.until(
            Told, lambda e: e.account == account and isinstance(e.what, kind) and found(e.what)
        )
        assert isinstance(event.what, kind)
        return event.what

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of all accounts."""
        assert self.deployment is not None
        return self.deployment.exchange

    async def account(self, jid: str) -> Any:
        """Return the actor of an account, for a look inside."""
        ref = await self.exchange.request(FindAccount(jid), timeout=PATIENCE)
        assert ref is not None
        return ref._actor_weakref()

    def records(self) -> list[dict[str, Any]]:
        """Read the file of detail records, and see that no call has two."""
        records = ledger.read(self.folder / "calls.jsonl")
        ledger.check_complete(records, [])
        return records

    async def states(self, *accounts: str) -> list[str]:
        """Return what became of the first call of each account, as the file has it."""
        awaited = [await self.record(account) for account in accounts]
        written = {(one["account"], one["id"]): one["state"] for one in self.records()}
        return [written[one.account, one.id] for one in awaited]

    def close(self) -> None:
        """See that each call that was ever seen has its one record."""
        calls = {(status.account, status.id) for status in self.all(CallStatus)}
        ledger.check_complete(self.records(), calls)


def entry(jid: str, **more: Any) -> AccountSettings:
    """Return what an account of a puppet's is declared by."""
    return AccountSettings.model_validate(
        {"jid": jid, "password": PASSWORD, "bot": "puppet", **more}
    )


class Puppet(Bot):
    """A bot that does nothing by itself, but what a test has it do."""

    stage: ClassVar[Stage]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.stage.puppets[self.account] = self

    async def on_start(self) -> None:
        self.stage.see(Told(self.account, "start"))

    async def on_stop(self) -> None:
        self.stage.see(Told(self.account, "stop"))

    async def on_call(self, call: Call) -> None:
        self.stage.see(Told(self.account, call))

    async def on_message(self, message: Message) -> None:
        self.stage.see(Told(self.account, message))

    async def on_media(self, call: Call) -> None:
        self.stage.see(Told(self.account, await call.status()))

    async def on_data(self, call: Call, data: str | bytes) -> None:
        self.stage.see(Told(self.account, data))

    async def on_recording_failed(self, call: Call, why: str) -> None:
        self.stage.see(Told(self.account, why))

    async def on_invite(self, invite: Invite) -> None:
        self.stage.see(Told(self.account, invite))

    async def on_presence(self, presence: Presence) -> None:
        self.stage.see(Told(self.account, presence))


@asynccontextmanager
async def staged(
    folder: Path,
    accounts: Sequence[str | Mapping[str, Any]],
    bots: Mapping[str, type[Bot]] | None = None,
    *,
    guests: Sequence[str] = (),
    missing: Sequence[str] = (),
    server: Mapping[str, Any] | None = None,
    websocket: bool = False,
    services: Sequence[Mapping[str, Any]] = (),
    modules: Sequence[str] = (),
    wait: bool = True,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Run accounts on a private Prosody, wait until all are online, and shut down in order.

    Args:
        folder: where recordings and ``calls.jsonl`` go.
        accounts: what the YAML file would have under ``accounts``, or a puppet's JID alone;
            passwords are made up.
        bots: classes besides the built-in ones, by the name that accounts have for them; those
            of puppets are given the stage.
        guests: users that are no account of ours but exist on the server.
        missing: users that are accounts of ours but do not exist on the server.
        server: what differs in the YAML file's ``server``.
        websocket: let browsers log in too.
        services: STUN and TURN servers that the server tells of.
        modules: of Prosody's, besides the usual ones.
        wait: for all accounts to be online.
        settings: what the YAML file would have at its top.
    """
    declared = [
        {"password": PASSWORD, "bot": "puppet", **({"jid": one} if isinstance(one, str) else one)}
        for one in accounts
    ]
    users = {bare(one["jid"]).partition("@")[0]: PASSWORD for one in declared}
    users |= dict.fromkeys(guests, PASSWORD)
    users = {user: password for user, password in users.items() if user not in missing}
    media = {"addresses": ["127.0.0.1"], **settings.pop("media", {})}
    server_modules = (*MODULES, *modules)
    async with Prosody(
        users,
        modules=server_modules,
        plugins=Path(__file__).with_name("prosody_modules"),
        websocket=websocket,
        services=services,
    ) as prosody:
        address = {"host": prosody.address, "port": prosody.port, "ca": prosody.certificate}
        checked = Settings.model_validate(
            {
                "server": {**address, **(server or {})},
                "recordings": folder,
                "call_log": folder / "calls.jsonl",
                "drain": 2,
                "media": media,
                **settings,
                "accounts": declared,
            }
        )
        stage = Stage(prosody, folder)
        classes = {**BUILT_IN, "puppet": Puppet, **(bots or {})}
        for name, one in classes.items():
            if issubclass(one, Puppet):
                classes[name] = type(one.__name__, (one,), {"stage": stage})
        async with deployed(
            checked, classes, folder, stage.see, web=checked.web
        ) as stage.deployment:
            if wait:
                await stage.online(*(one["jid"] for one in declared))
            yield stage
        stage.close()

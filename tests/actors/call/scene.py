"""A call with a staged peer connection, and the ways to each of its states.

No real peer stops in each of these places.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from callboard.actors.call.call import Call
from callboard.actors.call.progress import QUIET
from callboard.actors.call.setup import CallSetup
from callboard.actors.call.state import CallState
from callboard.actors.context import Context, Endpoint
from callboard.actors.messages.account import PlaceCall
from callboard.actors.messages.call import (
    Answer,
    Hangup,
    JingleReceived,
    PeerProceeds,
    PeerRinging,
)
from callboard.actors.messages.conversation import SendJingle
from callboard.actors.records.call_record import CallRecord
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.xmpp.events import IqAnswered
from callboard.actors.xmpp.stanza import iq_reply, stanza_error
from callboard.config import AccountSettings
from callboard.jingle import Info, Initiated, Role, Session, to_jingle
from callboard.media import (
    Closed,
    Connected,
    Network,
    ReceivePath,
    Silence,
)
from callboard.tests.live.device import OFFER

OWN, PEER = "desk@localhost/bot", "alice@localhost/phone"
ANSWER = OFFER.replace("actpass", "active")
_AUDIO = OFFER[OFFER.index("m=audio") :]
_VIDEO = _AUDIO.replace("m=audio", "m=video").replace("mid:0", "mid:1")
#: The same with video, which the call adds or the peer does.
MORE = OFFER.replace("BUNDLE 0", "BUNDLE 0 1") + _VIDEO.replace("opus/48000/2", "VP8/90000")
MORE_ANSWERED = MORE.replace("actpass", "active")
#: Seconds that nothing in a call may take but ringing and being connected.
LONGEST = 100.0


class Ear(AsyncioActor):
    """Notes what it is told. What is to be said has been said then, unless it is slow."""

    def __init__(self, heard: list[Any], *, is_slow: bool = False) -> None:
        super().__init__()
        self._heard = heard
        self._is_slow = is_slow

    def on_receive(self, message: Any) -> None:
        """Note it."""
        self._heard.append(message)
        said = getattr(message, "said", None)
        if said is not None and not self._is_slow:
            said.set()


class Media:
    """A peer connection that does nothing, and hangs or fails where it is told to."""

    hangs: ClassVar[set[str]] = set()
    fails: ClassVar[set[str]] = set()
    foresees: ClassVar[bool] = False
    last: ClassVar["Media"]

    def __init__(self, *, on_event: Any, **_: object) -> None:
        self.tell = on_event
        self.media = self.data = self
        self.done: list[str] = []
        self.added = 0
        self.closed = False
        type(self).last = self

    def __getattr__(self, name: str) -> Any:
        def do(*_: Any, **__: Any) -> bool:
            self.done.append(name)
            return True

        return do

    def codecs(self, _: Any) -> dict[Any, str]:
        """Nothing is agreed."""
        return {}

    def freezes(self) -> list[tuple[float, float]]:
        """Nothing stood still."""
        return []

    def statistics(self) -> tuple[Any, ...]:
        """Count nothing."""
        if "statistics" in self.fails:
            raise RuntimeError("no counters")
        return ()

    async def _do(self, name: str, result: str = "") -> str:
        self.done.append(name)
        if name in self.hangs:
            await asyncio.get_running_loop().create_future()
        if name in self.fails:
            raise RuntimeError(f"{name} failed")
        return result

    async def offer(self, *, give_way: Callable[[], Awaitable[None]], **_: Any) -> str:
        await give_way()
        return await self._do("offer", OFFER)

    async def offer_more(self, **_: Any) -> str:
        self.added += 1
        more = MORE.replace("0 1", f"0 {self.added}").replace("mid:1", f"mid:{self.added}")
        return await self._do("offer_more", more)

    async def get_ready(self, _: str) -> None:
        await self._do("get_ready")

    async def answer(
        self, offer: str, *, foreseen: Callable[[str], Awaitable[None]] | None = None, **_: Any
    ) -> str:
        answer = offer.replace("actpass", "active")
        if self.foresees and foreseen is not None:
            await foreseen(answer)
        return await self._do("answer", answer)

    async def accept(self, _: str) -> None:
        await self._do("accept")

    async def add_candidate(self, *_: str) -> None:
        """Have no use for it."""

    async def withdraw(self, _: Any) -> None:
        await self._do("withdraw")

    async def darken(self, _: str) -> None:
        await self._do("darken")

    async def restart_ice(self, _: str) -> str:
        return await self._do("restart_ice", ANSWER.replace("dead", "feed"))

    async def renew_ice(self) -> str:
        return await self._do("renew_ice", OFFER.replace("dead", "beef"))

    async def close(self) -> None:
        await self._do("close")


class Puppet(SimpleNamespace):
    """A bot that does nothing, or never comes back from a call."""

    name = "Puppet"
    stays = False

    def path_of(self, _: str) -> None:
        """The settings' own."""

    async def recording_failed(self, *_: Any) -> None:
        """Nothing."""

    async def called(self, *_: Any) -> None:
        if self.stays:
            await asyncio.get_running_loop().create_future()

    async def media(self, *_: Any) -> None:
        """Nothing."""


def make_context(
    exchange: Any, log: Any, folder: Path = Path(), writer: Any = None, **calls: Any
) -> Context:
    """Return what an account with a policy for calls works with; without a writer, none records."""
    settings = AccountSettings.model_validate(
        {"jid": OWN, "password": "x", "bot": "silent", "calls": calls}
    )
    return Context(
        settings=settings,
        endpoint=Endpoint("127.0.0.1", 1, False, SSLContext(PROTOCOL_TLS_CLIENT)),
        network=Network(None, None, ()),
        use_services=False,
        path=ReceivePath.PACKETS,
        largest_picture=1,
        recordings=folder,
        writer=writer,
        exchange=exchange,
        log=log,
        bot=Any,  # type: ignore[arg-type] # made already
    )


@dataclass
class Scene:
    """One call, and what it told whom."""

    told: list[Any] = field(default_factory=list)
    logged: list[Any] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    ears: list[Any] = field(default_factory=list)
    bot: Puppet = field(default_factory=Puppet)
    call: Any = None
    folder: Path = Path()
    writer: Any = None
    calls: dict[str, Any] = field(default_factory=dict)
    media: tuple[str, ...] = ("audio",)
    is_slow: bool = False

    @property
    def records(self) -> list[CallRecord]:
        return [one for one in self.logged if isinstance(one, CallRecord)]

    def begin(self, *, outgoing: bool, message: bool = True) -> None:
        """Start the call."""
        conversation, account, exchange, log = (
            Ear.start(heard, is_slow=self.is_slow)
            for heard in (self.told, [], self.statuses, self.logged)
        )
        self.ears = [conversation, account, exchange, log]
        policy = {"max_duration": "50s", "ring_timeout": "40s", **self.calls}
        context = make_context(exchange, log, self.folder, self.writer, **policy)
        role = Role.INITIATOR if outgoing else Role.RESPONDER
        first, second = (OWN, PEER) if outgoing else (PEER, OWN)
        session = Session(role, "sid", initiator=first, responder=second)
        offer = None
        if not outgoing and not message:
            found = session.receive(self.jingle("session-initiate", OFFER, Role.INITIATOR))
            offer = next(one for one in found if isinstance(one, Initiated))
        order = PlaceCall(PEER, Silence(), None) if outgoing else None
        setup = CallSetup(
            context=context,
            conversation=conversation,
            bot=self.bot,
            session=session,
            peer=PEER,
            media=self.media,
            message=message,
            network=context.network,
            last_word=self.told.append,
            offer=offer,
            order=order,
        )
        Media(on_event=None)  # the last one, until the call makes its own
        self.call = Call.start(setup)

    def last(self, action: str) -> Any:
        """Return the last stanza of an action that the call has asked to have sent."""
        sent = [one.jingle for one in self.told if isinstance(one, SendJingle)]
        return [jingle for jingle in sent if jingle.get("action") == action][-1]

    def said(self) -> list[str | None]:
        """Return the Jingle actions that the call has asked to have sent."""
        return [one.jingle.get("action") for one in self.told if isinstance(one, SendJingle)]

    @staticmethod
    def jingle(action: str, sdp: str, role: Role) -> Any:
        offer = None if role is Role.INITIATOR else OFFER
        return to_jingle(sdp, role=role, sid="sid", action=action, offer=offer)

    def receives(self, jingle: Any) -> None:
        """Let the peer send a stanza that its session has made."""
        self.call.tell(JingleReceived(PEER, "iq", jingle))

    def acknowledges(self, action: str, condition: str | None = None) -> None:
        """Let the peer answer the last stanza of an action.

        Args:
            action: what was asked for.
            condition: of the error that it answers with; "" for no answer at all.
        """
        sent = [one for one in self.told if isinstance(one, SendJingle)]
        token = [one.token for one in sent if one.jingle.get("action") == action][-1]
        answer = None
        if condition != "":
            error = None if condition is None else stanza_error("cancel", condition)
            answer = iq_reply(OWN, "iq", error)
        self.call.tell(IqAnswered(token, answer))

    def hears(self, action: str, sdp: str, role: Role) -> None:
        """Let the peer send a stanza."""
        self.call.tell(JingleReceived(PEER, "iq", self.jingle(action, sdp, role)))

    async def say(self) -> None:
        """Let the stream have what a slow conversation was told to send, and what follows."""
        for one in self.told:
            said = getattr(one, "said", None)
            if said is not None and not said.done():
                said.set()
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def told_all(self) -> None:
        """Let those who look at the call be told, too."""
        await self.settle()
        await asyncio.sleep(QUIET)
        await self.settle()

    async def state(self) -> CallState | None:
        await self.settle()
        actor = self.call._actor_weakref()
        found: CallState | None = None if actor is None else actor._course.state
        return found

    async def end(self) -> float:
        """Wait until the call's actor is gone; return how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(LONGEST):
            await self.call.ended
        await self.settle()
        took = loop.time() - began
        for ear in self.ears:
            ear.stop(block=False)
            await ear.ended
        return took


#: What leads a call to a state.
Way = Callable[[Scene], Awaitable[None]]


async def calling(scene: Scene) -> None:
    scene.begin(outgoing=True)


async def calling_directly(scene: Scene) -> None:
    scene.begin(outgoing=True, message=False)


async def alerting(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerRinging(PEER))


async def alerting_directly(scene: Scene) -> None:
    scene.begin(outgoing=True, message=False)
    await scene.settle()
    ringing = Session(Role.RESPONDER, "sid", initiator=OWN, responder=PEER)
    ringing.receive(scene.last("session-initiate"))
    scene.call.tell(JingleReceived(PEER, "iq", ringing.info(Info.RINGING)))


async def describing(scene: Scene) -> None:
    Media.hangs = {"offer"}
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))


async def offered(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))


async def ringing(scene: Scene) -> None:
    scene.begin(outgoing=False)


async def awaiting(scene: Scene) -> None:
    scene.begin(outgoing=False)
    scene.call.tell(Answer(Silence(), None))


async def answering(scene: Scene) -> None:
    Media.hangs = {"answer"}
    scene.begin(outgoing=False, message=False)
    scene.call.tell(Answer(Silence(), None))


async def connecting(scene: Scene) -> None:
    scene.begin(outgoing=False, message=False)
    scene.call.tell(Answer(Silence(), None))


async def connecting_outwards(scene: Scene) -> None:
    scene.begin(outgoing=True)
    scene.call.tell(PeerProceeds(PEER))
    await scene.settle()
    scene.hears("session-accept", ANSWER, Role.RESPONDER)


async def connected(scene: Scene) -> None:
    await connecting(scene)
    await scene.settle()
    Media.last.tell(Connected(0.0))


async def leaving(scene: Scene) -> None:
    await connected(scene)
    Media.last.tell(Closed(by_peer=True))


async def closing(scene: Scene) -> None:
    await connected(scene)
    Media.hangs = {"close"}
    await scene.settle()
    scene.call.tell(Hangup())


async def ended(scene: Scene) -> None:
    scene.bot.stays = True
    await connected(scene)
    await scene.settle()
    scene.call.tell(Hangup())


def peer_session(scene: Scene) -> Session:
    """Return the peer's session of a call of the peer's that we have answered."""
    session = Session(Role.INITIATOR, "sid", initiator=PEER, responder=OWN)
    session.initiate(OFFER)
    session.receive(scene.last("session-accept"))
    return session


WAYS: dict[CallState, list[Way]] = {
    CallState.NEW: [],  # no call is left there: see the bug at the beginning
    CallState.CALLING: [calling, calling_directly],
    CallState.ALERTING: [alerting, alerting_directly],
    CallState.DESCRIBING: [describing],
    CallState.OFFERED: [offered],
    CallState.RINGING: [ringing],
    CallState.AWAITING: [awaiting],
    CallState.ANSWERING: [answering],
    CallState.CONNECTING: [connecting, connecting_outwards],
    CallState.CONNECTED: [connected],
    CallState.LEAVING: [leaving],
    CallState.CLOSING: [closing],
    CallState.ENDED: [ended],
}

#: Runs a test in each state, as ``state``, in each way that leads there, as ``reach``.
in_each_state = pytest.mark.parametrize(
    ("state", "reach"), [(state, way) for state in CallState for way in WAYS[state]]
)

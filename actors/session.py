"""The session of one XMPP account with its server: login, re-connection, pings, own presence."""

import logging
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from ..config.jid import bare, is_full
from ..media import IceServer
from .bot.runner import BotRunner
from .context import Context
from .messages.account import (
    AccountMessage,
    Connect,
    KeepAlive,
    LoginOverdue,
    LookForServices,
    ReadyOverdue,
    ReplyIq,
    Send,
    SendIq,
    SendText,
    SetPresence,
)
from .messages.exchange import AccountChanged, AccountReady, AccountState
from .runtime.actor import AsyncioActor, handles
from .runtime.backoff import Backoff, Tries
from .runtime.tasks import Timer
from .xmpp import capabilities
from .xmpp.events import (
    IqAnswered,
    RequestAnswered,
    StreamClosed,
    StreamEvent,
    StreamFailed,
    StreamOpened,
)
from .xmpp.presence import Presence
from .xmpp.reader import Reader
from .xmpp.services import Services
from .xmpp.stanza import CLIENT, iq_reply
from .xmpp.stream import Stream
from .xmpp.stream_end import Remedy, StreamEnd

log = logging.getLogger(__name__)

#: Seconds that a login may take from the first SYN to the bound resource.
LOGIN_DEADLINE = 30.0
#: Seconds that a server has to return our presence before the bot begins all the same.
READY_DEADLINE = 3.0
#: Seconds between two pings of an otherwise idle stream.
KEEP_ALIVE = 60.0
#: How the waits between two tries grow. Half of each is left to chance: accounts that one server
#: lost together do not come back together.
BACKOFFS = {
    Remedy.AGAIN: Backoff(base=1.0, cap=60.0, least=0.5),
    Remedy.LATER: Backoff(base=120.0, cap=1800.0, least=0.5),
}
#: Other hosts that are tried in a row where the server says so, without a wait.
MAX_REDIRECTS = 5


class Session(AsyncioActor[AccountMessage]):
    """What an account has with its server; what comes of its stanzas is for `Account`.

    It owns the stream and opens it again when it is lost, sends what others ask it to send, shows
    the account's presence, and lets the bot begin and end.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        settings = context.settings
        resource = settings.resource or f"callboard-{secrets.token_hex(4)}"
        self._context = context
        self._jid = settings.jid if is_full(settings.jid) else f"{settings.jid}/{resource}"
        self._bare = bare(self._jid)
        self._presence = Presence(settings.show, settings.status, settings.priority)
        self._online = False
        self._was_online = False
        self._ready = False
        self._bot_started = False
        self._attempt = 0
        self._tries = Tries()
        self._opened_at: float | None = None
        self._redirects = 0
        self._elsewhere: tuple[str, int | None] | None = None
        self._renamed = False
        self._draining = False
        self._logging_out = False
        self._stream: Stream | None = None
        self._network = replace(context.network, account=bare(context.settings.jid))
        self._overdue: Timer | None = None
        self._bot = context.bot(self.actor_ref, settings)
        self._runner = BotRunner(self, self._bot, context)
        self._reader = Reader(bare(self._jid))

    @property
    def _own_bare(self) -> str:
        """Our bare JID as the server has it, which need not be as the settings have it."""
        return bare(self._jid)

    def _ask_for_roster(self) -> None:
        """Begin with the contacts of a new session."""
        raise NotImplementedError

    def _catch_up(self) -> None:
        """Let the bot know what came before it began."""
        raise NotImplementedError

    def _network_changed(self) -> None:
        """Let those who have calls know of the servers that were found."""
        raise NotImplementedError

    # -- life --------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Make the stream and begin to log in."""
        settings, endpoint = self._context.settings, self._context.endpoint
        self._stream = Stream(
            self._jid,
            settings.password.get_secret_value(),
            context=endpoint.trust,
            direct_tls=endpoint.direct_tls,
            deliver=self._hear,
        )
        self._connect(Connect())

    async def on_end(self, error: BaseException | None) -> None:
        """Close the stream; after a crash the supervisor starts the account anew."""
        if self._stream is not None:
            if self._online:
                self._stream.transmit(Element(f"{{{CLIENT}}}presence", {"type": "unavailable"}))
            await self._stream.close()
        self._report("closed" if self._online else "ended")

    def _report(self, state: AccountState, detail: str = "") -> None:
        self._context.exchange.post(AccountChanged(self._bare, state, detail))

    def _login_step(self, step: str) -> None:
        """Note a step after the stream was opened; the last one is told with all before it."""
        if self._ready or self._stream is None:
            return
        steps = self._stream.take(step)
        if "roster" in steps and "presence" in steps:
            self._ready = True
            self._start_bot()
            self._context.exchange.post(AccountReady(self._bare, dict(steps)))
            self._stream.settle()

    def _hear(self, event: StreamEvent) -> None:
        self.actor_ref.post(event)

    # -- the stream --------------------------------------------------------------------------------

    @handles(Connect)
    def _connect(self, _: Connect) -> None:
        if self._online or self._draining or self._stream is None:
            return
        endpoint = self._context.endpoint
        host, port = self._elsewhere or (endpoint.host, endpoint.port)
        if self._elsewhere is not None and port is None:
            port = 5223 if endpoint.direct_tls else 5222
        self._elsewhere = None
        self._attempt += 1
        self._report("connecting")
        self._overdue = self.after(LOGIN_DEADLINE, LoginOverdue(self._attempt))
        self._stream.open(host, port)

    @handles(LoginOverdue)
    def _login_overdue(self, message: LoginOverdue) -> None:
        if message.attempt == self._attempt and not self._online and self._stream is not None:
            self._stream.refuse(
                f"the server did not finish the login within {LOGIN_DEADLINE:.0f} s: "
                "check server.host and server.port, and how busy it is",
                Remedy.AGAIN,
            )

    @handles(StreamOpened)
    def _stream_opened(self, message: StreamOpened) -> None:
        first, self._was_online = not self._was_online, True
        self._online, self._jid = True, message.jid
        self._opened_at = time.monotonic()
        declared = self._context.settings.jid
        if is_full(declared) and message.jid != declared:
            log.warning("the server gave it the address %s, not %s", message.jid, declared)
        self._attempt += 1  # an overdue login of this attempt is none any more
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        self._report("online", "resumed" if message.resumed else "")
        if not message.resumed:
            self._ready = False
            self._request("", "set", Element(f"{{{capabilities.CARBONS}}}enable"))
            self._ask_for_roster()
            self._send_presence()
            if self._stream is not None:
                self._stream.ask_for_acknowledgement()
            if self._context.use_services:
                self._look_for_services(LookForServices(self._attempt))
        self.after(KEEP_ALIVE, KeepAlive(self._attempt))
        if first:
            self.after(READY_DEADLINE, ReadyOverdue())

    @handles(ReadyOverdue)
    def _ready_overdue(self, _: ReadyOverdue) -> None:
        self._start_bot()

    def _start_bot(self) -> None:
        """Let the bot begin, once: when the server has our presence, others can answer."""
        if not self._bot_started and self._online:
            self._bot_started = True
            # A lane of its own: it may last for as long as the bot likes.
            self._runner.run(self._bot.started(), "start")
            self._catch_up()

    @handles(StreamClosed)
    def _stream_closed(self, message: StreamClosed) -> None:
        self._online = False
        self._ended(message.end)

    @handles(StreamFailed)
    def _stream_failed(self, message: StreamFailed) -> None:
        self._ended(message.end)

    def _ended(self, end: StreamEnd) -> None:
        """Do what the end of a stream, or of a login, asks for."""
        self._attempt += 1
        lasted = 0.0 if self._opened_at is None else time.monotonic() - self._opened_at
        self._opened_at = None
        if lasted >= BACKOFFS[Remedy.AGAIN].stable:
            self._redirects, self._renamed = 0, False
        if self._draining:
            return
        _REMEDIES[end.remedy](self, end, lasted)

    def _try_again(self, end: StreamEnd, lasted: float) -> None:
        self._redirects = 0
        backoff = BACKOFFS.get(end.remedy, BACKOFFS[Remedy.AGAIN])
        delay = self._tries.wait(backoff, lasted, random.random())  # noqa: S311 - not for secrets
        self._report("waiting", f"{end.reason}; next try in {delay:.1f} s")
        self.after(delay, Connect())

    def _go_elsewhere(self, end: StreamEnd, lasted: float) -> None:
        if self._redirects >= MAX_REDIRECTS or end.address is None:
            reason = f"{end.reason}; {self._redirects} hosts in a row only named others"
            self._try_again(StreamEnd(reason, Remedy.LATER), lasted)
            return
        self._redirects += 1
        self._elsewhere = end.address
        log.info("%s: %s: %s", self._bare, end.reason, end.address[0])
        self._connect(Connect())

    def _yield(self, end: StreamEnd, lasted: float) -> None:
        resource = self._jid.partition("/")[2]
        if self._is_declared():
            self._stop_trying(
                f"{end.reason} ({resource}): end one of the two, or give each a resource of its own"
            )
        elif self._renamed:
            self._stop_trying(
                f"{end.reason} once more, though the resource was a new one ({resource}): "
                "see who else logs in to the account"
            )
        else:
            self._rename(end, lasted)

    def _rename(self, end: StreamEnd, lasted: float) -> None:
        if self._is_declared() or self._renamed or self._stream is None:
            self._try_again(replace(end, remedy=Remedy.LATER), lasted)
            return
        self._renamed = True
        new = f"callboard-{secrets.token_hex(4)}"
        self._stream.rename(new)
        reason = f"{end.reason} ({self._jid.partition('/')[2]}): it becomes {new}"
        self._try_again(StreamEnd(reason), lasted)

    def _is_declared(self) -> bool:
        """Tell whether the resource is the operator's choice."""
        settings = self._context.settings
        return is_full(settings.jid) or bool(settings.resource)

    def _give_up(self, end: StreamEnd, lasted: float) -> None:
        if self._was_online:  # it has worked before, so it may again
            self._try_again(StreamEnd(end.reason, Remedy.LATER), lasted)
        else:
            self._stop_trying(end.reason)

    def _stop_trying(self, reason: str) -> None:
        self._report("failed", reason)
        if self._stream is not None:
            self._stream.abandon()

    @handles(KeepAlive)
    def _keep_alive(self, message: KeepAlive) -> None:
        if message.attempt != self._attempt or not self._online:
            return

        # What comes of it is for the stream, which sees whether anything comes back.
        self._request("", "get", Element(f"{{{capabilities.PING}}}ping"))
        self.after(KEEP_ALIVE, message)

    @handles(RequestAnswered)
    def _request_answered(self, message: RequestAnswered) -> None:
        try:
            message.answer(message.iq)
        except Exception:
            # What was answered is another's doing, and costs no more than the answer.
            log.exception("%s: an answer could not be taken and is dropped", self._bare)

    # -- STUN and TURN (XEP-0215) ------------------------------------------------------------------

    @handles(LookForServices)
    def _look_for_services(self, message: LookForServices) -> None:
        if message.attempt == self._attempt and self._online:
            domain = self._bare.rpartition("@")[2]
            Services(domain, self._request, self._services_found, self._reader).look()

    def _services_found(self, servers: tuple[IceServer, ...], again: float) -> None:
        declared = self._context.network.ice_servers
        self._network = replace(self._network, ice_servers=(*declared, *servers))
        self._network_changed()
        self.after(again, LookForServices(self._attempt))

    # -- what others ask it to send ----------------------------------------------------------------

    @handles(Send)
    def _send(self, message: Send) -> None:
        self._transmit(message.stanza)

    def _transmit(self, stanza: Element) -> None:
        if self._stream is not None:
            self._stream.transmit(stanza)

    @handles(SendIq)
    def _send_iq(self, message: SendIq) -> None:
        def answered(answer: Element | None) -> None:
            if message.sender is not None:
                message.sender.post(IqAnswered(message.token, answer))

        self._request(message.to, message.kind, message.payload, answered)

    @handles(ReplyIq)
    def _reply_iq(self, message: ReplyIq) -> None:
        self._send(Send(iq_reply(message.to, message.id, message.error)))

    @handles(SendText)
    def _send_text(self, message: SendText) -> None:
        stanza = Element(
            f"{{{CLIENT}}}message",
            {"to": message.to, "type": "chat", "id": secrets.token_hex(8)},
        )
        SubElement(stanza, f"{{{CLIENT}}}body").text = message.body
        self._send(Send(stanza))

    @handles(SetPresence)
    def _set_presence(self, message: SetPresence) -> None:
        self._presence.change(message.show, message.status, message.priority)
        if self._online:
            self._send_presence()

    def _send_presence(self) -> None:
        policy = self._context.settings.calls
        stanza = self._presence.stanza()
        stanza.append(capabilities.caps(policy.audio, policy.video))
        self._send(Send(stanza))

    def _request(
        self,
        to: str,
        kind: str,
        payload: Element,
        answer: Callable[[Element | None], None] = lambda _: None,
    ) -> None:
        if self._stream is not None:
            self._stream.request(to, kind, payload, answer)

    # -- the end -----------------------------------------------------------------------------------

    def _log_out(self) -> None:
        if self._logging_out:
            return
        self._logging_out = True

        async def say_goodbye() -> None:
            if self._was_online:
                await self._runner.last(self._bot.stopping())
            self.stop()

        self.spawn(say_goodbye())


_REMEDIES = {
    Remedy.AGAIN: Session._try_again,  # noqa: SLF001
    Remedy.LATER: Session._try_again,  # noqa: SLF001
    Remedy.ELSEWHERE: Session._go_elsewhere,  # noqa: SLF001
    Remedy.YIELD: Session._yield,  # noqa: SLF001
    Remedy.RENAME: Session._rename,  # noqa: SLF001
    Remedy.GIVE_UP: Session._give_up,  # noqa: SLF001
}

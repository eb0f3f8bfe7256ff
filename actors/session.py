"""The session of one XMPP account with its server: login, re-connection, pings, own presence."""

import logging
import random
import secrets
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from ..media import IceServer
from . import capabilities
from .bot_runner import BotRunner
from .context import Context
from .ending import Ending
from .jid import bare, is_full
from .messages.account import (
    Connect,
    IqAnswered,
    KeepAlive,
    LoginOverdue,
    LookForServices,
    ReadyOverdue,
    ReplyIq,
    Send,
    SendIq,
    SendText,
    SetPresence,
    StreamClosed,
    StreamFailed,
    StreamOpened,
)
from .messages.exchange import AccountChanged, AccountReady, AccountState
from .post import post
from .presence import Presence
from .runtime import handles
from .services import Services
from .stanza import CLIENT, iq_reply
from .stream import Stream, StreamEvent
from .tasks import Timer

log = logging.getLogger(__name__)

#: Seconds that a login may take from the first SYN to the bound resource.
LOGIN_DEADLINE = 30.0
#: Seconds that a server has to return our presence before the bot begins all the same.
READY_DEADLINE = 3.0
#: Seconds between two pings of an otherwise idle stream.
KEEP_ALIVE = 60.0
#: The longest wait between two tries, in seconds.
MAX_BACK_OFF = 60.0


class Session(Ending):
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
        self._failures = 0
        self._draining = False
        self._logging_out = False
        self._stream: Stream | None = None
        self._network = context.network
        self._overdue: Timer | None = None
        self._bot = context.bot(self.actor_ref, settings)
        self._runner = BotRunner(self, self._bot, context)

    @property
    def _own_bare(self) -> str:
        """Our bare JID as the server has it, which need not be as the settings have it."""
        return bare(self._jid)

    def _ask_for_roster(self) -> None:
        """Begin with the contacts of a new session."""
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
        self._report("closed")

    def _report(self, state: AccountState, detail: str = "") -> None:
        post(self._context.exchange, AccountChanged(self._bare, state, detail))

    def _login_step(self, step: str) -> None:
        """Note a step after the stream was opened; the last one is told with all before it."""
        if self._ready or self._stream is None:
            return
        steps = self._stream.take(step)
        if "roster" in steps and "presence" in steps:
            self._ready = True
            self._start_bot()
            post(self._context.exchange, AccountReady(self._bare, dict(steps)))
            self._stream.settle()

    def _hear(self, event: StreamEvent) -> None:
        post(self.actor_ref, event)

    # -- the stream --------------------------------------------------------------------------------

    @handles(Connect)
    def _connect(self, _: Connect) -> None:
        if self._online or self._draining or self._stream is None:
            return
        self._attempt += 1
        self._report("connecting")
        self._overdue = self.after(LOGIN_DEADLINE, LoginOverdue(self._attempt))
        self._stream.open(self._context.endpoint.host, self._context.endpoint.port)

    @handles(LoginOverdue)
    def _login_overdue(self, message: LoginOverdue) -> None:
        if message.attempt == self._attempt and not self._online and self._stream is not None:
            self._stream.give_up(
                f"the server did not finish the login within {LOGIN_DEADLINE:.0f} s: "
                "check server.host and server.port, and how busy it is"
            )

    @handles(StreamOpened)
    def _stream_opened(self, message: StreamOpened) -> None:
        first, self._was_online = not self._was_online, True
        self._online, self._failures, self._jid = True, 0, message.jid
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
            self._runner.run(self._bot.started())

    @handles(StreamClosed)
    def _stream_closed(self, message: StreamClosed) -> None:
        self._online = False
        self._try_again(message.reason)

    @handles(StreamFailed)
    def _stream_failed(self, message: StreamFailed) -> None:
        if message.permanent and not self._was_online:
            self._report("failed", message.reason)
        else:
            self._try_again(message.reason)

    def _try_again(self, reason: str) -> None:
        self._attempt += 1
        if self._draining:
            return
        # Full jitter: accounts that one server lost together do not come back together.
        ceiling = min(MAX_BACK_OFF, 2.0**self._failures)
        delay = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - not for secrets
        self._failures = min(self._failures + 1, 10)
        self._report("waiting", f"{reason}; next try in {delay:.1f} s")
        self.after(delay, Connect())

    @handles(KeepAlive)
    def _keep_alive(self, message: KeepAlive) -> None:
        if message.attempt != self._attempt or not self._online:
            return

        def answered(answer: Element | None) -> None:
            if answer is None and message.attempt == self._attempt and self._stream is not None:
                self._stream.lose()

        self._request("", "get", Element(f"{{{capabilities.PING}}}ping"), answered)
        self.after(KEEP_ALIVE, message)

    # -- STUN and TURN (XEP-0215) ------------------------------------------------------------------

    @handles(LookForServices)
    def _look_for_services(self, message: LookForServices) -> None:
        if message.attempt == self._attempt and self._online:
            domain = self._bare.rpartition("@")[2]
            Services(domain, self._request, self._services_found).look()

    def _services_found(self, servers: tuple[IceServer, ...], again: float) -> None:
        base = self._context.network
        self._network = replace(base, ice_servers=(*base.ice_servers, *servers))
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
                post(message.sender, IqAnswered(message.token, answer))

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
        self._presence.change(message)
        if self._online:
            self._send_presence()

    def _send_presence(self) -> None:
        policy = self._context.settings.calls
        stanza = self._presence.stanza()
        stanza.append(capabilities.caps(policy.audio, policy.video))
        self._send(Send(stanza))

    def _request(self, to: str, kind: str, payload: Element, answer: object = None) -> None:
        if self._stream is not None:
            self._stream.request(to, kind, payload, answer if callable(answer) else lambda _: None)

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

"""The session of one XMPP account with its server: login, re-connection, pings."""

import logging
import random
import secrets
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element

from ..config.jid import bare, is_full
from ..jingle.model.replace import replace
from .context import Context
from .messages.account import AccountMessage, Connect, KeepAlive, LoginOverdue
from .messages.exchange import AccountChanged, AccountReady, AccountState
from .runtime.actor import AsyncioActor, handles
from .runtime.backoff import Backoff, Tries
from .runtime.tasks import Timer
from .xmpp import capabilities
from .xmpp.events import StreamClosed, StreamEvent, StreamFailed, StreamOpened
from .xmpp.stanza import CLIENT
from .xmpp.stream import Stream
from .xmpp.stream_end import Remedy, StreamEnd

log = logging.getLogger(__name__)

#: Seconds that a login may take from the first SYN to the bound resource.
LOGIN_DEADLINE = 30.0
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


class LoginSession:
    """An account's session with its server, a part of the account's actor.

    It owns the stream and opens it again when it is lost. What comes in on it, and what is said on
    it, is for the account.

    Args:
        account: the actor that this is a part of.
        context: what the account works with.
        on_change: told each state of the stream, with a sentence or "".

    Attributes:
        jid: our full JID, as the server has it once there is a session.
        account_jid: the bare JID of the settings, by which reports and logs name the account.
        is_online: there is a session, and a connection for it.
        was_online: there has been one.
        stream: the stream.
    """

    __slots__ = (
        "_account",
        "_again",
        "_attempt",
        "_context",
        "_elsewhere",
        "_has_new_password",
        "_on_change",
        "_opened_at",
        "_over",
        "_overdue",
        "_ready",
        "_redirects",
        "_renamed",
        "_tries",
        "account_jid",
        "is_online",
        "jid",
        "stream",
        "was_online",
    )

    def __init__(
        self,
        account: AsyncioActor[AccountMessage],
        context: Context,
        on_change: Callable[[AccountState, str], None],
    ) -> None:
        settings = context.settings
        resource = settings.resource or f"callboard-{secrets.token_hex(4)}"
        self.jid = settings.jid if is_full(settings.jid) else f"{settings.jid}/{resource}"
        self.account_jid = bare(self.jid)
        self.is_online = False
        self.was_online = False
        self.stream: Stream | None = None
        self._account = account
        self._on_change = on_change
        self._context = context
        self._ready = False
        self._over = False
        self._attempt = 0
        self._tries = Tries()
        self._opened_at: float | None = None
        self._redirects = 0
        self._elsewhere: tuple[str, int | None] | None = None
        self._renamed = False
        self._overdue: Timer | None = None
        self._again: Timer | None = None
        self._has_new_password = False

    @property
    def own_bare(self) -> str:
        """Our bare JID as the server has it, which need not be as the settings have it."""
        return bare(self.jid)

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the stream and begin to log in."""
        settings, endpoint = self._context.settings, self._context.endpoint
        self.stream = Stream(
            self.jid,
            settings.password.get_secret_value(),
            context=endpoint.trust,
            direct_tls=endpoint.direct_tls,
            keeps_resource=self._is_declared(),
            deliver=self._hear,
        )
        self._connect(Connect())

    def _hear(self, event: StreamEvent) -> None:
        self._account.actor_ref.post(event)

    def change(self, context: Context) -> None:
        """Go on with other settings; another password is for the next login.

        While there is no session, that login begins now.
        """
        before, self._context = self._context, context
        password = context.settings.password
        if password == before.settings.password or self.stream is None:
            return
        self.stream.change_password(password.get_secret_value())
        if self._again is not None and self._again.is_pending:
            self._connect(Connect())
        else:
            self._has_new_password = not self.is_online

    def finish(self) -> None:
        """Log in no more: the account is about to log out."""
        self._over = True

    def leaving(self, calls: int) -> None:
        """Report what keeps the account from logging out.

        Args:
            calls: how many still run.
        """
        if self.is_online:
            runs = "1 call still runs" if calls == 1 else f"{calls} calls still run"
            self._report("leaving", f"logging out, {runs}")

    async def close(self) -> None:
        """Say that we are gone, and close the stream."""
        if self.stream is not None:
            if self.is_online:
                self.stream.transmit(Element(f"{{{CLIENT}}}presence", {"type": "unavailable"}))
            await self.stream.close()
        self._report("closed" if self.is_online else "ended")

    def _report(self, state: AccountState, detail: str = "") -> None:
        self._context.exchange.post(AccountChanged(self.account_jid, state, detail))
        self._on_change(state, detail)

    # -- what is sent ------------------------------------------------------------------------------

    def transmit(self, stanza: Element, *, at_leisure: bool = False) -> None:
        """Send a stanza, or keep it until there is a session.

        Args:
            stanza: what is sent.
            at_leisure: that nobody waits for it, so it may wait for what is sent next.
        """
        if self.stream is not None:
            self.stream.transmit(stanza, at_leisure=at_leisure)

    def request(self, to: str, kind: str, payload: Element, about: object = None) -> None:
        """Send an IQ; its answer comes as `RequestAnswered`.

        Args:
            to: whom to ask; "" is our own account on the server.
            kind: ``get`` or ``set``.
            payload: the IQ's one child.
            about: what the answer is recognised by; None if nobody wants it.
        """
        if self.stream is not None:
            self.stream.request(to, kind, payload, about)

    # -- the stream --------------------------------------------------------------------------------

    @handles(Connect)
    def _connect(self, _: Connect) -> None:
        if self.is_online or self._over or self.stream is None:
            return
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._has_new_password = False
        endpoint = self._context.endpoint
        host, port = self._elsewhere or (endpoint.host, endpoint.port)
        if self._elsewhere is not None and port is None:
            port = 5223 if endpoint.direct_tls else 5222
        self._elsewhere = None
        self._attempt += 1
        self._report("connecting")
        self._overdue = self._account.after(LOGIN_DEADLINE, LoginOverdue(self._attempt))
        self.stream.open(host, port)

    @handles(LoginOverdue)
    def _login_overdue(self, message: LoginOverdue) -> None:
        if message.attempt == self._attempt and not self.is_online and self.stream is not None:
            self.stream.refuse(
                f"the server did not finish the login within {LOGIN_DEADLINE:.0f} s: "
                "check server.host and server.port, and how busy it is",
                Remedy.AGAIN,
            )

    def opened(self, message: StreamOpened) -> bool:
        """Take note that there is a session.

        Returns:
            Whether it is the account's first.
        """
        first, self.was_online = not self.was_online, True
        self.is_online, self.jid = True, message.jid
        self._opened_at = time.monotonic()
        declared = self._context.settings.jid
        if is_full(declared) and message.jid != declared:
            log.warning("the server gave it the address %s, not %s", message.jid, declared)
        self._attempt += 1  # what is still to come for the last one is out of date
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        if not message.resumed:
            self._ready = False
        self._report("online", "resumed" if message.resumed else "")
        self._account.after(KEEP_ALIVE, KeepAlive(self._attempt))
        return first

    def is_current(self, attempt: int) -> bool:
        """Tell whether the session with this number is the one that goes on."""
        return attempt == self._attempt and self.is_online

    @property
    def attempt(self) -> int:
        """The number of this login or session; the next one has another."""
        return self._attempt

    def step(self, step: str) -> bool:
        """Note a step after the stream was opened; the last one is told with all before it.

        Returns:
            Whether it was the last one.
        """
        if self._ready or self.stream is None:
            return False
        steps = self.stream.take(step)
        if not ("roster" in steps and "presence" in steps):
            return False
        self._ready = True
        self._context.exchange.post(AccountReady(self.account_jid, dict(steps)))
        self.stream.settle()
        return True

    @handles(StreamClosed)
    def _stream_closed(self, message: StreamClosed) -> None:
        self.is_online = False
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
        if self._over:
            return
        _REMEDIES[end.remedy](self, end, lasted)

    def _try_again(self, end: StreamEnd, lasted: float) -> None:
        self._redirects = 0
        backoff = BACKOFFS.get(end.remedy, BACKOFFS[Remedy.AGAIN])
        delay = self._tries.wait(backoff, lasted, random.random())  # noqa: S311 - not for secrets
        self._report("waiting", f"{end.reason}; next try in {delay:.1f} s")
        self._again = self._account.after(delay, Connect())

    def _go_elsewhere(self, end: StreamEnd, lasted: float) -> None:
        if self._redirects >= MAX_REDIRECTS or end.address is None:
            reason = f"{end.reason}; {self._redirects} hosts in a row only named others"
            self._try_again(StreamEnd(reason, Remedy.LATER), lasted)
            return
        self._redirects += 1
        self._elsewhere = end.address
        log.info("%s: %s: %s", self.account_jid, end.reason, end.address[0])
        self._connect(Connect())

    def _yield(self, end: StreamEnd, lasted: float) -> None:
        resource = self.jid.partition("/")[2]
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
        if self._is_declared() or self._renamed or self.stream is None:
            self._try_again(replace(end, remedy=Remedy.LATER), lasted)
            return
        self._renamed = True
        new = f"callboard-{secrets.token_hex(4)}"
        self.stream.rename(new)
        reason = f"{end.reason} ({self.jid.partition('/')[2]}): it becomes {new}"
        self._try_again(StreamEnd(reason), lasted)

    def _is_declared(self) -> bool:
        """Tell whether the resource is the operator's choice."""
        settings = self._context.settings
        return is_full(settings.jid) or bool(settings.resource)

    def _give_up(self, end: StreamEnd, lasted: float) -> None:
        if self._has_new_password:  # the one that was refused is not the one that there is now
            self._try_again(StreamEnd(end.reason), lasted)
        elif self.was_online:  # it has worked before, so it may again
            self._try_again(StreamEnd(end.reason, Remedy.LATER), lasted)
        else:
            self._stop_trying(end.reason)

    def _check(self, end: StreamEnd, lasted: float) -> None:
        if self.was_online:
            self._try_again(StreamEnd(end.reason), lasted)
        else:
            self._stop_trying(end.reason)

    def _stop_trying(self, reason: str) -> None:
        self._report("failed", reason)
        if self.stream is not None:
            self.stream.abandon()

    @handles(KeepAlive)
    def _keep_alive(self, message: KeepAlive) -> None:
        if not self.is_current(message.attempt):
            return
        # What comes of it is for the stream, which sees whether anything comes back.
        self.request("", "get", Element(f"{{{capabilities.PING}}}ping"))
        self._account.after(KEEP_ALIVE, message)


_REMEDIES = {
    Remedy.AGAIN: LoginSession._try_again,  # noqa: SLF001
    Remedy.LATER: LoginSession._try_again,  # noqa: SLF001
    Remedy.ELSEWHERE: LoginSession._go_elsewhere,  # noqa: SLF001
    Remedy.YIELD: LoginSession._yield,  # noqa: SLF001
    Remedy.RENAME: LoginSession._rename,  # noqa: SLF001
    Remedy.GIVE_UP: LoginSession._give_up,  # noqa: SLF001
    Remedy.CHECK: LoginSession._check,  # noqa: SLF001
}

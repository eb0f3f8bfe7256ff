"""The XMPP stream of one account (RFC 6120), on slixmpp's.

What slixmpp is used for: DNS, TCP, TLS (`XMLStream`) and SASL. Its client, its stanzas and its
plugins are not: they are objects and dictionaries per account, per stanza and per contact,
where thousands of accounts need one class that passes elements on. How a session comes about is
in `login`, how it outlives a connection in `resumption`.
"""

import asyncio
import logging
import secrets
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError, tostring

from slixmpp.xmlstream import XMLStream
from slixmpp.xmlstream.xmlstream import NotConnectedError

from ..config.jid import parse_jid
from .jid import comparable
from .login import STREAMS, Login
from .markup import escape, markup
from .messages.account import StanzaReceived, StreamClosed, StreamFailed, StreamOpened
from .resumption import REQUEST, SM, Resumption
from .stanza import CLIENT

ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"

#: A request that is not answered in this many seconds counts as unanswered.
IQ_TIMEOUT = 30.0
#: Stanzas that may wait for the stream to be up again; what comes then is dropped.
MAX_WAITING = 1000
#: Seconds that the server has to close its half of the stream.
CLOSE_DEADLINE = 1.0

_SERVICES = ({"xmpps-client"}, {"xmpp-client"})
#: What slixmpp's stream makes for each account, and one of ours has no use for.
_NO_QUEUE: asyncio.Queue[Any] = asyncio.Queue()
_NO_NAMES: dict[str, str] = {}

_STANZAS = frozenset(f"{{{CLIENT}}}{name}" for name in ("message", "presence", "iq"))

StreamEvent = StreamOpened | StreamClosed | StreamFailed | StanzaReceived
Answer = Callable[[Element | None], None]


@lru_cache(maxsize=8)
def trust(ca: Path | None) -> ssl.SSLContext:
    """Return the TLS context of all accounts that trust the same authorities.

    It reads files and so blocks: call it off the loop. One context serves all accounts, since
    loading the system's authorities costs about 30 ms and 500 KiB each time.

    Args:
        ca: a PEM file to trust in the place of the system's authorities, or None.

    Raises:
        OSError: the file can't be read.
        ssl.SSLError: it holds no certificate.
    """
    return ssl.create_default_context(cafile=ca)


class _SecretsFilter(logging.Filter):
    """Keeps SASL (RFC 6120 §6) out of the log: with PLAIN, ``<auth/>`` is the password."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.DEBUG:
            return True
        return "urn:ietf:params:xml:ns:xmpp-sasl" not in record.getMessage()


# slixmpp's own logger, so that one filter and one level are for all that is sent and received.
log = logging.getLogger("slixmpp.xmlstream.xmlstream")
log.addFilter(_SecretsFilter())
# What slixmpp logs as an error comes to the account as an event, and is said there in one sentence.
log.setLevel(logging.CRITICAL)


class Stream(XMLStream):
    """One account's stream, told and telling in elements.

    Args:
        jid: the account's JID, with the resource to bind.
        password: its password; it appears in no `repr` and in no log.
        context: the TLS context, from `trust`.
        direct_tls: TLS from the first byte (XEP-0368) in the place of STARTTLS (RFC 6120 §5).
        deliver: told each `StreamEvent`, on the loop.
    """

    def __init__(
        self,
        jid: str,
        password: str,
        *,
        context: ssl.SSLContext,
        direct_tls: bool,
        deliver: Callable[[StreamEvent], None],
    ) -> None:
        super().__init__(ssl_context=context, loop=asyncio.get_running_loop())
        self.boundjid = parse_jid(jid)
        self.default_domain = sys.intern(self.boundjid.domain)
        self.default_port = 5222
        self.enable_direct_tls = direct_tls
        self.enable_starttls = not direct_tls
        # A session that is resumed does not end with its connection.
        self.end_session_on_disconnect = False
        self.stream_header = _header(self.default_domain)
        self.stream_footer = "</stream:stream>"
        # The same objects for all accounts: slixmpp only reads them.
        self.tls_services, self.starttls_services = _SERVICES
        self.waiting_queue, self.namespace_map = _NO_QUEUE, _NO_NAMES
        self.resumption = Resumption()
        self._password = password
        self._deliver = deliver
        self._login: Login | None = None
        self._securing: asyncio.Task[bool] | None = None
        self._opened = False
        self._failed = False
        self._began = 0.0
        self._steps: dict[str, float] = {}
        self._outbox: list[bytes] = []
        self._waiting: list[Element] = []
        self._requests: dict[str, tuple[str, Answer, asyncio.TimerHandle]] = {}

    def __repr__(self) -> str:
        return f"<Stream {self.boundjid}>"

    # -- what the account asks ------------------------------------------------------------------

    def open(self, host: str | None, port: int | None) -> None:
        """Start to connect; `StreamOpened` or `StreamFailed` follows.

        Args:
            host: where to, or None for the domain's SRV records (RFC 6120 §3.2.1).
            port: of the host.
        """
        self._opened = self._failed = False
        self._began = time.monotonic()
        self._steps = {}
        self._login = Login(self, self.boundjid, self._password, self.resumption)
        self.connect(host, port)

    def take(self, step: str) -> dict[str, float]:
        """Note that a step of the login is taken now, unless it was before.

        Args:
            step: what it is called.

        Returns:
            the steps taken, each with its seconds since `open`.
        """
        self._steps.setdefault(step, time.monotonic() - self._began)
        return self._steps

    def settle(self) -> None:
        """Let go of what only the login needed."""
        self._steps = {}

    def ask_for_acknowledgement(self) -> None:
        """Have the server acknowledge what was sent (XEP-0198 §4), which is kept until then."""
        if self.resumption.counting and self.transport is not None:
            self.send_raw(REQUEST)

    def transmit(self, stanza: Element) -> None:
        """Send a stanza; while the stream is down it waits for the next one."""
        if not self._opened:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(stanza)
            return
        wants_answer = self.resumption.sent(stanza)
        if self.transport is not None:  # what is lost with it is sent again when it is resumed
            self.send_raw(markup(stanza))
            if wants_answer:
                self.send_raw(REQUEST)

    def request(self, to: str, kind: str, payload: Element, answer: Answer) -> None:
        """Send an IQ and have its answer told, whatever that is (RFC 6120 §8.2.3).

        Args:
            to: whom to ask; "" is our own account on the server.
            kind: ``get`` or ``set``.
            payload: the IQ's one child.
            answer: told the ``<iq/>`` of type result or error, or None after `IQ_TIMEOUT` seconds.
        """
        identifier = secrets.token_hex(8)
        stanza = Element(f"{{{CLIENT}}}iq", {"type": kind, "id": identifier})
        if to:
            stanza.set("to", to)
        stanza.append(payload)
        timer = self.loop.call_later(IQ_TIMEOUT, self._expire, identifier)
        self._requests[identifier] = (to, answer, timer)
        self.transmit(stanza)

    async def close(self) -> None:
        """Close the stream in order (RFC 6120 §4.4) and leave no task behind."""
        self._failed = True  # what happens from here on is no news
        for _, _, timer in self._requests.values():
            timer.cancel()
        self._requests.clear()
        in_session = self._opened
        self._end_login()
        self.cancel_connection_attempt()
        try:
            if self.transport is not None:
                gone = self.disconnected
                self.send_raw(self.stream_footer)
                if in_session:
                    await asyncio.wait([gone], timeout=CLOSE_DEADLINE)
        finally:
            self.abort()
            if self._securing is not None:
                self._securing.cancel()
                await asyncio.wait([self._securing])

    def give_up(self, reason: str) -> None:
        """End a login that takes too long; `StreamFailed` says the reason."""
        self.refuse(reason, permanent=False)

    def lose(self) -> None:
        """Drop the connection without a word, as a network that fails would."""
        self.abort()

    # -- what the login asks (`login.Connection`) -----------------------------------------------

    def tls_version(self) -> str:
        """Return the version of TLS that is on, such as ``TLSv1.3``, or "" without TLS."""
        encrypted = isinstance(self.socket, ssl.SSLObject | ssl.SSLSocket)
        return (cast(ssl.SSLObject, self.socket).version() or "") if encrypted else ""

    def channel_binding(self) -> bytes:
        """Return what SCRAM can bind to (RFC 5929, RFC 9266), or nothing."""
        kind = "tls-exporter" if self.tls_version() == "TLSv1.3" else "tls-unique"
        if not self.tls_version() or kind not in ssl.CHANNEL_BINDING_TYPES:
            return b""
        return cast(ssl.SSLObject, self.socket).get_channel_binding(kind) or b""

    def send_raw(self, data: str | bytes) -> None:
        """Write what is sent in one turn of the loop at once: one TLS record, one system call.

        Raises:
            NotConnectedError: there is no connection.
        """
        if self.transport is None:
            raise NotConnectedError
        if not self._outbox:
            self.loop.call_soon(self._flush)
        self._outbox.append(data.encode() if isinstance(data, str) else data)

    def _flush(self) -> None:
        data = b"".join(self._outbox)
        self._outbox.clear()
        if self.transport is not None:
            if log.isEnabledFor(logging.DEBUG):
                log.debug("SEND: %s", data.decode())
            self.transport.write(data)

    def secure(self) -> None:
        """Begin with TLS, and a new stream after it."""
        self.parser = None  # what came before TLS is not heard after it (RFC 6120 §5.4.3.3)
        self._securing = self.loop.create_task(self.start_tls())

    def restart(self) -> None:
        """Begin a new stream on the same connection."""
        self.init_parser()
        self.send_raw(self.stream_header)

    def took(self, step: str) -> None:
        """Note a step of the login."""
        self.take(step)

    def opened(self, jid: str, *, resumed: bool) -> None:
        """Begin with the session: send what the server has not, and let the account know."""
        self._end_login()
        self._securing = None
        self._opened = True
        if resumed:
            for stanza in tuple(self.resumption.unacknowledged):
                self.send_raw(markup(stanza))
        else:
            self.boundjid = parse_jid(jid)
        waiting, self._waiting = self._waiting, []
        for stanza in waiting:
            self.transmit(stanza)
        self._deliver(StreamOpened(str(self.boundjid), resumed=resumed))

    def refuse(self, reason: str, *, permanent: bool) -> None:
        """End a login; `StreamFailed` says the reason.

        Args:
            reason: a sentence with the remedy.
            permanent: whether to try again would be of no use.
        """
        if self._failed or self._opened:
            return
        self._failed = True
        self._end_login()
        self.cancel_connection_attempt()
        self.abort()
        self._deliver(StreamFailed(reason, permanent))

    def _end_login(self) -> None:
        if self._login is not None:
            self._login.end()
            self._login = None

    # -- what slixmpp's stream says ---------------------------------------------------------------

    async def run_filters(self) -> None:
        """Do without the task that slixmpp's stream sends from: `send_raw` is all we need."""

    def add_event_handler(self, *_: object, **__: object) -> None:
        """Take no handlers, which are lists in each of thousands of accounts; see `event`."""

    def disconnect(self, *_: object, **__: object) -> "asyncio.Future[None]":
        """Drop the connection, which slixmpp's stream asks for where TLS could not begin."""
        if self.transport is None:
            self.event("disconnected")
        self.abort()
        done: asyncio.Future[None] = self.loop.create_future()
        done.set_result(None)
        return done

    def event_handled(self, name: str) -> int:
        """Say that there is a handler, so that `event` is told."""
        return 1

    def event(self, name: str, data: Any = None) -> None:
        """Hear what slixmpp's stream tells of the connection."""
        match name:
            case "connected":
                self.take("tcp")
            case "tls_success":
                self.take("tls")
            case "connection_failed" | "ssl_invalid_chain":
                self._on_connection_failed(data)
            case "disconnected":
                self._on_disconnected(data)

    def data_received(self, data: bytes | str) -> None:
        """Take what the server sends, element by element."""
        parser = self.parser
        if parser is None:
            return
        parser.feed(data)
        try:
            for kind, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                if kind == "start":
                    if self.xml_depth == 0:
                        self.xml_root = element
                    self.xml_depth += 1
                    continue
                self.xml_depth -= 1
                if self.xml_depth == 1:
                    self._heard(element)
                    if self.parser is not parser or self.xml_root is None:
                        return  # what follows is of another stream
                    self.xml_root.clear()
                elif self.xml_depth == 0:
                    self.disconnect_reason = "the server closed the stream"
                    self.abort()
                    return
        except ParseError as error:
            self.disconnect_reason = f"the server sent no XML: {error}"
            self.abort()

    def _heard(self, element: Element) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("RECV: %s", tostring(element, "unicode"))
        tag = element.tag
        if tag in _STANZAS:
            self.resumption.received()
        if tag == f"{{{STREAMS}}}error":
            self._on_stream_error(element)
        elif self._login is not None:
            self._login.receive(element)
        elif tag in _STANZAS:
            self._received(element)
        elif tag.startswith(f"{{{SM}}}"):
            self._managed(tag.rpartition("}")[2], element)

    def _managed(self, name: str, element: Element) -> None:
        match name:
            case "r":
                self.send_raw(self.resumption.acknowledgement())
            case "a":
                self.resumption.acknowledged(element)
            case "enabled":
                self.resumption.enabled(element)
            case "failed":
                self.resumption.forget()

    def _received(self, element: Element) -> None:
        if element.tag == f"{{{CLIENT}}}iq" and element.get("type") in ("result", "error"):
            self._answered(element)
        else:
            self._deliver(StanzaReceived(element))

    def _answered(self, element: Element) -> None:
        identifier = element.get("id", "")
        request = self._requests.get(identifier)
        if request is None:
            return
        to, answer, timer = request
        sender, to = comparable(element.get("from", "")), comparable(to)
        own = (self.boundjid.bare, str(self.boundjid), self.boundjid.domain, "")
        if sender != to and not (to in own and sender in own):
            return  # nobody answers for another (RFC 6120 §8.1.2.1)
        del self._requests[identifier]
        timer.cancel()
        answer(element)

    def _expire(self, identifier: str) -> None:
        _, answer, _ = self._requests.pop(identifier)
        answer(None)

    def _on_disconnected(self, reason: object) -> None:
        self._end_login()
        self.resumption.pause()
        self._outbox.clear()
        if self._failed:
            return
        if self._opened:
            self._opened = False
            self._deliver(StreamClosed(str(reason or "the server closed the connection")))
        elif isinstance(reason, Exception):
            self._on_connection_failed(reason)
        else:
            self.refuse(
                f"the server closed the connection in the login ({reason or 'no reason given'})",
                permanent=False,
            )

    def _on_stream_error(self, error: Element) -> None:
        conditions = (one.tag for one in error if one.tag.startswith(f"{{{ERRORS}}}"))
        condition = next(conditions, "").rpartition("}")[2] or "undefined-condition"
        self.disconnect_reason = f"stream error: {condition}"
        if condition == "host-unknown":
            self.refuse(
                f"the server does not serve the domain {self.default_domain}: check the JID and "
                "server.host",
                permanent=True,
            )

    def _on_connection_failed(self, error: object) -> None:
        # slixmpp would go on for ever by itself: the account has its own back-off.
        match error:
            case ssl.SSLCertVerificationError():
                self.refuse(
                    f"the server's certificate is not trusted ({error.verify_message}): "
                    "set server.ca to the PEM file of its authority",
                    permanent=True,
                )
            case ssl.SSLError():
                self.refuse(
                    f"TLS failed ({error.reason or error}): check server.port and server.tls",
                    permanent=True,
                )
            case ConnectionRefusedError():
                self.refuse(
                    "nothing listens at the server's address: check server.host and server.port, "
                    "and that the server runs",
                    permanent=False,
                )
            case OSError():
                self.refuse(
                    f"the server can't be reached ({error.strerror or error}): check server.host",
                    permanent=False,
                )
            case _:
                self.refuse(
                    f"the server's host is unknown ({error}): check server.host and the JID",
                    permanent=False,
                )


@lru_cache(maxsize=64)
def _header(domain: str) -> str:
    return (
        f"<stream:stream to='{escape(domain)}' xmlns:stream='{STREAMS}' xmlns='{CLIENT}' "
        "xml:lang='en' version='1.0'>"
    )

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
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError

from slixmpp.xmlstream import XMLStream
from slixmpp.xmlstream.xmlstream import NotConnectedError

from ...config.jid import comparable, parse_jid
from .events import StanzaReceived, StreamClosed, StreamEvent, StreamFailed, StreamOpened
from .liveness import ASK_AFTER, DEADLINE, PING_AFTER, Liveness
from .login import STREAMS, Login
from .markup import escape, markup
from .masking import masked
from .requests import Requests
from .resumption import REQUEST, SM, HandledTooManyError, Resumption
from .stanza import CLIENT, stanza_error
from .stream_end import ERRORS, Remedy, StreamEnd, read_stream_error
from .unreachable import unreachable, words

#: Stanzas that may wait for the stream to be up again; the senders of more are told.
MAX_WAITING = 1000
#: Seconds that the server has to close its half of the stream.
CLOSE_DEADLINE = 1.0
#: Octets that one stanza of the server's may have; a roster of 10,000 contacts has a tenth.
MAX_STANZA = 16 * 2**20
#: Elements that one of its stanzas may have within each other.
MAX_DEPTH = 128
#: Characters of a stanza in a warning.
MAX_SHOWN = 300

_SERVICES = ({"xmpps-client"}, {"xmpp-client"})
#: What slixmpp's stream makes for each account, and one of ours has no use for.
_NO_QUEUE: asyncio.Queue[Any] = asyncio.Queue()
_NO_NAMES: dict[str, str] = {}

_STANZAS = frozenset(f"{{{CLIENT}}}{name}" for name in ("message", "presence", "iq"))

_PING = "urn:xmpp:ping"


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


log = logging.getLogger(__name__)
# What slixmpp logs as an error comes to the account as an event, and is said there in one sentence.
logging.getLogger("slixmpp.xmlstream.xmlstream").setLevel(logging.CRITICAL)


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
        self._liveness = Liveness(self._ask_for_life, self._is_dead)
        self._opened = False
        self._was_open = False
        self._end: StreamEnd | None = None
        self._over = False
        self._abandoned = False
        self._warned = False
        self._unread = 0
        self._failure: object = None
        self._closing: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._steps: dict[str, float] = {}
        self._outbox: list[bytes] = []
        self._waiting: list[Element] = []
        self._requests = Requests(deliver)

    def __repr__(self) -> str:
        return f"<Stream {self.boundjid}>"

    # -- what the account asks ------------------------------------------------------------------

    def open(self, host: str | None, port: int | None) -> None:
        """Start to connect; `StreamOpened` or `StreamFailed` follows.

        Args:
            host: where to, or None for the domain's SRV records (RFC 6120 §3.2.1).
            port: of the host.
        """
        self._opened = self._was_open = self._over = self._warned = False
        self._end = self._failure = None
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
        """Send a stanza; while the stream is down, or the server takes no more, it waits.

        A stanza that can't wait comes back: as an answer that is missing, or as the error that a
        server bounces a message with.
        """
        if self._opened and not self._waiting and not self.resumption.is_full:
            self._write(stanza)
        elif self._abandoned or len(self._waiting) >= MAX_WAITING:
            self._return(stanza)
        else:
            self._waiting.append(stanza)

    def _write(self, stanza: Element) -> None:
        wants_answer = self.resumption.sent(stanza)
        self._liveness.sent(ASK_AFTER if self.resumption.counting else PING_AFTER)
        if self.transport is not None:  # what is lost with it is sent again when it is resumed
            self.send_raw(markup(stanza))
            if wants_answer:
                self.send_raw(REQUEST)

    def _release(self) -> None:
        """Send what waits, as far as the server takes it."""
        while self._opened and self._waiting and not self.resumption.is_full:
            self._write(self._waiting.pop(0))

    def _return(self, stanza: Element) -> None:
        """Tell the sender of a stanza that it was not sent."""
        if self._is_for_others(stanza):
            self._warn_once("a stanza could not be sent, and its sender is told", masked, stanza)
        name = stanza.tag.rpartition("}")[2]
        if name == "iq":
            self._requests.give_up(stanza.get("id", ""))
        elif name == "message" and stanza.get("type") != "error":
            bounce = Element(stanza.tag, {"type": "error", "id": stanza.get("id", "")})
            if "to" in stanza.attrib:
                bounce.set("from", stanza.attrib["to"])
            bounce.append(stanza_error("wait", "recipient-unavailable"))
            self._deliver(StanzaReceived(bounce))

    def abandon(self) -> None:
        """Tell the senders of all that waits that it won't be sent, now and from now on."""
        self._abandoned = True
        self.resumption.forget()
        waiting, self._waiting = self._waiting, []
        for stanza in (*self.resumption.take_left(), *waiting):
            self._return(stanza)
        self._requests.give_all_up()

    def request(self, to: str, kind: str, payload: Element, about: object = None) -> None:
        """Send an IQ; `RequestAnswered` follows, whatever the answer is (RFC 6120 §8.2.3).

        Args:
            to: whom to ask; "" is our own account on the server.
            kind: ``get`` or ``set``.
            payload: the IQ's one child.
            about: what the answer is recognised by; None if nobody wants it.
        """
        self.transmit(self._requests.add(to, kind, payload, about))

    async def close(self) -> None:
        """Close the stream in order (RFC 6120 §4.4) and leave no task behind."""
        self._over = True  # what happens from here on is no news
        self._requests.forget()
        in_session = self._opened
        self._rest()
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

    def rename(self, resource: str) -> None:
        """Bind another resource from the next `open` on; the session of the old one is over."""
        self.resumption.forget()
        self.boundjid = replace(self.boundjid, resource=resource)

    def end(self, end: StreamEnd, parting: str = "") -> None:
        """End the connection; the first reason counts, and is told when the connection is gone.

        Args:
            end: why, and what follows.
            parting: what the server is still told; without it, the connection is cut.
        """
        if self._over:
            return
        if self._end is None:
            self._end = end
        self._was_open = self._was_open or self._opened
        self._rest()
        self.parser = None  # what still comes is not heard
        self.cancel_connection_attempt()
        if self.transport is None:
            self._tell()
            return
        if self._closing is None:
            self._closing = self.loop.call_later(CLOSE_DEADLINE, self._cut)
        if parting and not self.transport.is_closing():
            self._flush()
            self.transport.write(parting.encode())
            self.transport.close()
        else:
            self._outbox.clear()
            self.abort()

    def _cut(self) -> None:
        """Let go of a connection whose end is not told, such as one amid a TLS handshake."""
        self._closing = None
        self.abort()
        self.transport = self.socket = None
        self._tell()

    def _rest(self) -> None:
        """Stop what only a connection needs."""
        self._opened = False
        self._liveness.answered()
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._login is not None:
            self._login.end()
            self._login = None

    def _tell(self) -> None:
        """Tell the account of the end, once."""
        if self._over:
            return
        self._over = True
        self._rest()
        self._outbox.clear()
        self.resumption.pause()
        end = self._end or StreamEnd("the server closed the connection")
        if not end.repeats:
            self.resumption.forget()
            for stanza in self.resumption.take_left():
                self._return(stanza)
        self._deliver(StreamClosed(end) if self._was_open else StreamFailed(end))

    def lose(self, reason: str = "the connection broke") -> None:
        """Drop the connection without a word to the server.

        Args:
            reason: why, in words.
        """
        self.end(StreamEnd(reason))

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
        if log.isEnabledFor(logging.DEBUG):
            text = data if isinstance(data, str) else data.decode()
            log.debug("%s SEND: %s", self.boundjid.bare, masked(text))
        self._outbox.append(data.encode() if isinstance(data, str) else data)

    def _flush(self) -> None:
        data = b"".join(self._outbox)
        self._outbox.clear()
        if data and self.transport is not None and not self.transport.is_closing():
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
        self._rest()
        self._securing = None
        self._opened = True
        waiting, self._waiting = self._waiting, []
        if resumed:
            for stanza in tuple(self.resumption.unacknowledged):
                self.send_raw(markup(stanza))
            if self.resumption.unacknowledged:
                self._liveness.sent(ASK_AFTER)
        else:
            is_same = jid == str(self.boundjid)
            self.boundjid = parse_jid(jid)
            # Presence is of its session: the account announces it anew.
            left = [*self.resumption.take_left()]
            again = [one for one in left if self._is_for_others(one)]
            for stanza in left:
                if not self._is_for_others(stanza):
                    self._return(stanza)
            waiting = self._of_this_session([*again, *waiting], is_same=is_same)
        for stanza in waiting:
            self.transmit(stanza)
        self._deliver(StreamOpened(str(self.boundjid), resumed=resumed))

    def _is_for_others(self, stanza: Element) -> bool:
        """Tell whether a stanza of a session that is over still makes sense in a new one."""
        name = stanza.tag.rpartition("}")[2]
        return name == "message" or (
            name == "iq" and comparable(stanza.get("to", "")) not in self._own()
        )

    def _of_this_session(self, stanzas: list[Element], *, is_same: bool) -> list[Element]:
        """Return the stanzas that go out; others' IQs are for the one resource that they know."""
        kept = []
        for stanza in stanzas:
            is_iq = stanza.tag.endswith("}iq")
            if is_same or not is_iq or not self._is_for_others(stanza):
                kept.append(stanza)
            else:
                self._return(stanza)
        return kept

    def _own(self) -> tuple[str, ...]:
        """Return the addresses for which the server answers in our own name."""
        return (self.boundjid.bare, str(self.boundjid), self.boundjid.domain, "")

    def refuse(self, reason: str, remedy: Remedy) -> None:
        """End a login.

        Args:
            reason: a sentence with what to do about it.
            remedy: what follows.
        """
        if not self._opened:
            self.end(StreamEnd(reason, remedy))

    # -- signs of life ---------------------------------------------------------------------------

    def _ask_for_life(self) -> None:
        if self.transport is None:
            return
        if self.resumption.counting:
            self.send_raw(REQUEST)
        else:
            ping = f"<iq type='get' id='{secrets.token_hex(8)}'><ping xmlns='{_PING}'/></iq>"
            self.send_raw(ping)  # whatever comes back is a sign of life

    def _is_dead(self) -> None:
        self.lose(
            f"the connection is dead: the server was asked for a sign of life, and gave none in "
            f"{DEADLINE:.0f} s"
        )

    def _warn_once(self, words: str, show: Callable[[Element], str], element: Element) -> None:
        """Warn of the first mishap of a connection; of the others only when debugging."""
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        if log.isEnabledFor(level):
            log.log(level, "%s: %s: %s", self.boundjid.bare, words, show(element)[:MAX_SHOWN])

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
            case "connection_failed":
                self._failure = data  # there may be another address to try
            case "ssl_invalid_chain":
                self.abort()
                self.transport = self.socket = None
                self._end = self._end or self._unreachable(data)
                self._tell()
            case "disconnected":
                self._on_disconnected(data)

    def reschedule_connection_attempt(self) -> "asyncio.Future[None]":
        """Give up when no address is left: the account has a back-off of its own."""
        self.end(self._unreachable(self._failure))
        done: asyncio.Future[None] = self.loop.create_future()
        done.set_result(None)
        return done

    def data_received(self, data: bytes | str) -> None:
        """Take what the server sends, element by element."""
        parser = self.parser
        if parser is None:
            return
        if self._liveness.is_waiting and not self.resumption.counting:
            self._liveness.answered()
        self._unread += len(data)
        try:
            parser.feed(data)
            for kind, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                self._parsed(kind, element)
                if self.parser is not parser:
                    return  # what follows is of another stream, or of none
        except (ParseError, ValueError, LookupError) as error:  # the last two: odd encodings
            self.end(StreamEnd(f"the server sent no XML: {error}"))
        if self._unread > MAX_STANZA:
            self._refuse_stanza(f"more than {MAX_STANZA} octets")

    def _parsed(self, kind: str, element: Element) -> None:
        if kind == "start":
            if self.xml_depth == 0:
                self.xml_root = element
                if element.tag != f"{{{STREAMS}}}stream":
                    self.end(
                        StreamEnd(
                            "what answers there is no XMPP server: check server.host and "
                            "server.port",
                            Remedy.GIVE_UP,
                        )
                    )
                    return
            self.xml_depth += 1
            if self.xml_depth > MAX_DEPTH:
                self._refuse_stanza(f"elements more than {MAX_DEPTH} deep")
            return
        self.xml_depth -= 1
        if self.xml_depth == 1:
            self._unread = 0
            self._heard(element)
            if self.xml_root is not None:
                self.xml_root.clear()
        elif self.xml_depth == 0:
            self.end(StreamEnd("the server closed the stream"), self.stream_footer)

    def _refuse_stanza(self, what: str) -> None:
        self.end(
            StreamEnd(f"the server sent a stanza of {what}", Remedy.LATER),
            _stream_error("policy-violation", ""),
        )

    def _heard(self, element: Element) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s RECV: %s", self.boundjid.bare, masked(element))
        try:
            self._take(element)
        except HandledTooManyError as error:
            self._handled_too_many(error)
        except Exception:
            self._warn_once("what the server sent is dropped", masked, element)
            log.debug("%s: why it was dropped", self.boundjid.bare, exc_info=True)

    def _take(self, element: Element) -> None:
        tag = element.tag
        if tag in _STANZAS:
            self.resumption.received()
        if tag == f"{{{STREAMS}}}error":
            self.end(read_stream_error(element, self.default_domain), self.stream_footer)
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
                if self.resumption.acknowledged(element):
                    self._liveness.answered()
                    self._release()
                    if self.resumption.unacknowledged:
                        self._liveness.sent(ASK_AFTER)
            case "enabled":
                self.resumption.enabled(element)
            case "failed":
                self.resumption.not_enabled()
                self._liveness.answered()

    def _handled_too_many(self, error: HandledTooManyError) -> None:
        """End the stream as XEP-0198 §4 wants it, and the session with it."""
        detail = (
            f"<handled-count-too-high xmlns='{SM}' h='{error.handled}' send-count='{error.sent}'/>"
        )
        self.resumption.forget()
        self.end(StreamEnd(str(error)), _stream_error("undefined-condition", detail))

    def _received(self, element: Element) -> None:
        if element.tag == f"{{{CLIENT}}}iq" and element.get("type") in ("result", "error"):
            self._requests.answered(element, self._own())
        else:
            self._deliver(StanzaReceived(element))

    def _on_disconnected(self, reason: object) -> None:
        self._was_open = self._was_open or self._opened
        if self._end is None and isinstance(reason, Exception):
            self._end = (
                StreamEnd(f"the connection broke ({words(reason)})")
                if self._was_open
                else self._unreachable(reason)
            )
        elif self._end is None and not self._was_open:
            self._end = StreamEnd("the server closed the connection in the login")
        self._tell()

    def _unreachable(self, error: object) -> StreamEnd:
        return unreachable(error, *(self.custom_address or (self.default_domain, None)))


def _stream_error(condition: str, detail: str) -> str:
    """Return a stream error of ours with the end of the stream (RFC 6120 §4.9.1.1)."""
    return f"<stream:error><{condition} xmlns='{ERRORS}'/>{detail}</stream:error></stream:stream>"


@lru_cache(maxsize=64)
def _header(domain: str) -> str:
    return (
        f"<stream:stream to='{escape(domain)}' xmlns:stream='{STREAMS}' xmlns='{CLIENT}' "
        "xml:lang='en' version='1.0'>"
    )

"""slixmpp's stream, fenced: DNS, TCP, TLS and an XML parser; nothing else of slixmpp is used.

Its client, its stanzas and its plugins are objects and dictionaries for each account, stanza and
contact, where thousands of accounts need one class that passes elements on. Even of its stream only
the connection is left: the loops for sending, the filters, the handlers and the waiting queue are
overridden with nothing. ``tests/actors/xmpp/test_slixmpp_contract.py`` has each name that this
leans on, and fails when slixmpp moves.
"""

import asyncio
import logging
import ssl
import sys
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError

from ...config.jid import Jid
from ._slixmpp_import import NotConnectedError, XMLStream, resolve_with_aiodns
from .connect_failure import tls_broken, unreachable, words
from .login import STREAMS
from .markup import escape
from .masking import masked
from .stanza import CLIENT
from .stream_end import Remedy, StreamEnd, stream_error
from .stream_parser import StreamParser

__all__ = ["FOOTER", "NotConnectedError", "XmlStream"]

#: Octets that one stanza of the server's may have; a roster of 10,000 contacts has a tenth.
MAX_STANZA = 16 * 2**20
#: Seconds for which what nobody waits for may wait for what is written next: for longer than it
#: takes to set up a call, whose datagrams it would be in the way of.
LEISURE = 0.03
#: Elements that one of its stanzas may have within each other.
MAX_DEPTH = 128
FOOTER = "</stream:stream>"

_SERVICES = ({"xmpps-client"}, {"xmpp-client"})
#: What slixmpp's stream makes for each account, and one of ours has no use for.
_NO_QUEUE: asyncio.Queue[Any] = asyncio.Queue()
_NO_NAMES: dict[str, str] = {}

#: One name for the connection and for what goes over it.
log = logging.getLogger(f"{__package__}.stream")
# What slixmpp logs as an error comes to the account as an event, and is said there in one sentence.
logging.getLogger("slixmpp.xmlstream.xmlstream").setLevel(logging.CRITICAL)


class XmlStream(XMLStream):
    """The connection of one account: text out, elements in, and word of what becomes of it.

    Args:
        jid: the account's JID.
        context: the TLS context.
        direct_tls: TLS from the first byte in the place of STARTTLS.
    """

    boundjid: Jid
    loop: asyncio.AbstractEventLoop
    parser: StreamParser | None  # type: ignore[assignment]

    def __init__(self, jid: Jid, *, context: ssl.SSLContext, direct_tls: bool) -> None:
        super().__init__(ssl_context=context, loop=asyncio.get_running_loop())
        self.boundjid = jid
        self.default_domain = sys.intern(jid.domain)
        self.default_port = 5222
        self.enable_direct_tls = direct_tls
        self.enable_starttls = not direct_tls
        # A session that is resumed does not end with its connection.
        self.end_session_on_disconnect = False
        self.stream_header = _header(self.default_domain, "")
        self.stream_footer = FOOTER
        # The same objects for all accounts: slixmpp only reads them.
        self.tls_services, self.starttls_services = _SERVICES
        self.waiting_queue, self.namespace_map = _NO_QUEUE, _NO_NAMES
        self._securing: asyncio.Task[bool] | None = None
        self._speaks_tls = False
        self._unread = 0
        self._failure: object = None
        self._outbox: list[bytes] | None = None
        self._at_leisure: list[bytes] | None = None

    # -- what whoever has the connection hears -----------------------------------------------------

    def took(self, step: str) -> None:
        """Hear that ``tcp`` or ``tls`` is there."""
        raise NotImplementedError

    def stirred(self) -> None:
        """Hear that something has come in."""
        raise NotImplementedError

    def heard(self, element: Element) -> None:
        """Hear an element of the stream's, which is whole."""
        raise NotImplementedError

    def end(self, end: StreamEnd, parting: str = "") -> None:
        """Hear why there is no going on.

        Args:
            end: why, and what follows.
            parting: what the server is still to be told.
        """
        raise NotImplementedError

    def lost(self, reason: object) -> None:
        """Hear that the connection is gone.

        Args:
            reason: what was raised, or nothing to go by.
        """
        raise NotImplementedError

    def impossible(self, end: StreamEnd) -> None:
        """Hear that TLS is not to be had, and that the connection is gone."""
        raise NotImplementedError

    # -- what it may have done ---------------------------------------------------------------------

    @property
    def has_connection(self) -> bool:
        """Whether there is a connection."""
        return self.transport is not None

    def dial(self, host: str | None, port: int | None) -> None:
        """Start to connect.

        Args:
            host: where to, or None for the domain's SRV records (RFC 6120 §3.2.1).
            port: of the host.
        """
        self._failure = None
        self._speaks_tls = False
        self.stream_header = self._header(is_encrypted=bool(self.enable_direct_tls))
        self.connect(host, port)

    def _header(self, *, is_encrypted: bool) -> str:
        """Return the stream's header, which says whose stream it is to nobody but the server."""
        return _header(self.default_domain, self.boundjid.bare if is_encrypted else "")

    def send_raw(self, data: str | bytes, *, at_leisure: bool = False) -> None:
        """Write something now, and what follows in the same turn of the loop together after it.

        A turn may be long, and most turns send one stanza: so the first does not wait for the
        others. Those, as at a login, are one TLS record and one system call.

        Args:
            data: what.
            at_leisure: that nobody waits for it: it goes with what is written next, before that, or
                alone after `LEISURE`.

        Raises:
            NotConnectedError: there is no connection.
        """
        if self.transport is None:
            raise NotConnectedError
        if log.isEnabledFor(logging.DEBUG):
            text = data if isinstance(data, str) else data.decode()
            log.debug("%s SEND: %s", self.boundjid.bare, masked(text))
        octets = data.encode() if isinstance(data, str) else data
        if self._outbox is not None:
            self._outbox.append(octets)
        elif at_leisure:
            if self._at_leisure is None:
                self._at_leisure = []
                self.loop.call_later(LEISURE, self._flush)
            self._at_leisure.append(octets)
        else:
            earlier, self._at_leisure = self._at_leisure or (), None
            self._outbox = []
            self.loop.call_soon(self._flush)
            self._write_out(b"".join((*earlier, octets)))

    def _flush(self) -> None:
        outbox, self._outbox = (*(self._at_leisure or ()), *(self._outbox or ())), None
        self._at_leisure = None
        if outbox:
            self._write_out(b"".join(outbox))

    def _write_out(self, octets: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(octets)

    def stop_hearing(self) -> None:
        """Take nothing more in, and give up connecting."""
        self.parser = None
        self.cancel_connection_attempt()

    def hang_up(self, parting: str) -> None:
        """Close the connection.

        Args:
            parting: what is said before; without it, what waits to be sent is dropped too.
        """
        if parting and self.transport is not None and not self.transport.is_closing():
            self._flush()
            self.transport.write(parting.encode())
            self.transport.close()
        else:
            self.forget_unsent()
            self.abort()

    def let_go(self) -> None:
        """Drop a connection whose end is not told, such as one amid a TLS handshake."""
        self.abort()
        self.transport = self.socket = None

    def forget_unsent(self) -> None:
        """Drop what waits to be written."""
        self._at_leisure = None
        if self._outbox is not None:
            self._outbox.clear()

    async def close_in_order(self, seconds: float) -> None:
        """Close the stream (RFC 6120 §4.4) and the connection, and leave no task behind.

        Args:
            seconds: that the server has to close its half; 0 does not wait.
        """
        self.cancel_connection_attempt()
        try:
            if self.transport is not None:
                gone = self.disconnected
                self.send_raw(self.stream_footer)
                if seconds:
                    await asyncio.wait([gone], timeout=seconds)
        finally:
            self.abort()
            if self._securing is not None:
                self._securing.cancel()
                await asyncio.wait([self._securing])

    # -- what the login asks (`login.Connection`) --------------------------------------------------

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

    def secure(self) -> None:
        """Begin with TLS, and a new stream after it."""
        self.parser = None  # what came before TLS is not heard after it (RFC 6120 §5.4.3.3)
        self._speaks_tls = True
        self.stream_header = self._header(is_encrypted=True)
        self._securing = self.loop.create_task(self.start_tls())

    def restart(self) -> None:
        """Begin a new stream on the same connection."""
        self.init_parser()
        self.send_raw(self.stream_header)

    def init_parser(self) -> None:
        """Begin to read a stream."""
        self.xml_depth = 0
        self.parser = StreamParser()

    # -- what slixmpp's stream says, and what it is not to do --------------------------------------

    async def get_dns_records(
        self, domain: str, port: int | None = None
    ) -> list[tuple[str, str, str, int]]:
        """Ask the DNS where a domain's server is, which is not done for a host of our own."""
        await resolve_with_aiodns()
        return await super().get_dns_records(domain, port)

    async def run_filters(self) -> None:
        """Do without the task that slixmpp's stream sends from: `send_raw` is all we need."""

    def add_event_handler(self, *_: object, **__: object) -> None:
        """Take no handlers, which are lists in each of thousands of accounts; see `event`."""

    def disconnect(self, *_: object, **__: object) -> "asyncio.Future[None]":
        """Drop the connection, which slixmpp's stream asks for where TLS could not begin."""
        if self.transport is None:
            self.event("disconnected")
        self.abort()
        return self._done()

    def event_handled(self, name: str) -> int:
        """Say that there is a handler, so that `event` is told."""
        return 1

    def event(self, name: str, data: Any = None) -> None:
        """Hear what slixmpp's stream tells of the connection."""
        match name:
            case "connected":
                self.took("tcp")
            case "tls_success":
                self._securing = None
                self._speaks_tls = True
                self.took("tls")
            case "connection_failed":
                self._failure = data  # there may be another address to try
            case "ssl_invalid_chain":
                self.let_go()
                self.impossible(self.unreachable(data))
            case "disconnected":
                self.lost(data)

    def reschedule_connection_attempt(self) -> "asyncio.Future[None]":
        """Give up when no address is left: the account has a back-off of its own."""
        self.end(self.unreachable(self._failure))
        return self._done()

    def _done(self) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = self.loop.create_future()
        done.set_result(None)
        return done

    def unreachable(self, error: object) -> StreamEnd:
        """Return what it means that there is no connection."""
        if self._speaks_tls and (end := tls_broken(error)) is not None:
            return end
        return unreachable(error, *(self.custom_address or (self.default_domain, None)))

    # -- the parser --------------------------------------------------------------------------------

    def data_received(self, data: bytes | str) -> None:
        """Take what the server sends, element by element."""
        parser = self.parser
        if parser is None:
            return
        self.stirred()
        self._unread += len(data)
        try:
            for kind, element in parser.feed(data if isinstance(data, bytes) else data.encode()):
                depth = self.xml_depth
                if kind == "start" and 0 < depth < MAX_DEPTH:  # most of a stanza is that
                    self.xml_depth = depth + 1
                    continue
                if kind == "end" and depth > 2:
                    self.xml_depth = depth - 1
                    continue
                self._parsed(kind, element)
                if self.parser is not parser:
                    return  # what follows is of another stream, or of none
        except (ParseError, ValueError, LookupError) as error:  # the last two: odd encodings
            what = str(error).partition(": line")[0]  # of a parser that others share
            self.end(StreamEnd(f"the server sent no XML: {what}"))
        if self._unread > MAX_STANZA:
            self._refuse_stanza(f"more than {MAX_STANZA} octets")

    def _parsed(self, kind: str, element: Element) -> None:
        if kind == "start":
            if self.xml_depth == 0 and element.tag != f"{{{STREAMS}}}stream":
                self.end(
                    StreamEnd(
                        "what answers there is no XMPP server: check server.host and server.port",
                        Remedy.CHECK,
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
            self.heard(element)
        elif self.xml_depth == 0:
            self.end(StreamEnd("the server closed the stream"), self.stream_footer)

    def _refuse_stanza(self, what: str) -> None:
        self.end(
            StreamEnd(f"the server sent a stanza of {what}", Remedy.LATER),
            stream_error("policy-violation"),
        )

    def broken(self, reason: Exception) -> StreamEnd:
        """Return what it means that a connection broke off."""
        return StreamEnd(f"the connection broke ({words(reason)})")


def _header(domain: str, account: str) -> str:
    """Return a stream's header (RFC 6120 §4.7).

    Args:
        domain: whom it is for.
        account: the bare JID that it is from, or "".
    """
    source = f"from='{escape(account)}' " if account else ""
    return (
        f"<stream:stream {source}to='{escape(domain)}' xmlns:stream='{STREAMS}' xmlns='{CLIENT}' "
        "xml:lang='en' version='1.0'>"
    )

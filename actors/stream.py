"""The XMPP stream: slixmpp's client with everything off that an account does by itself.

What slixmpp is used for: DNS, TCP, TLS, SASL, binding (RFC 6120) and stream management (XEP-0198).
Its roster, presence and disco are not: they are objects per account and per contact, where one thin
handler that hands over the element will do. This is the one module that touches slixmpp's private
names, each with its reason; tests/actors/test_stream.py fails when they move.
"""

import asyncio
import logging
import ssl
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import ClientXMPP, Iq, Message, Presence
from slixmpp.plugins import BasePlugin
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher.base import MatcherBase
from slixmpp.xmlstream.xmlstream import NotConnectedError

from . import sasl as _sasl  # noqa: F401 - importing it registers the mechanism
from .messages.account import StanzaReceived, StreamClosed, StreamFailed, StreamOpened
from .stanza import CLIENT

STREAMS = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"

#: A request that is not answered in this many seconds counts as unanswered.
IQ_TIMEOUT = 30.0

#: slixmpp's events that end a step of the login, and what the step is called.
_STEPS = {"connected": "tcp", "tls_success": "tls", "auth_success": "sasl", "session_bind": "bind"}

#: What slixmpp registers in each client, and an account of ours has no use for: each is some
#: hundred bytes in every one of thousands of accounts.
_UNUSED_PLUGINS = frozenset({"feature_rosterver", "feature_preapproval", "feature_limits"})
_UNUSED_EVENTS = frozenset({"roster_update", "roster_subscription_request"}) | {
    f"presence_{kind}"
    for kind in (
        *("available", "dnd", "xa", "chat", "away", "unavailable"),
        *("subscribe", "subscribed", "unsubscribe", "unsubscribed"),
    )
}
_SERVICES = ({"xmpps-client"}, {"xmpp-client"})

_STANZAS = {
    f"{{{CLIENT}}}message": Message,
    f"{{{CLIENT}}}presence": Presence,
    f"{{{CLIENT}}}iq": Iq,
}

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


class _Everything(MatcherBase):
    """Matches each stanza of a client stream."""

    def match(self, xml: Any) -> bool:
        """Tell whether this is a message, a presence or an IQ."""
        return xml.xml.tag in _STANZAS


class _SecretsFilter(logging.Filter):
    """Keeps SASL (RFC 6120 §6) out of the log: with PLAIN, ``<auth/>`` is the password."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.DEBUG:
            return True
        return "urn:ietf:params:xml:ns:xmpp-sasl" not in record.getMessage()


# slixmpp's own logger, so that one filter and one level are for all that it sends and receives.
log = logging.getLogger("slixmpp.xmlstream.xmlstream")
log.addFilter(_SecretsFilter())
# What slixmpp logs as an error comes to the account as an event, and is said there in one sentence.
for _name in ("slixmpp.xmlstream.xmlstream", "slixmpp.features.feature_mechanisms.mechanisms"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Stream(ClientXMPP):
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
        super().__init__(jid, password, ssl_context=context)
        self._deliver = deliver
        self._opened = False
        self._failed = False
        self._began = 0.0
        self._steps: dict[str, float] = {}
        self._outbox: list[bytes] = []
        self._requests: dict[str, tuple[str, Answer, asyncio.TimerHandle]] = {}
        self.enable_direct_tls = direct_tls
        self.enable_starttls = not direct_tls
        # The same objects for all accounts: slixmpp only reads them.
        self.tls_services, self.starttls_services = _SERVICES
        self.stream_header = sys.intern(self.stream_header)
        for name in ("IM", "IMError", "Presence", "Roster Update"):
            self.remove_handler(name)
        self.register_plugin("xep_0198")
        self.register_handler(Callback("Callboard", _Everything(None), self._received))
        for event, handler in {
            "session_start": self._on_session_start,
            "session_resumed": self._on_session_resumed,
            "disconnected": self._on_disconnected,
            "connection_failed": self._on_connection_failed,
            "failed_all_auth": self._on_failed_all_auth,
            "no_auth": self._on_no_auth,
            "ssl_invalid_chain": self._on_connection_failed,
            "stream_error": self._on_stream_error,
        }.items():
            self.add_event_handler(event, handler)

    def __repr__(self) -> str:
        return f"<Stream {self.requested_jid}>"

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
        """Let go of what only the login needed.

        The server is asked to acknowledge what the login sent (XEP-0198 §4), since it is kept
        until then. The features stanza is some 30 objects, kept by those who handled it; they
        have no public way to let go.
        """
        self._steps = {}
        self.cancel_schedule("Whitespace Keepalive")  # the account pings
        self.plugin["feature_bind"].features = None
        for handler in self._XMLStream__handlers:  # type: ignore[attr-defined]
            handler._payload = None  # noqa: SLF001
        management: Any = self.plugin["xep_0198"]
        if management.enabled_out:
            management.request_ack()

    def register_plugin(
        self, plugin: str, pconfig: dict[Any, Any] | None = None, module: Any = None
    ) -> None:
        """Register a plugin of slixmpp's, unless we have no use for it."""
        if plugin not in _UNUSED_PLUGINS:
            super().register_plugin(plugin, pconfig, module)

    def add_event_handler(
        self, name: str, pointer: Callable[..., Any], disposable: bool = False
    ) -> None:
        """Add a handler of an event, unless we have no use for it."""
        # Plugins that do nothing at the binding inherit a method that does nothing.
        idle = getattr(pointer, "__func__", None) is BasePlugin.session_bind
        if name not in _UNUSED_EVENTS and not idle:
            super().add_event_handler(name, pointer, disposable)

    def event(self, name: str, data: Any = None) -> None:
        """Let slixmpp's handlers know of an event, and note those that end a step."""
        if name in _STEPS:
            self.take(_STEPS[name])
        super().event(name, {} if data is None else data)

    def transmit(self, stanza: Element) -> None:
        """Send a stanza; while the stream is down slixmpp keeps it for the next one."""
        kind: Any = _STANZAS[stanza.tag]
        self.send(kind(stream=self, xml=stanza))

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

    def request(self, to: str, kind: str, payload: Element, answer: Answer) -> None:
        """Send an IQ and have its answer told, whatever that is (RFC 6120 §8.2.3).

        slixmpp's own requests raise inside it when an error has no condition that it knows, and
        the request then only times out; so answers are matched here.

        Args:
            to: whom to ask; "" is our own account on the server.
            kind: ``get`` or ``set``.
            payload: the IQ's one child.
            answer: told the ``<iq/>`` of type result or error, or None after `IQ_TIMEOUT` seconds.
        """
        identifier = self.new_id()
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
        self.cancel_connection_attempt()
        try:
            if self.transport:
                await self.disconnect(wait=1.0)
        finally:
            self.abort()
            for name in list(self.scheduled_events):
                self.cancel_schedule(name)
            # slixmpp starts this task in connect() and ends it only when the client is collected.
            filters = self._run_out_filters
            if filters is not None:
                filters.cancel()
                await asyncio.wait([filters])

    def give_up(self, reason: str) -> None:
        """End a login that takes too long; `StreamFailed` says the reason."""
        self._fail(reason, permanent=False)

    def lose(self) -> None:
        """Drop the connection without a word, as a network that fails would."""
        self.abort()

    # -- what the stream says -------------------------------------------------------------------

    def incoming_filter(self, xml: Element) -> Element:
        """Refuse to go on where TLS is neither on nor offered (RFC 6120 §5.3.1)."""
        if (
            xml.tag == f"{{{STREAMS}}}features"
            and "starttls" not in self.features
            and self.enable_starttls
            and xml.find(f"{{{TLS}}}starttls") is None
        ):
            xml.clear()
            self._fail(
                "the server offers no TLS on this port: switch it on there, or set server.tls to "
                "direct if the port speaks TLS from the first byte",
                permanent=True,
            )
        return xml

    def _received(self, stanza: Any) -> None:
        element: Element = stanza.xml
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
        sender = element.get("from", "")
        own = (self.boundjid.bare, self.boundjid.full, self.boundjid.domain, "")
        if sender != to and not (to in own and sender in own):
            return  # nobody answers for another (RFC 6120 §8.1.2.1)
        del self._requests[identifier]
        timer.cancel()
        answer(element)

    def _expire(self, identifier: str) -> None:
        _, answer, _ = self._requests.pop(identifier)
        answer(None)

    def _on_session_start(self, _: object) -> None:
        self._opened = True
        self._deliver(StreamOpened(str(self.boundjid), resumed=False))

    def _on_session_resumed(self, _: object) -> None:
        self._opened = True
        self._deliver(StreamOpened(str(self.boundjid), resumed=True))

    def _on_disconnected(self, reason: object) -> None:
        if self._failed:
            return
        if self._opened:
            self._opened = False
            self._deliver(StreamClosed(str(reason or "the server closed the connection")))
        elif isinstance(reason, Exception):
            self._on_connection_failed(reason)
        else:
            self._fail(
                f"the server closed the connection in the login ({reason or 'no reason given'})",
                permanent=False,
            )

    def _on_stream_error(self, error: Any) -> None:
        condition = error["condition"]
        self.disconnect_reason = f"stream error: {condition}"
        if condition == "host-unknown":
            self._fail(
                f"the server does not serve the domain {self.boundjid.domain}: check the JID and "
                "server.host",
                permanent=True,
            )

    def _on_connection_failed(self, error: object) -> None:
        # slixmpp would go on for ever by itself: the account has its own back-off.
        match error:
            case ssl.SSLCertVerificationError():
                self._fail(
                    f"the server's certificate is not trusted ({error.verify_message}): "
                    "set server.ca to the PEM file of its authority",
                    permanent=True,
                )
            case ssl.SSLError():
                self._fail(
                    f"TLS failed ({error.reason or error}): check server.port and server.tls",
                    permanent=True,
                )
            case ConnectionRefusedError():
                self._fail(
                    "nothing listens at the server's address: check server.host and server.port, "
                    "and that the server runs",
                    permanent=False,
                )
            case OSError():
                self._fail(
                    f"the server can't be reached ({error.strerror or error}): check server.host",
                    permanent=False,
                )
            case _:
                self._fail(
                    f"the server's host is unknown ({error}): check server.host and the JID",
                    permanent=False,
                )

    def _on_failed_all_auth(self, _: object) -> None:
        self._fail(
            "the server refused the login: check the password, and that the account exists there",
            permanent=True,
        )

    def _on_no_auth(self, _: object) -> None:
        self._fail(
            "the server offers no login mechanism that is safe to use: enable SCRAM-SHA-1 or "
            "SCRAM-SHA-256 there",
            permanent=True,
        )

    def _fail(self, reason: str, *, permanent: bool) -> None:
        if self._failed or self._opened:
            return
        self._failed = True
        self.cancel_connection_attempt()
        self.abort()
        self._deliver(StreamFailed(reason, permanent))

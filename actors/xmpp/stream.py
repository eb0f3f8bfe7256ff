"""The XMPP stream of one account (RFC 6120): what is sent, acknowledged, asked and told.

The connection beneath is in `_slixmpp`. How a session comes about is in `login`, how it outlives a
connection in `resumption`.
"""

import asyncio
import logging
import secrets
import ssl
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element

from ...config.jid import comparable, parse_jid
from ...jingle.model.replace import replace
from ._slixmpp import XmlStream
from .events import StanzaReceived, StreamClosed, StreamEvent, StreamFailed, StreamOpened
from .fast import Fast
from .liveness import ASK_AFTER, DEADLINE, PING_AFTER, Liveness
from .login import STREAMS, Login
from .markup import markup
from .masking import masked
from .requests import Requests
from .resumption import REQUEST, SM, HandledTooManyError, Resumption
from .stanza import CLIENT, bounce
from .stream_end import Remedy, StreamEnd, read_stream_error, stream_error

#: Stanzas that may wait for the stream to be up again; the senders of more are told.
MAX_WAITING = 1000
#: Seconds that the server has to close its half of the stream.
CLOSE_DEADLINE = 1.0
#: Characters of a stanza in a warning.
MAX_SHOWN = 300

_STANZAS = frozenset(f"{{{CLIENT}}}{name}" for name in ("message", "presence", "iq"))

_PING = "urn:xmpp:ping"


log = logging.getLogger(__name__)


class Stream(XmlStream):
    """One account's stream, told and telling in elements.

    Args:
        jid: the account's JID, with the resource to bind.
        password: its password; it appears in no `repr` and in no log.
        context: the TLS context, from `trust`.
        direct_tls: TLS from the first byte (XEP-0368) in the place of STARTTLS (RFC 6120 §5).
        keeps_resource: whether the resource is to be that one and no other.
        deliver: told each `StreamEvent`, on the loop.
    """

    def __init__(
        self,
        jid: str,
        password: str,
        *,
        context: ssl.SSLContext,
        direct_tls: bool,
        keeps_resource: bool,
        deliver: Callable[[StreamEvent], None],
    ) -> None:
        super().__init__(parse_jid(jid), context=context, direct_tls=direct_tls)
        self.resumption = Resumption()
        self._password = password
        self._fast = Fast()
        self._keeps_resource = keeps_resource
        self._deliver = deliver
        self._login: Login | None = None
        self._liveness = Liveness(self._ask_for_life, self._is_dead)
        self._opened = False
        self._was_open = False
        self._end: StreamEnd | None = None
        self._over = False
        self._abandoned = False
        self._warned = False
        self._closing: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._steps: dict[str, float] = {}
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
        self._end = None
        self._began = time.monotonic()
        self._steps = {}
        self._login = Login(
            self,
            self.boundjid,
            self._password,
            self.resumption,
            fast=self._fast,
            keeps_resource=self._keeps_resource,
        )
        self.dial(host, port)

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
        if self.resumption.counting and self.has_connection:
            self.send_raw(REQUEST)

    def transmit(self, stanza: Element, *, at_leisure: bool = False) -> None:
        """Send a stanza; while the stream is down, or the server takes no more, it waits.

        A stanza that can't wait comes back: as an answer that is missing, or as the error that a
        server bounces a message with.

        Args:
            stanza: what is sent.
            at_leisure: that nobody waits for it, so it may wait for what is sent next.
        """
        if self._opened and not self._waiting and not self.resumption.is_full:
            self._write(stanza, at_leisure=at_leisure)
        elif self._abandoned or len(self._waiting) >= MAX_WAITING:
            self._return(stanza)
        else:
            self._waiting.append(stanza)

    def _write(self, stanza: Element, *, at_leisure: bool = False) -> None:
        wants_answer = self.resumption.sent(stanza)
        self._liveness.sent(ASK_AFTER if self.resumption.counting else PING_AFTER)
        if self.has_connection:  # what is lost with it is sent again when it is resumed
            text = markup(stanza)
            self.send_raw(text + REQUEST if wants_answer else text, at_leisure=at_leisure)

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
            self._deliver(StanzaReceived(bounce(stanza)))

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
        seconds = CLOSE_DEADLINE if self._opened else 0.0
        self._rest()
        await self.close_in_order(seconds)

    def change_password(self, password: str) -> None:
        """Use another password from the next `open` on."""
        self._password = password

    def rename(self, resource: str) -> None:
        """Bind another resource from the next `open` on; the session of the old one is over."""
        self.resumption.forget()
        self._fast.rename()
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
        self.stop_hearing()
        if not self.has_connection:
            self._tell()
            return
        if self._closing is None:
            self._closing = self.loop.call_later(CLOSE_DEADLINE, self._cut)
        self.hang_up(parting)

    def _cut(self) -> None:
        self._closing = None
        try:
            self.let_go()
        finally:  # whatever becomes of the connection, the account must hear that it is over
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
        self.forget_unsent()
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

    def took(self, step: str) -> None:
        """Note a step of the connection or of the login."""
        self.take(step)

    def opened(self, jid: str, *, resumed: bool) -> None:
        """Begin with the session: send what the server has not, and let the account know."""
        self._rest()
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
        if not self.has_connection:
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

    # -- what the connection says ------------------------------------------------------------------

    def stirred(self) -> None:
        """Take what comes in for a sign of life, where nothing else is one."""
        if self._liveness.is_waiting and not self.resumption.counting:
            self._liveness.answered()

    def heard(self, element: Element) -> None:
        """Take an element of the stream's; one that can't be taken costs no more than itself."""
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
                self.send_raw(self.resumption.acknowledgement(), at_leisure=True)
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
        self.end(StreamEnd(str(error)), stream_error("undefined-condition", detail))

    def _received(self, element: Element) -> None:
        if element.tag == f"{{{CLIENT}}}iq" and element.get("type") in ("result", "error"):
            self._requests.answered(element, self._own())
        else:
            self._deliver(StanzaReceived(element))

    def lost(self, reason: object) -> None:
        """Tell the account that the connection is gone."""
        self._was_open = self._was_open or self._opened
        if self._end is None and isinstance(reason, Exception):
            self._end = self.broken(reason) if self._was_open else self.unreachable(reason)
        elif self._end is None and not self._was_open:
            self._end = StreamEnd("the server closed the connection in the login")
        self._tell()

    def impossible(self, end: StreamEnd) -> None:
        """Tell the account that there is no TLS to be had."""
        self._end = self._end or end
        self._tell()

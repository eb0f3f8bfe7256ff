"""What a server says on a stream, near to what it should say; and a stream without a network."""

import asyncio
import copy
import ssl
from base64 import b64encode
from functools import cache
from typing import Any, cast
from xml.etree import ElementTree as ET

from callboard.actors.xmpp.events import (
    RequestAnswered,
    StanzaReceived,
    StreamClosed,
    StreamEvent,
    StreamFailed,
    StreamOpened,
)
from callboard.actors.xmpp.login import BIND, SESSION, STREAMS, TLS
from callboard.actors.xmpp.markup import markup
from callboard.actors.xmpp.resumption import SM
from callboard.actors.xmpp.sasl_profile import SASL
from callboard.actors.xmpp.stanza import CLIENT, STANZAS
from callboard.actors.xmpp.stream import Stream
from callboard.actors.xmpp.stream_end import CONDITIONS, ERRORS, REFUSALS
from callboard.tests.fuzz.stanzas import change
from hypothesis import strategies as st

JID = "a@example.org/1"
HEADER = f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAMS}' version='1.0'>"
_MECHANISMS = (
    f"<mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-1</mechanism>"
    "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>PLAIN</mechanism></mechanisms>"
)
_FIRST = b64encode(b"r=x,s=c2FsdA==,i=1").decode()

#: What a login is answered with, in order, by the step that it is for.
LOGIN = {
    "header": HEADER,
    "mechanisms": f"<features xmlns='{STREAMS}'><mechanisms xmlns='{SASL}'>"
    "<mechanism>PLAIN</mechanism></mechanisms></features>",
    "success": f"<success xmlns='{SASL}'/>",
    "second header": HEADER,
    "features": f"<features xmlns='{STREAMS}'><bind xmlns='{BIND}'/><sm xmlns='{SM}'/></features>",
    "bound": f"<iq type='result' id='bind'><bind xmlns='{BIND}'><jid>{JID}</jid></bind></iq>",
    "enabled": f"<enabled xmlns='{SM}' id='x' resume='true'/>",
}
_OTHER = [
    f"<features xmlns='{STREAMS}'><starttls xmlns='{TLS}'><required/></starttls></features>",
    f"<features xmlns='{STREAMS}'>{_MECHANISMS}</features>",
    f"<features xmlns='{STREAMS}'><bind xmlns='{BIND}'/><session xmlns='{SESSION}'/></features>",
    f"<proceed xmlns='{TLS}'/>",
    f"<failure xmlns='{TLS}'/>",
    f"<challenge xmlns='{SASL}'>{_FIRST}</challenge>",
    *(f"<failure xmlns='{SASL}'><{one}/></failure>" for one in REFUSALS),
    *(
        f"<error xmlns='{STREAMS}'><{one} xmlns='{ERRORS}'>[::1]:5222</{one}>"
        f"<text xmlns='{ERRORS}'>why</text></error>"
        for one in CONDITIONS
    ),
    f"<r xmlns='{SM}'/>",
    *(f"<a xmlns='{SM}' h='{h}'/>" for h in (0, 1, 2, 3, 2**32 - 1)),
    f"<resumed xmlns='{SM}' h='0' previd='x'/>",
    f"<failed xmlns='{SM}' h='1'><item-not-found xmlns='urn:x'/></failed>",
    "<iq type='result' id='session'/>",
    f"<iq type='error' id='bind'><error type='cancel'><conflict xmlns='{STANZAS}'/></error></iq>",
    "<iq type='result' from='a@example.org' id='request'><query xmlns='jabber:iq:roster'/></iq>",
    "<iq type='error' id='request'/>",
]
SAID = [
    ET.fromstring(f"<s xmlns='{CLIENT}'>{text}</s>")[0]
    for text in [*_OTHER, *(one for name, one in LOGIN.items() if "header" not in name)]
]
STEPS = list(LOGIN)
#: Octets that are no element at all.
NOISE = [b"", b" ", b"\n", b"\x00", b"\xff\xfe", b"&", b"&x;", b"<", b"</x>", b"text", b"<!---->",
         b"<?x?>", b"<!DOCTYPE x>", b"</stream:stream>", b"<x>" * 200, HEADER.encode()]  # fmt: skip


@st.composite
def utterances(draw: st.DrawFn) -> bytes:
    """One thing that a server says."""
    if draw(st.integers(0, 19)) == 19:
        return draw(st.sampled_from(NOISE))
    element = copy.deepcopy(draw(st.sampled_from(SAID)))
    for _ in range(draw(st.integers(0, 3))):
        change(draw, element)
    return markup(element).encode(errors="surrogatepass")


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


class Wire(asyncio.Transport):
    """Takes what a stream writes, and ends when it is told to."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False
        self._stream = stream

    def write(self, data: Any) -> None:
        """Take octets."""
        assert not self.closed
        self.written.append(bytes(data))
        if data.endswith(b"</stream:stream>"):
            self.close()  # as the server does then

    def close(self) -> None:
        """End, and say so in the loop's next turn."""
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._stream.connection_lost, None)

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return self.closed

    def abort(self) -> None:
        """End."""
        self.close()


class Fuzzed(Stream):
    """A stream whose connection is a `Wire` that counts as encrypted."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        super().__init__(
            JID,
            "secret",
            context=_context(),
            direct_tls=False,
            keeps_resource=False,
            deliver=self.events.append,
        )

    def connect(self, *_: Any) -> Any:
        """Connect to nothing."""
        self.wire = Wire(self)
        self.connection_made(self.wire)

    def tls_version(self) -> str:
        """Claim to be encrypted."""
        return "TLSv1.3"

    def channel_binding(self) -> bytes:
        """Have no channel binding."""
        return b""

    def secure(self) -> None:
        """Begin anew without TLS."""
        self.restart()


async def hear(stream: Fuzzed, said: bytes) -> None:
    """Let a stream hear something, if it still hears, and do what follows at once from it."""
    if not stream.wire.closed:
        stream.data_received(said)
    for _ in range(3):
        await asyncio.sleep(0)


async def log_in(stream: Fuzzed, *, up_to: str = "enabled") -> None:
    """Open a stream with a server that does as it should."""
    stream.open(None, None)
    for step, text in LOGIN.items():
        await hear(stream, text.encode())
        if step == up_to:
            break


async def converse(place: str, said: list[bytes]) -> None:
    """Let a stream hear things, and see that they cost no more than the stream."""
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(context))
    stream = Fuzzed()
    await log_in(stream, up_to=place)
    if any(isinstance(one, StreamOpened) for one in stream.events):
        stream.request("", "get", ET.Element("{jabber:iq:roster}query"), "asked")
    for number in range(2):
        message = ET.Element(f"{{{CLIENT}}}message", {"to": "b@example.org", "id": str(number)})
        stream.transmit(message)
    for one in said:
        await hear(stream, one)
    await _check(stream, trouble)
    # Whatever was said, the next stream is as good as the first.
    if not stream.wire.closed:
        stream.lose()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    stream.events.clear()
    stream.resumption.id = ""
    await log_in(stream)
    assert any(isinstance(one, StreamOpened) for one in stream.events), stream.events
    probe = b"<message id='probe'/>"
    await hear(stream, probe)
    last = cast("StanzaReceived", stream.events[-1])
    assert last.stanza.get("id") == "probe"
    assert not trouble, trouble
    await stream.close()


async def _check(stream: Fuzzed, trouble: list[dict[str, Any]]) -> None:
    """A stream that heard anything is over, told so once, or goes on."""
    assert not trouble, trouble
    ends = [one for one in stream.events if isinstance(one, StreamClosed | StreamFailed)]
    assert len(ends) == stream.wire.closed, stream.events
    for one in ends:
        assert one.end.reason.isprintable()
        assert len(one.end.reason) < 1000
        assert stream.events[-1] is one or isinstance(
            stream.events[-1], RequestAnswered | StanzaReceived
        )
    assert sum(isinstance(one, StreamOpened) for one in stream.events) <= 1
    assert not (stream.wire.closed and stream._liveness.is_waiting)

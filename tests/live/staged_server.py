"""A small XMPP server that a test has do what no good server would, and the program on it."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from callboard.actors.xmpp.login import BIND, STREAMS
from callboard.actors.xmpp.markup import escape
from callboard.actors.xmpp.resumption import SM
from callboard.actors.xmpp.sasl_profile import SASL
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.config import Settings
from callboard.server.certificate import make_certificates
from callboard.tests.live.loopback_server import LoopbackServer
from callboard.tests.live.stage import PASSWORD, Puppet, Stage

HEADER = (
    f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAMS}' from='localhost' id='1' "
    "version='1.0'>"
)
PLAIN = f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
BINDING = f"<bind xmlns='{BIND}'/>"
MANAGED = f"<sm xmlns='{SM}'/>"
CLOSED = "</stream:stream>"
ROSTER = "jabber:iq:roster"


def features(*offered: str) -> str:
    """Return the ``<stream:features/>``."""
    return f"<stream:features>{''.join(offered)}</stream:features>"


def stream_error(condition: str, text: str = "") -> str:
    """Return a stream error, with the end of the stream."""
    home = "urn:ietf:params:xml:ns:xmpp-streams"
    return f"<stream:error><{condition} xmlns='{home}'>{text}</{condition}></stream:error>{CLOSED}"


class Line:
    """One client's connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.jid = ""
        self.user = ""
        self.authenticated = False
        self.handled = 0
        self.heard: list[Element] = []
        self._writer = writer

    def say(self, text: str) -> None:
        """Send text as it is."""
        self._writer.write(text.encode())

    def end(self) -> None:
        """Close the connection."""
        self._writer.close()

    def cut(self) -> None:
        """Drop the connection without a word."""
        self._writer.transport.abort()


class StagedServer(LoopbackServer):
    """Lets everybody in over TLS, with a resource of their own choice; tests override the rest.

    Args:
        folder: where its certificates go.
        managed: whether it offers stream management (XEP-0198).
    """

    def __init__(self, folder: Path, *, managed: bool = True) -> None:
        self.managed = managed
        self.lines: list[Line] = []
        self.sessions: list[Line] = []
        self.authority = folder / "authority.pem"
        self._changed = asyncio.Event()
        self._folder = folder

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._certify)
        return await super().__aenter__()

    def cut(self) -> None:
        """Drop the connections of all clients without a word."""
        for line in self.lines:
            line.cut()

    def _certify(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = make_certificates("localhost")
        chain, key = self._folder / "chain.pem", self._folder / "key.pem"
        for path, text in ((self.authority, made.authority), (chain, made.chain), (key, made.key)):
            path.write_text(text)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(chain, key)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._talk(self._connected(writer), reader)
        writer.close()

    def _connected(self, writer: asyncio.StreamWriter) -> Line:
        line = Line(writer)
        self.lines.append(line)
        self._changed.set()
        return line

    async def _talk(self, line: Line, reader: asyncio.StreamReader) -> None:
        """Hear a stream to its end."""
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        depth = 0
        with suppress(OSError, ParseError):
            while data := await reader.read(65536):
                parser.feed(data)
                for kind, element in cast("list[tuple[str, Element]]", [*parser.read_events()]):
                    depth += 1 if kind == "start" else -1
                    if kind == "start" and depth == 1:
                        self.on_header(line)
                    elif kind == "end" and depth == 1:
                        line.heard.append(element)
                        self._changed.set()
                        self.on_element(line, element)
                        if element.tag == f"{{{SASL}}}auth":
                            parser, depth = XMLPullParser(("start", "end")), 0

    async def until(self, found: Any) -> None:
        """Return when a function of no arguments is true, of the server or of its clients."""
        async with asyncio.timeout(60):
            while not found():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.05)

    # -- what tests override -----------------------------------------------------------------------

    def on_header(self, line: Line) -> None:
        """Hear the start of a stream."""
        offered = [BINDING, *([MANAGED] if self.managed else [])] if line.authenticated else [PLAIN]
        line.say(HEADER + features(*offered))

    def on_session(self, line: Line) -> None:
        """Hear that a client has all that its session needs."""

    def on_acknowledge(self, line: Line) -> None:
        """Hear a request for an acknowledgement."""
        line.say(f"<a xmlns='{SM}' h='{line.handled}'/>")

    def on_resume(self, line: Line, element: Element) -> None:
        """Hear a request to resume a session."""
        line.say(f"<failed xmlns='{SM}'/>")

    def on_element(self, line: Line, element: Element) -> None:
        """Hear anything."""
        name = element.tag.rpartition("}")[2]
        if name in ("message", "presence", "iq") and element.find(f"{{{BIND}}}bind") is None:
            line.handled += 1
        match name:
            case "auth":
                line.authenticated = True
                line.user = b64decode(element.text or "").split(b"\0")[1].decode()
                line.say(f"<success xmlns='{SASL}'/>")
            case "iq":
                self.on_iq(line, element)
            case "enable":
                line.handled = 0
                line.say(f"<enabled xmlns='{SM}' id='{len(self.sessions)}' resume='true'/>")
            case "resume":
                self.on_resume(line, element)
            case "r":
                self.on_acknowledge(line)
            case "presence" if "to" not in element.attrib:
                line.say(f"<presence from='{escape(line.jid)}' to='{escape(line.jid)}'/>")
                self.sessions.append(line)
                self.on_session(line)
                self._changed.set()

    def on_iq(self, line: Line, iq: Element) -> None:
        """Hear an IQ."""
        identifier = escape(iq.get("id", ""))
        binding = iq.find(f"{{{BIND}}}bind")
        if binding is not None:
            resource = binding.findtext(f"{{{BIND}}}resource", "any")
            line.jid = f"{line.user}@localhost/{resource}"
            payload = f"<bind xmlns='{BIND}'><jid>{escape(line.jid)}</jid></bind>"
        else:
            payload = next((f"<query xmlns='{ROSTER}'/>" for one in iq if ROSTER in one.tag), "")
        if iq.get("type") in ("get", "set"):
            line.say(f"<iq type='result' id='{identifier}'>{payload}</iq>")


@asynccontextmanager
async def program(
    server: StagedServer,
    folder: Path,
    accounts: Sequence[str | Mapping[str, Any]] = ("alice@localhost",),
    **differs: Any,
) -> AsyncIterator[Stage]:
    """Run a program on a staged server, and shut it down in order.

    Args:
        server: where its accounts log in.
        folder: where its files go.
        accounts: as `staged` takes them.
        differs: what differs in the YAML file's ``server``.
    """
    address = {"host": "localhost", "port": server.port, "tls": "direct", "ca": server.authority}
    settings = Settings.model_validate(
        {
            "server": {**address, **differs},
            "recordings": folder,
            "call_log": folder / "calls.jsonl",
            "drain": 0,
            "media": {"addresses": ["127.0.0.1"], "services": False},
            "accounts": [
                {
                    "password": PASSWORD,
                    "bot": "puppet",
                    **({"jid": one} if isinstance(one, str) else one),
                }
                for one in accounts
            ],
        }
    )
    stage = Stage(cast("Any", None), folder)
    puppet = type("Puppet", (Puppet,), {"stage": stage})
    async with deployed(settings, {**BUILT_IN, "puppet": puppet}, folder, stage.see) as running:
        stage.deployment = running
        yield stage
    stage.close()

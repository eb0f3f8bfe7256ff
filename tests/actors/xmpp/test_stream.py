"""What a stream keeps, and what it does with what can't be sent or read."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from callboard.actors.messages.account import Send, SendIq
from callboard.actors.messages.exchange import AccountReady
from callboard.actors.runtime.future import AsyncioFuture
from callboard.actors.xmpp import stream as module
from callboard.actors.xmpp.events import StreamClosed, StreamEvent, StreamFailed, StreamOpened
from callboard.actors.xmpp.login import STREAMS, Login
from callboard.actors.xmpp.stanza import CLIENT
from callboard.actors.xmpp.stream import Stream
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, staged


def made(deliver: list[StreamEvent]) -> Stream:
    return Stream(
        ALICE,
        "secret",
        context=ssl.create_default_context(),
        direct_tls=False,
        keeps_resource=True,
        deliver=deliver.append,
    )


def test_nothing_of_the_login_is_kept(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            await stage.until(AccountReady)
            stream = (await stage.account(ALICE))._session.stream
            gc.collect()
            kept = {one.tag for one in gc.get_objects() if isinstance(one, Element)}
            assert f"{{{STREAMS}}}features" not in kept
            assert not [one for one in gc.get_objects() if isinstance(one, Login)]
            assert stream.scheduled_events == {}

    run(main)


def test_what_is_sent_while_the_stream_is_down_waits_and_is_bounded(run: Run) -> None:
    async def main() -> None:
        stream = made([])
        for _ in range(module.MAX_WAITING + 5):
            stream.transmit(Element(f"{{{CLIENT}}}message"))
        assert len(stream._waiting) == module.MAX_WAITING

    run(main)


def test_what_is_no_xml_ends_the_stream(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            stream = (await stage.account(ALICE))._session.stream
            heard: list[StreamEvent] = []
            stream._deliver = heard.append
            stream.data_received(b"<message></presence>")
            gone = stream.disconnected
            await gone
            [event] = heard
            assert isinstance(event, StreamClosed)
            assert "no XML" in event.end.reason
            assert not isinstance(event, StreamOpened | StreamFailed)

    run(main)


class Written:
    """A transport that notes what is written to it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Note it, and write it."""
        self.written.append(data.decode())
        self._transport.write(data)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Any, Written, asyncio.StreamReader]]:
    """Give a stream on a socket, what notes what is written to it, and the peer's end."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    stream: Any = made([])
    stream.transport = noted = Written(transport)
    try:
        yield stream, noted, reader
    finally:
        transport.close()
        writer.close()
        await writer.wait_closed()


def test_the_first_of_a_turn_is_written_at_once_and_what_follows_together(run: Run) -> None:
    async def main() -> None:
        async with connected() as (stream, noted, reader):
            for turn in range(2):
                text = [f"<message id='{turn}-{number}'/>" for number in range(4)]
                for one in text:
                    stream.send_raw(one)
                    assert noted.written == [text[0]]
                await asyncio.sleep(0)
                assert noted.written == [text[0], "".join(text[1:])]
                noted.written.clear()
                assert await reader.readexactly(len("".join(text))) == "".join(text).encode()
            stream.send_raw("now")
            stream.send_raw("never")
            stream.forget_unsent()
            await asyncio.sleep(0)
            assert noted.written == ["now"]

    run(main)


def test_what_nobody_waits_for_goes_with_what_is_written_next_or_soon(run: Run) -> None:
    async def main() -> None:
        async with connected() as (stream, noted, reader):
            stream.send_raw("<a/>", at_leisure=True)
            stream.send_raw("<b/>", at_leisure=True)
            await asyncio.sleep(0)
            assert not noted.written
            stream.send_raw("<c/>")
            stream.send_raw("<d/>", at_leisure=True)  # something goes after this turn anyway
            assert noted.written == ["<a/><b/><c/>"]
            await asyncio.sleep(0)
            assert noted.written == ["<a/><b/><c/>", "<d/>"]
            stream.send_raw("<e/>", at_leisure=True)
            assert await reader.readexactly(20) == b"<a/><b/><c/><d/><e/>"
            assert noted.written[2:] == ["<e/>"]
            stream.send_raw("<f/>", at_leisure=True)
            stream.forget_unsent()
            stream.send_raw("<g/>", at_leisure=True)
            stream.hang_up("<h/>")
            assert await reader.read() == b"<g/><h/>"

    run(main)


def test_who_has_something_said_is_told_when_the_stream_has_it(run: Run, tmp_path: Path) -> None:
    """While there is no connection it has it too, and sends it later."""

    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            await stage.until(AccountReady)
            account = await stage.account(ALICE)
            stream = account._session.stream
            for is_up in (True, False):
                if not is_up:
                    stream.lose()
                known: list[AsyncioFuture[None]] = [AsyncioFuture(), AsyncioFuture()]
                stanza = Element(f"{{{CLIENT}}}message", {"to": ALICE, "id": "word"})
                ping = Element("{urn:xmpp:ping}ping")
                account.actor_ref.tell(Send(stanza, known[0]))
                account.actor_ref.tell(SendIq(ALICE, ping, "get", None, "", known[1]))
                for one in known:
                    await one
                kept = [*stream.resumption.unacknowledged, *stream._waiting]
                assert any(each is stanza for each in kept)
                assert any(each.find("{urn:xmpp:ping}ping") is ping for each in kept)

    run(main)

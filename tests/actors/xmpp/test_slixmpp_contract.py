"""What the stream leans on in slixmpp: it fails here, by name, when slixmpp moves."""

import ast
import asyncio
import inspect
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import XMLPullParser

import pytest
from callboard.actors.xmpp import stream as module
from callboard.actors.xmpp._slixmpp import XmlStream
from callboard.actors.xmpp.stream import Stream
from callboard.config.jid import Jid
from callboard.tests.conftest import Run
from slixmpp.xmlstream import XMLStream
from slixmpp.xmlstream.xmlstream import NotConnectedError

ROOT = Path(__file__).resolve().parents[3]

#: What is called, or is overridden and called by slixmpp → its parameters.
METHODS = {
    "abort": "",
    "add_event_handler": "name, pointer, disposable",
    "cancel_connection_attempt": "",
    "connect": "host, port",
    "data_received": "data",
    "disconnect": "wait, reason, ignore_send_queue",
    "event": "name, data",
    "event_handled": "name",
    "get_dns_records": "domain, port",
    "init_parser": "",
    "reschedule_connection_attempt": "",
    "run_filters": "",
    "send_raw": "data",
    "start_tls": "",
}

#: What is read or set → what slixmpp's stream does with it: words of its source.
ATTRIBUTES = {
    "custom_address": "self.custom_address = (host, int(port))",
    "default_domain": "server_hostname=self.default_domain",
    "default_port": "self.default_port",
    "disconnected": "self._set_disconnected_future()",
    "enable_direct_tls": "if self.enable_direct_tls",
    "enable_starttls": "self.enable_starttls",
    "end_session_on_disconnect": "if self.end_session_on_disconnect:",
    "loop": "self.loop.start_tls(",
    "namespace_map": "self.namespace_map",
    "parser": "self.parser = None",
    "socket": 'self.socket = self.transport.get_extra_info(\n            "ssl_object"',
    "starttls_services": "self.starttls_services",
    "stream_footer": "self.stream_footer",
    "stream_header": "self.send_raw(self.stream_header)",
    "tls_services": "self.tls_services",
    "transport": "self.transport = cast(Transport, transport)",
    "waiting_queue": "self.waiting_queue",
    "xml_depth": "self.xml_depth = 0",
}

EVENTS = ("tls_success", "connection_failed", "ssl_invalid_chain", "disconnected")


def source(what: Any) -> str:
    return textwrap.dedent(inspect.getsource(what))


def made(run: Run, make: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return make()

    return run(main)


def plain() -> XMLStream:
    return XMLStream(ssl_context=ssl.create_default_context())


def own_names(file: str) -> set[str]:
    """The names that a file reads, sets or calls on ``self``, and the methods that it defines."""
    tree = ast.parse((ROOT / "actors" / "xmpp" / file).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self":
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    return {name for name in names if not name.startswith("__")}


def test_each_name_that_is_leaned_on_is_in_this_contract(run: Run) -> None:
    theirs = set(dir(made(run, plain)))
    leaned_on = own_names("_slixmpp.py") & theirs
    assert leaned_on == METHODS.keys() | ATTRIBUTES.keys()
    assert not [name for name in leaned_on if name.startswith("_")]


def test_the_stream_above_knows_nothing_else_of_slixmpp(run: Run) -> None:
    theirs = set(dir(made(run, plain)))
    assert own_names("stream.py") & theirs <= set(vars(XmlStream)) | {
        "boundjid",
        "default_domain",
        "loop",
        "stream_footer",
    }
    assert "slixmpp" not in source(module).replace("_slixmpp", "")


@pytest.mark.parametrize("name", METHODS)
def test_slixmpps_stream_has_each_method(name: str) -> None:
    _, *parameters = inspect.signature(getattr(XMLStream, name)).parameters
    assert ", ".join(parameters) == METHODS[name]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_slixmpps_stream_has_each_attribute(run: Run, name: str) -> None:
    assert hasattr(made(run, plain), name)
    assert ATTRIBUTES[name] in source(XMLStream)


@pytest.mark.parametrize("name", EVENTS)
def test_slixmpps_stream_tells_of_the_connection_by_this_name(name: str) -> None:
    text = source(XMLStream)
    assert f"self.event('{name}'" in text or f'self.event("{name}"' in text


def test_slixmpps_stream_tells_that_it_is_connected() -> None:
    assert 'self.event_when_connected = "connected"' in source(XMLStream)


def test_slixmpp_parses_as_the_loop_that_stands_in_its_place_does(run: Run) -> None:
    """The loop feeds a pull parser, counts depth from the root on, and clears the root."""
    stream = made(run, plain)
    stream.init_parser()
    assert isinstance(stream.parser, XMLPullParser)
    assert (stream.xml_depth, stream.xml_root) == (0, None)
    theirs = source(XMLStream.data_received)
    for step in (
        "self.parser.feed(data)",
        "in self.parser.read_events():",
        "if event == 'start':",
        "self.xml_root = xml",
        "self.xml_depth += 1",
        "self.xml_depth -= 1",
        "elif self.xml_depth == 1:",
        "self.xml_root.clear()",
        "except ET.ParseError:",
    ):
        assert step in theirs, step


def test_slixmpp_parses_nothing_anywhere_else() -> None:
    text = source(XMLStream)
    assert text.count("read_events()") == text.count(".feed(") == 1


def test_what_is_sent_without_a_connection_raises(run: Run) -> None:
    async def main() -> None:
        stream = Stream(
            "alice@localhost/x",
            "secret",
            context=ssl.create_default_context(),
            direct_tls=False,
            keeps_resource=True,
            deliver=lambda _: None,
        )
        with pytest.raises(NotConnectedError):
            stream.send_raw("<r/>")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main)


@pytest.mark.parametrize("name", ["waiting_queue", "namespace_map", "tls_services"])
def test_accounts_share_what_slixmpp_only_reads(run: Run, name: str) -> None:
    def pair() -> tuple[Any, Any]:
        context = ssl.create_default_context()
        jid = Jid("a", "localhost", "x")
        one, other = (XmlStream(jid, context=context, direct_tls=False) for _ in range(2))
        return getattr(one, name), getattr(other, name)

    one, other = made(run, pair)
    assert one is other


def test_only_the_gate_imports_slixmpp() -> None:
    found = {
        file.relative_to(ROOT).as_posix()
        for folder in ("actors", "bots", "cli", "config", "jingle", "load", "media", "server")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "slixmpp")
        or (
            isinstance(node, ast.Import)
            and any(alias.name.split(".")[0] == "slixmpp" for alias in node.names)
        )
    }
    assert found == {"actors/xmpp/_slixmpp_import.py"}


def test_srv_records_are_asked_for_with_aiodns_which_is_imported_then_and_not_before() -> None:
    script = """\
import asyncio, sys
from callboard.actors.xmpp import _slixmpp_import, stream
from slixmpp.xmlstream import resolver
def seen():
    return [name for name in ("aiodns", "pycares", "pygments") if name in sys.modules]
async def main():
    before = resolver.default_resolver(asyncio.get_running_loop())
    print(seen(), before, resolver.AIODNS_AVAILABLE)
    await _slixmpp_import.resolve_with_aiodns()
    after = resolver.default_resolver(asyncio.get_running_loop())
    print(seen(), type(after).__name__, resolver.AIODNS_AVAILABLE)
    await after.close()
asyncio.run(main())
import pygments
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines() == [
        "[] None False",
        "['aiodns', 'pycares'] DNSResolver True",
    ]


def test_each_lookup_of_a_domain_lets_slixmpp_use_aiodns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int, *, resolver: object, **_: Any) -> list[Any]:
        asked.append(f"{host} {port} {type(resolver).__name__}")
        return []

    monkeypatch.setattr("slixmpp.xmlstream.xmlstream.resolve", resolve)

    async def main() -> None:
        for known in (False, True):
            monkeypatch.setattr("slixmpp.xmlstream.resolver.AIODNS_AVAILABLE", known)
            stream = XmlStream(
                Jid("a", "b.c"), context=ssl.create_default_context(), direct_tls=False
            )
            assert await stream.get_dns_records("b.c") == []

    run(main)
    assert asked == ["b.c 5222 DNSResolver"] * 2

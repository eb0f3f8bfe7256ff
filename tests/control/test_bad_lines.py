"""Clients that send what is no command: an error or a drop, and nothing else notices."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest
from callboard.control.commands.all import COMMANDS
from callboard.control.control_socket import MOST_CLIENTS
from callboard.control.protocol import LONGEST_LINE
from callboard.tests.cli.instance import ALICE, DESK, Instance, running_instance
from hypothesis import given, settings
from hypothesis import strategies as st

PATIENCE = 30.0
LAST = b'{"id": "last", "command": "status", "limit": 0}\n'
KINDS = {"bad-request", "wrong-protocol", "unknown-command", "wrong-argument"} | {
    *("unknown-account", "unknown-call", "not-possible", "ambiguous-call", "too-much", "cancelled")
}


class Wire:
    """A connection without any manners."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self._file = self.socket.makefile("rb")
        self.greeting = self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send, as long as anybody takes it."""
        with suppress(ConnectionError):
            self.socket.sendall(data)

    def line(self) -> dict[str, Any] | None:
        """The next line; None at the end."""
        try:
            line = self._file.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line else None

    def until_last(self) -> tuple[list[dict[str, Any]], bool]:
        """What is said before the answer to `LAST`, and whether that came."""
        found: list[dict[str, Any]] = []
        while (line := self.line()) is not None:
            if line.get("id") == "last":
                return found, "result" in line
            found.append(line)
        return found, False


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with a call; what clients send it ends nothing, and fails nothing."""
    with (
        running_instance(tmp_path_factory.mktemp("instance")) as found,
        found.calling(ALICE, DESK) as call,
    ):
        yield found
        status = found.answer("status")
        assert status["accounts"]["by_state"] == {"online": 3}
        assert {one["id"] for one in status["call_list"]} == {call["id"]}
        logged = [e for e in found.run.events if e["event"] == "Log"]
        assert not [e for e in logged if e["level"] == "ERROR"], logged
    for account in (ALICE, DESK):
        record = found.until("CallRecord", id=call["id"], account=account)
        assert (record["state"], record["reason"]) == ("completed", "success")
        assert record["media"][0]["received"] > 50


DEEP = b"[" * 100_000
LINES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "bad-request"),
    "no JSON": (b"status", "bad-request"),
    "half a line": (b'{"id": 1, "command": "sta', "bad-request"),
    "a list": (b'[{"id": 1, "command": "status"}]', "bad-request"),
    "null": (b"null", "bad-request"),
    "a NUL": (b"\0", "bad-request"),
    "a NUL in a text": (b'{"id": "\0", "command": "status"}', "bad-request"),
    "no UTF-8": (b'{"id": "\xff\xfe", "command": "status"}', "bad-request"),
    "a lone surrogate": (rb'{"id": "\ud800", "command": "status"}', "bad-request"),
    "not a number": (b'{"id": NaN, "command": "status"}', "bad-request"),
    "a very large number": (b'{"id": %b, "command": "status"}' % (b"9" * 5000), "bad-request"),
    "deep": (DEEP, "bad-request"),
    "deep inside": (b'{"id": 1, "command": "status", "limit": %b}' % DEEP, "bad-request"),
    "no id": (b'{"command": "status"}', "bad-request"),
    "true as an id": (b'{"id": true, "command": "status"}', "bad-request"),
    "a list as an id": (b'{"id": [1], "command": "status"}', "bad-request"),
    "a long id": (b'{"id": "%b", "command": "status"}' % (b"1" * 65), "bad-request"),
    "no command": (b'{"id": 1}', "unknown-command"),
    "a list as a command": (b'{"id": 1, "command": ["status"]}', "unknown-command"),
    "an unknown command": (rb'{"id": 1, "command": "st\u0000\u001b[2J"}', "unknown-command"),
    "a long command": (b'{"id": 1, "command": "%b"}' % (b"s" * 200_000), "unknown-command"),
    "a later protocol": (b'{"id": 1, "command": "status", "protocol": 2}', "wrong-protocol"),
    "a text as protocol": (b'{"id": 1, "command": "status", "protocol": "1"}', "wrong-protocol"),
    "true as protocol": (b'{"id": 1, "command": "status", "protocol": true}', "wrong-protocol"),
    "an unknown argument": (b'{"id": 1, "command": "status", "limits": 1}', "wrong-argument"),
    "a wrong type": (b'{"id": 1, "command": "status", "limit": "1"}', "wrong-argument"),
    "out of range": (b'{"id": 1, "command": "status", "limit": -1}', "wrong-argument"),
    "an argument is missing": (b'{"id": 1, "command": "say", "call": "x"}', "wrong-argument"),
    "an event that is none": (
        rb'{"id": 1, "command": "events", "only": ["\u001b"]}',
        "wrong-argument",
    ),
    "cancel nothing": (b'{"id": 1, "command": "cancel"}', "bad-request"),
    "no such call": (b'{"id": 1, "command": "hangup", "call": "nobody"}', "unknown-call"),
    "a call with a NUL": (rb'{"id": 1, "command": "hangup", "call": "\u0000"}', "unknown-call"),
    "no such account": (
        b'{"id": 1, "command": "presence", "account": "eve@localhost", "show": "away"}',
        "unknown-account",
    ),
    "no JID": (
        rb'{"id": 1, "command": "presence", "account": "\u0000@", "show": "away"}',
        "unknown-account",
    ),
    "a presence with a NUL": (
        rb'{"id": 1, "command": "presence", "account": "bob@localhost", "status": "\u0000"}',
        "wrong-argument",
    ),
    "a call to nobody": (
        rb'{"id": 1, "command": "call", "account": "bob@localhost", "to": "\u0000"}',
        "wrong-argument",
    ),
    "a source with a NUL": (
        (
            rb'{"id": 1, "command": "call", "account": "bob@localhost", "to": "desk@localhost",'
            rb' "audio": "a\u0000b"}'
        ),
        "wrong-argument",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_answered_and_the_next_one_is_taken(instance: Instance, name: str) -> None:
    line, kind = LINES[name]
    with Wire(instance.socket) as wire:
        wire.send(line + b"\n" + LAST)
        found, was_answered = wire.until_last()
        # What a command says may come after the answer to the next one.
        while not found:
            found.append(wire.line() or {})
    assert was_answered
    [answer] = found
    assert answer["error"]["type"] == kind
    assert answer["error"].keys() == {"type", "title", "status", "detail"}
    assert len(answer["error"]["detail"]) < 500
    assert answer["error"]["detail"].isprintable()


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("octets", [LONGEST_LINE + 1, 10 << 20])
def test_a_line_without_end_is_dropped(instance: Instance, octets: int, end: bytes) -> None:
    with Wire(instance.socket) as wire:
        wire.send(b"x" * octets + end)
        last = None
        while (line := wire.line()) is not None:
            last = line
    assert last is None or last["error"]["type"] == "bad-request"
    assert instance.answer("status")["state"] == "running"


def test_the_longest_line_is_taken(instance: Instance) -> None:
    line = b'{"id": 1, "command": "status", "limit": 0' + b" " * LONGEST_LINE
    with Wire(instance.socket) as wire:
        wire.send(line[: LONGEST_LINE - 10] + b"}\n")
        assert "result" in (wire.line() or {})


def test_an_id_can_not_be_used_twice_at_once(instance: Instance) -> None:
    with Wire(instance.socket) as wire:
        wire.send(b'{"id": 1, "command": "events", "follow": true, "last": 0}\n')
        wire.send(b'{"id": 1, "command": "status", "limit": 0}\n')
        while "error" not in (line := wire.line() or {"error": {}}):
            pass
        assert line["error"]["type"] == "bad-request"
        wire.send(b'{"id": 2, "command": "cancel", "of": 1}\n')
        while "error" not in (line := wire.line() or {"error": {}}):
            pass
        assert (line["id"], line["error"]["type"]) == (1, "cancelled")
        wire.send(b'{"id": 1, "command": "status", "limit": 0}\n')
        assert "result" in (wire.line() or {})


def test_a_client_has_so_many_requests_at_once(instance: Instance) -> None:
    follow = b'{"id": %d, "command": "events", "follow": true, "last": 0, "only": ["Gap"]}\n'
    with Wire(instance.socket) as wire:
        wire.send(b"".join(follow % number for number in range(100)))
        refused = [wire.line() or {} for _ in range(68)]
        assert {one["error"]["type"] for one in refused} == {"too-much"}
    assert instance.answer("status")["state"] == "running"


def test_a_hundred_clients_at_once(instance: Instance) -> None:
    """Who does nothing makes room; if all do something, the next one is told so."""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(instance.socket)) for _ in range(100)]
        wires[-1].send(LAST)
        assert wires[-1].until_last() == ([], True)
        ended = [wire for wire in wires[:36] if wire.line() is None]
        assert len(ended) == 36
    with ExitStack() as stack:
        follow = b'{"id": 1, "command": "events", "follow": true, "last": 1}\n'
        for _ in range(MOST_CLIENTS):
            wire = stack.enter_context(Wire(instance.socket))
            wire.send(follow)
            assert "event" in (wire.line() or {})
        late = stack.enter_context(Wire(instance.socket))
        assert (late.greeting or {})["error"]["type"] == "too-much"
        done = instance.give("status", status=1)
        assert "64 clients are connected: end one of them" in done.stderr
    assert instance.answer("status")["state"] == "running"


def test_a_client_that_leaves_in_the_middle(instance: Instance) -> None:
    for sent in (b"", b'{"id": 1, "comm', b'{"id": 1, "command": "events", "follow": true}\n' * 3):
        with Wire(instance.socket) as wire:
            wire.send(sent)
    assert instance.answer("status")["state"] == "running"


# -- what hypothesis thinks of -------------------------------------------------------------------

#: What ends the instance or its call is left out: that is what the commands are for.
HARMLESS = sorted({*COMMANDS, "cancel"} - {"stop", "reload"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    (
        *("account", "all", "audio", "call", "detach", "follow", "last", "limit", "of", "only"),
        *("peer", "priority", "protocol", "rate", "seconds", "show", "source", "text", "to"),
        *("video", "wait"),
    )
)
REQUESTS = st.builds(
    lambda number, name, fields: {**fields, "id": number, "command": name},
    st.integers(1, 3) | VALUES,
    st.sampled_from(HARMLESS) | VALUES,
    st.dictionaries(NAMES, VALUES, max_size=4),
).map(lambda fields: json.dumps(fields).encode())
#: "all" is never true, so that the call of this module goes on.
SPARING = REQUESTS.filter(lambda line: b'"all": true' not in line)
BROKEN = st.builds(
    lambda line, at, junk: line[: at % len(line)] + junk + line[at % len(line) :],
    SPARING,
    st.integers(0, 200),
    st.binary(min_size=1, max_size=4),
)


@settings(max_examples=150)
@given(st.lists(SPARING | BROKEN | st.binary(max_size=40), min_size=1, max_size=4))
def test_whatever_comes_is_answered(instance: Instance, lines: list[bytes]) -> None:
    sent = [line.replace(b"\n", b" ").replace(b'"last"', b'"left"') for line in lines]
    with Wire(instance.socket) as wire:
        wire.send(b"\n".join(sent) + b"\n" + LAST)
        found, was_answered = wire.until_last()
    assert was_answered
    errors = {line["error"]["type"] for line in found if "error" in line}
    assert errors <= KINDS

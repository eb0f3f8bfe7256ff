"""What is wrong with a field is said in our own words, whichever command and field it is."""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from callboard import web
from callboard.config.web import WebSettings
from callboard.control.commands.all import COMMANDS
from callboard.tests.cli.test_arguments import FOREIGN
from callboard.tests.conftest import Run
from callboard.tests.web.http import Answer, ask
from callboard.tests.web.stage import TOKENS, an_instance
from callboard.web import gate
from callboard.web.board import Board
from callboard.web.commands import ROUTES, CommandRoute

TALK = TOKENS["talk"]
#: What no field can be, or few.
TEXTS = ("", "abc", "nan", "-1", "9" * 4000, "1e400", "\x00")
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\x00",
    "x" * 9000,
    [],
    [1],
    {},
    {"a": 1},
)


def fields() -> Iterator[tuple[CommandRoute, str]]:
    """Every field of every command that a client gives in a query or a body."""
    for route in ROUTES:
        if route.name in COMMANDS:
            known = COMMANDS[route.name].command.model_fields
            for name in {*known, "no_such_field"} - {*route.fixed, *route.places}:
                yield route, name


def check(answer: Answer, given: object) -> None:
    assert answer.status != 500, (given, answer.body)
    if answer.status != 200:
        detail = answer.json["detail"]
        assert detail
        assert not any(words in detail for words in FOREIGN), (given, detail)
        assert len(detail) <= 400


@asynccontextmanager
async def starting(folder: Path) -> AsyncIterator[int]:
    """A board whose instance is still starting, so that nothing is done; give its port."""
    instance = an_instance(folder)
    instance._running.state = "starting"  # type: ignore[misc]
    board = await Board.started(WebSettings.model_validate({"tokens": TOKENS}), instance)
    try:
        yield board.port
    finally:
        await board.close()


def test_a_value_that_can_not_be_used_is_said_in_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BURST", 10_000)

    async def tried(port: int, route: CommandRoute, name: str) -> None:
        path = route.path.replace(":path", "")
        for place in route.places:
            path = path.replace(f"{{{place}}}", quote("desk@localhost"))
        if route.method == "GET":
            for text in TEXTS:
                answer = await ask(port, f"{path}?{urlencode({name: text})}", token=TALK)
                check(answer, (path, name, text))
            return
        for value in VALUES:
            answer = await ask(port, path, "POST", body={name: value}, token=TALK)
            check(answer, (path, name, value))

    async def main() -> None:
        async with starting(tmp_path) as port:
            for route, name in fields():
                await tried(port, route, name)

    run(main)


@pytest.mark.parametrize(
    ("target", "method", "body", "word"),
    [
        ("/api/session", "POST", b"{", "JSON object"),
        ("/api/session", "POST", b"[]", "JSON object"),
        ("/api/session", "POST", b"{}", "token is missing: the body needs it"),
        ("/api/session", "POST", b'{"token": 1}', "token is not text"),
        ("/api/session", "POST", b'{"token": ""}', "token"),
        ("/api/session", "POST", b'{"token": "x", "more": 1}', "more means nothing here"),
        ("/api/logs?last=many", "GET", b"", "last is 'many': give a whole number"),
        ("/api/logs?last=-1", "GET", b"", "last is '-1': give at least 0"),
        ("/api/calls/x/snapshot?format=gif", "GET", b"", "give 'jpeg' or 'png'"),
        ("/api/calls/x/listen/up", "POST", b"", "give 'received' or 'sent'"),
        ("/api/ladders/x?form=html", "GET", b"", "form is 'html'"),
        ("/api/recordings/x/many", "GET", b"", "number is 'many': give a whole number"),
    ],
)
def test_so_are_the_others(
    run: Run, tmp_path: Path, target: str, method: str, body: bytes, word: str
) -> None:
    async def main() -> None:
        async with starting(tmp_path) as port:
            headers = {"Content-Type": "application/json"}
            answer = await ask(port, target, method, body=body, token=TALK, headers=headers)
        assert answer.status == 422
        assert word in answer.json["detail"]
        check(answer, target)

    run(main)


WRITE = "/api/accounts/desk@localhost/conversations/a@b/messages"
#: What only the command line understands.
OPTION = re.compile(
    rf"(^|[\s'(])--[a-z]|\bcallboard ({'|'.join((*COMMANDS, 'run', 'check', 'load'))})\b"
)
#: What only programs understand.
REQUEST = re.compile(r"\b(GET|POST|DELETE) /")
#: A description of the API may name it so.
QUOTED = re.compile("`[^`]*`")


def sentences(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the texts of a module, except docstrings and what is for the command line alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Call) and getattr(child.func, "id", "") == "Advice":
            for argument in child.args[1:]:
                yield from sentences(ast.Expression(argument))
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.lineno, child.value
        yield from sentences(child)


def test_no_answer_speaks_the_language_of_the_command_line_or_of_programs() -> None:
    root = Path(web.__file__).parents[1]
    read = 0
    for folder in ("control/commands", "control/history", "control/instance", "web"):
        for file in sorted((root / folder).glob("*.py")):
            read += 1
            for line, text in sentences(ast.parse(file.read_text("utf-8"))):
                assert not OPTION.search(QUOTED.sub("", text)), (file, line, text)
                assert not REQUEST.search(QUOTED.sub("", text)), (file, line, text)
    assert read > 40
    assert OPTION.search("say whose end is meant, with --account: a")
    assert OPTION.search("see callboard status")
    assert REQUEST.search("see GET /api/status")


@pytest.mark.parametrize(
    ("target", "body", "status", "words"),
    [
        ("/api/hangup", {}, 422, "the field call, or true in the field all"),
        ("/api/hangup", {"account": "desk@localhost"}, 422, "which with account are"),
        ("/api/hangup", {"call": "x", "all": True}, 422, "the field call or the field all"),
        ("/api/calls/x/hangup", {}, 404, "see the list of calls"),
        ("/api/calls/x/say", {"text": "a"}, 404, "see the list of calls"),
        ("/api/calls", {"account": "desk@localhost", "to": "a@b", "audio": "x.wav"}, 422, "tone:"),
        (WRITE, {"body": "a" * 10_001}, 422, "the message has 10,001 characters: give at most"),
        (WRITE, {}, 422, "the message is missing"),
    ],
)
def test_what_to_do_is_said_in_the_fields_of_the_request(
    run: Run, tmp_path: Path, target: str, body: dict[str, Any], status: int, words: str
) -> None:
    async def main() -> Answer:
        async with starting(tmp_path) as port:
            return await ask(port, target, "POST", body=body, token=TALK)

    answer = run(main)
    assert answer.status == status, answer
    assert words in answer.json["detail"]
    assert not OPTION.search(answer.json["detail"])

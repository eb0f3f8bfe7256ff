"""What is told of a call that is over has one origin."""

import ast
from collections.abc import Iterator
from pathlib import Path

import callboard
from callboard.actors.call.too_late import name_call

PACKAGE = Path(callboard.__file__).parent
#: What can make a sentence: the call's own last words, and what `like` puts before them.
MADE_OF = ("last_words", "_too_late.words", "{name}: {over}")


def _made() -> Iterator[tuple[str, str]]:
    """Where Callboard itself makes a `CallOver`, and of what."""
    for file in _files():
        text = file.read_text()
        for node in ast.walk(ast.parse(text)) if "CallOver" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CallOver":
                yield str(file.relative_to(PACKAGE)), ast.unparse(node)


def _files() -> Iterator[Path]:
    """Its own files; the environments of other Pythons, which are beside them, have thousands."""
    yield from PACKAGE.glob("*.py")
    for package in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        if package.name not in ("tests", "benchmarks"):
            yield from sorted(package.rglob("*.py"))


def test_each_error_says_what_the_call_says_of_itself() -> None:
    made = [(place, of) for place, of in _made() if place != "actors/call/too_late.py"]
    assert made
    assert [one for one in made if not any(part in one[1] for part in MADE_OF)] == []


def test_a_call_is_named_after_both_and_who_calls() -> None:
    assert name_call("a@x/r", "b@y/s", outgoing=True) == "a@x → b@y"
    assert name_call("a@x/r", "b@y/s", outgoing=False) == "a@x ← b@y"

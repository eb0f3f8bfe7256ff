"""The picture of the house, read from the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_USE = {
    "config": set[str](),
    "jingle": set[str](),
    "server": set[str](),
    "media": {"config", "jingle", "server"},
    "actors": {"config", "jingle", "server", "media"},
    "bots": {"config", "jingle", "server", "media", "actors"},
    "load": {"config", "jingle", "server", "media", "actors", "bots"},
    "cli": {"config", "jingle", "server", "media", "actors", "bots", "load"},
    "benchmarks": {"config", "jingle", "server", "media", "actors", "bots", "load", "cli", "tests"},
}
"""What stands to the left of each package: imports run one way."""

MUST_NOT_USE = {
    "config": {"slixmpp", "aiortc", "aioice", "av", "pykka"},
    "jingle": {"slixmpp", "aiortc", "aioice", "av", "pykka", "asyncio"},
    "server": {"slixmpp", "aiortc", "aioice", "av", "pykka"},
    "media": {"slixmpp", "pykka"},
}

PACKAGES = [name for name in MAY_USE if (ROOT / name / "__init__.py").exists()]


def absolute(node: ast.ImportFrom, file: Path) -> list[str]:
    """The full names that a from-import may bring in, ours beginning with "callboard"."""
    base = node.module or ""
    if node.level:
        package = ["callboard", *file.relative_to(ROOT).parent.parts]
        stem = package[: len(package) - node.level + 1]
        base = ".".join([*stem, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file, those inside functions and behind TYPE_CHECKING among them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                yield from ((node.lineno, name) for name in absolute(node, file))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    allowed = MAY_USE[package] | {package}
    forbidden = MUST_NOT_USE.get(package, set())
    wrong = []
    for file in sorted((ROOT / package).rglob("*.py")):
        for line, name in imports(file):
            parts = name.split(".")
            ours = parts[0] == "callboard" and len(parts) > 1 and (ROOT / parts[1]).exists()
            if (ours and parts[1].removesuffix(".py") not in allowed) or parts[0] in forbidden:
                wrong.append(f"{file.relative_to(ROOT)}:{line}: {package} must not import {name}")
    assert not wrong, "\n".join(wrong)


def test_every_package_has_its_place() -> None:
    found = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert found <= set(MAY_USE)


def test_the_root_imports_nothing() -> None:
    assert not list(imports(ROOT / "__init__.py"))


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "benchmarks"])
def test_packages_reach_each_other_by_relative_imports(package: str) -> None:
    """The clone's folder has another name than the package, and pytest may import it by that."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and node.module)
        and node.module.split(".")[0] == "callboard"
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "file", "expected"),
    [
        ("from ..config import load", "media/a.py", "callboard.config.load"),
        ("from .. import actors", "media/a.py", "callboard.actors"),
        ("from .sub import x", "media/__init__.py", "callboard.media.sub.x"),
        ("import slixmpp.xmlstream", "media/a.py", "slixmpp.xmlstream"),
    ],
)
def test_relative_imports_are_resolved(text: str, file: str, expected: str) -> None:
    node = ast.parse(text).body[0]
    if isinstance(node, ast.ImportFrom):
        assert absolute(node, ROOT / file) == [expected]
    else:
        assert isinstance(node, ast.Import)
        assert node.names[0].name == expected

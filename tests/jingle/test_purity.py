"""The package needs no network, no client library and no loop: only what its imports say."""

import ast
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "jingle"
ALLOWED = {
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "ipaddress",
    "itertools",
    "re",
    "typing",
}
ALLOWED |= {"urllib.parse", "xml.etree.ElementTree", "collections.abc", "zlib"}
ALLOWED |= {"msgspec", "msgspec.structs"}  # what values are made of
ALLOWED |= {"importlib", "sys", "types"}  # what names are looked up with


def test_jingle_imports_only_itself_the_standard_library_and_values() -> None:
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= ALLOWED, path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module in ALLOWED, path
            elif isinstance(node, ast.ImportFrom):
                assert node.level <= len(path.relative_to(FOLDER).parts), path

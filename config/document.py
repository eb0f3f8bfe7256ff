"""A YAML file as plain values that remember where they stand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .problem import ConfigError, Problem

MAX_BYTES = 1 << 20
"""A file may have 1 MiB; ten thousand accounts written out have less."""
MAX_DEPTH = 32
"""Mappings and lists that stand in each other."""
MAX_VALUES = 200_000
"""Values, with what aliases repeat counted each time."""

Location = tuple[int | str, ...]
"""Where a value stands: the keys and list indices that lead to it from the top."""
Position = tuple[int, int]
"""A line and a column, both from 1."""

_TAG = "tag:yaml.org,2002:"
_NUMBERS = frozenset({f"{_TAG}int", f"{_TAG}float"})
_TEXTS = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says.

    Attributes:
        file: The file.
        value: Its content: mappings with text keys, lists, text, numbers, truth values and None.
        faults: What is wrong in it as YAML, short of what keeps it from being read at all.
        positions: Where each value and each key stands.
    """

    file: Path
    value: object
    faults: tuple[Problem, ...] = ()
    positions: dict[Location, tuple[Position, Position]] = field(default_factory=dict, repr=False)

    def problem(self, location: Location, message: str, *, key: bool = False) -> Problem:
        """Say that something is wrong at a place of this file.

        Args:
            location: The place; what leads nowhere stands where the last known part of it does.
            message: The sentence.
            key: Point at the key rather than at its value.

        Returns:
            The problem, with line and column.
        """
        return Problem(self.file, *self.position(location, key=key), message)

    def position(self, location: Location, *, key: bool = False) -> Position:
        """Find a place in the file.

        Args:
            location: The place; what leads nowhere stands where the last known part of it does.
            key: Find its key rather than its value.

        Returns:
            Line and column, both from 1.
        """
        while location not in self.positions and location:
            location = location[:-1]
        at_key, at_value = self.positions.get(location, ((1, 1), (1, 1)))
        return at_key if key else at_value


def read_document(file: Path) -> Document:
    """Read a YAML 1.2 file.

    Args:
        file: The file.

    Returns:
        Its content.

    Raises:
        ConfigError: It can't be read, is too large, empty, not UTF-8 or no YAML.
    """
    text = _read_text(file)
    yaml = YAML(typ="safe", pure=True)
    try:
        # The same anchor twice is fine by YAML 1.2 §3.2.2.2 and would only be warned about.
        yaml.composer.warn_double_anchors = False
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        problems = [_syntax_problem(file, text, error)]
    except YAMLError as error:
        problems = [_character_problem(file, text, error)]
    except RecursionError:
        problems = [Problem(file, 1, 1, _too_deep())]
    else:
        if root is None:
            raise ConfigError([Problem(file, 1, 1, _EMPTY)])
        return _Reader(file, SafeConstructor(loader=yaml)).read(root)
    raise ConfigError(problems)


_EMPTY = "the file is empty: declare at least one account under 'accounts:'"


def _too_deep() -> str:
    return f"more than {MAX_DEPTH} mappings and lists are nested in each other: flatten them"


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        message = "there is no such file: check the name"
    except IsADirectoryError:
        message = "this is a folder: name a YAML file"
    except OSError as error:
        message = f"the file can't be read ({error.strerror}): check its permissions"
    else:
        if len(data) > MAX_BYTES:
            message = (
                f"the file has over {MAX_BYTES:,} bytes: "
                "declare many accounts as a fleet, like load-{0001..0200}@example.org"
            )
        else:
            return _decode(file, data)
    raise ConfigError([Problem(file, 1, 1, message)])


def _decode(file: Path, data: bytes) -> str:
    try:
        # A byte order mark is no content.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        byte = data[error.start]
    message = f"byte 0x{byte:02x} is not UTF-8: save the file in that encoding"
    raise ConfigError([Problem(file, line, column, message)])


_SYNTAX = (
    (r"'\\t' that cannot start", "there is a tab here: indent with spaces"),
    (
        r"character '([@`%|>])' that cannot start",
        r"a value can't begin with \1: put it in quotes",
    ),
    (r"found undefined alias '(.*)'", r"the alias *\1 has no anchor &\1 before it: add one"),
    (r"mapping values are not allowed", "a second ': ' on this line: put the value in quotes"),
    (r"unexpected end of stream", "a quote is never closed: add the missing one"),
    (r"expected ',' or '\]'", "a list that begins with [ is never closed: add a , or a ]"),
    (r"expected ',' or '\}'", "a mapping that begins with { is never closed: add a , or a }"),
    (
        r"expected <block end>|could not find expected ':'|did not find expected key",
        "this line does not fit the ones above it: give it their indentation, and a key its ': '",
    ),
    (
        r"another document",
        "a second YAML document begins here: keep one, without a line of ---",
    ),
    (r"incompatible YAML document", "this is another version of YAML: remove the %YAML line"),
)


def _syntax_problem(file: Path, text: str, error: MarkedYAMLError) -> Problem:
    """Say what ruamel.yaml stumbled over, without the piece of the file that it would show."""
    found = str(error.problem or error.context or "it can't be understood")
    mark = error.problem_mark or error.context_mark
    if re.search("unexpected end of stream", found):
        mark = error.context_mark or mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    before = "".join(text.split("\n")[line - 1 : line])[: column - 1]
    if before.endswith("$"):  # YAML takes the { of ${ for a mapping's
        message = 'inside { } or [ ], put ${VARIABLE} in quotes: "${VARIABLE}"'
        return Problem(file, line, column - 1, message)
    for pattern, sentence in _SYNTAX:
        if match := re.search(pattern, found):
            return Problem(file, line, column, match.expand(sentence))
    return Problem(
        file, line, column, f"this is not YAML ({found}): check the line and the one above"
    )


def _character_problem(file: Path, text: str, error: YAMLError) -> Problem:
    """Say which character YAML does not allow (YAML 1.2.2 §5.1)."""
    position = int(getattr(error, "position", 0))
    before = text[:position]
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    code = getattr(error, "character", 0)
    code = ord(code) if isinstance(code, str) else int(code)
    message = f"the control character U+{code:04X} is not allowed in YAML: remove it"
    return Problem(file, line, column, message)


class _Reader:
    """Turns nodes into plain values, and counts what it makes."""

    def __init__(self, file: Path, constructor: SafeConstructor) -> None:
        self.file = file
        self.constructor = constructor
        self.faults: list[Problem] = []
        self.positions: dict[Location, tuple[Position, Position]] = {}
        self.parents: list[Node] = []
        self.values = 0

    def read(self, root: Node) -> Document:
        value = self.value(root, (), _position(root))
        return Document(self.file, value, tuple(self.faults), self.positions)

    def fault(self, node: Node, message: str) -> None:
        self.faults.append(Problem(self.file, *_position(node), message))

    def value(self, node: Node, location: Location, key: Position) -> object:
        # What was left empty has no place of its own: the parser puts it before the next key.
        empty = node.tag == f"{_TAG}null" and not node.value
        self.positions[location] = (key, key if empty else _position(node))
        self.values += 1
        if self.values > MAX_VALUES:
            self.fatal(node, f"the file has over {MAX_VALUES:,} values, aliases counted: use fewer")
        if any(parent is node for parent in self.parents):
            self.fatal(node, "an anchor contains its own alias: remove one of the two")
        if len(self.parents) > MAX_DEPTH:
            self.fatal(node, _too_deep())
        self.parents.append(node)
        try:
            match node:
                case MappingNode():
                    return self.mapping(node, location)
                case SequenceNode():
                    return [
                        self.value(item, (*location, index), _position(item))
                        for index, item in enumerate(node.value)
                    ]
                case ScalarNode():
                    return self.scalar(node)
                case _:
                    raise TypeError(f"ruamel.yaml made a {type(node).__name__}")
        finally:
            self.parents.pop()

    def fatal(self, node: Node, message: str) -> None:
        raise ConfigError([*self.faults, Problem(self.file, *_position(node), message)])

    def mapping(self, node: MappingNode, location: Location) -> dict[str, object]:
        found: dict[str, object] = {}
        lines: dict[str, int] = {}
        for key, item in node.value:
            if key.tag == f"{_TAG}merge":
                continue
            if not isinstance(key, ScalarNode) or key.tag not in _TEXTS:
                self.fault(key, "a key must be text: put it in quotes")
                continue
            name = str(key.value)
            if name in found:
                self.fault(key, f"'{name}' is here again, after line {lines[name]}: keep one")
                continue
            lines[name] = key.start_mark.line + 1
            found[name] = self.value(item, (*location, name), _position(key))
        for key, item in self.merged(node):
            if (name := str(key.value)) not in found:
                found[name] = self.value(item, (*location, name), _position(key))
        return found

    def merged(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        """Find what ``<<: *defaults`` brings in; a mapping's own keys go before it."""
        for key, item in node.value:
            if key.tag != f"{_TAG}merge":
                continue
            for source in item.value if isinstance(item, SequenceNode) else [item]:
                if not isinstance(source, MappingNode) or any(
                    inner.tag == f"{_TAG}merge" or not isinstance(inner, ScalarNode)
                    for inner, _ in source.value
                ):
                    self.fault(source, "<< takes an alias of a plain mapping, like *defaults")
                    continue
                yield from source.value

    def scalar(self, node: ScalarNode) -> Any:
        text = str(node.value)
        if node.tag in _TEXTS:
            return text
        if node.tag == f"{_TAG}null":
            return None
        if node.tag == f"{_TAG}bool" or node.tag in _NUMBERS:
            try:
                return self.constructor.construct_object(node)
            except ValueError:
                self.fault(node, "this number can't be used: put it in quotes, or shorten it")
                return text
        tag = str(node.tag).replace(_TAG, "!!")
        self.fault(node, f"the tag {tag} has no meaning here: remove it")
        return text


def _position(node: Node) -> Position:
    mark = node.start_mark
    return (mark.line + 1, mark.column + 1)

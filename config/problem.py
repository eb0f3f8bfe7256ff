"""What is wrong with a configuration, and where."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One fault in a configuration file.

    Attributes:
        file: The file, as it was named.
        line: The line, from 1.
        column: The column in characters, from 1.
        message: One sentence: what was found and what would be right. Never holds a secret.
    """

    file: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(Exception):
    """A configuration can't be used.

    Args:
        problems: Everything that is wrong with it.

    Attributes:
        problems: All of them, from the top of the file to its end.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))

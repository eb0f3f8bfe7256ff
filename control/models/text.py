"""Texts that JSON can hold."""

from typing import Annotated

from pydantic import BeforeValidator


def _holdable(value: object) -> object:
    # What names of files and messages of exceptions may have, and UTF-8 has not.
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


#: A text by somebody else: what UTF-8 can't have is written as Python writes it.
Text = Annotated[str, BeforeValidator(_holdable)]

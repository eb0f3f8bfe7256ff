"""Secrets that a file refers to but does not hold: ``${VARIABLE}`` and ``file:path``."""

import re
from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 16 << 20
"""Bytes that a file with secrets may have: a line for each account of a large fleet."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def resolve_secret(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Find the secret that a text names.

    Args:
        text: ``file:PATH``, the secret itself, or a text with ``${VARIABLE}`` in it. ``$${``
            stands for ``${``. What comes out of a variable is not looked at again.
        folder: Where relative paths begin.
        environ: The environment variables.

    Returns:
        The secret; for a file its content without the line break at its end.

    Raises:
        ValueError: A variable is not set, a file can't be read, or nothing comes out. The
            sentence names the variable or the file, never what is in it.
    """
    if text.startswith("file:"):
        return _read_secret(folder / Path(_expand(text[5:].strip(), environ)).expanduser())
    secret = _expand(text, environ)
    if not secret:
        raise ValueError(
            "the secret is empty: write it, ${VARIABLE} or file:PATH"
            if not text
            else "the variable is set but empty: give it a value"
        )
    return secret


def _expand(text: str, environ: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None:
            raise ValueError(
                "a ${ is never closed: write ${VARIABLE}, or $${ for the two characters"
            )
        if not _NAME.fullmatch(name):
            raise ValueError(
                "there is no variable name between ${ and }: "
                "write ${VARIABLE}, or $${ for the two characters"
            )
        if name not in environ:
            raise ValueError(f"the environment variable {name} is not set: export it first")
        return environ[name]

    return _REFERENCE.sub(replace, text)


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(f"the secret file {path} does not exist: create it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"the secret file {path} can't be read ({reason}): name a file that this user may read"
        ) from None
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"the secret file {path} has over {MAX_BYTES:,} bytes: check that it is the right one"
        )
    try:
        secret = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"line {line} of the secret file {path} is not UTF-8: save it as UTF-8"
        ) from None
    secret = secret.replace("\r\n", "\n").removesuffix("\n")
    if not secret:
        raise ValueError(f"the secret file {path} is empty: write the secret into it")
    return secret

"""Attributes of a peer's XML: the one gate between a stanza and our model.

What passes may be written into a line of SDP. So it holds no control character and no line
separator (Python's ``str.splitlines``, which aiortc uses, splits at Unicode's too), its length has
a limit, and it has no blanks where SDP separates words by them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar
from xml.etree.ElementTree import Element

from ..errors import RemoteProtocolError, bad_request, too_much
from ..model import limits

T = TypeVar("T")

_LINE_BREAKERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")  # RFC 8866 §9, token
_WORD = re.compile(r"[!-~]+")
_NUMBER = re.compile(r"[0-9]{1,19}")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2][:50]


def text_of(element: Element, key: str, limit: int = limits.ATTRIBUTE) -> str | None:
    """Return an attribute that is safe within a line, or None if it is missing.

    Raises:
        RemoteProtocolError: bad-request for a control character or line separator,
            policy-violation for more than ``limit`` characters.
    """
    value = element.get(key)
    if value is None:
        return None
    if len(value) > limit:
        raise too_much(f"attribute {key!r} of <{_name(element)}/> is longer than {limit}")
    if _LINE_BREAKERS.search(value):
        raise bad_request(f"attribute {key!r} of <{_name(element)}/> has a control character")
    return value


def required(element: Element, key: str, limit: int = limits.ATTRIBUTE) -> str:
    """Like `text_of`, but missing or empty is a bad-request."""
    return text_of(element, key, limit) or lacked(element, key)


def lacked(element: Element, key: str) -> NoReturn:
    """Refuse an element for an attribute that is missing or empty."""
    raise bad_request(f"<{_name(element)}/> lacks the attribute {key!r}")


def word(element: Element, key: str, limit: int = limits.IDENTIFIER) -> str | None:
    """Return an attribute of visible ASCII without blanks, or None if it is missing or empty."""
    value = text_of(element, key, limit)
    if value and not _WORD.fullmatch(value):
        raise bad_request(f"attribute {key!r} of <{_name(element)}/> is not one plain word")
    return value or None


def required_word(element: Element, key: str, limit: int = limits.IDENTIFIER) -> str:
    """Like `word`, but missing or empty is a bad-request."""
    value = word(element, key, limit)
    return lacked(element, key) if value is None else value


def token(element: Element, key: str) -> str | None:
    """An attribute that is a token of SDP (RFC 8866 §9), or None if it is missing or empty."""
    value = word(element, key)
    if value and not _TOKEN.fullmatch(value):
        raise bad_request(f"attribute {key!r} of <{_name(element)}/> is not a token")
    return value


def required_token(element: Element, key: str) -> str:
    """Like `token`, but missing or empty is a bad-request."""
    value = token(element, key)
    return lacked(element, key) if value is None else value


def number(element: Element, key: str, low: int, high: int) -> int | None:
    """An attribute that is a whole number from ``low`` to ``high``, or None if it is missing."""
    value = text_of(element, key)
    if not value:
        return None
    if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise bad_request(
            f"attribute {key!r} of <{_name(element)}/> is not a number from {low} to {high}"
        )
    return int(value)


def hint(element: Element, key: str, low: int, high: int) -> int | None:
    """Like `number`, but what is no such number counts as missing: nothing depends on it."""
    value = element.get(key) or ""
    return int(value) if _NUMBER.fullmatch(value) and low <= int(value) <= high else None


def hinted(read: Callable[..., str | None], element: Element, *args: Any) -> str | None:
    """Read an attribute by one of the above; what can't be read counts as missing."""
    try:
        return read(element, *args)
    except RemoteProtocolError as error:
        if error.condition != "bad-request":
            raise
        return None


def required_number(element: Element, key: str, low: int, high: int) -> int:
    """Like `number`, but missing is a bad-request."""
    value = number(element, key, low, high)
    return lacked(element, key) if value is None else value


def children(parent: Element, tag: str, limit: int) -> Iterator[Element]:
    """Return the children of one name, at most ``limit`` of them.

    Raises:
        RemoteProtocolError: policy-violation at the first one too many.
    """
    for index, child in enumerate(child for child in parent if child.tag == tag):
        if index >= limit:
            raise too_much(f"more than {limit} <{_name(child)}/>")
        yield child


def readable(read: Callable[[Element], T], elements: Iterable[Element]) -> tuple[T, ...]:
    """Read a list, without what of it can't be read.

    Raises:
        RemoteProtocolError: policy-violation for too much of it, or of one of them.
    """
    return _sifted(read, elements)[0]


def some(read: Callable[[Element], T], elements: Iterable[Element]) -> tuple[T, ...]:
    """Like `readable`, for what a call hangs on: nothing may be left only of an empty list.

    RFC 8839 §5.1 has candidates that are not understood ignored; the same is good for the others.

    Raises:
        RemoteProtocolError: What is wrong with the first, if none can be read; policy-violation.
    """
    found, error = _sifted(read, elements)
    if error is not None and not found:
        raise error
    return found


def _sifted(
    read: Callable[[Element], T], elements: Iterable[Element]
) -> tuple[tuple[T, ...], RemoteProtocolError | None]:
    found: list[T] = []
    first: RemoteProtocolError | None = None
    for each in elements:
        try:
            found.append(read(each))
        except RemoteProtocolError as error:
            if error.condition != "bad-request":
                raise
            first = first or error
    return tuple(found), first


def cut(text: str | None) -> str:
    """Return a text for people, cut to what we hold and without control characters."""
    return _LINE_BREAKERS.sub(" ", text or "").strip()[: limits.TEXT].rstrip()

"""Fleets: one entry that stands for many accounts, like ``load-{0001..0200}@example.org``."""

import re

from msgspec import Struct

from .jid import parse_jid

MAX_ACCOUNTS = 100_000
"""Accounts that one fleet, and one file, may declare."""

_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_WANTED = "write a fleet like load-{0001..0200}@example.org"


class Fleet(Struct, frozen=True):
    """The addresses that a pattern stands for.

    Attributes:
        before: The text before the braces.
        after: The text behind them.
        first: The first number.
        last: The last number.
        width: Digits of each number, zeros in front; 0 for none.
    """

    before: str
    after: str
    first: int
    last: int
    width: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def jid(self, number: int) -> str:
        """Write out one address.

        Args:
            number: From first to last.

        Returns:
            The address, as the file has it (not normalised).
        """
        return f"{self.before}{number:0{self.width}d}{self.after}"

    def jids(self) -> list[str]:
        """Write out the addresses in the form in which they are compared, first to last."""
        return [str(parse_jid(self.jid(number))) for number in range(self.first, self.last + 1)]


def parse_fleet(text: str) -> Fleet | None:
    """Read a fleet's pattern.

    Args:
        text: An address, or one with ``{first..last}`` in it. Numbers are padded with zeros as
            the first one is written: ``{001..120}`` begins with 001, ``{1..120}`` with 1.

    Returns:
        The fleet, or None for an address without braces.

    Raises:
        ValueError: The braces are no range, there are several, the range is empty or too large,
            or what comes out is no address.
    """
    if "{" not in text and "}" not in text:
        return None
    if text.count("{") > 1 or text.count("}") > 1:
        raise ValueError(f"{text!r} has several braces, but a fleet has one range: {_WANTED}")
    if (match := _RANGE.search(text)) is None:
        raise ValueError(f"{text!r} has braces without a range: {_WANTED}")
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise ValueError(f"{text!r} counts down: write the smaller number first")
    if last - first >= MAX_ACCOUNTS:
        raise ValueError(f"{text!r} is over {MAX_ACCOUNTS:,} accounts: declare fewer")
    before, after = text[: match.start()], text[match.end() :]
    if set(before) & set("@/") or "@" not in after:
        raise ValueError(f"{text!r} has its range after the @: {_WANTED}")
    width = len(match[1]) if match[1].startswith("0") else 0
    fleet = Fleet(before, after, first, last, width)
    # They differ in digits alone, and the last is the longest: when it is an address, all are.
    parse_jid(fleet.jid(last))
    return fleet
